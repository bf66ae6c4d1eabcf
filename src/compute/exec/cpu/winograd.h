/* winograd.h -- 3x3 convolution with stride 1 by F(4x4,3x3) (Lavin & Gray, CVPR 2016).
 *
 * Sixteen output points cost 36 multiplications instead of 144.  Libraries leave this out for few
 * channels, where it still pays if a row of tiles stays in the first-level cache.
 *
 * Images are [N][C/16][H][W][16], channels a multiple of 16; filters plain [K][C][3][3].  Points
 * outside the image count as zeros: pad is 0 or 1 on every side.  Rounding: about 1e-5 of the
 * largest magnitude.  Needs 16 floats in a vector register to be fast; correct anywhere.  Work is
 * split over thread_count() threads; results do not depend on how many, but for the sums of
 * winograd_dw. */
#ifndef CPU_WINOGRAD_H
#define CPU_WINOGRAD_H

#include <stddef.h>
#include <stdint.h>

struct winograd {
	int64_t n, c, k;            /* images, channels in, channels out         */
	int64_t h, w;               /* of the input                              */
	int     pad;
	int     relu;               /* y = max(y, 0)                             */
};

int winograd_pays(void);            /* does this CPU have the registers?         */

/* Floats of scratch, 64-byte aligned, for the calls below with the threads there are now. */
size_t winograd_scratch(const struct winograd *g);
size_t winograd_dw_scratch(const struct winograd *g);

/* y[n,k,h',w'] = x * w + b; b may be NULL. */
void winograd_forward(const struct winograd *g, const float *x, const float *w, const float *b,
                      float *y, float *scratch);
/* dx from dy: the same with filters turned around.  g describes the forward convolution. */
void winograd_dx(const struct winograd *g, const float *dy, const float *w, float *dx,
                 float *scratch);
/* dw[k,c,3,3], and db[k] if not NULL. */
void winograd_dw(const struct winograd *g, const float *x, const float *dy, float *dw, float *db,
                 float *scratch);

/* The same on bf16 images (two bytes a number); filters and their gradients stay f32.  Rounding:
 * about 1 % of the largest magnitude.  Only where winograd_bf16_pays; scratch as above. */
int  winograd_bf16_pays(void);
void winograd_bf16_forward(const struct winograd *g, const uint16_t *x, const float *w,
                           const float *b,
                           uint16_t *y, float *scratch);
void winograd_bf16_dx(const struct winograd *g, const uint16_t *dy, const float *w, uint16_t *dx,
                      float *scratch);
void winograd_bf16_dw(const struct winograd *g, const uint16_t *x, const uint16_t *dy, float *dw,
                      float *db, float *scratch);

#endif
