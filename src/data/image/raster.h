/* raster.h -- what is done to pixels between the decoder and the net. */
#ifndef IMAGE_RASTER_H
#define IMAGE_RASTER_H

#include "data/image/image.h"

/* Make it the channels that are wanted; p is replaced (mem_free) where it has to grow or shrink. */
tt_status raster_paint(struct raster *r, const struct image_want *want);

/* Turn it as its EXIF orientation (1 to 8) asks. */
tt_status raster_turn(struct raster *r, int orientation);

/* Interleaved rows to planes out[channels][h][w], same size. */
void raster_planes(const struct raster *r, uint8_t *out);

/* The same with another size, which h and w say. */
tt_status raster_resize(const struct raster *r, int h, int w, uint8_t *out);

#endif
