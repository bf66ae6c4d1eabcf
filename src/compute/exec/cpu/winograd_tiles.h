/* winograd_tiles.h -- the transforms of F(4x4,3x3) on vectors of 16 channels.
 *
 * A template, shared by the kernels for f32 and for bf16 images: a cell is 16 numbers as
 * they are stored, CELL_BF16 says how; the includer defines cell_load and cell_store. */
#ifndef CPU_WINOGRAD_TILES_H
#define CPU_WINOGRAD_TILES_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"
#include "compute/exec/cpu/winograd_job.h"

#define B   16                      /* channels in a vector                 */
#define POS 36                      /* points of a transformed tile, 6 x 6  */
#define T   8                       /* tiles that a product keeps in registers */

typedef float vec
	__attribute__((vector_size(B * sizeof(float)), aligned(B * sizeof(float)), may_alias));

#ifdef CELL_BF16
typedef uint16_t cell __attribute__((vector_size(B * 2), may_alias));
#else
typedef vec cell;
#endif
INLINE vec  cell_load(const cell *p);
INLINE void cell_store(cell *p, vec v);

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

/* ---- filters: 16 at a time, lane l from w[l * stride ..] ---- */

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

/* Filters turned around serve the gradient by x: channels change places, points rotate by 180
 * degrees. */
enum turn { TURN_NONE, TURN_AROUND };

INLINE void filters_in(const float *w, int64_t stride, enum turn turn, vec u[POS])
{
	vec t[9], half[18], col[3];

	for (int i = 0; i < 9; i++)
		for (int l = 0; l < B; l++)
			t[i][l] = w[l * stride + (turn == TURN_NONE ? i : 8 - i)];
	for (int j = 0; j < 3; j++) {
		vec o[6];

		for (int i = 0; i < 3; i++)
			col[i] = t[3 * i + j];
		transform_filter(col, o);
		for (int i = 0; i < 6; i++)
			half[3 * i + j] = o[i];
	}
	for (int i = 0; i < 6; i++)
		transform_filter(half + 3 * i, u + 6 * i);
}

/* U[POS][rows][cols] of plain w[K][C][3][3]: rows the channels in, cols those out. */
struct filters { int64_t rows, cols, down, across; };

INLINE struct filters filters_of(int64_t c, int64_t k, enum turn turn)
{
	if (turn == TURN_NONE)
		return (struct filters){ c, k, 9, 9 * c };
	return (struct filters){ k, c, 9 * c, 9 };
}

/* ---- tiles ---- */

/* A plane of one image and channel block, h rows of w vectors. */
struct plane { cell *p; int64_t h, w; };

/* The rows of a tile of n points from (y, x) on: where each begins, and 1; a row outside the plane
 * is one zero, and 0, which it goes forward for a point. */
struct rows { const cell *p[6]; int64_t go[6]; };

INLINE struct rows rows_of(const struct plane *a, int64_t y, const int n)
{
	static const cell zero;
	struct rows r;

	for (int i = 0; i < n; i++) {
		r.go[i] = y + i >= 0 && y + i < a->h;
		r.p[i] = r.go[i] ? a->p + (y + i) * a->w : &zero;
	}
	return r;
}

/* B^T d of the tile at (y, x), first half of V; what lies outside the plane is zero. */
INLINE void tile_in(const struct plane *a, int64_t y, int64_t x, vec half[POS])
{
	const struct rows r = rows_of(a, y, 6);
	vec col[6], o[6] = {{0}};

	for (int64_t j = 0; j < 6; j++) {
		int inside = x + j >= 0 && x + j < a->w;

		for (int i = 0; i < 6 && inside; i++)
			col[i] = cell_load(r.p[i] + (x + j) * r.go[i]);
		if (inside)
			transform_in(col, o);
		for (int i = 0; i < 6; i++)
			half[6 * i + j] = inside ? o[i] : (vec){0};
	}
}

/* A dy of a 4x4 tile of the output's gradient, first half of Z = A dy A^T. */
INLINE void tile_grad(const struct plane *a, int64_t y, int64_t x, vec half[24])
{
	const struct rows r = rows_of(a, y, 4);
	vec col[4], o[6];

	for (int64_t j = 0; j < 4; j++) {
		int inside = x + j < a->w;

		for (int i = 0; i < 4; i++)
			col[i] = inside ? cell_load(r.p[i] + (x + j) * r.go[i]) : (vec){0};
		transform_grad(col, o);
		for (int i = 0; i < 6; i++)
			half[4 * i + j] = o[i];
	}
}

/* A NaN in a stays one. */
INLINE vec larger(vec a, vec b)
{
	typedef int mask __attribute__((vector_size(B * sizeof(int))));
	mask m = a <= b;

	return (vec)(((mask)b & m) | ((mask)a & ~m));
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
		for (int64_t j = 0; j < cols; j++)
			cell_store(a->p + (y + i) * a->w + x + j, larger(o[j] + bias, floor));
	}
}

/* Tile q of all images: which image, and where its output begins. */
struct tile { int64_t image, y, x; };

INLINE struct tile tile_at(int64_t q, int64_t ty, int64_t tx)
{
	return (struct tile){ q / (ty * tx), q / tx % ty * 4, q % tx * 4 };
}

INLINE struct plane plane_of(const void *x, int64_t image, int64_t blocks, int64_t block, int64_t h,
                             int64_t w)
{
	return (struct plane){ (cell *)x + (image * blocks + block) * h * w, h, w };
}

/* The least that an output may be: 0 with a relu, else what nothing goes below. */
INLINE vec floor_of(int relu)
{
	vec v = {0};

	if (!relu)
		v -= INFINITY;
	return v;
}

/* Tiles jump from row to row, which the processor does not foresee: while a strip is multiplied,
 * memory is asked for the rows of the next one, a few cache lines for each of the 36 points. */
struct ahead {
	const void *image;
	int64_t     blocks, h, w;
	int64_t     tile, end, block;       /* row of tiles, and block of channels, to come */
	const char *at, *stop;              /* lines left of the four rows at hand          */
	int64_t     lines;                  /* at each point                                */
};

struct extent { int64_t blocks, h, w; };

INLINE struct ahead look_ahead(const struct wino_job *j, const void *image, struct extent e,
                               int64_t from)
{
	struct ahead a = { .image = image, .blocks = e.blocks, .h = e.h, .w = e.w, .tile = from,
	                   .end = from + j->strip < j->tiles ? from + j->strip : j->tiles };
	int64_t rows = (j->strip + j->tx - 1) / j->tx;

	a.lines = (rows * e.blocks * 4 * e.w * (int64_t)sizeof(cell) / 64 + POS - 1) / POS;
	return a;
}

INLINE int next_rows(struct ahead *a, const struct wino_job *j)
{
	struct tile at = tile_at(a->tile, j->ty, j->tx);
	int64_t rows = a->h - at.y < 4 ? a->h - at.y : 4;
	struct plane p;

	if (a->tile >= a->end)
		return 0;
	p = plane_of(a->image, at.image, a->blocks, a->block, a->h, a->w);
	a->at = (const char *)(p.p + at.y * a->w);
	a->stop = a->at + rows * a->w * (int64_t)sizeof(cell);
	if (++a->block == a->blocks) {
		a->block = 0;
		a->tile += j->tx;
	}
	return 1;
}

/* rw as in __builtin_prefetch: 0 to be read, 1 to be written. */
INLINE void ask(struct ahead *a, const struct wino_job *j, const int rw)
{
	for (int64_t i = 0; i < a->lines; i++, a->at += 64) {
		if (a->at >= a->stop && !next_rows(a, j))
			return;
		if (rw)                         /* clang takes no variable, constant as it may be */
			__builtin_prefetch(a->at, 1, 2);
		else
			__builtin_prefetch(a->at, 0, 2);
	}
}

INLINE struct extent extent_x(const struct wino_job *j)
{
	return (struct extent){ j->c / B, j->h, j->w };
}

INLINE struct extent extent_y(const struct wino_job *j)
{
	return (struct extent){ j->k / B, j->oh, j->ow };
}

/* y of the tiles from .. from+count, from M[POS][K/16][strip][16]. */
INLINE void strip_out(const struct wino_job *j, int64_t from, int64_t count, const vec *m)
{
	const vec floor = floor_of(j->relu);
	int64_t kb = j->k / B;

	for (int64_t t = 0; t < count; t++) {
		struct tile at = tile_at(from + t, j->ty, j->tx);

		for (int64_t b = 0; b < kb; b++) {
			struct plane a = plane_of(j->y, at.image, kb, b, j->oh, j->ow);
			vec bias = {0};

			if (j->bias)              /* parameters lie where they lie: not aligned */
				memcpy(&bias, j->bias + b * B, sizeof bias);
			tile_out(&a, at.y, at.x, m + b * j->strip + t, j->m_step / B, bias, floor);
		}
	}
}

#endif
