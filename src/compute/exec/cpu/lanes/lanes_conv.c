/* lanes_conv.c -- see lanes.h: the convolution itself, and the gradient by its input.
 *
 * A tile is some channels out times some points in a row: all their sums stay in registers while
 * every tap of the filter goes by.  It takes (channels + points) loads for channels x points
 * multiply-adds, so any of the shapes below runs near the peak; the one that leaves least of its
 * sums unused is taken. */
#include "compute/exec/cpu/lanes/lanes.h"

#include <string.h>

#include "sys/thread.h"
#include "compute/exec/cpu/lanes/lanes_vec.h"

struct job;
/* Row oy of the output of one block of images. */
typedef void row_fn(const struct job *j, const vec *x, vec *y, int64_t oy);

struct job {
	int64_t      n, c, k, h, w, kh, kw, oh, ow, top, left;
	int          relu, kb;          /* kb: channels of a tile                       */
	const vec   *x;
	vec         *y;
	const float *u, *bias;          /* filters [k/kb][c][kh][kw][kb]; bias or NULL  */
	row_fn      *row;
};

/* Taps kx from..to at all points of a tile. */
INLINE void taps(vec acc[][8], const vec *x, const float *u, int64_t from, int64_t to,
                 const int kb, const int p)
{
	for (int64_t kx = from; kx < to; kx++)
#pragma GCC unroll 8
		for (int i = 0; i < p; i++)
#pragma GCC unroll 8
			for (int b = 0; b < kb; b++)
				acc[i][b] += u[kx * kb + b] * x[kx + i];
}

/* The same where some points lie outside the image, whose row has points lo..hi. */
INLINE void taps_at_edge(vec acc[][8], const vec *x, const float *u, int64_t from, int64_t to,
                         int64_t lo, int64_t hi, const int kb, const int p)
{
	for (int64_t kx = from; kx < to; kx++)
#pragma GCC unroll 8
		for (int i = 0; i < p; i++) {
			if (kx + i < lo || kx + i >= hi)
				continue;
#pragma GCC unroll 8
			for (int b = 0; b < kb; b++)
				acc[i][b] += u[kx * kb + b] * x[kx + i];
		}
}

/* Where a tile stands: its channels, its row and first point, and the same in the input. */
struct spot { int64_t k, oy, ox, iy, ix; };

/* Taps full0..full1 find all points of the tile inside the image; edge says whether that may be
 * less than all. */
INLINE void sum(const struct job *j, const vec *x, struct spot s, vec acc[][8], const int edge,
                const int kb, const int p)
{
	int64_t from = most(0, -s.iy), to = least(j->kh, j->h - s.iy);
	int64_t full0 = edge ? within(-s.ix, 0, j->kw) : 0;
	int64_t full1 = edge ? within(j->w - s.ix - p + 1, full0, j->kw) : j->kw;

	for (int64_t c = 0; c < j->c; c++)
		for (int64_t ky = from; ky < to; ky++) {
			const vec *at = x + (c * j->h + s.iy + ky) * j->w + s.ix;
			const float *u = j->u + ((s.k * j->c + c * kb) * j->kh + ky * kb) * j->kw;

			if (edge)
				taps_at_edge(acc, at, u, 0, full0, -s.ix, j->w - s.ix, kb, p);
			taps(acc, at, u, full0, full1, kb, p);
			if (edge)
				taps_at_edge(acc, at, u, full1, j->kw, -s.ix, j->w - s.ix, kb, p);
		}
}

/* Do all taps of the p points find a point of the input? */
INLINE int is_inside(const struct job *j, int64_t ix, int64_t p)
{
	return ix >= 0 && ix + p + j->kw - 1 <= j->w;
}

INLINE void tile(const struct job *j, const vec *x, vec *y, struct spot s, const int kb,
                 const int p)
{
	vec acc[8][8];

#pragma GCC unroll 8
	for (int i = 0; i < p; i++)
#pragma GCC unroll 8
		for (int b = 0; b < kb; b++)
			acc[i][b] = (vec){0} + (j->bias && s.k + b < j->k ? j->bias[s.k + b] : 0);
	if (is_inside(j, s.ix, p))
		sum(j, x, s, acc, 0, kb, p);
	else
		sum(j, x, s, acc, 1, kb, p);
#pragma GCC unroll 8
	for (int i = 0; i < p; i++)
#pragma GCC unroll 8
		for (int b = 0; b < kb; b++)
			if (s.ox + i < j->ow && s.k + b < j->k)
				y[((s.k + b) * j->oh + s.oy) * j->ow + s.ox + i] =
					j->relu ? positive(acc[i][b]) : acc[i][b];
}

INLINE void row(const struct job *j, const vec *x, vec *y, int64_t oy, const int kb, const int p)
{
	for (int64_t k = 0; k < j->k; k += kb)
		for (int64_t ox = 0; ox < j->ow; ox += p)
			tile(j, x, y, (struct spot){ k, oy, ox, oy - j->top, ox - j->left }, kb, p);
}

#define ROW(KB, P)                                                                        \
	SIMD static void row_##KB##x##P(const struct job *j, const vec *x, vec *y, int64_t oy) \
	{                                                                                      \
		row(j, x, y, oy, KB, P);                                                       \
	}
ROW(6, 4)
ROW(4, 6)
ROW(4, 5)
ROW(3, 7)
ROW(8, 3)
ROW(2, 8)

static const struct { int kb, p; row_fn *row; } shapes[] = {
	{ 6, 4, row_6x4 }, { 4, 6, row_4x6 }, { 4, 5, row_4x5 }, { 8, 3, row_8x3 },
	{ 3, 7, row_3x7 }, { 2, 8, row_2x8 },
};
#define N_SHAPES ((int)(sizeof shapes / sizeof shapes[0]))

static struct job job_of(int64_t n, int64_t c, int64_t k, int64_t h, int64_t w)
{
	return (struct job){ .n = n, .c = c, .k = k, .h = h, .w = w };
}

/* Multiply-adds of a row of tiles; to ask at an edge which points are inside costs as much as two
 * more. */
static int64_t cost(const struct job *j, int64_t kb, int64_t p)
{
	int64_t sum = 0;

	for (int64_t ox = 0; ox < j->ow; ox += p)
		sum += p * (is_inside(j, ox - j->left, p) ? kb : kb + 2);
	return sum * pieces(j->k, kb);
}

/* The shape that fits k channels and rows of ow points best. */
static void choose_shape(struct job *j)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < N_SHAPES; i++) {
		int64_t now = cost(j, shapes[i].kb, shapes[i].p);

		if (now >= best)
			continue;
		best = now;
		j->kb = shapes[i].kb;
		j->row = shapes[i].row;
	}
}

static struct job forward_job(const struct lanes_conv *g)
{
	struct job j = job_of(g->n, g->c, g->k, g->h, g->w);

	j.kh = g->kh;
	j.kw = g->kw;
	j.top = g->pad[0];
	j.left = g->pad[1];
	j.oh = g->h + g->pad[0] + g->pad[2] - g->kh + 1;
	j.ow = g->w + g->pad[1] + g->pad[3] - g->kw + 1;
	j.relu = g->relu;
	choose_shape(&j);
	return j;
}

/* dx is a convolution of dy: from k channels to c, padded with what the filter is more than pad. */
static struct job dx_job(const struct lanes_conv *g)
{
	struct job f = forward_job(g), j = job_of(g->n, g->k, g->c, f.oh, f.ow);

	j.kh = g->kh;
	j.kw = g->kw;
	j.top = g->kh - 1 - g->pad[0];
	j.left = g->kw - 1 - g->pad[1];
	j.oh = g->h;
	j.ow = g->w;
	choose_shape(&j);
	return j;
}

static size_t filter_floats(const struct job *j)
{
	return (size_t)(pieces(j->k, j->kb) * j->kb * j->c * j->kh * j->kw);
}

size_t lanes_scratch(const struct lanes_conv *g)
{
	struct job f = forward_job(g), b = dx_job(g);

	return filter_floats(filter_floats(&f) > filter_floats(&b) ? &f : &b);
}

/* A filter's tap, as the tiles of j count channels: from w[k][c][t], or w[c][k] turned around. */
INLINE float tap(const struct job *j, const float *w, int64_t k, int64_t c, int64_t t, int turned)
{
	int64_t taps = j->kh * j->kw;

	if (k >= j->k)
		return 0;
	return turned ? w[(c * j->k + k) * taps + taps - 1 - t] : w[(k * j->c + c) * taps + t];
}

static void pack(struct job *j, const float *w, int turned, float *u)
{
	j->u = u;
	for (int64_t k = 0; k < j->k; k += j->kb)
		for (int64_t c = 0; c < j->c; c++)
			for (int64_t t = 0; t < j->kh * j->kw; t++)
				for (int b = 0; b < j->kb; b++)
					*u++ = tap(j, w, k + b, c, t, turned);
}

/* Rows lo..hi, counted through all blocks of images. */
static void rows(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;

	for (int64_t r = lo; r < hi; r++) {
		int64_t block = r / j->oh;

		j->row(j, j->x + block * j->c * j->h * j->w, j->y + block * j->k * j->oh * j->ow,
		       r % j->oh);
	}
}

void lanes_forward(const struct lanes_conv *g, const float *x, const float *w, const float *b,
                   float *y, float *scratch)
{
	struct job j = forward_job(g);

	pack(&j, w, 0, scratch);
	j.bias = b;
	j.x = (const vec *)x;
	j.y = (vec *)y;
	thread_for(j.n / LANES * j.oh, 1, rows, &j);
}

void lanes_dx(const struct lanes_conv *g, const float *dy, const float *w, float *dx,
              float *scratch)
{
	struct job j = dx_job(g);

	pack(&j, w, 1, scratch);
	j.x = (const vec *)dy;
	j.y = (vec *)dx;
	thread_for(j.n / LANES * j.oh, 1, rows, &j);
}

int lanes_pay(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("avx512f");
#else
	return 0;
#endif
}
