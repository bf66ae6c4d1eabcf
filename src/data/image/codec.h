/* codec.h -- the port behind which every format of pictures hides.
 *
 *   probe    what the header promises     image.c checks the limits and allocates
 *   decode   precisely that, into memory that is there
 *
 * A codec gives a picture as it is stored: no gamma, no colour profile, the first picture of
 * several.  Colours that are not RGB (CMYK, a palette) are turned into it. */
#ifndef IMAGE_CODEC_H
#define IMAGE_CODEC_H

#include "base/err.h"
#include "data/image/bytes.h"

/* What becomes of grey with 16 bits.  Pillow's convert("RGB") makes all above 255 white. */
enum image_deep { IMAGE_DEEP_CLIP, IMAGE_DEEP_SCALE };

/* Rows of interleaved pixels. */
struct raster {
	int             channels;      /* 1 grey, 3 RGB, 4 RGB and what is opaque             */
	int             h, w;
	enum image_deep deep;
	int             orientation;   /* of EXIF, where the format itself asks for it (TIFF); 0: no */
	uint8_t        *p;
};

struct codec {
	const char *name;              /* "PNG", for messages                                  */
	tt_status (*probe)(const struct bytes *in, struct raster *r);     /* channels, h, w    */
	tt_status (*decode)(const struct bytes *in, struct raster *r);    /* p                 */
};

/* Sixteen bits to eight, as the raster wants them. */
static inline uint8_t raster_deep(const struct raster *r, unsigned v)
{
	return (uint8_t)(r->deep == IMAGE_DEEP_SCALE ? v >> 8 : v > 255 ? 255 : v);
}

static inline size_t raster_pixels(const struct raster *r)
{
	return (size_t)r->h * (size_t)r->w;
}

#endif
