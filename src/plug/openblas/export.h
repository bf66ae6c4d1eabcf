/* export.h -- what the world sees of this folder. */
#ifndef OPENBLAS_EXPORT_H
#define OPENBLAS_EXPORT_H

struct device_ops;
extern const struct device_ops openblas_device;

const char *openblas_version(void);      /* of the library at run time, "0.3.21" */

#endif
