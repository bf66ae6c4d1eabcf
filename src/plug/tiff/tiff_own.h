/* tiff_own.h -- what the two files of this plug share. */
#ifndef TIFF_TIFF_OWN_H
#define TIFF_TIFF_OWN_H

#include <tiffio.h>

#include "data/image/codec.h"

#define SAMPLES_MAX 8
#define EXTRA_NONE  0xffff                 /* a sample more, of which nothing is said */

/* How pixels are stored. */
struct layout {
	uint32_t  h, w;
	uint16_t  bits, samples, planar, format, colours, compression, extra;
	uint16_t *map[3];
	int       palette;                     /* enum: 1 if there is one */
	int       colour_samples, channels;
};

struct reading {
	TIFF               *tif;
	const struct bytes *in;
	size_t              at;
	char                text[200];
	struct layout       layout;
};

void reading_close(struct reading *d);

struct place { uint32_t y, x; uint16_t plane; };

/* Samples as bytes, `width` of them side by side for each pixel. */
struct samples { struct raster *raster; int width; uint16_t plane; uint8_t *p; };

/* n pixels of a row, as they are stored, to their place. */
void samples_take(const struct layout *l, const uint8_t *row, uint32_t n, const struct place *at,
                  struct samples *to);
/* Are they the raster's pixels already, or turned into them where they lie? */
int  samples_fit(const struct layout *l, const struct samples *s);
/* The raster's pixels. */
void samples_colour(const struct layout *l, struct samples *s);

#endif
