/* winograd.c -- see winograd.h: images in f32.
 *
 *   U = G w G^T (36 matrices CxK)    V = B^T d B (a tile, a channel)    M = V U    y = A^T M A
 *
 * The transforms work on vectors of 16 channels; the product keeps 8 tiles x 1 or 2 such vectors
 * in registers. */
#include "compute/exec/cpu/winograd.h"

#include "sys/thread.h"
#include "compute/exec/cpu/winograd_job.h"
#include "compute/exec/cpu/winograd_tiles.h"

INLINE vec cell_load(const cell *p) { return *p; }
INLINE void cell_store(cell *p, vec v) { *p = v; }

int winograd_pays(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("avx512f");
#else
	return 0;
#endif
}

int winograd_bf16_pays(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
	return 0;
#endif
}

SIMD static void filters(const struct winograd *g, const float *w, enum turn turn, float *u,
                         int64_t step)
{
	const struct filters f = filters_of(g->c, g->k, turn);
	vec o[POS];

	for (int64_t r = 0; r < f.rows; r++)
		for (int64_t c = 0; c < f.cols; c += B) {
			filters_in(w + r * f.down + c * f.across, f.across, turn, o);
			for (int p = 0; p < POS; p++)
				*(vec *)(u + p * step + r * f.cols + c) = o[p];
		}
}

/* m[b][t] = sum_c v[t][c] u[c][b] for T tiles and KB blocks of 16 channels; cells of 16 numbers
 * in blocks `strip` cells apart, rows of u k floats. */
INLINE void product(const struct wino_job *j, const float *v, const float *u, vec *m, const int kb)
{
	vec acc[T][2] = {{{0}}};

	for (int64_t c = 0; c < j->c; c += B, v += j->strip * B)
		for (int i = 0; i < B; i++, u += j->k)
			for (int t = 0; t < T; t++)
				for (int b = 0; b < kb; b++)
					acc[t][b] += v[t * B + i] * ((const vec *)u)[b];
	for (int b = 0; b < kb; b++)
		for (int t = 0; t < T; t++)
			m[b * j->strip + t] = acc[t][b];
}

/* du[0..CB)[0..KB*16) += sum_t v[t]^T z[t], v from some channel of its block on. */
INLINE void product_dw(const struct wino_job *j, const float *v, const vec *z, int64_t tiles,
                       float *du, const int cb, const int kb)
{
	vec acc[B][2];

	for (int i = 0; i < cb; i++)
		for (int b = 0; b < kb; b++)
			acc[i][b] = ((vec *)(du + i * j->k))[b];
	for (int64_t t = 0; t < tiles; t++)
		for (int i = 0; i < cb; i++)
			for (int b = 0; b < kb; b++)
				acc[i][b] += v[t * B + i] * z[b * j->strip + t];
	for (int i = 0; i < cb; i++)
		for (int b = 0; b < kb; b++)
			((vec *)(du + i * j->k))[b] = acc[i][b];
}

/* V[POS][C/16][strip][16] of the tiles from .. from+count. */
INLINE void strip_in(const struct wino_job *j, int64_t from, int64_t count, vec *v)
{
	int64_t cb = j->c / B, step = j->v_step / B;
	vec half[POS], o[6];

	for (int64_t t = 0; t < count; t++) {
		struct tile at = tile_at(from + t, j->ty, j->tx);

		for (int64_t b = 0; b < cb; b++) {
			struct plane a = plane_of(j->x, at.image, cb, b, j->h, j->w);
			vec *to = v + b * j->strip + t;

			tile_in(&a, at.y - j->pad, at.x - j->pad, half);
			for (int i = 0; i < 6; i++) {
				transform_in(half + 6 * i, o);
				for (int p = 0; p < 6; p++, to += step)
					*to = o[p];
			}
		}
	}
}

/* Z[POS][K/16][strip][16], the same of the gradient. */
INLINE void strip_grad(const struct wino_job *j, int64_t from, int64_t count, vec *z)
{
	int64_t kb = j->k / B, step = j->m_step / B;
	vec half[24], o[6];

	for (int64_t t = 0; t < count; t++) {
		struct tile at = tile_at(from + t, j->ty, j->tx);

		for (int64_t b = 0; b < kb; b++) {
			struct plane a = plane_of(j->dy, at.image, kb, b, j->oh, j->ow);
			vec *to = z + b * j->strip + t;

			tile_grad(&a, at.y, at.x, half);
			for (int i = 0; i < 6; i++) {
				transform_grad(half + 4 * i, o);
				for (int p = 0; p < 6; p++, to += step)
					*to = o[p];
			}
		}
	}
}

SIMD static void strip(const struct wino_job *j, int64_t from, int64_t count, void *vp, void *mp,
                       float *du)
{
	const float *u = j->u, *v = vp;
	vec *m = mp;
	struct ahead x = look_ahead(j, j->x, extent_x(j), from + count);
	struct ahead y = look_ahead(j, j->y, extent_y(j), from);

	(void)du;
	strip_in(j, from, count, vp);
	for (int64_t p = 0; p < POS; p++, u += j->u_step, v += j->v_step, m += j->m_step / B) {
		int64_t k = 0;

		ask(&x, j, 0);
		ask(&y, j, 1);
		for (; k + 2 * B <= j->k; k += 2 * B)
			for (int64_t t = 0; t < j->strip; t += T)
				product(j, v + t * B, u + k, m + k / B * j->strip + t, 2);
		for (; k < j->k; k += B)
			for (int64_t t = 0; t < j->strip; t += T)
				product(j, v + t * B, u + k, m + k / B * j->strip + t, 1);
	}
	strip_out(j, from, count, mp);
}

/* One point's du[C][K]: in blocks of 8 x 32 where K allows, else 16 x 16. */
INLINE void dw_point(const struct wino_job *j, const float *v, const vec *z, int64_t count,
                     float *du)
{
	for (int64_t c = 0; c < j->c; c += B, v += j->strip * B, du += B * j->k) {
		int64_t k = 0;

		for (; k + 2 * B <= j->k; k += 2 * B)
			for (int i = 0; i < B; i += B / 2)
				product_dw(j, v + i, z + k / B * j->strip, count, du + i * j->k + k, B / 2, 2);
		for (; k < j->k; k += B)
			product_dw(j, v, z + k / B * j->strip, count, du + k, B, 1);
	}
}

SIMD static void strip_dw(const struct wino_job *j, int64_t from, int64_t count, void *vp, void *zp,
                          float *du)
{
	const float *v = vp;
	const vec *z = zp;
	struct ahead x = look_ahead(j, j->x, extent_x(j), from + count);
	struct ahead y = look_ahead(j, j->dy, extent_y(j), from + count);

	strip_in(j, from, count, vp);
	strip_grad(j, from, count, zp);
	for (int64_t p = 0; p < POS; p++, v += j->v_step, z += j->m_step / B, du += j->u_step) {
		ask(&x, j, 0);
		ask(&y, j, 0);
		dw_point(j, v, z, count, du);
	}
}

void winograd_forward(const struct winograd *g, const float *x, const float *w, const float *b,
                      float *y, float *scratch)
{
	struct wino_job j = wino_job(g);

	filters(g, w, TURN_NONE, scratch, j.u_step);
	j.run = strip;
	j.x = x;
	j.u = scratch;
	j.bias = b;
	j.y = y;
	j.scratch = scratch + wino_filter_floats(g);
	wino_run(&j);
}

void winograd_dx(const struct winograd *g, const float *dy, const float *w, float *dx,
                 float *scratch)
{
	struct wino_job j = wino_job_dx(g);

	filters(g, w, TURN_AROUND, scratch, j.u_step);
	j.run = strip;
	j.x = dy;
	j.u = scratch;
	j.y = dx;
	j.scratch = scratch + wino_filter_floats(g);
	wino_run(&j);
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
