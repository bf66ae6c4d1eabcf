/* de.c -- differential evolution (Storn and Price 1997), rand/1/bin, in the unit cube.
 *
 * popsize places; a trial is tried for a place and takes it if it is better than who is there.  No
 * generation waits: a trial is made of those that hold places when it is asked for. */
#include <math.h>

#include "lab/tune/rows.h"

struct de_opts { int popsize, generations; double mutation, crossover; };

#define T struct de_opts
static const struct option de_options[] = {
	OPT_INT   (T, popsize, "10", 4, 100000, "trials of a generation"),
	OPT_INT   (T, generations, "0", 0, 1e9, "that are made, the random first included; 0: no end"),
	OPT_DOUBLE(T, mutation, "0.5", 0, 2, "of the way between two, gone from a third"),
	OPT_DOUBLE(T, crossover, "0.7", 0, 1, "how likely a parameter is the mutant's"),
	OPT_END
};
#undef T

struct de { struct trial **place; int n; };     /* [popsize], NULL: nobody yet; n: who holds one */

static tt_status open(struct tt_study *s)
{
	const struct de_opts *o = s->sampler_opts;
	struct de *d = arena_alloc(&s->arena, sizeof *d);

	if (!d || !(d->place = arena_alloc(&s->arena, (size_t)o->popsize * sizeof *d->place)))
		return TT_ENOMEM;
	s->sampler_state = d;
	return TT_OK;
}

/* Three others than the place's own, all different. */
static void others(const struct tt_study *s, int64_t place, struct rng *r, struct trial *v[3])
{
	const struct de_opts *o = s->sampler_opts;
	const struct de *d = s->sampler_state;

	for (int n = 0; n < 3;) {
		const uint32_t k = rng_below(r, (uint32_t)o->popsize);
		struct trial *t = d->place[k];
		int taken = !t || k == (uint32_t)place;

		for (int i = 0; i < n; i++)
			taken |= v[i] == t;
		if (!taken)
			v[n++] = t;
	}
}

/* Back from the ends, as light from a mirror. */
static double within(double u)
{
	u = fmod(fabs(u), 2);
	return u > 1 ? 2 - u : u;
}

static double mutant(const struct param *p, const double x[3], double mutation, struct rng *r)
{
	if (isnan(x[0]) || isnan(x[1]) || isnan(x[2]))
		return param_random(p, r);
	if (p->kind == TT_PARAM_CATEGORICAL)    /* words have no way between them */
		return x[1] == x[2] ? x[0] : param_random(p, r);
	return param_at(p, within(param_unit(p, x[0]) +
	                          mutation * (param_unit(p, x[1]) - param_unit(p, x[2]))));
}

static void cross(const struct tt_study *s, struct trial *t, struct rng *r)
{
	const struct de_opts *o = s->sampler_opts;
	const struct trial *own = ((struct de *)s->sampler_state)->place[t->slot];
	const int forced = (int)rng_below(r, (uint32_t)s->space->n);
	struct trial *v[3];

	others(s, t->slot, r, v);
	for (int i = 0; i < s->space->n; i++) {
		const double x[3] = { v[0]->x[i], v[1]->x[i], v[2]->x[i] };
		const int mutate = rng_uniform(r) < o->crossover || i == forced;

		if (space_has(s->space, i, t->x))
			t->x[i] = mutate ? mutant(&s->space->param[i], x, o->mutation, r) : own->x[i];
	}
	study_fill(s, t, r);
}

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	const struct de_opts *o = s->sampler_opts;
	const struct de *d = s->sampler_state;
	struct rng r;

	*what = TT_ASK_DONE;
	if (o->generations && t->number >= (int64_t)o->popsize * o->generations)
		return TT_OK;
	*what = TT_ASK_NEW;
	study_rng(s, t, &r);
	t->slot = t->number % o->popsize;
	if (t->number >= o->popsize && d->n >= 4 && d->place[t->slot])
		cross(s, t, &r);
	else
		study_fill(s, t, &r);
	return TT_OK;
}

static tt_status seen(struct tt_study *s, struct trial *t)
{
	struct de *d = s->sampler_state;
	struct trial **own = &d->place[t->slot];

	if (!study_counts(t) || !isfinite(t->loss[0]))
		return TT_OK;
	if (!*own)
		d->n++;
	else if (!study_beats(s, t, *own))
		return TT_OK;
	*own = t;
	return TT_OK;
}

const struct sampler sampler_de = {
	.name = "de", .open = open, .ask = ask, .seen = seen, .options = de_options,
	.size = sizeof(struct de_opts),
	.help = "differential evolution, rand/1/bin (Storn and Price 1997)",
};
