/* export.h -- write any source of pictures out as a folder of PNG files per class.
 *
 *   DIR / CLASS / NNNNNNNN.png         read back by images:DIR, labels and order of each
 *                                      class alike if the names of classes are sorted */
#ifndef WRITERS_EXPORT_H
#define WRITERS_EXPORT_H

#include <tutti/data.h>

/* Write the first n samples (0: all) to dir, which must not exist yet: it appears whole
 * or not at all.  TT_ESUPPORT: samples that are no pictures with a class. */
tt_status export_images(const tt_source *source, const char *dir, int64_t n);

#endif
