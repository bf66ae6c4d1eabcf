/* bias.c -- see bias.h. */
#include "compute/exec/cpu/bias.h"

#include "base/simd.h"
#include "sys/thread.h"

#define LANES 16

struct job { const struct bias *s; const float *x, *b; float *y; };

SIMD static void add_plain(const float *x, float b, float *y, int64_t n)
{
	IN_PLACE
	for (int64_t i = 0; i < n; i++)
		y[i] = x[i] + b;
}

SIMD static void add_blocked(const float *x, const float *b, float *y, int64_t points)
{
	float lanes[LANES];

	for (int l = 0; l < LANES; l++)
		lanes[l] = b[l];
	for (int64_t p = 0; p < points; p++) {
		IN_PLACE
		for (int l = 0; l < LANES; l++)
			y[p * LANES + l] = x[p * LANES + l] + lanes[l];
	}
}

static void some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct bias *s = j->s;
	const int64_t n = s->points * s->block, blocks = s->c / s->block;

	for (int64_t i = lo; i < hi; i++)
		if (s->block == LANES)
			add_blocked(j->x + i * n, j->b + i % blocks * LANES, j->y + i * n, s->points);
		else
			add_plain(j->x + i * n, j->b[i % blocks], j->y + i * n, n);
}

void bias_add(const struct bias *s, const float *x, const float *b, float *y)
{
	struct job j = { s, x, b, y };

	thread_for(s->n * (s->c / s->block), 8, some, &j);
}
