/* lrn.h -- local response normalisation across channels.
 *
 * x f32, plain ([n][c][points], block 1) or in blocks of 16 channels (block 16).  Lanes are places;
 * the squares of a window's channels go round in a ring, and are added up anew for each channel. */
#ifndef NORMS_LRN_H
#define NORMS_LRN_H

#include <stdint.h>

#define LRN_MAX 128

struct lrn {
	int64_t n, c, points;
	int     block, size;            /* of the window: up to LRN_MAX */
	float   alpha, beta, k;
};
void lrn_forward(const struct lrn *s, const float *x, float *y);
void lrn_dx(const struct lrn *s, const float *x, const float *dy, float *dx);    /* dx: not dy */

#endif
