/* lanes_turn.c -- see lanes.h: between plain images and lanes, 16 x 16 numbers at a time. */
#include "compute/exec/cpu/lanes/lanes.h"

#include <string.h>

#include "sys/thread.h"
#include "compute/exec/cpu/lanes/lanes_square.h"

SIMD static void in_block(const float *plain, int64_t points, float *lanes)
{
	vec row[LANES];
	int64_t p = 0;

	for (; p + LANES <= points; p += LANES) {
		square_load(row, plain + p, points);
		square_turn(row);
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
		square_turn(row);
		square_store(row, plain + p, points);
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
