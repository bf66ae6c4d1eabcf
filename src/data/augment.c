#include "data/augment.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/reader.h"

/* Entry c of a list that may hold one value for all. */
static double pick(const struct option_list *l, int64_t c, double none)
{
	return l->n == 0 ? none : l->n == 1 ? l->v[0] : l->v[c];
}

static tt_status check_list(const char *name, const struct option_list *l, int64_t channels)
{
	if (l->n > 1 && (int64_t)l->n != channels)
		return err_set(TT_ESPEC, "data.%s has %zu values; give one, or one for each of %lld "
		               "channels or features", name, l->n, (long long)channels);
	for (size_t i = 0; i < l->n; i++)
		if (!isfinite(l->v[i]))
			return err_set(TT_ESPEC, "data.%s holds a value that is not finite", name);
	return TT_OK;
}

static tt_status check(const tt_source_info *info, const struct data_opts *d)
{
	tt_status st = check_list("mean", &d->mean, info->shape[0]);

	if (st == TT_OK)
		st = check_list("std", &d->std, info->shape[0]);
	for (size_t i = 0; st == TT_OK && i < d->std.n; i++)
		if (!(d->std.v[i] > 0))
			st = err_set(TT_ESPEC, "data.std must be above 0, not %g", d->std.v[i]);
	return st;
}

static float normalised(const struct data_opts *d, int64_t channel, uint8_t raw)
{
	return (float)((raw / 255.0 - pick(&d->mean, channel, 0)) / pick(&d->std, channel, 1));
}

/* A mean far above its std needs more digits than a float has: 0 where those it has will do. */
static float rest_of(const struct data_opts *d, int64_t c)
{
	const double mean = pick(&d->mean, c, 0), rest = mean - (double)(float)mean;

	return fabs(rest) > 1e-6 * pick(&d->std, c, 1) ? (float)rest : 0;
}

tt_status normaliser_init(struct normaliser *n, const tt_source_info *info,
                          const struct data_opts *d)
{
	size_t channels = (size_t)info->shape[0];
	tt_status st = check(info, d);

	*n = (struct normaliser){0};
	if (st != TT_OK)
		return st;
	if (info->type == TT_SAMPLE_U8) {
		if (!(n->table = mem_calloc(channels * 256, sizeof *n->table)))
			return TT_ENOMEM;
		for (size_t i = 0; i < channels * 256; i++)
			n->table[i] = normalised(d, (int64_t)(i / 256), (uint8_t)(i % 256));
		return TT_OK;
	}
	n->mean = mem_calloc(channels, sizeof *n->mean);
	n->scale = mem_calloc(channels, sizeof *n->scale);
	n->rest = mem_calloc(channels, sizeof *n->rest);
	if (!n->mean || !n->scale || !n->rest) {
		normaliser_release(n);
		return TT_ENOMEM;
	}
	for (size_t c = 0; c < channels; c++) {
		n->mean[c] = (float)pick(&d->mean, (int64_t)c, 0);
		n->scale[c] = (float)(1 / pick(&d->std, (int64_t)c, 1));
		n->rest[c] = rest_of(d, (int64_t)c);
	}
	return TT_OK;
}

void normaliser_release(struct normaliser *n)
{
	mem_free(n->table);
	mem_free(n->mean);
	mem_free(n->scale);
	mem_free(n->rest);
	*n = (struct normaliser){0};
}

struct view augment_view(const struct augment_opts *o, const tt_source_info *info,
                         struct sample_id id)
{
	struct view v = {0};
	int tame = o->until > 0 && id.epoch >= o->until;
	struct rng r;

	rng_init(&r, rng_key(id.seed, RNG_AUGMENT), (uint64_t)id.index, (uint32_t)id.epoch);
	if (o->crop > 0 && !tame) {
		v.dy = (int)rng_below(&r, 2 * (uint32_t)o->crop + 1) - o->crop;
		v.dx = (int)rng_below(&r, 2 * (uint32_t)o->crop + 1) - o->crop;
		v.border = o->border;
	}
	if (o->flip)
		v.mirror = (int)(rng_u32(&r) & 1);
	if (o->cutout > 0 && !tame) {
		v.hole = o->cutout;
		v.hole_y = (int)rng_below(&r, (uint32_t)info->shape[1]);
		v.hole_x = (int)rng_below(&r, (uint32_t)info->shape[2]);
	}
	return v;
}

/* n bytes through a table. */
static void look_up(const float *restrict table, const uint8_t *restrict raw, size_t n,
                    float *restrict x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = table[raw[i]];
}

static void look_up_mirrored(const float *restrict table, const uint8_t *restrict raw, size_t n,
                             float *restrict x)
{
	for (size_t i = 0; i < n; i++)
		x[n - 1 - i] = table[raw[i]];
}

static void fill(float *x, size_t n, float v)
{
	for (size_t i = 0; i < n; i++)
		x[i] = v;
}

/* Where i lies when a row of n is mirrored at both ends, the end itself not repeated. */
static int reflected(int i, int n)
{
	int period = n > 1 ? 2 * (n - 1) : 1, r = (i % period + period) % period;

	return r < n ? r : period - r;
}

/* Pixels lo..hi of a row of w, moved by dx, that lie outside of the picture. */
static void edge(const float *table, const uint8_t *raw, int w, const struct view *v, int lo,
                 int hi, float *x)
{
	for (int i = lo; i < hi; i++) {
		uint8_t pixel = v->border == AUGMENT_REFLECT ? raw[reflected(i + v->dx, w)] : 0;

		x[v->mirror ? w - 1 - i : i] = table[pixel];
	}
}

/* One row of w pixels, moved by dx. */
static void row(const float *table, const uint8_t *raw, int w, const struct view *v, float *x)
{
	int lo = v->dx < 0 ? -v->dx : 0, hi = v->dx > 0 ? w - v->dx : w;

	if (lo > w)
		lo = w;
	if (hi < lo)
		hi = lo;
	edge(table, raw, w, v, 0, lo, x);
	edge(table, raw, w, v, hi, w, x);
	if (v->mirror)
		look_up_mirrored(table, raw + lo + v->dx, (size_t)(hi - lo), x + w - hi);
	else
		look_up(table, raw + lo + v->dx, (size_t)(hi - lo), x + lo);
}

static void apply_view(const struct normaliser *n, const int64_t *shape, const struct view *v,
                       const uint8_t *raw, float *x)
{
	int h = (int)shape[1], w = (int)shape[2];

	for (int64_t c = 0; c < shape[0]; c++) {
		const float *table = n->table + c * 256;
		const uint8_t *plane = raw + c * h * w;

		for (int y = 0; y < h; y++, x += w) {
			int from = y + v->dy;

			if (v->border == AUGMENT_REFLECT)
				from = reflected(from, h);
			if (from < 0 || from >= h)
				fill(x, (size_t)w, table[0]);
			else
				row(table, plane + (size_t)from * (size_t)w, w, v, x);
		}
	}
}

/* What is cut is 0 after normalisation: the mean of the data.  The hole may reach over the edge. */
static void cut_hole(const int64_t *shape, const struct view *v, float *x)
{
	int64_t top = v->hole_y - v->hole / 2, left = v->hole_x - v->hole / 2;
	int64_t y0 = top > 0 ? top : 0, y1 = top + v->hole < shape[1] ? top + v->hole : shape[1];
	int64_t x0 = left > 0 ? left : 0, x1 = left + v->hole < shape[2] ? left + v->hole : shape[2];

	for (int64_t c = 0; c < shape[0] && v->hole; c++)
		for (int64_t y = y0; y < y1; y++)
			fill(x + (c * shape[1] + y) * shape[2] + x0, (size_t)(x1 - x0), 0);
}

void augment_apply(const struct normaliser *n, const tt_source_info *info, const struct view *v,
                   const void *raw, float *x)
{
	size_t channels = (size_t)info->shape[0], plane = source_elements(info) / channels;
	const float *f = raw;

	if (v) {
		apply_view(n, info->shape, v, raw, x);
		cut_hole(info->shape, v, x);
		return;
	}
	for (size_t c = 0; c < channels; c++)
		if (n->table)
			look_up(n->table + c * 256, (const uint8_t *)raw + c * plane, plane, x + c * plane);
		else
			for (size_t i = c * plane; i < (c + 1) * plane; i++)
				x[i] = (f[i] - n->mean[c] - n->rest[c]) * n->scale[c];
}

void loader_normalise(const tt_source_info *info, const struct data_opts *d, const void *raw,
                      float *x)
{
	size_t channels = (size_t)info->shape[0], plane = source_elements(info) / channels;
	const uint8_t *u = raw;
	const float *f = raw;

	for (size_t c = 0; c < channels; c++) {
		float mean = (float)pick(&d->mean, (int64_t)c, 0);
		float scale = (float)(1 / pick(&d->std, (int64_t)c, 1)), rest = rest_of(d, (int64_t)c);

		for (size_t i = c * plane; i < (c + 1) * plane; i++)
			x[i] = info->type == TT_SAMPLE_U8 ? normalised(d, (int64_t)c, u[i])
			                                  : (f[i] - mean - rest) * scale;
	}
}
