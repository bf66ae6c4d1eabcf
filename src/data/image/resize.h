/* resize.h -- inside resizing: the weights, the rows between the passes, the ways to sum.
 *
 * An output row is a sum of rows that are across already, and these lie in a band, as many as an
 * output row is made of.  Three ways go across and down, with the same bits:
 *
 *   far     dots, where RGB shrinks so much that few neighbours fit into a vector
 *   dots    dot products of four bytes: processors with AVX-512 VBMI and VNNI
 *   tiles   sums of arrays that lie side by side: every processor, and what dots do not take */
#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include "data/image/raster.h"

#define FRACTION 22                     /* bits of a weight's fraction                          */
#define CHUNK    64                     /* rows of the band are a whole number of these long    */

/* For one axis: output place i is the sum of weight[i * most + k] * in[first[i] + k], k < count[i].
 * Weights are not negative and add up to 1 << FRACTION, or a few units more. */
struct taps { int n, most; int32_t *first, *count, *weight; };

struct band {
	int      first, rows, room;         /* of the picture's rows, those that are here           */
	size_t   stride;
	uint8_t *p;
};

struct resizing {
	const struct raster *in;
	struct taps across, down;
	const struct resize_way *way;
	struct band band;
	int      at_once;                   /* rows that go across together                         */
	size_t   own;                       /* bytes that the way has for itself,                   */
	uint8_t *p;                         /* here                                                 */
	struct { int lanes, span, blocks, groups; } dots;
};

struct resize_way {
	const char *name;
	/* 1: it can; own, at_once and the band's stride are set.  0: another has to. */
	int  (*plan)(struct resizing *z);
	void (*begin)(struct resizing *z);
	/* Rows y, y + 1 ... of the picture to rows of the band. */
	void (*across)(struct resizing *z, int y, int rows, uint8_t *to);
	/* Output row y, from rows of the band, to its place in each plane of out. */
	void (*down)(struct resizing *z, int y, const uint8_t *from, uint8_t *out);
};

extern const struct resize_way resize_far, resize_dots, resize_tiles;

/* The ways, the fastest first; the last is for every processor and every picture. */
#define RESIZE_WAYS 3
extern const struct resize_choice {
	const struct resize_way *way;
	int                    (*there)(void);      /* does this processor have it?                 */
} resize_ways[RESIZE_WAYS];

/* raster_resize by one way.  TT_ESUPPORT: it can not. */
tt_status resize_by(const struct resize_way *way, const struct raster *r, int h, int w,
                    uint8_t *out);

static inline size_t resize_whole(size_t bytes)
{
	return (bytes + CHUNK - 1) / CHUNK * CHUNK;
}

#endif
