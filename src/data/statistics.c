#include "data/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "data/convert.h"
#include "data/loader.h"

#define BLOCK_BYTES ((size_t)1 << 20)   /* of samples that are read at once */
#define ORDERED_MOST ((int64_t)1 << 28) /* numbers that are kept to be put in order */

struct survey {
	const struct reader *r;
	const tt_column     *x;
	int                  at;            /* the column                                    */
	int64_t              channels, plane;
	int64_t              block;         /* samples                                       */
	void                *raw;           /* [block] as the source has them                */
	float               *f;             /* the same as f32; not of bytes and f32         */
	double              *mean, *m2;     /* [channels] of the samples before              */
	float               *least, *most;  /* [channels], likewise                          */
	float               *kept;          /* [channels][numbers] to be ordered; or NULL    */
	int64_t              seen;          /* how many                                      */
};

/* What n numbers more do to mean and sum of squared distances (Chan, Golub, LeVeque 1979). */
struct part { double mean, m2; int64_t n; };

static void join(struct survey *s, int64_t c, const struct part *p)
{
	const double before = (double)(s->seen * s->plane), n = (double)p->n, all = before + n;
	const double delta = p->mean - s->mean[c];

	s->mean[c] += delta * n / all;
	s->m2[c] += p->m2 + delta * delta * before * n / all;
}

/* Of bytes the sums are whole numbers. */
static void add_bytes(struct survey *s, int64_t c, int64_t n)
{
	uint64_t sum = 0, sum2 = 0;
	struct part p = { .n = n * s->plane };
	double count = (double)p.n;

	for (int64_t i = 0; i < n; i++) {
		const uint8_t *byte = (const uint8_t *)s->raw + (i * s->channels + c) * s->plane;

		for (int64_t k = 0; k < s->plane; k++) {
			sum += byte[k];
			sum2 += (uint64_t)byte[k] * byte[k];
		}
	}
	p.mean = (double)sum / count / 255;
	p.m2 = fmax((double)sum2 - (double)sum * ((double)sum / count), 0) / (255.0 * 255);
	join(s, c, &p);
}

static void add_floats(struct survey *s, int64_t c, int64_t n, const float *f)
{
	struct part p = { .n = n * s->plane };

	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < s->plane; k++)
			p.mean += (double)f[(i * s->channels + c) * s->plane + k];
	p.mean /= (double)p.n;
	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < s->plane; k++) {
			const double d = (double)f[(i * s->channels + c) * s->plane + k] - p.mean;

			p.m2 += d * d;
		}
	join(s, c, &p);
}

/* Bytes, too, as they will be: 0..1. */
static float number_at(const struct survey *s, const float *f, int64_t i)
{
	return s->x->type == TT_U8 ? (float)((const uint8_t *)s->raw)[i] / 255 : f[i];
}

static void add_order(struct survey *s, int64_t c, int64_t n, const float *f)
{
	const int64_t all = s->r->count * s->plane;

	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < s->plane; k++) {
			const float x = number_at(s, f, (i * s->channels + c) * s->plane + k);

			s->least[c] = x < s->least[c] ? x : s->least[c];
			s->most[c] = x > s->most[c] ? x : s->most[c];
			if (s->kept)
				s->kept[c * all + (s->seen + i) * s->plane + k] = x;
		}
}

static tt_status add_block(struct survey *s, int64_t n)
{
	struct cells cells[BATCH_COLUMNS] = {{0}};
	const float *f = s->f ? s->f : s->raw;
	tt_status st;

	cells[s->at].data = s->raw;
	if ((st = s->r->ops->read(s->r, s->seen, n, cells)) != TT_OK)
		return st;
	if (s->f)
		convert_to_f32(s->x->type, s->raw, (size_t)(n * s->channels * s->plane), s->f);
	for (int64_t c = 0; c < s->channels; c++) {
		if (s->x->type == TT_U8)
			add_bytes(s, c, n);
		else
			add_floats(s, c, n, f);
		if (!isfinite(s->m2[c]))
			return err_set(TT_EFORMAT, "column '%.60s' holds a number that is not finite (feature "
			               "or channel %lld, samples %lld to %lld): it has no mean", s->x->name,
			               (long long)c, (long long)s->seen, (long long)(s->seen + n - 1));
		if (s->least)
			add_order(s, c, n, f);
	}
	s->seen += n;
	return TT_OK;
}

static tt_status order_init(struct survey *s, int how)
{
	const int64_t all = s->r->count * s->plane;

	s->least = mem_alloc((size_t)s->channels * sizeof *s->least);
	s->most = mem_alloc((size_t)s->channels * sizeof *s->most);
	if (!s->least || !s->most)
		return TT_ENOMEM;
	for (int64_t c = 0; c < s->channels; c++) {
		s->least[c] = INFINITY;
		s->most[c] = -INFINITY;
	}
	if (how != NORMALISE_ROBUST)
		return TT_OK;
	if (all > ORDERED_MOST / s->channels)
		return err_set(TT_ESUPPORT, "data.normalise: robust puts all numbers in order, at most "
		               "%lld: here are %lld samples of %lld; standard needs no order",
		               (long long)ORDERED_MOST, (long long)s->r->count,
		               (long long)(s->channels * s->plane));
	s->kept = mem_alloc((size_t)(all * s->channels) * sizeof *s->kept);
	return s->kept ? TT_OK : TT_ENOMEM;
}

static tt_status survey_init(struct survey *s, const struct statistics_of *of)
{
	const struct reader *r = source_reader(of->source);
	const int at = schema_input(&r->schema.view, 0);
	const tt_column *x = r->schema.view.column[at];
	size_t bytes, numbers;

	*s = (struct survey){ .r = r, .x = x, .at = at, .channels = x->ndim ? x->shape[0] : 1 };
	if (column_ragged(x))
		return err_set(TT_ESUPPORT, "data.normalise: column '%.60s' is ragged", x->name);
	s->plane = column_row(x) / s->channels;
	bytes = column_bytes(x);
	s->block = bytes < BLOCK_BYTES ? (int64_t)(BLOCK_BYTES / bytes) : 1;
	if (s->block > r->count)
		s->block = r->count;
	numbers = (size_t)s->block * (size_t)column_row(x);
	s->raw = mem_alloc_aligned((size_t)s->block * bytes);
	if (x->type != TT_U8 && x->type != TT_F32 &&
	    !(s->f = mem_alloc_aligned(numbers * sizeof *s->f)))
		return TT_ENOMEM;
	s->mean = mem_calloc((size_t)s->channels, sizeof *s->mean);
	s->m2 = mem_calloc((size_t)s->channels, sizeof *s->m2);
	if (!s->raw || !s->mean || !s->m2)
		return TT_ENOMEM;
	return of->how == NORMALISE_STANDARD ? TT_OK : order_init(s, of->how);
}

static void survey_release(struct survey *s)
{
	mem_free(s->raw);
	mem_free(s->f);
	mem_free(s->mean);
	mem_free(s->m2);
	mem_free(s->least);
	mem_free(s->most);
	mem_free(s->kept);
}

static int by_size(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Of n numbers in order. */
static double quantile(const float *x, int64_t n, double q)
{
	const double at = q * (double)(n - 1);
	const int64_t i = (int64_t)at, next = i + 1 < n ? i + 1 : i;

	return (double)x[i] + (at - (double)i) * ((double)x[next] - (double)x[i]);
}

/* What channel c is centred on, and divided by. */
static void find(const struct survey *s, int64_t c, double *centre, double *scale)
{
	const int64_t n = s->seen * s->plane;

	if (s->kept) {
		float *x = s->kept + c * n;

		qsort(x, (size_t)n, sizeof *x, by_size);
		*centre = quantile(x, n, 0.5);
		*scale = quantile(x, n, 0.75) - quantile(x, n, 0.25);
	} else if (s->least) {
		*centre = (double)s->least[c];
		*scale = (double)s->most[c] - (double)s->least[c];
	} else {
		*centre = s->mean[c];
		*scale = sqrt(s->m2[c] / (double)n);
	}
}

static tt_status give(const struct survey *s, struct arena *a, struct statistics *out)
{
	const size_t n = (size_t)s->channels;
	double *mean = arena_alloc(a, n * sizeof *mean), *std = arena_alloc(a, n * sizeof *std);

	if (!mean || !std)
		return TT_ENOMEM;
	for (size_t c = 0; c < n; c++) {
		find(s, (int64_t)c, &mean[c], &std[c]);
		if (!(std[c] > 0))
			std[c] = 1;
	}
	*out = (struct statistics){ { mean, n }, { std, n } };
	return TT_OK;
}

tt_status statistics_find(struct statistics *out, struct arena *a, const struct statistics_of *of,
                          const struct statistics_stop *stop)
{
	const int64_t count = tt_source_describe(of->source)->count;
	struct survey s;
	tt_status st = survey_init(&s, of);

	while (st == TT_OK && s.seen < count) {
		if (stop && stop->asked(stop->ctx))
			st = err_set(TT_ESTOPPED, "stopped on request while data.normalise read the data");
		else
			st = add_block(&s, count - s.seen < s.block ? count - s.seen : s.block);
	}
	if (st == TT_OK)
		st = give(&s, a, out);
	survey_release(&s);
	return st;
}
