/* winograd_bf16.c -- F(4x4,3x3) on bf16 images with AVX512_BF16: the transforms in f32, U, V and
 * Z in bf16, products by vdpbf16ps (two multiply-adds a lane), sums in f32.
 *
 * This file alone is compiled for such CPUs; winograd_bf16_pays (winograd.c) asks before.
 *
 *   V[POS][C/16][strip][16] and U[POS][C/2][K][2]: neighbours in C are a pair
 *   dw sums over tiles, so there V[POS][C/16][strip/2][16][2], and Z alike: tiles are a pair */
#define CELL_BF16
#include "compute/exec/cpu/winograd.h"

#include <immintrin.h>

#include "sys/thread.h"
#include "compute/exec/cpu/winograd_job.h"
#include "compute/exec/cpu/winograd_tiles.h"

typedef uint32_t pairs __attribute__((vector_size(B * 4), aligned(B * 4), may_alias));

INLINE vec cell_load(const cell *p)
{
	__m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p));

	return (vec)_mm512_slli_epi32(wide, 16);
}

INLINE __m256i rounded(vec v) { return (__m256i)_mm512_cvtneps_pbh((__m512)v); }

INLINE void cell_store(cell *p, vec v) { _mm256_storeu_si256((void *)p, rounded(v)); }

/* Lane l: a[l] below, b[l] above. */
INLINE pairs paired(vec a, vec b)
{
	return (pairs)_mm512_or_si512(_mm512_cvtepu16_epi32(rounded(a)),
	                              _mm512_slli_epi32(_mm512_cvtepu16_epi32(rounded(b)), 16));
}

/* acc + a pair of numbers, the same for all lanes, times a pair in each lane. */
INLINE __m512 dot(__m512 acc, uint32_t same, pairs p)
{
	return _mm512_dpbf16_ps(acc, (__m512bh)_mm512_set1_epi32((int)same), (__m512bh)p);
}

static void filters(const struct winograd *g, const float *w, enum turn turn, pairs *u,
                    int64_t step)
{
	const struct filters f = filters_of(g->c, g->k, turn);
	vec a[POS], b[POS];

	for (int64_t r = 0; r < f.rows; r += 2)
		for (int64_t c = 0; c < f.cols; c += B) {
			const float *at = w + r * f.down + c * f.across;

			filters_in(at, f.across, turn, a);
			filters_in(at + f.down, f.across, turn, b);
			for (int p = 0; p < POS; p++)
				u[(p * step + r * f.cols) / 2 / B + c / B] = paired(a[p], b[p]);
		}
}

/* m[b][t] = sum_c v[t][c] u[c][b] for T tiles and KB blocks of 16 channels; cells of 8 pairs or 16
 * floats in blocks `strip` cells apart, rows of u K/16 cells. */
INLINE void product(const struct wino_job *j, const uint32_t *v, const pairs *u, vec *m,
                    const int kb)
{
	__m512 acc[T][2];

	for (int t = 0; t < T; t++)
		for (int b = 0; b < kb; b++)
			acc[t][b] = _mm512_setzero_ps();
	for (int64_t c = 0; c < j->c; c += B, v += j->strip * B / 2)
		for (int i = 0; i < B / 2; i++, u += j->k / B)
			for (int t = 0; t < T; t++)
				for (int b = 0; b < kb; b++)
					acc[t][b] = dot(acc[t][b], v[t * B / 2 + i], u[b]);
	for (int b = 0; b < kb; b++)
		for (int t = 0; t < T; t++)
			m[b * j->strip + t] = (vec)acc[t][b];
}

static void strip_in(const struct wino_job *j, int64_t from, int64_t count, uint16_t *v)
{
	int64_t cb = j->c / B;
	vec half[POS], o[6];

	for (int64_t t = 0; t < count; t++) {
		struct tile at = tile_at(from + t, j->ty, j->tx);

		for (int64_t b = 0; b < cb; b++) {
			struct plane a = plane_of(j->x, at.image, cb, b, j->h, j->w);
			uint16_t *to = v + (b * j->strip + t) * B;

			tile_in(&a, at.y - j->pad, at.x - j->pad, half);
			for (int i = 0; i < 6; i++) {
				transform_in(half + 6 * i, o);
				for (int p = 0; p < 6; p++, to += j->v_step)
					_mm256_store_si256((void *)to, rounded(o[p]));
			}
		}
	}
}

static void strip(const struct wino_job *j, int64_t from, int64_t count, void *vp, void *mp,
                      float *du)
{
	const uint32_t *v = vp, *u = j->u;
	int64_t kb = j->k / B;
	vec *m = mp;
	struct ahead x = look_ahead(j, j->x, extent_x(j), from + count);
	struct ahead y = look_ahead(j, j->y, extent_y(j), from);

	(void)du;
	strip_in(j, from, count, vp);
	for (int64_t p = 0; p < POS; p++, u += j->u_step / 2, v += j->v_step / 2, m += j->m_step / B) {
		const pairs *f = (const pairs *)u;
		int64_t b = 0;

		ask(&x, j, 0);
		ask(&y, j, 1);
		for (; b + 2 <= kb; b += 2)
			for (int64_t t = 0; t < j->strip; t += T)
				product(j, v + t * B / 2, f + b, m + b * j->strip + t, 2);
		for (; b < kb; b++)
			for (int64_t t = 0; t < j->strip; t += T)
				product(j, v + t * B / 2, f + b, m + b * j->strip + t, 1);
	}
	strip_out(j, from, count, mp);
}

/* du[0..CB)[0..KB*16) += sum over pairs of tiles, v from some channel of its block on. */
INLINE void product_dw(const struct wino_job *j, const uint32_t *v, const pairs *z, int64_t n,
                       float *du, const int cb, const int kb)
{
	__m512 acc[B][2];

	for (int i = 0; i < cb; i++)
		for (int b = 0; b < kb; b++)
			acc[i][b] = _mm512_load_ps(du + i * j->k + b * B);
	for (int64_t t = 0; t < n; t++)
		for (int i = 0; i < cb; i++)
			for (int b = 0; b < kb; b++)
				acc[i][b] = dot(acc[i][b], v[t * B + i], z[b * j->strip / 2 + t]);
	for (int i = 0; i < cb; i++)
		for (int b = 0; b < kb; b++)
			_mm512_store_ps(du + i * j->k + b * B, acc[i][b]);
}

/* Tile q of x (or dy) half transformed; zeros behind the last one, so that pairs are whole. */
INLINE void half_tile(const struct wino_job *j, int64_t q, int64_t end, int64_t b, vec half[POS],
                      const int of_dy)
{
	struct tile at = tile_at(q, j->ty, j->tx);
	struct plane a;

	if (q >= end) {
		memset(half, 0, POS * sizeof *half);
		return;
	}
	if (of_dy) {
		a = plane_of(j->dy, at.image, j->k / B, b, j->oh, j->ow);
		tile_grad(&a, at.y, at.x, half);
	} else {
		a = plane_of(j->x, at.image, j->c / B, b, j->h, j->w);
		tile_in(&a, at.y - j->pad, at.x - j->pad, half);
	}
}

INLINE void other_half(const vec *half, int i, vec o[6], const int of_dy)
{
	if (of_dy)
		transform_grad(half + 4 * i, o);
	else
		transform_in(half + 6 * i, o);
}

/* out[POS][blocks][strip/2]: pairs of tiles. */
INLINE void pair_tiles(const struct wino_job *j, int64_t from, int64_t count, pairs *out,
                           int64_t blocks, const int of_dy)
{
	int64_t step = (of_dy ? j->m_step : j->v_step) / 2 / B;
	vec half[2][POS], o[2][6];

	for (int64_t t = 0; t < count; t += 2)
		for (int64_t b = 0; b < blocks; b++) {
			pairs *to = out + (b * j->strip + t) / 2;

			half_tile(j, from + t, from + count, b, half[0], of_dy);
			half_tile(j, from + t + 1, from + count, b, half[1], of_dy);
			for (int i = 0; i < 6; i++) {
				other_half(half[0], i, o[0], of_dy);
				other_half(half[1], i, o[1], of_dy);
				for (int p = 0; p < 6; p++, to += step)
					*to = paired(o[0][p], o[1][p]);
			}
		}
}

/* One point's du[C][K]: in blocks of 8 x 32 where K allows, else 16 x 16. */
INLINE void dw_point(const struct wino_job *j, const uint32_t *v, const pairs *z, int64_t n,
                     float *du)
{
	int64_t half = j->strip / 2;

	for (int64_t c = 0; c < j->c; c += B, v += half * B, du += B * j->k) {
		int64_t k = 0;

		for (; k + 2 * B <= j->k; k += 2 * B)
			for (int i = 0; i < B; i += B / 2)
				product_dw(j, v + i, z + k / B * half, n, du + i * j->k + k, B / 2, 2);
		for (; k < j->k; k += B)
			product_dw(j, v, z + k / B * half, n, du + k, B, 1);
	}
}

static void strip_dw(const struct wino_job *j, int64_t from, int64_t count, void *vp, void *zp,
                     float *du)
{
	const uint32_t *v = vp;
	const pairs *z = zp;
	struct ahead x = look_ahead(j, j->x, extent_x(j), from + count);
	struct ahead y = look_ahead(j, j->dy, extent_y(j), from + count);

	pair_tiles(j, from, count, vp, j->c / B, 0);
	pair_tiles(j, from, count, zp, j->k / B, 1);
	for (int64_t p = 0; p < POS; p++, v += j->v_step / 2, z += j->m_step / 2 / B, du += j->u_step) {
		ask(&x, j, 0);
		ask(&y, j, 0);
		dw_point(j, v, z, (count + 1) / 2, du);
	}
}

void winograd_bf16_forward(const struct winograd *g, const uint16_t *x, const float *w,
                           const float *b,
                           uint16_t *y, float *scratch)
{
	struct wino_job j = wino_job(g);

	filters(g, w, TURN_NONE, (pairs *)scratch, j.u_step);
	j.run = strip;
	j.x = x;
	j.u = scratch;
	j.bias = b;
	j.y = y;
	j.scratch = scratch + wino_filter_floats(g);
	wino_run(&j);
}

void winograd_bf16_dx(const struct winograd *g, const uint16_t *dy, const float *w, uint16_t *dx,
                      float *scratch)
{
	struct wino_job j = wino_job_dx(g);

	filters(g, w, TURN_AROUND, (pairs *)scratch, j.u_step);
	j.run = strip;
	j.x = dy;
	j.u = scratch;
	j.y = dx;
	j.scratch = scratch + wino_filter_floats(g);
	wino_run(&j);
}

static void bias_grad(const uint16_t *dy, int64_t n, int64_t k, int64_t points, float *db)
{
	for (int64_t b = 0; b < k / B; b++) {
		vec sum = {0};

		for (int64_t i = 0; i < n; i++) {
			const cell *p = (const cell *)dy + (i * (k / B) + b) * points;
			vec image = {0};

			for (int64_t q = 0; q < points; q++)
				image += cell_load(p + q);
			sum += image;
		}
		memcpy(db + b * B, &sum, sizeof sum);
	}
}

void winograd_bf16_dw(const struct winograd *g, const uint16_t *x, const uint16_t *dy, float *dw,
                      float *db, float *scratch)
{
	struct wino_job j = wino_job_dw(g);

	j.run = strip_dw;
	j.x = x;
	j.dy = dy;
	j.du = scratch;
	j.scratch = scratch + wino_filter_floats(g) * (size_t)thread_count();
	wino_run(&j);
	wino_collect(&j, dw);
	if (db)
		bias_grad(dy, g->n, g->k, j.oh * j.ow, db);
}
