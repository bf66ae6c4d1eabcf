/* augment.h -- from a raw sample to what the net sees: crop, mirror, normalise.
 *
 * The choice for a sample depends on (seed, epoch, sample) alone. */
#ifndef DATA_AUGMENT_H
#define DATA_AUGMENT_H

#include "data/loader.h"

/* x = (raw - mean) / std per channel (of images) or feature; u8 is scaled to 0..1 first. */
struct normaliser {
	float *table;            /* u8: [channels][256], owned                       */
	float *mean, *scale;     /* f32: [shape[0]], owned; x = (raw - mean - rest) * scale */
	float *rest;             /* what a float mean lacks, where it would show     */
};

tt_status normaliser_init(struct normaliser *n, const tt_source_info *info,
                          const struct data_opts *d);
void      normaliser_release(struct normaliser *n);

/* How to cut and mirror one picture: the output's pixel (y, x) is the input's (y + dy,
 * x + dx); outside of it raw 0, or the pixel as far inside of the edge; mirrored after that. */
struct view {
	int dy, dx, border, mirror;
	int hole, hole_y, hole_x;      /* a square of `hole` pixels around (y, x) is 0 after all that */
};

/* The view of sample `index`, a picture of info's shape, in `epoch`. */
struct sample_id { uint64_t seed; int64_t epoch, index; };
struct view augment_view(const struct augment_opts *o, const tt_source_info *info,
                         struct sample_id id);

/* raw -> x.  The view is of pictures (u8, three dimensions); NULL: as it is. */
void augment_apply(const struct normaliser *n, const tt_source_info *info, const struct view *v,
                   const void *raw, float *x);

#endif
