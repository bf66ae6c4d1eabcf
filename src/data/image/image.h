/* image.h -- pictures in and out of files: any format to planes of bytes, planes to PNG.
 *
 *   file --codec--> raster --paint--> grey or RGB --turn--> upright --resize--> planes
 *
 * Pixels are CHW, u8: all of red, then green, then blue; or one plane of grey.  They are those of
 * Pillow, to the bit: Image.open(FILE).convert("RGB" or "L").resize((w, h), BILINEAR).
 * Safe from any thread. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "base/str.h"
#include "data/image/codec.h"

#define IMAGE_MAX_SIDE   32768
#define IMAGE_MAX_PIXELS ((size_t)1 << 26)     /* a bomb's picture would be larger      */
#define IMAGE_MAX_FILE   ((size_t)1 << 28)     /* bytes of an encoded picture           */

#define IMAGE_FORMATS "JPEG, PNG, WebP, GIF, BMP, TIFF, PNM"   /* for messages and help */

/* Pictures as they lie in the file, or turned as their EXIF data says they were taken. */
enum image_turn { IMAGE_AS_STORED, IMAGE_UPRIGHT };

struct image_want {
	int             channels;      /* 1 or 3                                               */
	int             h, w;
	enum image_turn turn;
	enum image_deep deep;
	uint32_t        background;    /* IMAGE_COLOUR | 0xRRGGBB behind what is transparent;
	                                * 0: transparency is left out, as convert does         */
};
#define IMAGE_COLOUR 0x1000000u

/* Is a file of this name taken for a picture?  (What it is, its first bytes say.) */
int image_is_named(const char *file);

/* "none", "white", "black" or "RRGGBB" as a background. */
tt_status image_colour(const char *text, uint32_t *out);

/* Height and width as the header says, turned. */
tt_status image_probe(const struct bytes *in, enum image_turn turn, int *h, int *w);

/* Decode into out[channels][h][w]; a picture of another size is resized (bilinear, antialiased
 * where it shrinks).  TT_EFORMAT: damaged, with the decoder's word. */
tt_status image_decode(const struct bytes *in, const struct image_want *want, uint8_t *out);

/* image_decode of a file. */
tt_status image_load(const char *path, const struct image_want *want, uint8_t *out);

/* Append chw[channels][h][w] as a PNG file to *out. */
tt_status image_encode_png(const uint8_t *chw, int channels, int h, int w, struct str *out);

#endif
