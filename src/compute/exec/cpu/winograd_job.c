/* winograd_job.c -- see winograd_job.h; and the parts that do not depend on how images are
 * stored. */
#include "compute/exec/cpu/winograd_job.h"

#include <string.h>

#include "sys/thread.h"
#include "compute/exec/cpu/winograd_tiles.h"

INLINE vec cell_load(const cell *p) { return *p; }
INLINE void cell_store(cell *p, vec v) { *p = v; }

/* The 36 points of a tile, a power of two apart, would all want the same few lines of the
 * first-level cache: a little more keeps them out of each other's way. */
#define GAP (2 * B)

size_t wino_filter_floats(const struct winograd *g) { return (size_t)(POS * (g->c * g->k + GAP)); }

/* Strips of tiles for all threads; scratch for a strip. */
static void cut(struct wino_job *j, int64_t strip)
{
	int64_t strips = (j->tiles + strip - 1) / strip;

	j->strip = strip;
	j->share = (strips + thread_count() - 1) / thread_count();
	j->u_step = j->c * j->k + GAP;
	j->v_step = strip * j->c + GAP;
	j->m_step = strip * j->k + GAP;
	j->per_thread = (size_t)(POS * (j->v_step + j->m_step));
}

/* Few channels: V and M of a strip fit the first-level cache.  Many: filters are the larger part,
 * so each of their blocks serves more tiles. */
static struct wino_job job_of(int64_t n, int64_t c, int64_t k, int64_t h, int64_t w, int pad)
{
	struct wino_job j = { .n = n, .c = c, .k = k, .h = h, .w = w, .pad = pad };

	j.oh = h + 2 * pad - 2;
	j.ow = w + 2 * pad - 2;
	j.ty = (j.oh + 3) / 4;
	j.tx = (j.ow + 3) / 4;
	j.tiles = n * j.ty * j.tx;
	cut(&j, c + k <= 2 * B ? T : c + k <= 4 * B ? 2 * T : 4 * T);
	return j;
}

struct wino_job wino_job(const struct winograd *g)
{
	struct wino_job j = job_of(g->n, g->c, g->k, g->h, g->w, g->pad);

	j.relu = g->relu;
	return j;
}

/* Here a strip's sums are read and written once for all its tiles: the more the better. */
struct wino_job wino_job_dw(const struct winograd *g)
{
	struct wino_job j = wino_job(g);

	cut(&j, 4 * T);
	return j;
}

struct wino_job wino_job_dx(const struct winograd *g)
{
	return job_of(g->n, g->k, g->c, g->h + 2 * g->pad - 2, g->w + 2 * g->pad - 2, 2 - g->pad);
}

/* Filters first, then each thread's V and M. */
size_t winograd_scratch(const struct winograd *g)
{
	size_t a = wino_job(g).per_thread, b = wino_job_dx(g).per_thread;

	return wino_filter_floats(g) + (a > b ? a : b) * (size_t)thread_count();
}

size_t winograd_dw_scratch(const struct winograd *g)
{
	return (wino_filter_floats(g) + wino_job_dw(g).per_thread) * (size_t)thread_count();
}

/* Part i of the work: its own scratch, so that it can run on any thread. */
static void part(const struct wino_job *j, int64_t i)
{
	float *v = j->scratch + (size_t)i * j->per_thread, *m = v + POS * j->v_step;
	int64_t end = (i + 1) * j->share * j->strip;
	float *du = j->du ? j->du + i * POS * j->u_step : NULL;

	memset(v, 0, j->per_thread * sizeof(float));      /* a short strip's unused rows */
	if (du)
		memset(du, 0, (size_t)(POS * j->u_step) * sizeof(float));
	for (int64_t q = i * j->share * j->strip; q < end && q < j->tiles; q += j->strip)
		j->run(j, q, j->tiles - q < j->strip ? j->tiles - q : j->strip, v, m, du);
}

static void parts(void *ctx, int64_t lo, int64_t hi)
{
	for (int64_t i = lo; i < hi; i++)
		part(ctx, i);
}

void wino_run(struct wino_job *j)
{
	thread_for(thread_count(), 0, parts, j);
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

SIMD static void add_into(float *restrict a, const float *restrict b, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		a[i] += b[i];
}

void wino_collect(struct wino_job *j, float *dw)
{
	int64_t each = POS * j->u_step;

	for (int i = 1; i < thread_count(); i++)
		add_into(j->du, j->du + i * each, each);
	for (int64_t c = 0; c < j->c; c++)
		for (int64_t k = 0; k < j->k; k += B)
			filters_out(j->du + c * j->k + k, j->u_step, dw + (k * j->c + c) * 9, j->c * 9);
}
