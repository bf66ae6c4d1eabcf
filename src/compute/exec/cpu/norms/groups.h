/* groups.h -- group norm over images, plain or in blocks of 16 channels.
 *
 * Each channel of each image is one of sync_batchnorm.h's channels: what a group has is joined from
 * its channels in double.  So it does not matter where in its blocks a group begins. */
#ifndef NORMS_GROUPS_H
#define NORMS_GROUPS_H

#include <stdint.h>

/* x[n][c][points], block 1; or [n][c/16][points][16], block 16. */
struct groups { int64_t n, c, points, groups; int block; float eps; };

/* mean and rstd [n][groups]: NULL where nobody wants them.  work: groups_work(s) floats. */
struct groups_norm { const float *x, *gamma, *beta; float *y, *mean, *rstd, *work; };
void groups_norm(const struct groups *s, const struct groups_norm *a);

/* What is NULL is not made; dx may be dy. */
struct groups_norm_dx {
	const float *x, *dy, *gamma, *mean, *rstd;
	float       *dx, *dgamma, *dbeta, *work;
};
void groups_norm_dx(const struct groups *s, const struct groups_norm_dx *a);

static inline int64_t groups_work(const struct groups *s) { return 5 * s->n * s->c; }

#endif
