#include "learn/score/scores.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define LEAST_KEPT 1024

static int has_labels(const struct scores_what *w)  { return w->kind == SCORES_LABELS; }
static int has_numbers(const struct scores_what *w)
{
	return (w->kind & (SCORES_LABELS | SCORES_VALUES)) != 0;
}

static int wants(const struct scores_what *w, int needs)
{
	for (int i = 0; i < score_row_count; i++)
		if ((w->rows >> i & 1) && (int)score_rows[i].needs == needs)
			return 1;
	return 0;
}

/* ---- life ---- */

static tt_status make_sums(struct scores *s)
{
	const size_t n = (size_t)s->what.classes;
	struct metrics *m = &s->sums;

	m->classes = s->what.classes;
	m->spells = s->what.kind == SCORES_SPELT;
	m->k = s->what.k;
	if (n && !(m->class = mem_calloc(n, sizeof *m->class)))
		return TT_ENOMEM;
	if (s->what.confusion && n && n <= METRICS_MAX_CONFUSION &&
	    !(m->confusion = mem_calloc(n, n * sizeof *m->confusion)))
		return TT_ENOMEM;
	return TT_OK;
}

tt_status scores_init(struct scores *s, const struct scores_what *w)
{
	const size_t width = (size_t)w->width;
	struct scores made = { .what = *w };
	tt_status st = make_sums(&made);

	made.keeps = wants(w, NEEDS_KEPT) && !scores_too_many(w);
	if (st != TT_OK || !(made.room = mem_calloc(width, sizeof *made.room)) ||
	    (has_labels(w) && !(made.label = mem_calloc(width, sizeof *made.label))) ||
	    (has_numbers(w) && !(made.spread = mem_calloc(width, sizeof *made.spread))) ||
	    (made.keeps && !(made.area = mem_calloc(width, sizeof *made.area)))) {
		scores_release(&made);
		return TT_ENOMEM;
	}
	*s = made;
	return TT_OK;
}

void scores_release(struct scores *s)
{
	mem_free(s->sums.class);
	mem_free(s->sums.confusion);
	mem_free(s->label);
	mem_free(s->spread);
	mem_free(s->room);
	mem_free(s->kept);
	mem_free(s->area);
	mem_free(s->spelt);
	mem_free(s->distance);
	*s = (struct scores){ 0 };
}

void scores_clear(struct scores *s)
{
	const size_t width = (size_t)s->what.width;

	metrics_clear(&s->sums);
	s->log_loss = 0;
	s->shares = 0;
	s->n_kept = 0;
	if (s->label)
		memset(s->label, 0, width * sizeof *s->label);
	if (s->spread)
		memset(s->spread, 0, width * sizeof *s->spread);
}

/* ---- answers ---- */

static double log_sum_exp(const float *z, int n, int without)
{
	double max = -INFINITY, sum = 0;

	for (int j = 0; j < n; j++)
		if (j != without && !(z[j] <= max))
			max = z[j];
	if (!isfinite(max))
		return max;
	for (int j = 0; j < n; j++)
		if (j != without)
			sum += exp(z[j] - max);
	return max + log(sum);
}

/* What is compared with numbers. */
static void answers(const struct scores *s, const float *z, float *y)
{
	const int n = s->what.width;
	const double all = s->what.answers == ANSWERS_SOFTMAX ? log_sum_exp(z, n, -1) : 0;

	for (int j = 0; j < n; j++)
		switch (s->what.answers) {
		case ANSWERS_SOFTMAX: y[j] = (float)exp(z[j] - all); break;
		case ANSWERS_SIGMOID: y[j] = (float)(1 / (1 + exp(-(double)z[j]))); break;
		case ANSWERS_VALUES:  y[j] = z[j]; break;
		}
}

/* What samples are sorted by: a number that grows with the probability, and tells it from others
 * where all of them are nearly 1.  Of a softmax that is log p - log(1 - p). */
static void odds(const struct scores *s, const float *z, float *y)
{
	const int n = s->what.width;
	double all;
	int best = 0;

	if (s->what.answers != ANSWERS_SOFTMAX) {
		memcpy(y, z, (size_t)n * sizeof *y);
		return;
	}
	all = log_sum_exp(z, n, -1);
	for (int j = 1; j < n; j++)
		best = z[j] > z[best] ? j : best;
	for (int j = 0; j < n; j++) {
		const double log_p = z[j] - all;

		y[j] = (float)(j == best ? z[j] - log_sum_exp(z, n, j) : log_p - log1p(-exp(log_p)));
	}
}

/* ---- adding ---- */

struct sample { const float *z, *values; int32_t label; double weight; };

static void add_spread(struct score_spread *p, double target, double answer, double weight)
{
	const double off = answer - target, before = target - p->mean;

	if (!(weight > 0))
		return;
	p->weight += weight;
	p->mean += before * weight / p->weight;
	p->square += weight * before * (target - p->mean);
	p->off += weight * fabs(off);
	p->off_square += weight * off * off;
}

static void add_numbers(struct scores *s, const struct sample *x)
{
	answers(s, x->z, s->room);
	for (int j = 0; j < s->what.width; j++)
		add_spread(&s->spread[j], x->values[j], s->room[j], x->weight);
}

static void add_labels(struct scores *s, const struct sample *x)
{
	for (int j = 0; j < s->what.width; j++) {
		const int truth = x->values[j] == 1, answer = x->z[j] > 0;

		s->shares |= x->values[j] != 0 && x->values[j] != 1;
		s->label[j].truth += truth ? x->weight : 0;
		s->label[j].answered += answer ? x->weight : 0;
		s->label[j].right += truth && answer ? x->weight : 0;
	}
}

/* log(1 + exp(x)) of any x */
static double softplus(double x)
{
	return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static void add_log(struct scores *s, const struct sample *x)
{
	const int n = s->what.width;

	if (x->label < 0 || x->label >= s->what.classes || !(x->weight > 0))
		return;
	if (s->what.kind == SCORES_YES_NO)
		s->log_loss += x->weight * softplus(x->label ? -(double)x->z[0] : (double)x->z[0]);
	else if (s->what.answers == ANSWERS_SOFTMAX)
		s->log_loss += x->weight * (log_sum_exp(x->z, n, -1) - x->z[x->label]);
}

tt_status scores_make_room(struct scores *s, int64_t n)
{
	int64_t room = s->kept_room ? s->kept_room : LEAST_KEPT;
	float *kept;

	while (room < n)
		room *= 2;
	if (room == s->kept_room)
		return TT_OK;
	kept = mem_realloc(s->kept, (size_t)room * (size_t)scores_stride(&s->what) * sizeof *kept);
	if (!kept)
		return TT_ENOMEM;
	s->kept = kept;
	s->kept_room = room;
	return TT_OK;
}

static void keep(struct scores *s, const struct sample *x)
{
	float *v = s->kept + s->n_kept++ * scores_stride(&s->what);

	v[0] = (float)x->weight;
	odds(s, x->z, v + 1);
	if (has_labels(&s->what))
		memcpy(v + 1 + s->what.width, x->values, (size_t)s->what.width * sizeof *v);
	else
		v[1 + s->what.width] = (float)x->label;
}

static void add_sample(struct scores *s, const struct sample *x, int logs)
{
	if (s->spread && x->values)
		add_numbers(s, x);
	if (s->label && x->values)
		add_labels(s, x);
	if (logs)
		add_log(s, x);
	if (s->keeps)
		keep(s, x);
}

/* ---- labels that are spelt ---- */

static tt_status make_spelt_room(struct scores *s, int64_t n)
{
	if (n <= s->spelt_room)
		return TT_OK;
	mem_free(s->spelt);
	mem_free(s->distance);
	s->spelt_room = 0;
	s->spelt = mem_calloc((size_t)n, sizeof *s->spelt);
	s->distance = mem_calloc((size_t)n, sizeof *s->distance);
	if (!s->spelt || !s->distance)
		return TT_ENOMEM;
	s->spelt_room = n;
	return TT_OK;
}

static void add_spelt(struct scores *s, const struct metrics_batch *b, int64_t i)
{
	const struct spelling *p = b->spelling;
	const float *z = b->logits + i * p->places * b->width;
	const double weight = b->weight ? b->weight[i] : 1;
	struct spelt want = { p->label + i * p->most, 0 }, is = { s->spelt, 0 };
	int64_t off;

	while (want.n < p->most && want.v[want.n] >= 0)
		want.n++;
	is.n = spelling_read(z, p->lengths[i], b->width, p->blank, s->spelt);
	off = spelling_distance(is, want, s->distance);
	s->sums.labels += weight * (double)want.n;
	s->sums.wrong += weight * (double)off;
	s->sums.correct += off == 0 ? weight : 0;
}

static tt_status add_all_spelt(struct scores *s, const struct metrics_batch *b)
{
	tt_status st = make_spelt_room(s, b->spelling->most + 1);

	for (int64_t i = 0; st == TT_OK && i < b->n; i++)
		add_spelt(s, b, i);
	return st;
}

/* ---- all ---- */

tt_status scores_add(struct scores *s, const struct metrics_batch *b)
{
	const int logs = s->sums.classes && b->label && !s->what.loss_is_log &&
	                 wants(&s->what, NEEDS_LOGS);
	tt_status st = s->keeps ? scores_make_room(s, s->n_kept + b->n) : TT_OK;

	if (st != TT_OK)
		return st;
	metrics_add(&s->sums, b);
	if (s->what.kind == SCORES_SPELT)
		return add_all_spelt(s, b);
	if (!s->spread && !s->label && !logs && !s->keeps)
		return TT_OK;
	for (int64_t i = 0; i < b->n; i++) {
		const size_t at = (size_t)i * (size_t)b->width;

		add_sample(s, &(struct sample){
			b->logits + at, b->values ? b->values + at : NULL, b->label ? b->label[i] : -1,
			b->weight ? b->weight[i] : 1 }, logs);
	}
	return TT_OK;
}

/* ---- areas and curves ---- */

static int is_positive(const struct scores_what *w, const float *truth, int column)
{
	switch (w->kind) {
	case SCORES_LABELS: return truth[column] == 1;
	case SCORES_YES_NO: return truth[0] == 1;
	default:            return truth[0] == (float)column;
	}
}

static void rank_column(const struct scores *s, int column, struct ranked *out)
{
	const int step = scores_stride(&s->what);
	const float *v = s->kept;

	for (int64_t i = 0; i < s->n_kept; i++, v += step)
		out[i] = (struct ranked){ v[1 + column], v[0],
		                          is_positive(&s->what, v + 1 + s->what.width, column) };
	ranking_sort(out, s->n_kept);
}

static struct ranked *ranked_room(const struct scores *s)
{
	return mem_alloc((size_t)(s->n_kept + 1) * sizeof(struct ranked));
}

tt_status scores_find_areas(struct scores *s)
{
	struct ranked *v = ranked_room(s);

	if (!v)
		return TT_ENOMEM;
	for (int c = 0; c < s->what.width; c++) {
		rank_column(s, c, v);
		s->area[c] = ranking_areas(v, s->n_kept);
	}
	mem_free(v);
	return TT_OK;
}

tt_status scores_draw(const struct scores *s, int column, enum ranking_curve c,
                      struct series *out)
{
	struct ranked *v = ranked_room(s);

	if (!v)
		return TT_ENOMEM;
	rank_column(s, column, v);
	ranking_draw(v, s->n_kept, c, out);
	mem_free(v);
	return TT_OK;
}
