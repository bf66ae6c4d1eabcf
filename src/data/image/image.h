/* image.h -- pictures in and out of files: JPEG and PNG to planes of bytes, planes to PNG.
 *
 * Pixels are CHW, u8: all of red, then green, then blue; or one plane of grey.
 * Safe from any thread. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "base/err.h"
#include "base/str.h"
#include "data/image/bytes.h"

#define IMAGE_MAX_SIDE   32768
#define IMAGE_MAX_PIXELS ((size_t)1 << 26)     /* a bomb's picture would be larger      */
#define IMAGE_MAX_FILE   ((size_t)1 << 28)     /* bytes of an encoded picture           */

/* Height and width as the header says. */
tt_status image_probe(const struct bytes *in, int *h, int *w);

/* Decode into out[channels][h][w], channels 1 or 3; a picture of another size is resized
 * (bilinear, antialiased where it shrinks).  TT_EFORMAT: damaged, with the decoder's word. */
tt_status image_decode(const struct bytes *in, int channels, int h, int w, uint8_t *out);

/* image_decode of a file. */
tt_status image_load(const char *path, int channels, int h, int w, uint8_t *out);

/* Append chw[channels][h][w] as a PNG file to *out. */
tt_status image_encode_png(const uint8_t *chw, int channels, int h, int w, struct str *out);

#endif
