/* export.h -- what the world sees of this folder. */
#ifndef ONEDNN_EXPORT_H
#define ONEDNN_EXPORT_H

struct device_ops;
extern const struct device_ops onednn_device;

/* Of the library this was built with, "2.6.0". */
const char *onednn_version(void);

#endif
