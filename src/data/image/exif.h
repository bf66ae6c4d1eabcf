/* exif.h -- how a camera was held. */
#ifndef IMAGE_EXIF_H
#define IMAGE_EXIF_H

#include "data/image/bytes.h"

/* The EXIF orientation of a JPEG, PNG or WebP file, 1 to 8: what has to be done to see it upright.
 * 1, nothing, also where there is none or it is damaged. */
int exif_orientation(const struct bytes *in);

/* The same of a TIFF header, which is what EXIF data are. */
int exif_of_tiff(const uint8_t *p, size_t n);

#endif
