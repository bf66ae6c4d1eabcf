/* prelu.h -- relu whose slopes below zero are learned, over images.
 *
 * f32, plain ([n][c][points], block 1) or in blocks of 16 channels ([n][c/16][points][16]).  Sums
 * do not depend on the number of threads. */
#ifndef CPU_PRELU_H
#define CPU_PRELU_H

#include <stdint.h>

/* shared: w[1] for all, else w[c] */
struct prelu { int64_t n, c, points; int block, shared; };

/* What NaN is belongs to what is below zero.  y may be x. */
void prelu_forward(const struct prelu *s, const float *x, const float *w, float *y);

/* dx and dw: NULL where nobody wants them; dx may be dy.  work: c floats. */
struct prelu_dx { const float *x, *w, *dy; float *dx, *dw, *work; };
void prelu_dx(const struct prelu *s, const struct prelu_dx *a);

#endif
