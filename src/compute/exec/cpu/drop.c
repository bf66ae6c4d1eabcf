/* drop.c -- see drop.h. */
#include "compute/exec/cpu/drop.h"

#include <string.h>

#include "base/simd.h"

#define B 16

SIMD void drop_plain(const float *x, const uint8_t *mask, float scale, int64_t n, float *y)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = x[i] * (mask[i] ? scale : 0.0f);
}

typedef uint8_t bytes __attribute__((vector_size(B)));

/* Rows become columns: four rounds of a perfect shuffle of row i with row i + 8. */
static inline __attribute__((always_inline)) void turn(bytes row[B])
{
	bytes next[B];

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < B / 2; i++) {
			bytes p = row[i], q = row[i + B / 2];

			next[2 * i] = __builtin_shufflevector(p, q, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20,
			                                      5, 21, 6, 22, 7, 23);
			next[2 * i + 1] = __builtin_shufflevector(p, q, 8, 24, 9, 25, 10, 26, 11, 27,
			                                          12, 28, 13, 29, 14, 30, 15, 31);
		}
		memcpy(row, next, sizeof next);
	}
}

/* Sixteen points of one channel block: the mask is turned so that its rows are points. */
static void drop_tile(const float *x, const uint8_t *mask, float scale, int64_t points, float *y)
{
	bytes m[B];

	for (int c = 0; c < B; c++)
		memcpy(&m[c], mask + c * points, B);
	turn(m);
	drop_plain(x, (const uint8_t *)m, scale, B * B, y);
}

void drop_blocked(const float *x, const uint8_t *mask, float scale, int64_t c, int64_t points,
                  float *y)
{
	for (int64_t b = 0; b < c / B; b++, x += points * B, y += points * B, mask += points * B) {
		int64_t p = 0;

		for (; p + B <= points; p += B)
			drop_tile(x + p * B, mask + p, scale, points, y + p * B);
		for (; p < points; p++)
			for (int l = 0; l < B; l++)
				y[p * B + l] = x[p * B + l] * (mask[l * points + p] ? scale : 0.0f);
	}
}
