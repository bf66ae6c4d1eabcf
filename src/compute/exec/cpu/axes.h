/* axes.h -- numbers reduced over dimensions, and repeated along them, by all threads.
 *
 * Tensors are plain.  Sums are made in double, in one fixed order whatever the number of threads; a
 * NaN is the largest number. */
#ifndef CPU_AXES_H
#define CPU_AXES_H

#include "compute/ir/graph.h"

/* x -> y: bit i of axes for dimension i of x; y has those that are left. */
struct axes_reduce { const struct tensor_desc *x; unsigned axes; enum ir_reduce how; };
void axes_reduce(const struct axes_reduce *r, const float *x, float *y);

/* The gradient of a maximum y by x: those of x that equal theirs of y share what dy has for it. */
struct axes_slope { const float *x, *y, *dy; float *dx; };
void axes_max_dx(const struct axes_reduce *r, const struct axes_slope *s);

/* x -> y, whose dimensions are x's, but that those of 1, or missing in front, are any. */
void axes_broadcast(const struct tensor_desc *from, const struct tensor_desc *to, const float *x,
                    float *y);

#endif
