/* sync_batchnorm.h -- the passes over activations of a batch norm whose batch lies on several
 * ranks.
 *
 * x and dy are f32, plain ([n][c][points], block 1) or in blocks of 16 channels
 * ([n][c/16][points][16], block 16; c is a multiple of 16).  Each pass reads memory once.  Results
 * do not depend on the number of threads. */
#ifndef CPU_SYNC_BATCHNORM_H
#define CPU_SYNC_BATCHNORM_H

#include <stdint.h>

struct sync_batchnorm { int64_t n, c, points; int block; };

/* mean[c], sum of squared deviations squares[c] */
void sync_batchnorm_moments(const struct sync_batchnorm *s, const float *x, float *mean,
							float *squares);

/* Of a channel: dy's sum, and the sum of dy times (x - mean) * rstd. */
struct norm_sums { const float *x, *dy, *mean, *rstd; float *dgamma, *dbeta; };
void sync_batchnorm_sums(const struct sync_batchnorm *s, const struct norm_sums *a);

/* dx = scale * (dy - shift - (x - mean) * slope), channel by channel; dx may be dy. */
struct norm_dx { const float *x, *dy, *mean, *scale, *shift, *slope; float *dx; };
void sync_batchnorm_dx(const struct sync_batchnorm *s, const struct norm_dx *a);

#endif
