/* resize.c -- see resize.h. */
#include "compute/exec/cpu/resize.h"

#include <string.h>

#include "base/simd.h"
#include "sys/thread.h"

#define B 16

struct job { const struct resize *s; const float *from; float *to; };

static void find_places(const struct resize *s)
{
	struct ir_between *to = s->work;

	for (int side = 0; side < 2; side++)
		for (int64_t i = 0; i < s->large[side]; i++)
			*to++ = ir_resize_at(s->how, i, s->small[side], s->large[side]);
}

/* Between two rows of x, one row of y; all four weights count, so that a NaN goes where PyTorch
 * lets it go. */
SIMD static void rows_plain(const struct resize *s, const struct ir_between *v, const float *x,
                            float *y)
{
	const struct ir_between *h = s->work + s->large[0];
	const float *top = x + v->from * s->small[1], *bottom = x + v->to * s->small[1];
	const float down = v->share, up = 1 - v->share;

	for (int64_t i = 0; i < s->large[1]; i++) {
		const float left = 1 - h[i].share, right = h[i].share;

		y[i] = up * (left * top[h[i].from] + right * top[h[i].to]) +
		       down * (left * bottom[h[i].from] + right * bottom[h[i].to]);
	}
}

SIMD static void rows_blocked(const struct resize *s, const struct ir_between *v, const float *x,
                              float *y)
{
	const struct ir_between *h = s->work + s->large[0];
	const float *top = x + v->from * s->small[1] * B, *bottom = x + v->to * s->small[1] * B;
	const float down = v->share, up = 1 - v->share;

	for (int64_t i = 0; i < s->large[1]; i++) {
		const float *a = top + h[i].from * B, *b = top + h[i].to * B;
		const float *c = bottom + h[i].from * B, *d = bottom + h[i].to * B;
		const float left = 1 - h[i].share, right = h[i].share;

		for (int l = 0; l < B; l++)
			y[i * B + l] = up * (left * a[l] + right * b[l]) + down * (left * c[l] + right * d[l]);
	}
}

static void row_nearest(const struct resize *s, const struct ir_between *v, const float *x,
                        float *y)
{
	const struct ir_between *h = s->work + s->large[0];
	const float *from = x + v->from * s->small[1] * s->block;

	if (s->block == B)
		for (int64_t i = 0; i < s->large[1]; i++)
			memcpy(y + i * B, from + h[i].from * B, B * sizeof *y);
	else
		for (int64_t i = 0; i < s->large[1]; i++)
			y[i] = from[h[i].from];
}

/* Rows lo..hi of all images. */
static void forward_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct resize *s = j->s;
	const int64_t plane = s->small[0] * s->small[1] * s->block;

	for (int64_t r = lo; r < hi; r++) {
		const struct ir_between *v = s->work + r % s->large[0];
		const float *x = j->from + r / s->large[0] * plane;
		float *y = j->to + r * s->large[1] * s->block;

		if (s->how == RESIZE_NEAREST)
			row_nearest(s, v, x, y);
		else if (s->block == B)
			rows_blocked(s, v, x, y);
		else
			rows_plain(s, v, x, y);
	}
}

void resize_forward(const struct resize *s, const float *x, float *y)
{
	struct job j = { s, x, y };

	find_places(s);
	thread_for(s->planes * s->large[0], 16, forward_some, &j);
}

/* ---- gradient ---- */

/* A row of dy is added to the two rows of dx that it was made of, or to one. */
static void rows_add_plain(const struct resize *s, const struct ir_between *v, const float *dy,
                           float *dx)
{
	const struct ir_between *h = s->work + s->large[0];
	float *top = dx + v->from * s->small[1], *bottom = dx + v->to * s->small[1];

	for (int64_t i = 0; i < s->large[1]; i++) {
		const float up = (1 - v->share) * dy[i], down = v->share * dy[i];

		top[h[i].from] += (1 - h[i].share) * up;
		top[h[i].to] += h[i].share * up;
		bottom[h[i].from] += (1 - h[i].share) * down;
		bottom[h[i].to] += h[i].share * down;
	}
}

/* The places of one pixel may be the same: added one after the other. */
SIMD static void rows_add_blocked(const struct resize *s, const struct ir_between *v,
                                  const float *dy, float *dx)
{
	const struct ir_between *h = s->work + s->large[0];
	float *top = dx + v->from * s->small[1] * B, *bottom = dx + v->to * s->small[1] * B;
	const float down = v->share, up = 1 - v->share;

	for (int64_t i = 0; i < s->large[1]; i++) {
		float *to[4] = { top + h[i].from * B, top + h[i].to * B, bottom + h[i].from * B,
		                 bottom + h[i].to * B };
		const float left = 1 - h[i].share, right = h[i].share;
		const float weight[4] = { up * left, up * right, down * left, down * right };

		for (int k = 0; k < 4; k++) {
			IN_PLACE
			for (int l = 0; l < B; l++)
				to[k][l] += weight[k] * dy[i * B + l];
		}
	}
}

static void row_add_nearest(const struct resize *s, const struct ir_between *v, const float *dy,
                            float *dx)
{
	const struct ir_between *h = s->work + s->large[0];
	float *to = dx + v->from * s->small[1] * s->block;

	for (int64_t i = 0; i < s->large[1]; i++) {
		IN_PLACE
		for (int l = 0; l < s->block; l++)
			to[h[i].from * s->block + l] += dy[i * s->block + l];
	}
}

/* Images lo..hi: rows of one go to the same places. */
static void dx_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct resize *s = j->s;
	const int64_t plane = s->small[0] * s->small[1] * s->block, row = s->large[1] * s->block;

	for (int64_t p = lo; p < hi; p++) {
		float *dx = j->to + p * plane;

		memset(dx, 0, (size_t)plane * sizeof *dx);
		for (int64_t r = 0; r < s->large[0]; r++) {
			const struct ir_between *v = s->work + r;
			const float *dy = j->from + (p * s->large[0] + r) * row;

			if (s->how == RESIZE_NEAREST)
				row_add_nearest(s, v, dy, dx);
			else if (s->block == B)
				rows_add_blocked(s, v, dy, dx);
			else
				rows_add_plain(s, v, dy, dx);
		}
	}
}

void resize_dx(const struct resize *s, const float *dy, float *dx)
{
	struct job j = { s, dy, dx };

	find_places(s);
	thread_for(s->planes, 1, dx_some, &j);
}
