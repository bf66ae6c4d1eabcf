/* lanes_pool.c -- see lanes.h: max pooling. */
#include "compute/exec/cpu/lanes/lanes.h"

#include <math.h>
#include <string.h>

#include "sys/thread.h"
#include "compute/exec/cpu/lanes/lanes_vec.h"

typedef uint8_t places __attribute__((vector_size(LANES), may_alias));

/* The part of a window that lies inside the image, counted from the window's corner (y, x). */
struct window { int64_t y, x, i0, i1, j0, j1; };

INLINE struct window window_at(const struct lanes_pool *g, int64_t oy, int64_t ox)
{
	int64_t y = oy * g->sh - g->top, x = ox * g->sw - g->left;

	return (struct window){ y, x, most(0, -y), least(g->kh, g->h - y), most(0, -x),
	                        least(g->kw, g->w - x) };
}

/* Loops over lanes, not vectors: comparisons in which a NaN counts are those that GCC takes apart
 * number by number if they are written with vectors. */
struct largest { float value[LANES]; int32_t place[LANES]; };

/* Is x larger than what was found so far?  Behind a NaN only another one counts. */
INLINE int is_larger(float x, float found) { return (x > found) | (x != x); }

INLINE void look(const float *restrict x, int32_t place, struct largest *restrict m)
{
	for (int l = 0; l < LANES; l++) {
		int take = is_larger(x[l], m->value[l]);

		m->value[l] = take ? x[l] : m->value[l];
		m->place[l] = take ? place : m->place[l];
	}
}

INLINE void put_places(const int32_t *place, uint8_t *arg)
{
	ivec v;

	memcpy(&v, place, sizeof v);
	*(places *)arg = __builtin_convertvector(v, places);
}

/* The first largest of a window, or the last NaN, to y and arg. */
INLINE void largest_of(const struct lanes_pool *g, const vec *x, struct window v, float *restrict y,
                       uint8_t *restrict arg)
{
	struct largest m;

	for (int l = 0; l < LANES; l++) {
		m.value[l] = -INFINITY;
		m.place[l] = (int32_t)(v.i0 * g->kw + v.j0);
	}
	for (int64_t i = v.i0; i < v.i1; i++)
		for (int64_t j = v.j0; j < v.j1; j++)
			look((const float *)(x + (v.y + i) * g->w + v.x + j),
			     (int32_t)(i * g->kw + j), &m);
	for (int l = 0; l < LANES; l++)
		y[l] = g->relu && m.value[l] < 0 ? 0 : m.value[l];
	if (arg)
		put_places(m.place, arg);
}

/* The usual window of 2x2, from two rows of two points: no less than `floor`. */
INLINE void largest_2x2(const float *restrict up, const float *restrict down, float floor,
                        float *restrict y, int32_t *restrict place)
{
	for (int l = 0; l < LANES; l++) {
		float m = up[l];
		int32_t p = 0;

		p = is_larger(up[LANES + l], m) ? 1 : p;
		m = is_larger(up[LANES + l], m) ? up[LANES + l] : m;
		p = is_larger(down[l], m) ? 2 : p;
		m = is_larger(down[l], m) ? down[l] : m;
		p = is_larger(down[LANES + l], m) ? 3 : p;
		m = is_larger(down[LANES + l], m) ? down[LANES + l] : m;
		y[l] = m < floor ? floor : m;
		place[l] = p;
	}
}

INLINE void pool_2x2(const struct lanes_pool *g, const float *x, float *y, uint8_t *arg,
                     const int want_arg)
{
	float floor = g->relu ? 0 : -INFINITY;

	for (int64_t oy = 0; oy < g->oh; oy++)
		for (int64_t ox = 0; ox < g->ow; ox++) {
			const float *up = x + (2 * oy * g->w + 2 * ox) * LANES;
			int64_t o = (oy * g->ow + ox) * LANES;
			int32_t place[LANES];

			largest_2x2(up, up + g->w * LANES, floor, y + o, place);
			if (want_arg)
				put_places(place, arg + o);
		}
}

static int is_2x2(const struct lanes_pool *g)
{
	return g->kh == 2 && g->kw == 2 && g->sh == 2 && g->sw == 2 && g->top == 0 &&
	       g->left == 0 && 2 * g->oh <= g->h && 2 * g->ow <= g->w;
}

SIMD static void pool_plane_2x2(const struct lanes_pool *g, const float *x, float *y,
                                uint8_t *arg)
{
	pool_2x2(g, x, y, arg, 1);
}

SIMD static void pool_plane_2x2_infer(const struct lanes_pool *g, const float *x, float *y)
{
	pool_2x2(g, x, y, NULL, 0);
}

SIMD static void pool_plane(const struct lanes_pool *g, const float *x, float *y, uint8_t *arg)
{
	for (int64_t oy = 0; oy < g->oh; oy++)
		for (int64_t ox = 0; ox < g->ow; ox++) {
			int64_t o = (oy * g->ow + ox) * LANES;

			largest_of(g, (const vec *)x, window_at(g, oy, ox), y + o, arg ? arg + o : NULL);
		}
}

INLINE ivec place_at(const places *arg) { return __builtin_convertvector(*arg, ivec); }

INLINE vec where(ivec mask, vec v) { return (vec)((ivec)v & mask); }

/* Windows of 2x2 cover each point once (but what is left over at an odd end: zero). */
INLINE void spread_2x2(const struct lanes_pool *g, const vec *dy, const places *arg, vec *dx)
{
	for (int64_t oy = 0; oy < g->oh; oy++)
		for (int64_t ox = 0; ox < g->ow; ox++) {
			ivec place = place_at(arg + oy * g->ow + ox);
			vec d = dy[oy * g->ow + ox], *at = dx + 2 * oy * g->w + 2 * ox;

			at[0] = where(place == 0, d);
			at[1] = where(place == 1, d);
			at[g->w] = where(place == 2, d);
			at[g->w + 1] = where(place == 3, d);
		}
}

INLINE void spread(const struct lanes_pool *g, const vec *dy, const places *arg, vec *dx)
{
	for (int64_t oy = 0; oy < g->oh; oy++)
		for (int64_t ox = 0; ox < g->ow; ox++) {
			struct window v = window_at(g, oy, ox);
			ivec place = place_at(arg + oy * g->ow + ox);

			for (int64_t i = v.i0; i < v.i1; i++)
				for (int64_t j = v.j0; j < v.j1; j++)
					dx[(v.y + i) * g->w + v.x + j] +=
						where(place == (int)(i * g->kw + j), dy[oy * g->ow + ox]);
		}
}

SIMD static void spread_plane(const struct lanes_pool *g, const vec *dy, const places *arg,
                              vec *dx)
{
	int exact = is_2x2(g) && 2 * g->oh == g->h && 2 * g->ow == g->w;

	if (!exact)
		memset(dx, 0, (size_t)(g->h * g->w) * sizeof *dx);
	if (is_2x2(g))
		spread_2x2(g, dy, arg, dx);
	else
		spread(g, dy, arg, dx);
}

struct pool_job { const struct lanes_pool *g; const float *x; float *y; uint8_t *arg; };

/* Planes lo..hi of one channel in sixteen images. */
static void pool_planes(void *ctx, int64_t lo, int64_t hi)
{
	const struct pool_job *j = ctx;
	int64_t from = j->g->h * j->g->w * LANES, to = j->g->oh * j->g->ow * LANES;

	for (int64_t p = lo; p < hi; p++) {
		const float *x = j->x + p * from;

		if (!is_2x2(j->g))
			pool_plane(j->g, x, j->y + p * to, j->arg ? j->arg + p * to : NULL);
		else if (j->arg)
			pool_plane_2x2(j->g, x, j->y + p * to, j->arg + p * to);
		else
			pool_plane_2x2_infer(j->g, x, j->y + p * to);
	}
}

void lanes_maxpool(const struct lanes_pool *g, const float *x, float *y, uint8_t *arg)
{
	struct pool_job j = { g, x, y, arg };

	thread_for(g->n / LANES * g->c, 1, pool_planes, &j);
}

struct spread_job { const struct lanes_pool *g; const vec *dy; const places *arg; vec *dx; };

static void spread_planes(void *ctx, int64_t lo, int64_t hi)
{
	const struct spread_job *j = ctx;
	int64_t to = j->g->h * j->g->w, from = j->g->oh * j->g->ow;

	for (int64_t p = lo; p < hi; p++)
		spread_plane(j->g, j->dy + p * from, j->arg + p * from, j->dx + p * to);
}

void lanes_maxpool_dx(const struct lanes_pool *g, const float *dy, const uint8_t *arg, float *dx)
{
	struct spread_job j = { g, (const vec *)dy, (const places *)arg, (vec *)dx };

	thread_for(g->n / LANES * g->c, 1, spread_planes, &j);
}
