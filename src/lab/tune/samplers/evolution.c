/* evolution.c -- regularised evolution (Real et al. 2019): of the youngest `population` trials
 * that have ended, `sample` are looked at, and the best of them is tried again with one parameter
 * changed.  Whoever is old dies, however good. */
#include <math.h>

#include "lab/tune/rows.h"

struct evolution_opts { int population, sample; double width; };

#define T struct evolution_opts
static const struct option evolution_options[] = {
	OPT_INT   (T, population, "20", 1, 100000, "trials that live; so many are random at first"),
	OPT_INT   (T, sample, "5", 1, 100000, "of them that are looked at for each new one"),
	OPT_DOUBLE(T, width, "0.2", 1e-6, 10, "of a change to a number, in widths of its range"),
	OPT_END
};
#undef T

struct evolution { struct trial **alive; int64_t n; };      /* a ring; n: that have ended well */

static tt_status open(struct tt_study *s)
{
	const struct evolution_opts *o = s->sampler_opts;
	struct evolution *e = arena_alloc(&s->arena, sizeof *e);

	if (!e || !(e->alive = arena_alloc(&s->arena, (size_t)o->population * sizeof *e->alive)))
		return TT_ENOMEM;
	s->sampler_state = e;
	return TT_OK;
}

static const struct trial *parent(const struct tt_study *s, struct rng *r)
{
	const struct evolution_opts *o = s->sampler_opts;
	const struct evolution *e = s->sampler_state;
	const uint32_t n = (uint32_t)(e->n < o->population ? e->n : o->population);
	const struct trial *best = NULL;

	for (int i = 0; i < o->sample; i++) {
		const struct trial *t = e->alive[rng_below(r, n)];

		if (!best || study_compare(s, t, best) < 0)
			best = t;
	}
	return best;
}

static double change(const struct param *p, double x, struct rng *r, double width)
{
	double u;

	if (param_cells(p) == 1)
		return x;
	if (p->kind == TT_PARAM_CATEGORICAL)
		return fmod(x + 1 + rng_below(r, (uint32_t)p->count - 1), p->count);
	for (int i = 0; i < 100; i++) {
		u = param_unit(p, x) + width * rng_normal(r);
		if (u >= 0 && u < 1 && param_at(p, u) != x)
			return param_at(p, u);
	}
	return param_random(p, r);
}

static void mutate(const struct tt_study *s, struct trial *t, struct rng *r)
{
	const struct evolution_opts *o = s->sampler_opts;
	const struct trial *from = parent(s, r);
	int there = 0, which;

	for (int i = 0; i < s->space->n; i++)
		there += !isnan(from->x[i]);
	which = (int)rng_below(r, (uint32_t)there);
	for (int i = 0; i < s->space->n; i++) {
		const int now = !isnan(from->x[i]) && which-- == 0;

		if (!isnan(from->x[i]) && space_has(s->space, i, t->x))
			t->x[i] = now ? change(&s->space->param[i], from->x[i], r, o->width) : from->x[i];
	}
	study_fill(s, t, r);
}

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	const struct evolution_opts *o = s->sampler_opts;
	const struct evolution *e = s->sampler_state;
	struct rng r;

	*what = TT_ASK_NEW;
	study_rng(s, t, &r);
	if (t->number < o->population || e->n == 0)
		study_fill(s, t, &r);
	else
		mutate(s, t, &r);
	return TT_OK;
}

static tt_status seen(struct tt_study *s, struct trial *t)
{
	const struct evolution_opts *o = s->sampler_opts;
	struct evolution *e = s->sampler_state;

	if (study_counts(t) && isfinite(t->loss[0]))
		e->alive[e->n++ % o->population] = t;
	return TT_OK;
}

const struct sampler sampler_evolution = {
	.name = "evolution", .open = open, .ask = ask, .seen = seen, .options = evolution_options,
	.size = sizeof(struct evolution_opts),
	.help = "the best of a few of the youngest, changed a little (Real et al. 2019)",
};
