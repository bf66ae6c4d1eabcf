/* drop.h -- y = mask ? x * scale : 0, the part of dropout that touches activations.
 *
 * Masks are one byte per element in plain order [n][c][points], whatever the layout of x and y. */
#ifndef CPU_DROP_H
#define CPU_DROP_H

#include <stdint.h>

/* x, y plain, n elements; y may be x. */
void drop_plain(const float *x, const uint8_t *mask, float scale, int64_t n, float *y);

/* One sample in blocks of 16 channels, [c/16][points][16]; c a multiple of 16; y may be x. */
void drop_blocked(const float *x, const uint8_t *mask, float scale, int64_t c, int64_t points,
                  float *y);

#endif
