/* rows.h -- norms whose numbers lie side by side: layer norm, and root mean square norm, which
 * leaves the mean where it is.
 *
 * x[rows][width], plain f32; gamma[width].  All sums are made in double and in the order of the
 * definition (ir/op/norm.c), whose bits these are, whatever the number of threads: several rows go
 * side by side, and several columns. */
#ifndef NORMS_ROWS_H
#define NORMS_ROWS_H

#include <stdint.h>

struct rows { int64_t rows, width; float eps; };

/* y = (x - mean) * rstd * gamma + beta.  beta NULL: the root mean square norm, which has no mean
 * either.  mean and rstd [rows]: NULL where nobody wants them.  y may be x. */
struct rows_norm { const float *x, *gamma, *beta; float *y, *mean, *rstd; };
void rows_norm(const struct rows *s, const struct rows_norm *a);

/* Its gradients; mean and dbeta NULL: of the root mean square norm.  What is NULL is not made.  dx
 * may be dy. */
struct rows_norm_dx {
	const float *x, *dy, *gamma, *mean, *rstd;
	float       *dx, *dgamma, *dbeta;
};
void rows_norm_dx(const struct rows *s, const struct rows_norm_dx *a);

#endif
