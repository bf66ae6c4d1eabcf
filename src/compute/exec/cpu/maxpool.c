/* maxpool.c -- see maxpool.h.  What is constant where a function is called is so in its loops. */
#include "compute/exec/cpu/maxpool.h"

#include <math.h>

#include "sys/thread.h"
#include "compute/exec/cpu/bf16.h"

/* Where a plane lies: its first number, and how far apart points are. */
struct plane { int64_t at, step, lanes; };

static struct plane plane_of(const struct maxpool *g, int64_t p, int64_t points)
{
	const int64_t image = p / g->planes, k = p % g->planes, left = g->channels - k * g->lanes;
	const int64_t lanes = left < g->lanes ? left : g->lanes;

	if (g->is_last)
		return (struct plane){ image * points * g->channels + k * g->lanes, g->channels, lanes };
	return (struct plane){ p * points * g->lanes, g->lanes, lanes };
}

/* The part of a window that lies inside the image, counted from the window's corner (y, x). */
struct window { int64_t y, x, i0, i1, j0, j1; };

INLINE struct window window_at(const struct maxpool *g, int64_t oy, int64_t ox)
{
	const int64_t y = oy * g->sh - g->top, x = ox * g->sw - g->left;

	return (struct window){ y, x, y < 0 ? -y : 0, g->kh < g->h - y ? g->kh : g->h - y,
	                        x < 0 ? -x : 0, g->kw < g->w - x ? g->kw : g->w - x };
}

/* The output's next point: counted, since a division costs as much as a window. */
INLINE void next(const struct maxpool *g, int64_t *oy, int64_t *ox)
{
	if (++*ox == g->ow) {
		*ox = 0;
		++*oy;
	}
}

/* The point of the image that is at (i, j) of a window. */
INLINE int64_t point(const struct maxpool *g, struct window v, int64_t i, int64_t j)
{
	return (v.y + i) * g->w + v.x + j;
}

struct job { const struct maxpool *g; const void *x; void *y; uint8_t *arg; };

INLINE float load(const void *x, int64_t i, const enum maxpool_type t)
{
	return t == MAXPOOL_BF16 ? bf16_value(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

INLINE void store(void *y, int64_t i, float v, const enum maxpool_type t)
{
	if (t == MAXPOOL_BF16)
		((uint16_t *)y)[i] = bf16_of(v);
	else
		((float *)y)[i] = v;
}

#define LANES 16
#include "compute/exec/cpu/maxpool_lanes.h"
#define LANES 8
#include "compute/exec/cpu/maxpool_lanes.h"

/* ---- a channel alone, or what is left of sixteen ---- */

/* Lane l of a window, from its first place on.  Behind a NaN only another one counts. */
INLINE int64_t largest(const struct job *j, struct window v, struct plane from, int64_t l,
                       const enum maxpool_type t)
{
	int64_t best = v.i0 * j->g->kw + v.j0;
	float found = load(j->x, from.at + point(j->g, v, v.i0, v.j0) * from.step + l, t);

	for (int64_t i = v.i0; i < v.i1; i++)
		for (int64_t k = v.j0; k < v.j1; k++) {
			const float x = load(j->x, from.at + point(j->g, v, i, k) * from.step + l, t);
			const int take = (x > found) | (x != x);

			found = take ? x : found;
			best = take ? i * j->g->kw + k : best;
		}
	return best;
}

INLINE void pool_some_lanes(const struct job *j, struct plane from, struct plane to,
                            const enum maxpool_type t)
{
	const struct maxpool *g = j->g;

	for (int64_t o = 0, oy = 0, ox = 0; o < g->oh * g->ow; o++, next(g, &oy, &ox))
		for (int64_t l = 0; l < to.lanes; l++) {
			const struct window v = window_at(g, oy, ox);
			const int64_t best = largest(j, v, from, l, t), out = to.at + o * to.step + l;
			const float y = load(j->x, from.at + point(g, v, best / g->kw, best % g->kw) *
			                     from.step + l, t);

			store(j->y, out, g->relu && y <= 0 ? 0 : y, t);
			if (j->arg)
				j->arg[out] = (uint8_t)best;
		}
}

INLINE void spread_some_lanes(const struct job *j, struct plane from, struct plane to,
                              const enum maxpool_type t)
{
	const struct maxpool *g = j->g;

	for (int64_t o = 0, oy = 0, ox = 0; o < g->oh * g->ow; o++, next(g, &oy, &ox))
		for (int64_t l = 0; l < to.lanes; l++) {
			const struct window v = window_at(g, oy, ox);
			const int64_t in = from.at + o * from.step + l, best = j->arg[in];
			const int64_t at = to.at + point(g, v, best / g->kw, best % g->kw) * to.step + l;

			store(j->y, at, load(j->y, at, t) + load(j->x, in, t), t);
		}
}

/* ---- planes, whose number of channels and type the compiler knows ---- */

#define PLANES(T, NAME, LANES)                                                                  \
	SIMD static void pool_##NAME(const struct job *j, struct plane from, struct plane to)    \
	{                                                                                        \
		if (j->arg)                                                                      \
			pool_##LANES(j, from, to, T, 1);                                         \
		else                                                                             \
			pool_##LANES(j, from, to, T, 0);                                         \
	}                                                                                        \
	SIMD static void spread_##NAME(const struct job *j, struct plane from, struct plane to)  \
	{                                                                                        \
		spread_##LANES(j, from, to, T);                                                  \
	}
#define REST(T, NAME)                                                                           \
	SIMD static void pool_##NAME(const struct job *j, struct plane from, struct plane to)    \
	{                                                                                        \
		pool_some_lanes(j, from, to, T);                                                 \
	}                                                                                        \
	SIMD static void spread_##NAME(const struct job *j, struct plane from, struct plane to)  \
	{                                                                                        \
		spread_some_lanes(j, from, to, T);                                               \
	}
PLANES(MAXPOOL_F32, f32_16, 16)
PLANES(MAXPOOL_F32, f32_8, 8)
PLANES(MAXPOOL_BF16, bf16_16, 16)
PLANES(MAXPOOL_BF16, bf16_8, 8)
REST(MAXPOOL_F32, f32_rest)
REST(MAXPOOL_BF16, bf16_rest)

typedef void plane_fn(const struct job *j, struct plane from, struct plane to);

static const struct { int64_t lanes; plane_fn *pool[2], *spread[2]; } kernels[] = {
	{ 16, { pool_f32_16, pool_bf16_16 },     { spread_f32_16, spread_bf16_16 } },
	{ 8,  { pool_f32_8, pool_bf16_8 },       { spread_f32_8, spread_bf16_8 } },
	{ 0,  { pool_f32_rest, pool_bf16_rest }, { spread_f32_rest, spread_bf16_rest } },
};

static int kernel_for(int64_t lanes)
{
	int i = 0;

	while (kernels[i].lanes && kernels[i].lanes != lanes)
		i++;
	return i;
}

static void pool_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct maxpool *g = j->g;

	for (int64_t p = lo; p < hi; p++) {
		const struct plane from = plane_of(g, p, g->h * g->w);

		kernels[kernel_for(from.lanes)].pool[g->type](j, from, plane_of(g, p, g->oh * g->ow));
	}
}

void maxpool_forward(const struct maxpool *g, const void *x, void *y, uint8_t *arg)
{
	struct job j = { g, x, y, arg };

	thread_for(g->images * g->planes, 1, pool_some, &j);
}

static void spread_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct maxpool *g = j->g;
	const size_t size = g->type == MAXPOOL_BF16 ? 2 : 4;

	for (int64_t p = lo; p < hi; p++) {
		const struct plane to = plane_of(g, p, g->h * g->w);

		for (int64_t i = 0; i < g->h * g->w; i++)
			memset((char *)j->y + (size_t)(to.at + i * to.step) * size, 0,
			       (size_t)to.lanes * size);
		kernels[kernel_for(to.lanes)].spread[g->type](j, plane_of(g, p, g->oh * g->ow), to);
	}
}

void maxpool_backward(const struct maxpool *g, const void *dy, const uint8_t *arg, void *dx)
{
	struct job j = { g, dy, dx, (uint8_t *)(uintptr_t)arg };

	thread_for(g->images * g->planes, 1, spread_some, &j);
}
