/* lanes.h -- convolution and max pooling with the image's number in the lanes of a vector.
 *
 *   x[N/16][C][H][W][16]      a vector: one point of one channel in sixteen images
 *
 * Blocks of 16 channels leave most lanes empty where a layer has 1, 3 or 6.  Images fill them
 * whatever the channels, the filter and the picture's size are: a tap is a number times a vector.
 * Images are a multiple of 16, numbers f32, strides of convolutions 1; filters lie plain
 * [K][C][kh][kw].  Needs 16 floats in a vector register to be fast; correct anywhere.  Work is
 * split over thread_count() threads; results do not depend on how many, but for the sums of
 * lanes_dw. */
#ifndef LANES_LANES_H
#define LANES_LANES_H

#include <stddef.h>
#include <stdint.h>

#define LANES 16

struct lanes_conv {
	int64_t n, c, k;            /* images, channels in, channels out                  */
	int64_t h, w;               /* of the input                                       */
	int64_t kh, kw;             /* of the filter                                      */
	int64_t pad[4];             /* top, left, bottom, right: each less than the filter */
	int     relu;               /* y = max(y, 0)                                      */
};

int lanes_pay(void);                /* does this CPU have the registers?                  */

/* Floats of scratch, 64-byte aligned, for the calls below with the threads there are now. */
size_t lanes_scratch(const struct lanes_conv *g);
size_t lanes_dw_scratch(const struct lanes_conv *g);

/* y = x * w + b; b may be NULL. */
void lanes_forward(const struct lanes_conv *g, const float *x, const float *w, const float *b,
                   float *y, float *scratch);
/* dx from dy: the same with filters turned around.  g describes the forward convolution. */
void lanes_dx(const struct lanes_conv *g, const float *dy, const float *w, float *dx,
              float *scratch);
/* dw[K][C][kh][kw], and db[K] if not NULL. */
void lanes_dw(const struct lanes_conv *g, const float *x, const float *dy, float *dw, float *db,
              float *scratch);

struct lanes_pool {
	int64_t n, c, h, w;         /* of the input                                       */
	int64_t oh, ow;             /* of the output                                      */
	int64_t kh, kw, sh, sw;     /* window, stride                                     */
	int64_t top, left;          /* padding: each less than the window                 */
	int     relu;
};

/* y = the largest of each window, arg its first place there, as kw * row + column; arg may be NULL.
 * A NaN counts as largest.  kh * kw <= 256. */
void lanes_maxpool(const struct lanes_pool *g, const float *x, float *y, uint8_t *arg);
void lanes_maxpool_dx(const struct lanes_pool *g, const float *dy, const uint8_t *arg, float *dx);

/* Between plain [n][points] and [n/16][points][16]. */
void lanes_from_plain(const float *plain, int64_t n, int64_t points, float *lanes);
void lanes_to_plain(const float *lanes, int64_t n, int64_t points, float *plain);

#endif
