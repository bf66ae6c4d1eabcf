/* resize.h -- images of another size.
 *
 * f32, plain ([n c][h][w], block 1) or in blocks of 16 channels ([n c/16][h][w][16]).  Which pixels
 * a row or a column is made of is found once for all images. */
#ifndef CPU_RESIZE_H
#define CPU_RESIZE_H

#include "compute/ir/op.h"

struct resize {
	int64_t           planes;               /* n * c / block                      */
	int64_t           small[2], large[2];   /* height, width: of x, and of y      */
	int               block;
	enum ir_resize    how;
	struct ir_between *work;                /* large[0] + large[1] of them        */
};
void resize_forward(const struct resize *s, const float *x, float *y);
void resize_dx(const struct resize *s, const float *dy, float *dx);

#endif
