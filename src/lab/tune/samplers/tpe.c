/* tpe.c -- the tree of Parzen estimators (Bergstra et al. 2011), each parameter on its own.
 *
 *   trials so far, the best first:  | l: the best min(ceil(n / 10), 25) |  g: all others  |
 *
 * Of `candidates` values drawn from the density of the good trials, the one is tried for which
 * good trials are likelier than others: l(x) / g(x) is largest.  A density is a mixture of a normal
 * distribution per trial, cut at the ends of the range, and of a wide one for what is not
 * known (the prior).  Widths, weights and the magic clip are those of Hyperopt and Optuna. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lab/tune/rows.h"

#define FULL_WEIGHT 25          /* trials: those before them weigh less and less */
#define GOOD_MOST   25

struct tpe_opts { int64_t startup; int candidates; double good; };

#define T struct tpe_opts
static const struct option tpe_options[] = {
	OPT_INT64 (T, startup, "10", 0, 1e9, "trials that are random at first"),
	OPT_INT   (T, candidates, "24", 1, 100000, "values of which the most promising is tried"),
	OPT_DOUBLE(T, good, "0.1", 0, 1, "the part of the trials that counts as good, 25 at most"),
	OPT_END
};
#undef T

/* A mixture on the scale of the parameter: of a range a number, of words one of `cells`. */
struct mixture {
	int     n;                      /* kernels, the prior last */
	double *mu, *sigma, *weight;
	double  lo, hi, half;           /* half: of a step; 0: a continuum */
	int     cells;                  /* of words; else 0        */
	int     log;                    /* whole numbers by logarithm: half is of the number itself */
};

/* ---- the scale ---- */

static void set_scale(const struct param *p, struct mixture *m)
{
	m->cells = p->kind == TT_PARAM_CATEGORICAL ? p->count : 0;
	m->half = p->kind == TT_PARAM_DOUBLE ? 0 : 0.5;
	m->log = p->log;
	m->lo = (p->count ? 0 : p->lo) - m->half;
	m->hi = (p->count ? p->count - 1 : p->hi) + m->half;
	if (p->log) {
		m->lo = log(m->lo);
		m->hi = log(m->hi);
	}
}

static double to_scale(const struct param *p, double x)
{
	return p->rank ? p->rank[(int)x] : p->log ? log(x) : x;
}

/* Of what was drawn the value that is tried, and its own place on the scale. */
static double settle(const struct param *p, double at, double *x)
{
	const double v = p->log ? exp(at) : at;

	if (p->kind == TT_PARAM_DOUBLE) {
		*x = v < p->lo ? p->lo : v > p->hi ? p->hi : v;
		return at;
	}
	if (p->kind == TT_PARAM_INT) {
		const double near = floor(v + 0.5);

		*x = near < p->lo ? p->lo : near > p->hi ? p->hi : near;
		return to_scale(p, *x);
	}
	at = floor(at + 0.5);
	at = at < 0 ? 0 : at > p->count - 1 ? p->count - 1 : at;
	*x = p->by_rank ? p->by_rank[(int)at] : at;
	return at;
}

/* ---- a mixture is made ---- */

static void weigh(struct mixture *m)
{
	const int trials = m->n - 1, ramp = trials - FULL_WEIGHT;
	double sum = 0;

	for (int i = 0; i < m->n; i++) {
		m->weight[i] = 1;
		if (i < ramp)           /* from 1 / trials up to 1, evenly */
			m->weight[i] = ramp == 1 ? 1.0 / trials :
			               1.0 / trials + i * (1 - 1.0 / trials) / (ramp - 1);
		sum += m->weight[i];
	}
	for (int i = 0; i < m->n; i++)
		m->weight[i] /= sum;
}

static int by_mu(const void *a, const void *b, void *mu)
{
	const double x = ((double *)mu)[*(const int *)a], y = ((double *)mu)[*(const int *)b];

	return x < y ? -1 : x > y ? 1 : *(const int *)a - *(const int *)b;
}

/* Each as wide as the way to its farther neighbour; the outermost look inwards only, if there is
 * anybody; none narrower than the clip. */
static void widen(struct mixture *m, int *order)
{
	const double most = m->hi - m->lo;
	const double least = most / (m->n + 1 < 100 ? m->n + 1 : 100);

	for (int i = 0; i < m->n; i++)
		order[i] = i;
	qsort_r(order, (size_t)m->n, sizeof *order, by_mu, m->mu);
	for (int i = 0; i < m->n; i++) {
		const double mu = m->mu[order[i]];
		const double left = mu - (i ? m->mu[order[i - 1]] : m->lo);
		const double right = (i + 1 < m->n ? m->mu[order[i + 1]] : m->hi) - mu;
		double w = left > right ? left : right;

		if (m->n >= 2 && i == 0)
			w = right;
		if (m->n >= 2 && i == m->n - 1)
			w = left;
		m->sigma[order[i]] = w < least ? least : w > most ? most : w;
	}
	m->sigma[m->n - 1] = most;
}

struct group { struct trial **trial; int64_t n; int param; };

static tt_status make(const struct param *p, const struct group *g, struct arena *a,
                      struct mixture *m)
{
	const size_t room = (size_t)g->n + 1;
	int *order = arena_alloc(a, room * sizeof *order);

	*m = (struct mixture){ .mu = arena_alloc(a, room * sizeof(double)),
	                       .sigma = arena_alloc(a, room * sizeof(double)),
	                       .weight = arena_alloc(a, room * sizeof(double)) };
	if (!order || !m->mu || !m->sigma || !m->weight)
		return TT_ENOMEM;
	set_scale(p, m);
	for (int64_t i = 0; i < g->n; i++)
		if (!isnan(g->trial[i]->x[g->param]))
			m->mu[m->n++] = to_scale(p, g->trial[i]->x[g->param]);
	m->mu[m->n++] = m->cells ? -1 : 0.5 * (m->lo + m->hi);
	weigh(m);
	if (!m->cells)
		widen(m, order);
	return TT_OK;
}

/* ---- densities ---- */

static double below(double z) { return 0.5 * erfc(-z * M_SQRT1_2); }

/* The part of a normal distribution from a to b, exact far out as well. */
static double mass(double a, double b)
{
	return a > 0 ? below(-a) - below(-b) : below(b) - below(a);
}

/* The log of the density at a place of the scale (of its cell, where values are single). */
static double density(const struct mixture *m, double at)
{
	double low = at - m->half, high = at + m->half, sum = 0;

	if (m->log && m->half > 0) {
		low = log(exp(at) - m->half);
		high = log(exp(at) + m->half);
	}
	for (int i = 0; i < m->n; i++) {
		const double s = m->sigma[i], mu = m->mu[i];
		const double all = mass((m->lo - mu) / s, (m->hi - mu) / s);
		const double z = (at - mu) / s;

		sum += m->weight[i] / all * (m->half > 0 ? mass((low - mu) / s, (high - mu) / s) :
		                             exp(-0.5 * z * z) / (s * 2.5066282746310002));
	}
	return log(sum + 1e-300);
}

/* Of words: each kernel has 1 at its own and 1/n at all; the prior has the same of each. */
static double density_of_word(const struct mixture *m, double word)
{
	const double some = 1.0 / m->n;
	double sum = 0;

	for (int i = 0; i < m->n; i++)
		sum += m->weight[i] * (m->mu[i] < 0 ? 1.0 / m->cells :
		                       (some + (m->mu[i] == word)) / (1 + some * m->cells));
	return log(sum);
}

static int pick(const struct mixture *m, struct rng *r)
{
	double u = rng_uniform(r);
	int i = 0;

	while (i < m->n - 1 && (u -= m->weight[i]) >= 0)
		i++;
	return i;
}

/* From a normal distribution cut at the ends: again until it is within; from far outside evenly. */
static double draw(const struct mixture *m, struct rng *r)
{
	const int k = pick(m, r);

	for (int i = 0; i < 1000; i++) {
		const double v = m->mu[k] + m->sigma[k] * rng_normal(r);

		if (v >= m->lo && v <= m->hi)
			return v;
	}
	return m->lo + (m->hi - m->lo) * rng_uniform(r);
}

static double draw_word(const struct mixture *m, struct rng *r)
{
	const int k = pick(m, r);
	const double some = 1.0 / m->n;

	if (m->mu[k] >= 0 && rng_uniform(r) < 1 / (1 + some * m->cells))
		return m->mu[k];
	return rng_below(r, (uint32_t)m->cells);
}

/* ---- a value ---- */

struct split { struct group good, rest; };

static tt_status best_of(const struct tt_study *s, struct split *g, int i, struct rng *r, double *x)
{
	const int n = ((const struct tpe_opts *)s->sampler_opts)->candidates;
	const struct param *p = &s->space->param[i];
	struct mixture l, m;
	struct arena a = {0};
	double best = -INFINITY;
	tt_status st;

	g->good.param = g->rest.param = i;
	if ((st = make(p, &g->good, &a, &l)) == TT_OK)
		st = make(p, &g->rest, &a, &m);
	for (int k = 0; st == TT_OK && k < n; k++) {
		double v, at, ratio;

		if (l.cells) {
			at = v = draw_word(&l, r);
			ratio = density_of_word(&l, at) - density_of_word(&m, at);
		} else {
			at = settle(p, draw(&l, r), &v);
			ratio = density(&l, at) - density(&m, at);
		}
		if (k == 0 || ratio > best) {
			best = ratio;
			*x = v;
		}
	}
	arena_release(&a);
	return st;
}

static int by_number(const void *a, const void *b)
{
	const struct trial *p = *(struct trial *const *)a, *q = *(struct trial *const *)b;

	return p->number < q->number ? -1 : p->number > q->number;
}

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	const struct tpe_opts *o = s->sampler_opts;
	int64_t n;
	struct trial **all = study_ranked(s, &n);
	int64_t good = (int64_t)ceil(o->good * (double)n);
	struct split g;
	struct rng r;
	tt_status st = TT_OK;

	*what = TT_ASK_NEW;
	study_rng(s, t, &r);
	if (n < o->startup || n == 0) {
		study_fill(s, t, &r);
		return TT_OK;
	}
	good = good < 1 ? 1 : good > GOOD_MOST ? GOOD_MOST : good;
	g = (struct split){ { all, good, 0 }, { all + good, n - good, 0 } };
	qsort(all, (size_t)good, sizeof *all, by_number);
	qsort(all + good, (size_t)(n - good), sizeof *all, by_number);
	for (int i = 0; st == TT_OK && i < s->space->n; i++)
		if (space_has(s->space, i, t->x))
			st = best_of(s, &g, i, &r, &t->x[i]);
	return st;
}

const struct sampler sampler_tpe = {
	.name = "tpe", .ask = ask, .options = tpe_options, .size = sizeof(struct tpe_opts),
	.help = "where good trials are likelier than others (Bergstra et al. 2011)",
};
