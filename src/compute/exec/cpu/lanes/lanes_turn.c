/* lanes_turn.c -- see lanes.h: between plain images and lanes, 16 x 16 numbers at a time. */
#include "compute/exec/cpu/lanes/lanes.h"

#include <string.h>

#include "sys/thread.h"
#include "compute/exec/cpu/lanes/lanes_vec.h"

/* Rows become columns: four rounds of a perfect shuffle of row i with row i + 8. */
INLINE void turn(vec row[LANES])
{
	vec next[LANES];

	for (int round = 0; round < 4; round++) {
#pragma GCC unroll 8
		for (int i = 0; i < LANES / 2; i++) {
			vec p = row[i], q = row[i + LANES / 2];

			next[2 * i] = __builtin_shufflevector(p, q, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20,
			                                      5, 21, 6, 22, 7, 23);
			next[2 * i + 1] = __builtin_shufflevector(p, q, 8, 24, 9, 25, 10, 26, 11, 27,
			                                          12, 28, 13, 29, 14, 30, 15, 31);
		}
		memcpy(row, next, sizeof next);
	}
}

/* Plain rows are not aligned to vectors: memcpy. */
SIMD static void in_block(const float *plain, int64_t points, float *lanes)
{
	vec row[LANES];
	int64_t p = 0;

	for (; p + LANES <= points; p += LANES) {
		for (int l = 0; l < LANES; l++)
			memcpy(&row[l], plain + l * points + p, sizeof row[l]);
		turn(row);
		memcpy(lanes + p * LANES, row, sizeof row);
	}
	for (; p < points; p++)
		for (int l = 0; l < LANES; l++)
			lanes[p * LANES + l] = plain[l * points + p];
}

SIMD static void out_block(const float *lanes, int64_t points, float *plain)
{
	vec row[LANES];
	int64_t p = 0;

	for (; p + LANES <= points; p += LANES) {
		memcpy(row, lanes + p * LANES, sizeof row);
		turn(row);
		for (int l = 0; l < LANES; l++)
			memcpy(plain + l * points + p, &row[l], sizeof row[l]);
	}
	for (; p < points; p++)
		for (int l = 0; l < LANES; l++)
			plain[l * points + p] = lanes[p * LANES + l];
}

struct copy { const float *from; float *to; int64_t points; };

static void blocks_in(void *ctx, int64_t lo, int64_t hi)
{
	const struct copy *c = ctx;
	int64_t each = c->points * LANES;

	for (int64_t b = lo; b < hi; b++)
		in_block(c->from + b * each, c->points, c->to + b * each);
}

static void blocks_out(void *ctx, int64_t lo, int64_t hi)
{
	const struct copy *c = ctx;
	int64_t each = c->points * LANES;

	for (int64_t b = lo; b < hi; b++)
		out_block(c->from + b * each, c->points, c->to + b * each);
}

void lanes_from_plain(const float *plain, int64_t n, int64_t points, float *lanes)
{
	struct copy c = { plain, lanes, points };

	thread_for(n / LANES, 1, blocks_in, &c);
}

void lanes_to_plain(const float *lanes, int64_t n, int64_t points, float *plain)
{
	struct copy c = { lanes, plain, points };

	thread_for(n / LANES, 1, blocks_out, &c);
}
