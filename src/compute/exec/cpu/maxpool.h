/* maxpool.h -- max pooling in which a NaN is the largest number.
 *
 * A plane is some channels of one image whose numbers lie side by side at each point: a block of 8
 * or 16, sixteen neighbours among channels that lie last, or one channel alone. */
#ifndef CPU_MAXPOOL_H
#define CPU_MAXPOOL_H

#include <stdint.h>

#define MAXPOOL_PLACES 256              /* of a window, of which one is remembered */

enum maxpool_type { MAXPOOL_F32, MAXPOOL_BF16 };

struct maxpool {
	enum maxpool_type type;
	int     relu;                   /* y = max(y, 0)                                  */
	int64_t images, h, w, oh, ow;
	int64_t kh, kw, sh, sw;         /* window, stride                                 */
	int64_t top, left;              /* padding: each less than the window             */
	int64_t planes, channels, lanes;    /* planes and channels of an image; channels of a plane */
	int     is_last;                /* channels lie last; else each plane by itself   */
};

/* y = the largest of each window, arg its first place there, as kw * row + column; arg may be NULL.
 * arg lies as y. */
void maxpool_forward(const struct maxpool *g, const void *x, void *y, uint8_t *arg);
void maxpool_backward(const struct maxpool *g, const void *dy, const uint8_t *arg, void *dx);

#endif
