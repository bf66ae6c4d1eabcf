/* winograd.c -- see winograd.h.
 *
 *   U = G w G^T (36 matrices CxK)     V = B^T d B (per tile and channel)     M = V U     y = A^T M A
 *
 * Tiles are numbered through all images; a strip is a few in a row, so that its V and M (36 x
 * tiles x channels) stay in the cache.  The transforms work on vectors of 16 channels; the
 * product keeps 8 tiles x 1 or 2 such vectors in registers. */
#include "compute/exec/cpu/winograd.h"

#include <string.h>

#include "base/simd.h"
#include "base/thread.h"

#define B   16                      /* channels in a vector                 */
#define POS 36                      /* points of a transformed tile, 6 x 6  */
#define T   8                       /* tiles that GEMM keeps in registers   */

typedef float vec __attribute__((vector_size(B * sizeof(float)), aligned(B * sizeof(float)), may_alias));

#define INLINE static inline __attribute__((always_inline))

int winograd_pays(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("avx512f");
#else
	return 0;
#endif
}

/* ---- one-dimensional transforms; in and out may not overlap ---- */

INLINE void transform_in(const vec d[6], vec o[6])              /* B^T d */
{
	vec a = d[4] - 4 * d[2], b = d[3] - 4 * d[1], c = d[4] - d[2], e = 2 * (d[3] - d[1]);

	o[0] = 4 * d[0] - 5 * d[2] + d[4];
	o[1] = a + b;
	o[2] = a - b;
	o[3] = c + e;
	o[4] = c - e;
	o[5] = 4 * d[1] - 5 * d[3] + d[5];
}

INLINE void transform_out(const vec m[6], vec o[4])             /* A^T m */
{
	vec a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], e = m[3] - m[4];

	o[0] = m[0] + a + c;
	o[1] = b + 2 * e;
	o[2] = a + 4 * c;
	o[3] = b + 8 * e + m[5];
}

INLINE void transform_grad(const vec y[4], vec o[6])            /* A y */
{
	vec a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4 * y[2], e = 2 * y[1] + 8 * y[3];

	o[0] = y[0];
	o[1] = a + b;
	o[2] = a - b;
	o[3] = c + e;
	o[4] = c - e;
	o[5] = y[3];
}

/* ---- filters: plain [K][C][3][3] to and from U[POS][C][K], 16 filters at a time ---- */

INLINE void transform_filter(const vec w[3], vec o[6])          /* G w */
{
	vec a = w[0] + w[2], c = w[0] + 4 * w[2];

	o[0] = w[0] / 4;
	o[1] = -(a + w[1]) / 6;
	o[2] = -(a - w[1]) / 6;
	o[3] = (c + 2 * w[1]) / 24;
	o[4] = (c - 2 * w[1]) / 24;
	o[5] = w[2];
}

INLINE void inverse_filter(const vec u[6], vec o[3])            /* G^T u */
{
	o[0] = u[0] / 4 - (u[1] + u[2]) / 6 + (u[3] + u[4]) / 24;
	o[1] = (u[2] - u[1]) / 6 + (u[3] - u[4]) / 12;
	o[2] = -(u[1] + u[2]) / 6 + (u[3] + u[4]) / 6 + u[5];
}

enum turn { TURN_NONE, TURN_AROUND };

/* Filters of 16 neighbours: lane l, point i is w[l * stride + i], or 8 - i when turned around. */
SIMD static void filters_in(const float *w, int64_t stride, enum turn turn, float *u, int64_t step)
{
	vec t[9], half[18], col[3], o[6];

	for (int i = 0; i < 9; i++)
		for (int l = 0; l < B; l++)
			t[i][l] = w[l * stride + (turn == TURN_NONE ? i : 8 - i)];
	for (int j = 0; j < 3; j++) {
		for (int i = 0; i < 3; i++)
			col[i] = t[3 * i + j];
		transform_filter(col, o);
		for (int i = 0; i < 6; i++)
			half[3 * i + j] = o[i];
	}
	for (int i = 0; i < 6; i++) {
		transform_filter(half + 3 * i, o);
		for (int j = 0; j < 6; j++)
			*(vec *)(u + (6 * i + j) * step) = o[j];
	}
}

SIMD static void filters_out(const float *u, int64_t step, float *w, int64_t stride)
{
	vec half[18], col[6], o[3];

	for (int j = 0; j < 6; j++) {
		for (int i = 0; i < 6; i++)
			col[i] = *(const vec *)(u + (6 * i + j) * step);
		inverse_filter(col, o);
		for (int i = 0; i < 3; i++)
			half[6 * i + j] = o[i];
	}
	for (int i = 0; i < 3; i++) {
		inverse_filter(half + 6 * i, o);
		for (int j = 0; j < 3; j++)
			for (int l = 0; l < B; l++)
				w[l * stride + 3 * i + j] = o[j][l];
	}
}

/* U[POS][C][K]; turned around U[POS][K][C]: channels change places, filters rotate by 180 degrees. */
static void filters(const struct winograd *g, const float *w, enum turn turn, float *u)
{
	int64_t rows = turn == TURN_NONE ? g->c : g->k, cols = turn == TURN_NONE ? g->k : g->c;
	int64_t across = turn == TURN_NONE ? 9 * g->c : 9, down = turn == TURN_NONE ? 9 : 9 * g->c;

	for (int64_t r = 0; r < rows; r++)
		for (int64_t c = 0; c < cols; c += B)
			filters_in(w + r * down + c * across, across, turn, u + r * cols + c, rows * cols);
}

/* ---- tiles ---- */

/* A plane of one image and channel block, h rows of w vectors. */
struct plane { vec *p; int64_t h, w; };

/* A tile of n x n points at (y, x); what lies outside the plane is zero. */
INLINE void load_tile(const struct plane *a, int64_t y, int64_t x, int n, vec *out)
{
	if (y >= 0 && x >= 0 && y + n <= a->h && x + n <= a->w) {
		for (int i = 0; i < n; i++)
			for (int j = 0; j < n; j++)
				out[i * n + j] = a->p[(y + i) * a->w + x + j];
		return;
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			out[i * n + j] = y + i < 0 || y + i >= a->h || x + j < 0 || x + j >= a->w ?
			                 (vec){0} : a->p[(y + i) * a->w + x + j];
}

/* V of one tile: point p goes to v[p * stride]. */
INLINE void tile_in(const struct plane *a, int64_t y, int64_t x, vec *v, int64_t stride)
{
	vec d[POS], half[POS], col[6], o[6];

	load_tile(a, y, x, 6, d);
	for (int j = 0; j < 6; j++) {
		for (int i = 0; i < 6; i++)
			col[i] = d[6 * i + j];
		transform_in(col, o);
		for (int i = 0; i < 6; i++)
			half[6 * i + j] = o[i];
	}
	for (int i = 0; i < 6; i++) {
		transform_in(half + 6 * i, o);
		for (int j = 0; j < 6; j++)
			v[(6 * i + j) * stride] = o[j];
	}
}

/* Z = A dy A^T of one 4x4 tile of the output's gradient. */
INLINE void tile_grad(const struct plane *a, int64_t y, int64_t x, vec *z, int64_t stride)
{
	vec d[16], half[24], col[4], o[6];

	load_tile(a, y, x, 4, d);
	for (int j = 0; j < 4; j++) {
		for (int i = 0; i < 4; i++)
			col[i] = d[4 * i + j];
		transform_grad(col, o);
		for (int i = 0; i < 6; i++)
			half[4 * i + j] = o[i];
	}
	for (int i = 0; i < 6; i++) {
		transform_grad(half + 4 * i, o);
		for (int j = 0; j < 6; j++)
			z[(6 * i + j) * stride] = o[j];
	}
}

INLINE vec larger(vec a, vec b)
{
	typedef int mask __attribute__((vector_size(B * sizeof(int))));
	mask m = a > b;

	return (vec)(((mask)a & m) | ((mask)b & ~m));
}

/* y = act(A^T M A + b), the part of the tile that lies inside the plane. */
INLINE void tile_out(const struct plane *a, int64_t y, int64_t x, const vec *m, int64_t stride,
                     vec bias, vec floor)
{
	vec half[24], col[6], o[4];
	int64_t rows = a->h - y < 4 ? a->h - y : 4, cols = a->w - x < 4 ? a->w - x : 4;

	for (int j = 0; j < 6; j++) {
		for (int i = 0; i < 6; i++)
			col[i] = m[(6 * i + j) * stride];
		transform_out(col, o);
		for (int i = 0; i < 4; i++)
			half[6 * i + j] = o[i];
	}
	for (int64_t i = 0; i < rows; i++) {
		transform_out(half + 6 * i, o);
		for (int64_t j = 0; j < cols; j++) {
			a->p[(y + i) * a->w + x + j] = larger(o[j] + bias, floor);
		}
	}
}

/* ---- products ---- */

/* m[t][0..KB*16) = sum_c v[t][c] u[c][0..KB*16) for T tiles; rows of v, u, m are c, k, k apart. */
INLINE void product(const float *v, int64_t c, const float *u, int64_t k, float *m, const int kb)
{
	vec acc[T][2] = {{{0}}};

	for (int64_t i = 0; i < c; i++) {
		const vec *f = (const vec *)(u + i * k);

		for (int t = 0; t < T; t++)
			for (int b = 0; b < kb; b++)
				acc[t][b] += v[t * c + i] * f[b];
	}
	for (int t = 0; t < T; t++)
		for (int b = 0; b < kb; b++)
			((vec *)(m + t * k))[b] = acc[t][b];
}

/* du[0..CB)[0..KB*16) += sum_t v[t]^T z[t]; rows of v c, of z and du k floats apart. */
INLINE void product_dw(const float *v, int64_t c, const float *z, int64_t k, int64_t tiles, float *du,
                       const int cb, const int kb)
{
	vec acc[B][2];

	for (int i = 0; i < cb; i++)
		for (int b = 0; b < kb; b++)
			acc[i][b] = ((vec *)(du + i * k))[b];
	for (int64_t t = 0; t < tiles; t++) {
		const vec *f = (const vec *)(z + t * k);

		for (int i = 0; i < cb; i++)
			for (int b = 0; b < kb; b++)
				acc[i][b] += v[t * c + i] * f[b];
	}
	for (int i = 0; i < cb; i++)
		for (int b = 0; b < kb; b++)
			((vec *)(du + i * k))[b] = acc[i][b];
}

/* ---- the convolution proper: from C channels to K with U[POS][C][K] ---- */

struct job {
	int64_t      n, c, k, h, w, oh, ow;     /* input and output planes                      */
	int64_t      ty, tx, tiles;             /* tiles down, across, in all images            */
	int64_t      strip, share;              /* tiles in a strip, strips per thread          */
	int          pad, relu;
	const float *x, *u, *bias, *dy;
	float       *y, *du, *scratch;          /* du: [threads][POS][C][K]                     */
	size_t       per_thread;                /* floats of V and M (or Z)                     */
};

/* Tile q of all images: which image, and where its output begins. */
struct place { int64_t image, y, x; };

INLINE struct place place_of(const struct job *j, int64_t q)
{
	return (struct place){ q / (j->ty * j->tx), q / j->tx % j->ty * 4, q % j->tx * 4 };
}

INLINE struct plane plane_of(const float *x, int64_t image, int64_t blocks, int64_t block, int64_t h,
                             int64_t w)
{
	return (struct plane){ (vec *)x + (image * blocks + block) * h * w, h, w };
}

/* V of the tiles from..from+count, strip-wide rows. */
INLINE void strip_in(const struct job *j, int64_t from, int64_t count, float *v)
{
	int64_t cb = j->c / B;

	for (int64_t t = 0; t < count; t++) {
		struct place at = place_of(j, from + t);

		for (int64_t b = 0; b < cb; b++) {
			struct plane a = plane_of(j->x, at.image, cb, b, j->h, j->w);

			tile_in(&a, at.y - j->pad, at.x - j->pad, (vec *)v + t * cb + b, j->strip * cb);
		}
	}
}

SIMD static void strip(const struct job *j, int64_t from, int64_t count, float *v, float *m)
{
	const vec lowest = (vec){0} - 3.4e38f, zero = {0};
	int64_t kb = j->k / B;

	strip_in(j, from, count, v);
	for (int64_t p = 0; p < POS; p++) {
		const float *u = j->u + p * j->c * j->k, *vp = v + p * j->strip * j->c;
		float *mp = m + p * j->strip * j->k;
		int64_t b = 0;

		for (; b + 2 <= kb; b += 2)
			for (int64_t t = 0; t < j->strip; t += T)
				product(vp + t * j->c, j->c, u + b * B, j->k, mp + t * j->k + b * B, 2);
		for (; b < kb; b++)
			for (int64_t t = 0; t < j->strip; t += T)
				product(vp + t * j->c, j->c, u + b * B, j->k, mp + t * j->k + b * B, 1);
	}
	for (int64_t t = 0; t < count; t++) {
		struct place at = place_of(j, from + t);

		for (int64_t b = 0; b < kb; b++) {
			struct plane a = plane_of(j->y, at.image, kb, b, j->oh, j->ow);
			vec bias = zero;
			if (j->bias)              /* parameters lie where they lie: not aligned */
				memcpy(&bias, j->bias + b * B, sizeof bias);
			tile_out(&a, at.y, at.x, (vec *)m + t * kb + b, j->strip * kb, bias,
			         j->relu ? zero : lowest);
		}
	}
}

/* One point's du[C][K]: in blocks of 8 x 32 where K allows, else 16 x 16. */
INLINE void dw_point(const struct job *j, const float *v, const float *z, int64_t count, float *du)
{
	int64_t k = 0;

	for (; k + 2 * B <= j->k; k += 2 * B)
		for (int64_t c = 0; c < j->c; c += B / 2)
			product_dw(v + c, j->c, z + k, j->k, count, du + c * j->k + k, B / 2, 2);
	for (; k < j->k; k += B)
		for (int64_t c = 0; c < j->c; c += B)
			product_dw(v + c, j->c, z + k, j->k, count, du + c * j->k + k, B, 1);
}

SIMD static void strip_dw(const struct job *j, int64_t from, int64_t count, float *v, float *z,
                          float *du)
{
	int64_t kb = j->k / B;

	strip_in(j, from, count, v);
	for (int64_t t = 0; t < count; t++) {
		struct place at = place_of(j, from + t);

		for (int64_t b = 0; b < kb; b++) {
			struct plane a = plane_of(j->dy, at.image, kb, b, j->oh, j->ow);

			tile_grad(&a, at.y, at.x, (vec *)z + t * kb + b, j->strip * kb);
		}
	}
	for (int64_t p = 0; p < POS; p++)
		dw_point(j, v + p * j->strip * j->c, z + p * j->strip * j->k, count,
		         du + p * j->c * j->k);
}

/* Part i of the work: its own scratch, so that it can run on any thread. */
static void part(const struct job *j, int64_t i)
{
	float *v = j->scratch + (size_t)i * j->per_thread, *m = v + POS * j->strip * j->c;
	int64_t end = (i + 1) * j->share * j->strip;
	float *du = j->du ? j->du + i * POS * j->c * j->k : NULL;

	if (du)
		memset(du, 0, (size_t)(POS * j->c * j->k) * sizeof(float));
	else
		memset(v, 0, j->per_thread * sizeof(float));      /* a short strip's unused rows */
	for (int64_t q = i * j->share * j->strip; q < end && q < j->tiles; q += j->strip) {
		int64_t count = j->tiles - q < j->strip ? j->tiles - q : j->strip;

		if (du)
			strip_dw(j, q, count, v, m, du);
		else
			strip(j, q, count, v, m);
	}
}

static void parts(void *ctx, int64_t lo, int64_t hi)
{
	for (int64_t i = lo; i < hi; i++)
		part(ctx, i);
}

/* Few channels: V and M of a strip fit the first-level cache.  Many: filters are the larger part,
 * so each of their blocks serves more tiles. */
static struct job job_of(int64_t n, int64_t c, int64_t k, int64_t h, int64_t w, int pad)
{
	struct job j = { .n = n, .c = c, .k = k, .h = h, .w = w, .pad = pad };
	int64_t strips;

	j.oh = h + 2 * pad - 2;
	j.ow = w + 2 * pad - 2;
	j.ty = (j.oh + 3) / 4;
	j.tx = (j.ow + 3) / 4;
	j.tiles = n * j.ty * j.tx;
	j.strip = c + k <= 2 * B ? T : c + k <= 4 * B ? 2 * T : 4 * T;
	strips = (j.tiles + j.strip - 1) / j.strip;
	j.share = (strips + thread_count() - 1) / thread_count();
	j.per_thread = (size_t)(POS * j.strip * (c + k));
	return j;
}

static struct job job_dx(const struct winograd *g)
{
	return job_of(g->n, g->k, g->c, g->h + 2 * g->pad - 2, g->w + 2 * g->pad - 2, 2 - g->pad);
}

static size_t filter_floats(const struct winograd *g) { return (size_t)(POS * g->c * g->k); }

/* Filters first, then each thread's V and M. */
size_t winograd_scratch(const struct winograd *g)
{
	struct job a = job_of(g->n, g->c, g->k, g->h, g->w, g->pad), b = job_dx(g);
	size_t most = a.per_thread > b.per_thread ? a.per_thread : b.per_thread;

	return filter_floats(g) + most * (size_t)thread_count();
}

size_t winograd_dw_scratch(const struct winograd *g)
{
	struct job a = job_of(g->n, g->c, g->k, g->h, g->w, g->pad);

	return (filter_floats(g) + a.per_thread) * (size_t)thread_count();
}

void winograd_forward(const struct winograd *g, const float *x, const float *w, const float *b,
                      float *y, float *scratch)
{
	struct job j = job_of(g->n, g->c, g->k, g->h, g->w, g->pad);

	filters(g, w, TURN_NONE, scratch);
	j.x = x;
	j.u = scratch;
	j.bias = b;
	j.y = y;
	j.relu = g->relu;
	j.scratch = scratch + filter_floats(g);
	thread_for(thread_count(), 0, parts, &j);
}

void winograd_dx(const struct winograd *g, const float *dy, const float *w, float *dx, float *scratch)
{
	struct job j = job_dx(g);

	filters(g, w, TURN_AROUND, scratch);
	j.x = dy;
	j.u = scratch;
	j.y = dx;
	j.scratch = scratch + filter_floats(g);
	thread_for(thread_count(), 0, parts, &j);
}

SIMD static void add_into(float *restrict a, const float *restrict b, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		a[i] += b[i];
}

SIMD static void bias_grad(const float *dy, int64_t n, int64_t k, int64_t points, float *db)
{
	for (int64_t b = 0; b < k / B; b++) {
		vec sum = {0};

		for (int64_t i = 0; i < n; i++) {
			const vec *p = (const vec *)dy + (i * (k / B) + b) * points;
			vec image = {0};

			for (int64_t q = 0; q < points; q++)
				image += p[q];
			sum += image;
		}
		memcpy(db + b * B, &sum, sizeof sum);
	}
}

void winograd_dw(const struct winograd *g, const float *x, const float *dy, float *dw, float *db,
                 float *scratch)
{
	struct job j = job_of(g->n, g->c, g->k, g->h, g->w, g->pad);
	int threads = thread_count();

	j.x = x;
	j.dy = dy;
	j.du = scratch;
	j.scratch = scratch + filter_floats(g) * (size_t)threads;
	thread_for(threads, 0, parts, &j);
	for (int i = 1; i < threads; i++)
		add_into(j.du, j.du + (size_t)i * filter_floats(g), (int64_t)filter_floats(g));
	for (int64_t c = 0; c < g->c; c++)
		for (int64_t k = 0; k < g->k; k += B)
			filters_out(j.du + c * g->k + k, g->c * g->k, dw + (k * g->c + c) * 9, g->c * 9);
	if (db)
		bias_grad(dy, g->n, g->k, j.oh * j.ow, db);
}
