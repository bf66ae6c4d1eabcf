/* lanes_dw.c -- see lanes.h: the gradient by the filter.
 *
 * dw[k][c][ky][kx] is a sum over all points and images.  A tile is some channels out times some
 * taps in a row of the filter; its sums, one vector each, stay in registers while a strip of rows
 * goes by that fits the first-level cache.  The lanes of a sum are added up once, at the end. */
#include "compute/exec/cpu/lanes/lanes.h"

#include <string.h>

#include "sys/thread.h"
#include "compute/exec/cpu/lanes/lanes_vec.h"

struct job;
/* Where a tile stands: first channel out, channel in, row and first tap of the filter. */
struct spot { int64_t k, c, ky, kx; };
/* Add rows oy0..oy1 of one block of images to the sums of a tile. */
typedef void tile_fn(const struct job *j, const vec *x, const vec *dy, struct spot s, vec *sum);

struct job {
	int64_t    n, c, k, h, w, kh, kw, oh, ow, top, left;
	int64_t    kb, q;                       /* channels and taps of a tile                  */
	int64_t    strip, strips;               /* rows in a strip; strips of a block of images */
	int64_t    parts, sums;                 /* one part a thread; vectors of sums of a part */
	int64_t    oy0, oy1;                    /* the strip at hand                            */
	const vec *x, *dy;
	vec       *sum;                         /* [parts]{ [tiles][kb][q], [k] for db }        */
	tile_fn   *tile;
};

/* Points ox0..ox1 of a row that find all q taps inside the image. */
INLINE void points(vec acc[][8], const vec *x, const vec *const dy[8], int64_t ox0, int64_t ox1,
                   const int kb, const int q)
{
	for (int64_t ox = ox0; ox < ox1; ox++)
#pragma GCC unroll 8
		for (int b = 0; b < kb; b++) {
			vec d = dy[b][ox];

#pragma GCC unroll 8
			for (int i = 0; i < q; i++)
				acc[b][i] += d * x[ox + i];
		}
}

/* The same where taps may fall outside the row, which has points lo..hi. */
INLINE void points_at_edge(vec acc[][8], const vec *x, const vec *const dy[8], int64_t ox0,
                           int64_t ox1, int64_t lo, int64_t hi, const int kb, const int q)
{
	for (int64_t ox = ox0; ox < ox1; ox++)
#pragma GCC unroll 8
		for (int i = 0; i < q; i++) {
			if (ox + i < lo || ox + i >= hi)
				continue;
#pragma GCC unroll 8
			for (int b = 0; b < kb; b++)
				acc[b][i] += dy[b][ox] * x[ox + i];
		}
}

INLINE void tile(const struct job *j, const vec *x, const vec *dy, struct spot s, vec *sum,
                 const int kb, const int q)
{
	vec acc[8][8];
	const vec *d[8];
	int64_t ix = s.kx - j->left, plane = j->oh * j->ow, down = s.ky - j->top;
	int64_t full0 = within(-ix, 0, j->ow), full1 = within(j->w - ix - q + 1, full0, j->ow);
	int64_t end = least(j->oy1, j->h - down);

#pragma GCC unroll 8
	for (int b = 0; b < kb; b++)
#pragma GCC unroll 8
		for (int i = 0; i < q; i++)
			acc[b][i] = sum[b * q + i];
	for (int64_t oy = most(j->oy0, -down); oy < end; oy++) {
		const vec *row = x + (s.c * j->h + oy + down) * j->w + ix;

		for (int b = 0; b < kb; b++)        /* channels that do not exist repeat the last */
			d[b] = dy + least(s.k + b, j->k - 1) * plane + oy * j->ow;
		points_at_edge(acc, row, d, 0, full0, -ix, j->w - ix, kb, q);
		points(acc, row, d, full0, full1, kb, q);
		points_at_edge(acc, row, d, full1, j->ow, -ix, j->w - ix, kb, q);
	}
#pragma GCC unroll 8
	for (int b = 0; b < kb; b++)
#pragma GCC unroll 8
		for (int i = 0; i < q; i++)
			sum[b * q + i] = acc[b][i];
}

#define TILE(KB, Q)                                                                          \
	SIMD static void tile_##KB##x##Q(const struct job *j, const vec *x, const vec *dy,        \
	                                 struct spot s, vec *sum)                                 \
	{                                                                                         \
		tile(j, x, dy, s, sum, KB, Q);                                                    \
	}
TILE(4, 5)
TILE(3, 5)
TILE(8, 3)
TILE(6, 3)
TILE(6, 4)
TILE(3, 7)
TILE(8, 2)
TILE(8, 1)

/* The earlier the fewer loads per multiply-add. */
static const struct { int kb, q; tile_fn *tile; } shapes[] = {
	{ 6, 4, tile_6x4 }, { 8, 3, tile_8x3 }, { 4, 5, tile_4x5 }, { 3, 7, tile_3x7 },
	{ 6, 3, tile_6x3 }, { 3, 5, tile_3x5 }, { 8, 2, tile_8x2 }, { 8, 1, tile_8x1 },
};
#define N_SHAPES ((int)(sizeof shapes / sizeof shapes[0]))

#define STRIP_VECTORS 512               /* 32 KiB */

static void choose_shape(struct job *j)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < N_SHAPES; i++) {
		int64_t sums = pieces(j->k, shapes[i].kb) * shapes[i].kb * pieces(j->kw, shapes[i].q) *
		               shapes[i].q;

		if (sums >= best)
			continue;
		best = sums;
		j->kb = shapes[i].kb;
		j->q = shapes[i].q;
		j->tile = shapes[i].tile;
	}
	j->sums = best * j->c * j->kh + j->k;
}

/* Strips of equal height. */
static void choose_strip(struct job *j)
{
	int64_t rows = (STRIP_VECTORS - (j->kh - 1) * j->w) / (j->kb * j->ow + j->w);

	j->strips = pieces(j->oh, within(rows, 1, j->oh));
	j->strip = pieces(j->oh, j->strips);
	j->strips = pieces(j->oh, j->strip);
}

static struct job job_of(const struct lanes_conv *g)
{
	struct job j = { .n = g->n, .c = g->c, .k = g->k, .h = g->h, .w = g->w, .kh = g->kh,
	                 .kw = g->kw, .top = g->pad[0], .left = g->pad[1] };

	j.oh = g->h + g->pad[0] + g->pad[2] - g->kh + 1;
	j.ow = g->w + g->pad[1] + g->pad[3] - g->kw + 1;
	choose_shape(&j);
	choose_strip(&j);
	j.parts = least(thread_count(), g->n / LANES * j.strips);
	return j;
}

size_t lanes_dw_scratch(const struct lanes_conv *g)
{
	struct job j = job_of(g);

	return (size_t)(j.parts * j.sums) * LANES;
}

SIMD static void add_rows(const vec *dy, int64_t count, vec *sum)
{
	vec a[4] = {{0}};
	int64_t i = 0;

	for (; i + 4 <= count; i += 4)
		for (int l = 0; l < 4; l++)
			a[l] += dy[i + l];
	for (; i < count; i++)
		a[0] += dy[i];
	*sum += (a[0] + a[1]) + (a[2] + a[3]);
}

/* Strip `at`, counted through all blocks of images, into the sums of a part. */
static void run_strip(const struct job *all, int64_t at, vec *sum)
{
	struct job j = *all;
	int64_t block = at / j.strips;
	const vec *x = j.x + block * j.c * j.h * j.w, *dy = j.dy + block * j.k * j.oh * j.ow;
	vec *db = sum + j.sums - j.k;

	j.oy0 = at % j.strips * j.strip;
	j.oy1 = least(j.oy0 + j.strip, j.oh);
	for (struct spot s = { 0 }; s.k < j.k; s.k += j.kb) {
		for (int64_t k = s.k; k < least(s.k + j.kb, j.k); k++)
			add_rows(dy + (k * j.oh + j.oy0) * j.ow, (j.oy1 - j.oy0) * j.ow, db + k);
		for (s.c = 0; s.c < j.c; s.c++)
			for (s.ky = 0; s.ky < j.kh; s.ky++)
				for (s.kx = 0; s.kx < j.kw; s.kx += j.q, sum += j.kb * j.q)
					j.tile(&j, x, dy, s, sum);
	}
}

static void run_parts(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	int64_t strips = j->n / LANES * j->strips;

	for (int64_t p = lo; p < hi; p++) {
		vec *sum = j->sum + p * j->sums;

		memset(sum, 0, (size_t)j->sums * sizeof *sum);
		for (int64_t s = strips * p / j->parts; s < strips * (p + 1) / j->parts; s++)
			run_strip(j, s, sum);
	}
}

SIMD static void add_parts(vec *sum, int64_t parts, int64_t sums)
{
	for (int64_t p = 1; p < parts; p++)
		for (int64_t i = 0; i < sums; i++)
			sum[i] += sum[p * sums + i];
}

INLINE float across(vec v)
{
	v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
	v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
	v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
	return v[0] + v[1];
}

/* The sums of one tile, lanes added up, to their places in dw. */
SIMD static void collect_tile(const struct job *j, const vec *sum, struct spot s, float *dw)
{
	for (int64_t b = 0; b < least(j->kb, j->k - s.k); b++) {
		float *row = dw + (((s.k + b) * j->c + s.c) * j->kh + s.ky) * j->kw + s.kx;

		for (int64_t i = 0; i < least(j->q, j->kw - s.kx); i++)
			row[i] = across(sum[b * j->q + i]);
	}
}

SIMD static void collect_bias(const vec *sum, int64_t k, float *db)
{
	for (int64_t i = 0; i < k; i++)
		db[i] = across(sum[i]);
}

void lanes_dw(const struct lanes_conv *g, const float *x, const float *dy, float *dw, float *db,
              float *scratch)
{
	struct job j = job_of(g);
	const vec *sum;

	j.x = (const vec *)x;
	j.dy = (const vec *)dy;
	sum = j.sum = (vec *)scratch;
	thread_for(j.parts, 0, run_parts, &j);
	add_parts(j.sum, j.parts, j.sums);
	for (struct spot s = { 0 }; s.k < j.k; s.k += j.kb)
		for (s.c = 0; s.c < j.c; s.c++)
			for (s.ky = 0; s.ky < j.kh; s.ky++)
				for (s.kx = 0; s.kx < j.kw; s.kx += j.q, sum += j.kb * j.q)
					collect_tile(&j, sum, s, dw);
	if (db)
		collect_bias(sum, j.k, db);
}
