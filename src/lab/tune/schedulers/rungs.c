/* rungs.c -- budgets that grow by a factor, and fewer trials on each: successive halving
 * (Jamieson and Talwalkar 2016), ASHA (Li et al. 2020), Hyperband (Li et al. 2018).
 *
 *   rung 0      | * * * * * * * * * |     budget min      all begin here
 *   rung 1      | * * *             |     min * factor    the best 1/factor of the rung below go on
 *   top         | *                 |     max             they complete
 *
 * A trial that has reached its rung's budget pauses; whoever asks next is given the best one
 * that may go on, from its checkpoint.  ASHA lets a trial go on as soon as it is among the best
 * 1/factor of those that have come so far, halving when the rung is full.  Hyperband runs
 * ASHA's in several brackets, which begin on different rungs.  Which of two is better is a
 * matter of losses (study.h), so both directions are right. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "lab/tune/rows.h"

#define RUNGS_MOST 64

struct rungs_opts { int64_t min, max; double factor; int64_t trials; };

#define T struct rungs_opts
#define COMMON \
	OPT_INT64 (T, min, "1", 1, 1e15, "steps of a trial before it is compared for the first time"), \
	OPT_INT64 (T, max, "81", 1, 1e15, "steps of a trial that gets to the top"), \
	OPT_DOUBLE(T, factor, "3", 1.1, 1e6, "by which budgets grow, and of how many one goes on")
static const struct option asha_options[] = { COMMON, OPT_END };
static const struct option halving_options[] = {
	COMMON,
	OPT_INT64 (T, trials, "0", 0, 1e9, "that begin together; 0: so many that one gets to the top"),
	OPT_END
};
#undef T

/* Those that have come to a rung, the best first. */
struct entry { struct trial *t; double loss; int gone_on; };
struct rung  { struct entry *entry; int64_t n, cap, gone_on; };

struct bracket {
	int         first;              /* rung on which its trials begin                    */
	int64_t     begun;              /* trials                                            */
	int64_t     size;               /* halving: that begin; hyperband: in each round     */
	struct rung rung[RUNGS_MOST];
};

struct ladder {
	int              n;             /* rungs                                             */
	int64_t          budget[RUNGS_MOST];
	int              full;          /* only full rungs let trials go on                  */
	int              n_brackets, cap_brackets;
	struct bracket **bracket;
	int64_t          round;         /* hyperband: which of the trials of a round is next */
};

/* ---- ladders ---- */

static tt_status add_bracket(struct tt_study *s, struct ladder *l, int first, int64_t size)
{
	struct bracket *b = arena_alloc(&s->arena, sizeof *b);

	if (b && l->n_brackets == l->cap_brackets) {
		const int cap = l->cap_brackets ? 2 * l->cap_brackets : 8;
		struct bracket **v = arena_alloc(&s->arena, (size_t)cap * sizeof *v);

		if (!v)
			return TT_ENOMEM;
		if (l->n_brackets)
			memcpy(v, l->bracket, (size_t)l->n_brackets * sizeof *v);
		l->bracket = v;
		l->cap_brackets = cap;
	}
	if (!b)
		return TT_ENOMEM;
	b->first = first;
	b->size = size;
	l->bracket[l->n_brackets++] = b;
	return TT_OK;
}

static tt_status make_ladder(struct tt_study *s, struct ladder **out)
{
	const struct rungs_opts *o = s->scheduler_opts;
	struct ladder *l = arena_alloc(&s->arena, sizeof *l);

	if (!l)
		return TT_ENOMEM;
	if (o->min > o->max)
		return err_set(TT_ESPEC, "%s: min (%lld) is above max (%lld)", s->scheduler->name,
		               (long long)o->min, (long long)o->max);
	for (double b = (double)o->min; l->n < RUNGS_MOST - 1; b *= o->factor) {
		const int64_t budget = (int64_t)floor(b + 0.5);

		if (budget >= o->max)
			break;
		if (l->n == 0 || budget > l->budget[l->n - 1])
			l->budget[l->n++] = budget;
	}
	l->budget[l->n++] = o->max;
	s->scheduler_state = *out = l;
	return TT_OK;
}

static tt_status open_asha(struct tt_study *s)
{
	struct ladder *l;
	tt_status st = make_ladder(s, &l);

	return st != TT_OK ? st : add_bracket(s, l, 0, INT64_MAX);
}

static int64_t halving_size(const struct tt_study *s, const struct ladder *l)
{
	const struct rungs_opts *o = s->scheduler_opts;

	return o->trials ? o->trials : (int64_t)ceil(pow(o->factor, l->n - 1) - 1e-9);
}

static tt_status open_halving(struct tt_study *s)
{
	struct ladder *l;
	tt_status st = make_ladder(s, &l);

	if (st != TT_OK)
		return st;
	l->full = 1;
	return add_bracket(s, l, 0, halving_size(s, l));
}

/* Bracket k begins on rung k, with ceil((K + 1) / (K - k + 1) factor^(K - k)) trials in each
 * round, K the top rung: each gets about the same number of steps. */
static tt_status open_hyperband(struct tt_study *s)
{
	const struct rungs_opts *o = s->scheduler_opts;
	struct ladder *l;
	tt_status st = make_ladder(s, &l);

	for (int k = 0; st == TT_OK && k < l->n; k++) {
		const int left = l->n - 1 - k;

		st = add_bracket(s, l, k, (int64_t)ceil((double)l->n / (left + 1) * pow(o->factor, left) -
		                                        1e-9));
	}
	return st;
}

/* ---- rungs ---- */

static int before(const struct entry *a, double loss, int64_t number)
{
	return a->loss < loss || (a->loss == loss && a->t->number < number);
}

/* In its place; memory is the arena's, which is left behind as it doubles. */
static tt_status come(struct tt_study *s, struct trial *t, double loss)
{
	struct ladder *l = s->scheduler_state;
	struct rung *r = &l->bracket[t->bracket]->rung[t->rung];
	int64_t lo = 0, hi = r->n;

	if (r->n == r->cap) {
		const int64_t cap = r->cap ? 2 * r->cap : 8;
		struct entry *e = arena_alloc(&s->arena, (size_t)cap * sizeof *e);

		if (!e)
			return TT_ENOMEM;
		if (r->n)
			memcpy(e, r->entry, (size_t)r->n * sizeof *e);
		r->entry = e;
		r->cap = cap;
	}
	while (lo < hi) {
		const int64_t mid = (lo + hi) / 2;

		if (before(&r->entry[mid], loss, t->number))
			lo = mid + 1;
		else
			hi = mid;
	}
	memmove(r->entry + lo + 1, r->entry + lo, (size_t)(r->n - lo) * sizeof *r->entry);
	r->entry[lo] = (struct entry){ .t = t, .loss = loss };
	r->n++;
	return TT_OK;
}

static int may_climb(const struct entry *e)
{
	return !e->gone_on && e->t->state == TT_TRIAL_PAUSED && isfinite(e->loss);
}

static int64_t quota(const struct tt_study *s, const struct bracket *b, int k);

/* How many come to a rung before it is full; -1: that is not known yet. */
static int64_t expected(const struct tt_study *s, const struct bracket *b, int k)
{
	int64_t n, all = 0;

	if (k == b->first)
		return s->count >= s->limit ? b->begun : b->size;
	n = quota(s, b, k - 1);
	for (int64_t i = 0; i < n; i++)
		all += b->rung[k - 1].entry[i].gone_on || may_climb(&b->rung[k - 1].entry[i]);
	return n ? all : -1;
}

/* How many of a rung may go on by now. */
static int64_t quota(const struct tt_study *s, const struct bracket *b, int k)
{
	const struct rungs_opts *o = s->scheduler_opts;
	const struct ladder *l = s->scheduler_state;
	const int64_t come = b->rung[k].n;
	const int64_t best = (int64_t)floor((double)come / o->factor + 1e-9);
	int64_t all;

	if (!l->full)
		return best;
	all = expected(s, b, k);
	return all < 1 || come < all ? 0 : best ? best : 1;
}

static struct trial *climb(struct tt_study *s, struct ladder *l, struct bracket *b, int k)
{
	struct rung *r = &b->rung[k];
	const int64_t n = quota(s, b, k);

	for (int64_t i = 0; i < n; i++) {
		struct entry *e = &r->entry[i];

		if (!may_climb(e))
			continue;
		e->gone_on = 1;
		r->gone_on++;
		e->t->rung = k + 1;
		e->t->budget = l->budget[k + 1];
		return e->t;
	}
	return NULL;
}

/* From the top down: what is nearest to its end first. */
static struct trial *resume(struct tt_study *s)
{
	struct ladder *l = s->scheduler_state;

	for (int k = l->n - 2; k >= 0; k--)
		for (int b = 0; b < l->n_brackets; b++) {
			struct trial *t = k >= l->bracket[b]->first ? climb(s, l, l->bracket[b], k) : NULL;

			if (t)
				return t;
		}
	return NULL;
}

/* ---- trials begin, and come to their budget ---- */

static enum tt_ask place(struct ladder *l, struct trial *t, int bracket)
{
	t->bracket = bracket;
	t->rung = l->bracket[bracket]->first;
	t->budget = l->budget[t->rung];
	return TT_ASK_NEW;
}

static void began(struct tt_study *s, struct trial *t)
{
	struct ladder *l = s->scheduler_state;

	l->bracket[t->bracket]->begun++;
	l->round++;
}

static enum tt_ask begin_asha(struct tt_study *s, struct trial *t)
{
	return place(s->scheduler_state, t, 0);
}

/* When all of a bracket have begun, the next one does. */
static enum tt_ask begin_halving(struct tt_study *s, struct trial *t)
{
	struct ladder *l = s->scheduler_state;
	const struct bracket *last = l->bracket[l->n_brackets - 1];

	if (last->begun >= last->size && add_bracket(s, l, 0, last->size) != TT_OK)
		return TT_ASK_WAIT;
	return place(l, t, l->n_brackets - 1);
}

static enum tt_ask begin_hyperband(struct tt_study *s, struct trial *t)
{
	struct ladder *l = s->scheduler_state;
	int64_t all = 0, at;
	int b = 0;

	for (int k = 0; k < l->n_brackets; k++)
		all += l->bracket[k]->size;
	for (at = l->round % all; at >= l->bracket[b]->size; b++)
		at -= l->bracket[b]->size;
	return place(l, t, b);
}

static enum tt_verdict told(struct tt_study *s, struct trial *t)
{
	const struct ladder *l = s->scheduler_state;

	if (t->step < t->budget)
		return TT_GO_ON;
	if (t->rung == l->n - 1)
		return TT_COMPLETE;
	return come(s, t, t->loss[0]) == TT_OK ? TT_PAUSE : TT_STOP;
}

/* What ends before its budget takes part with its result, and what fails as the worst; neither
 * goes on. */
static tt_status ended(struct tt_study *s, struct trial *t)
{
	const struct ladder *l = s->scheduler_state;
	const struct rung *r = &l->bracket[t->bracket]->rung[t->rung];

	for (int64_t i = 0; i < r->n; i++)
		if (r->entry[i].t == t)
			return TT_OK;
	return come(s, t, t->state == TT_TRIAL_FAILED ? INFINITY : t->loss[0]);
}

const struct scheduler scheduler_asha = {
	.name = "asha", .open = open_asha, .begin = begin_asha, .began = began, .resume = resume,
	.told = told, .ended = ended,
	.options = asha_options, .size = sizeof(struct rungs_opts),
	.help = "the best 1/factor go on, as they come (Li et al. 2020)",
};
const struct scheduler scheduler_halving = {
	.name = "halving", .open = open_halving, .begin = begin_halving,
	.began = began, .resume = resume, .told = told, .ended = ended,
	.options = halving_options, .size = sizeof(struct rungs_opts),
	.help = "the best 1/factor go on, when all have come (Jamieson and Talwalkar 2016)",
};
const struct scheduler scheduler_hyperband = {
	.name = "hyperband", .open = open_hyperband, .begin = begin_hyperband,
	.began = began, .resume = resume, .told = told, .ended = ended,
	.options = asha_options, .size = sizeof(struct rungs_opts),
	.help = "asha in brackets that begin at different budgets (Li et al. 2018)",
};
