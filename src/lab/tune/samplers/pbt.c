/* pbt.c -- population-based training (Jaderberg et al. 2017).
 *
 *   member 0   |--- trial 0 ---|--- trial 0 ---|-- trial 7 from 3's checkpoint --|
 *   member 1   |--- trial 1 ---|--- trial 1 ---|--- trial 1 ---|
 *              0           interval        2 interval                        steps
 *
 * Every `interval` steps a trial pauses.  When it is its turn again it goes on, or, if it is
 * among the worst `part` of those that have paused, it ends, and a new trial takes its place:
 * from the checkpoint of one of the best `part` (exploit), with that one's parameters changed
 * (explore). Nobody waits for the others of the population. */
#include <math.h>

#include "base/mem.h"
#include "lab/tune/rows.h"

struct pbt_opts { int population; int64_t interval, steps; double part, resample, factor; };

#define T struct pbt_opts
static const struct option pbt_options[] = {
	OPT_INT   (T, population, "10", 2, 100000, "trials that train side by side"),
	OPT_INT64 (T, interval, "1", 1, 1e15, "steps from one comparison to the next"),
	OPT_INT64 (T, steps, "10", 1, 1e15, "of a trial, with those of the checkpoints it comes from"),
	OPT_DOUBLE(T, part, "0.2", 0, 0.5, "of the population that is given up, and that is copied"),
	OPT_DOUBLE(T, resample, "0.25", 0, 1, "how likely a parameter of a copy is drawn anew"),
	OPT_DOUBLE(T, factor, "1.2", 1.0001, 100, "by which the others are multiplied or divided"),
	OPT_END
};
#undef T

struct pbt { struct trial **member; int n; };       /* [population], the trial of each */

static tt_status open(struct tt_study *s)
{
	const struct pbt_opts *o = s->sampler_opts;
	struct pbt *p = arena_alloc(&s->arena, sizeof *p);

	if (!p || !(p->member = arena_alloc(&s->arena, (size_t)o->population * sizeof *p->member)))
		return TT_ENOMEM;
	s->sampler_state = p;
	return TT_OK;
}

static int64_t budget(const struct tt_study *s, int64_t from)
{
	const struct pbt_opts *o = s->sampler_opts;

	return from + o->interval < o->steps ? from + o->interval : o->steps;
}

/* How many of those with a result are better (+1) or worse (-1). */
static int count(const struct tt_study *s, const struct trial *t, int sign)
{
	const struct pbt *p = s->sampler_state;
	int n = 0;

	for (int i = 0; i < p->n; i++)
		if (p->member[i] != t && p->member[i]->has_result) {
			const double a = p->member[i]->loss[0], b = t->loss[0];

			n += sign > 0 ? a < b : a > b;
		}
	return n;
}

static int part(const struct tt_study *s)
{
	const struct pbt_opts *o = s->sampler_opts;
	const struct pbt *p = s->sampler_state;
	int known = 0;

	for (int i = 0; i < p->n; i++)
		known += p->member[i]->has_result;
	return (int)floor(o->part * known + 1e-9);
}

static int is_poor(const struct tt_study *s, const struct trial *t)
{
	return t->state == TT_TRIAL_FAILED || count(s, t, -1) < part(s);
}

/* Has it a checkpoint, and is it one of the best? */
static int is_rich(const struct tt_study *s, const struct trial *t)
{
	return t->has_result && isfinite(t->loss[0]) && t->n_points &&
	       (t->state == TT_TRIAL_PAUSED || t->state == TT_TRIAL_COMPLETED) &&
	       count(s, t, 1) < part(s);
}

static int is_better(const struct trial *t, const struct trial *than)
{
	return t != than && (than->state == TT_TRIAL_FAILED || t->loss[0] < than->loss[0]);
}

static struct trial *rich(const struct tt_study *s, const struct trial *than, struct rng *r)
{
	const struct pbt *p = s->sampler_state;
	struct trial *pick = NULL;
	uint32_t n = 0;

	for (int i = 0; i < p->n; i++)
		if (is_rich(s, p->member[i]) && is_better(p->member[i], than) && rng_below(r, ++n) == 0)
			pick = p->member[i];
	return pick;
}

static double perturb(const struct param *p, double x, double factor, struct rng *r)
{
	const double by = rng_uniform(r) < 0.5 ? factor : 1 / factor;
	double v;

	if (p->kind == TT_PARAM_CATEGORICAL)
		return x;
	if (p->kind == TT_PARAM_DISCRETE) {
		const int k = p->rank[(int)x] + (by > 1 ? 1 : -1);

		return p->by_rank[k < 0 ? 0 : k >= p->count ? p->count - 1 : k];
	}
	v = x * by;
	if (p->kind == TT_PARAM_INT) {
		v = floor(v + 0.5);
		v = v == x ? x + (by > 1 ? 1 : -1) : v;
	}
	return v < p->lo ? p->lo : v > p->hi ? p->hi : v;
}

static void explore(const struct tt_study *s, struct trial *t, const struct trial *from,
                    struct rng *r)
{
	const struct pbt_opts *o = s->sampler_opts;

	for (int i = 0; i < s->space->n; i++) {
		const struct param *p = &s->space->param[i];
		const int anew = rng_uniform(r) < o->resample;

		if (!isnan(from->x[i]) && space_has(s->space, i, t->x))
			t->x[i] = anew ? param_random(p, r) : perturb(p, from->x[i], o->factor, r);
	}
	study_fill(s, t, r);
	t->parent = from->number;
	t->budget = budget(s, from->step);
}

/* Poor members that have stopped, in the order of their number. */
static struct trial *given_up(const struct tt_study *s)
{
	const struct pbt *p = s->sampler_state;

	for (int i = 0; i < p->n; i++) {
		struct trial *t = p->member[i];

		if ((t->state == TT_TRIAL_PAUSED || t->state == TT_TRIAL_FAILED) && is_poor(s, t))
			return t;
	}
	return NULL;
}

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	const struct pbt_opts *o = s->sampler_opts;
	struct pbt *p = s->sampler_state;
	struct trial *poor, *from;
	struct rng r;

	study_rng(s, t, &r);
	*what = TT_ASK_NEW;
	if (p->n < o->population) {
		study_fill(s, t, &r);
		t->budget = budget(s, 0);
		t->slot = p->n;
		p->member[p->n++] = t;
		return TT_OK;
	}
	poor = given_up(s);
	from = poor ? rich(s, poor, &r) : NULL;
	if (!from) {
		*what = TT_ASK_DONE;
		return TT_OK;
	}
	explore(s, t, from, &r);
	t->slot = poor->slot;
	p->member[poor->slot] = t;
	return poor->state == TT_TRIAL_PAUSED ? study_close_trial(s, poor, TT_TRIAL_PRUNED) : TT_OK;
}

/* The next member in line goes on, unless a copy is to be made first. */
static struct trial *resume(struct tt_study *s)
{
	const struct pbt *p = s->sampler_state;
	const struct pbt_opts *o = s->sampler_opts;
	struct trial *poor = p->n == o->population && s->count < s->limit ? given_up(s) : NULL;
	struct rng r;

	rng_init(&r, rng_key(s->seed, RNG_TUNE), 0, 2);
	if (p->n < o->population || (poor && rich(s, poor, &r)))
		return NULL;                    /* ask makes a new one */
	for (int i = 0; i < p->n; i++) {
		struct trial *t = p->member[i];

		if (t->state == TT_TRIAL_PAUSED) {
			t->budget = budget(s, t->step);
			return t;
		}
	}
	return NULL;
}

static enum tt_verdict told(struct tt_study *s, struct trial *t)
{
	const struct pbt_opts *o = s->sampler_opts;

	return t->step >= o->steps ? TT_COMPLETE : t->step >= t->budget ? TT_PAUSE : TT_GO_ON;
}

const struct sampler sampler_pbt = {
	.name = "pbt", .open = open, .ask = ask, .resume = resume, .told = told, .paces = 1,
	.options = pbt_options, .size = sizeof(struct pbt_opts),
	.help = "trials copy the checkpoints of better ones as they train (Jaderberg et al. 2017)",
};
