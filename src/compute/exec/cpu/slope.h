/* slope.h -- dx = z <= 0 ? 0 : dy[0] + dy[1] + ..., the gradient of a relu that several read.
 *
 * One pass where a sum and a slope of their own would write and read everything twice: such
 * passes are bound by memory.  Numbers are added in the order given; z is the relu's input or
 * output.  All lie alike, n numbers each; dx may be one of dy. */
#ifndef CPU_SLOPE_H
#define CPU_SLOPE_H

#include <stdint.h>

#define SLOPE_MOST 64

struct slope {
	const void        *z;
	const void *const *dy;
	int                n_dy;       /* at most SLOPE_MOST */
	int64_t            n;
	void              *dx;
};

void slope_relu(const struct slope *s);              /* f32 */
void slope_relu_bf16(const struct slope *s);         /* bf16, added up in f32 */

#endif
