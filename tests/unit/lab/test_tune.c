/* Spaces, samplers and schedulers against what can be computed by hand; what is promised of
 * all rows is tried on all rows of both tables. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lab/tune/rows.h"
#include "lab/tune/samplers/symmetric.h"

static const char *const metric[] = { "loss", "seconds" };

static tt_space *space_of(const char *const (*rows)[2])
{
	tt_space *s = NULL;

	assert_ok(tt_space_new(&s));
	for (; (*rows)[0]; rows++)
		assert_ok(tt_space_add(s, (*rows)[0], (*rows)[1]));
	return s;
}

static const char *const mixed[][2] = {
	{ "kind", "mlp,cnn" }, { "lr", "log:1e-4..1e-1" }, { "depth", "int:1..8" },
	{ "width", "16,32,64" }, { "dropout", "0..0.9 if kind == cnn" }, { NULL },
};
static const char *const lists[][2] = {
	{ "kind", "mlp,cnn,cnn" }, { "lr", "0.1,0.01,0.1" }, { NULL },
};
static const char *const plain[][2] = { { "x", "0..1" }, { "y", "-5..5" }, { NULL } };

/* ---- every row ---- */

struct search {
	const struct sampler *sampler;
	const struct scheduler *scheduler;
	enum tt_direction direction;
	uint64_t seed;
};

static tt_study *study_of(const struct search *w, int64_t trials)
{
	tt_space *s = space_of(w->sampler == &sampler_launch ? lists : mixed);
	tt_study *study = NULL;

	assert_ok(tt_study_new(&study, s, TT_STUDY_OPTS(.sampler = w->sampler->name,
	          .scheduler = w->scheduler->name, .objectives = metric, .n_objectives = 1,
	          .directions = &w->direction, .seed = w->seed, .trials = trials)));
	tt_space_free(&s);
	return study;
}

static double value_of(const struct trial *t, int64_t step)
{
	const double lr = t->x[1];

	if (t->number % 7 == 3)
		return NAN;
	return fabs(lr > 1 ? lr : log10(lr) + 2) + t->x[0] + 10.0 / (double)step;
}

#define SLOTS 3
#define STEPS 9

static uint64_t mix(uint64_t h, uint64_t v) { return (h ^ v) * UINT64_C(0x100000001b3); }

struct slots { int64_t trial[SLOTS]; uint64_t hash; int done, asks; };

static void check_inside(const tt_study *s, const struct trial *t)
{
	for (int i = 0; i < s->space->n; i++) {
		const struct param *p = &s->space->param[i];

		assert_int_equal(isnan(t->x[i]), !space_has(s->space, i, t->x));
		if (isnan(t->x[i]))
			continue;
		if (p->count)
			assert_true(t->x[i] >= 0 && t->x[i] < p->count && t->x[i] == floor(t->x[i]));
		else
			assert_true(t->x[i] >= p->lo && t->x[i] <= p->hi);
	}
}

static void ask(tt_study *s, struct slots *w, int k)
{
	tt_suggestion o = TT_SIZED(tt_suggestion);

	assert_ok(tt_study_ask(s, &o));
	w->asks++;
	w->hash = mix(w->hash, (uint64_t)(o.what * 1000003 + o.trial * 31 + o.parent * 7 + o.budget));
	w->done = o.what == TT_ASK_DONE;
	w->trial[k] = o.what == TT_ASK_NEW || o.what == TT_ASK_RESUME ? o.trial : -1;
	if (o.what != TT_ASK_NEW)
		return;
	check_inside(s, s->trial[o.trial]);
	for (int i = 0; i < o.n; i++) {
		tt_value v = TT_SIZED(tt_value);

		assert_ok(tt_study_value(s, o.trial, i, &v));
		for (const char *c = v.text; *c; c++)
			w->hash = mix(w->hash, (unsigned char)*c);
	}
}

/* One step of a running trial; every fifth trial fails at its third. */
static void step(tt_study *s, struct slots *w, int k)
{
	struct trial *t = s->trial[w->trial[k]];
	const double sign = s->direction[0] == TT_MAXIMIZE ? -1 : 1;
	const double v = sign * value_of(t, t->step + 1);
	enum tt_verdict verdict;

	if (t->number % 5 == 4 && t->step == 2) {
		assert_ok(tt_study_end(s, t->number, TT_TRIAL_FAILED, NULL, 0));
		w->trial[k] = -1;
		return;
	}
	assert_ok(tt_study_tell(s, t->number, t->step + 1, &v, 1, &verdict));
	w->hash = mix(w->hash, (uint64_t)verdict);
	if (verdict == TT_GO_ON && t->step == (t->budget ? t->budget : STEPS)) {
		assert_ok(tt_study_end(s, t->number, TT_TRIAL_COMPLETED, NULL, 0));
		verdict = TT_STOP;
	}
	if (verdict != TT_GO_ON)
		w->trial[k] = -1;
}

/* Runs it to its end in three slots that take turns; a number that stands for all that happened. */
static uint64_t run(const struct search *w, int64_t trials, int64_t *best)
{
	tt_study *s = study_of(w, trials);
	struct slots slots = { { -1, -1, -1 }, 1, 0, 0 };

	for (int turn = 0; turn < 100000 && !slots.done; turn++) {
		const int k = turn % SLOTS;

		if (slots.trial[k] < 0)
			ask(s, &slots, k);
		if (slots.trial[k] >= 0)
			step(s, &slots, k);
	}
	assert_true(slots.done);
	assert_true(tt_study_count(s) > 2);
	assert_ok(tt_study_best(s, best));
	assert_true(isfinite(s->trial[*best]->loss[0]));
	tt_study_free(&s);
	return slots.hash;
}

/* All pairs of a sampler and a scheduler that go together. */
static void each(void (*f)(struct search *w))
{
	for (int i = 0; samplers[i]; i++)
		for (int k = 0; schedulers[k]; k++) {
			struct search w = { samplers[i], schedulers[k], TT_MINIMIZE, 7 };

			if (!samplers[i]->paces || schedulers[k] == &scheduler_none)
				f(&w);
		}
}

/* Enough for each to learn from the first ones; a Gaussian process costs milliseconds a trial. */
static int64_t trials_of(const struct search *w) { return w->sampler == &sampler_gp ? 20 : 40; }

static void same_again(struct search *w)
{
	int64_t a, b;
	const uint64_t first = run(w, trials_of(w), &a);

	assert_true(run(w, trials_of(w), &b) == first);
	assert_int_equal(a, b);
}

static void test_the_same_seed_and_order_give_the_same_suggestions(void **state)
{
	(void)state;
	each(same_again);
}

static void mirrored(struct search *w)
{
	int64_t a, b;
	const uint64_t least = run(w, trials_of(w), &a);

	w->direction = TT_MAXIMIZE;
	assert_true(run(w, trials_of(w), &b) == least);
	assert_int_equal(a, b);
}

static void test_min_and_max_mirror_each_other(void **state)
{
	(void)state;
	each(mirrored);
}

static void test_another_seed_gives_others(void **state)
{
	static const struct sampler *const drawn[] = {
		&sampler_random, &sampler_sobol, &sampler_tpe, &sampler_cmaes, &sampler_de,
		&sampler_evolution, &sampler_pbt,
	};

	(void)state;
	for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++) {
		struct search w = { drawn[i], &scheduler_none, TT_MINIMIZE, 7 };
		int64_t best;
		const uint64_t a = run(&w, 20, &best);

		w.seed = 8;
		assert_true(run(&w, 20, &best) != a);
	}
}

/* An allocation of a search fails: the call says so, and nothing leaks. */
static tt_status few_trials(tt_study *s)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < 14; i++) {
		tt_suggestion o = TT_SIZED(tt_suggestion);
		enum tt_verdict verdict = TT_GO_ON;

		st = tt_study_ask(s, &o);
		if (st != TT_OK || o.trial < 0)
			break;
		st = tt_study_tell(s, o.trial, o.budget ? o.budget : 1, (double[]){ i }, 1, &verdict);
		if (st == TT_OK && verdict == TT_GO_ON)
			st = tt_study_end(s, o.trial, TT_TRIAL_COMPLETED, NULL, 0);
	}
	return st;
}

static void short_while_asked(struct search *w)
{
	const int64_t live = mem_live();
	int failed = 0;

	for (uint64_t n = 1; n < 300; n = n + 1 + n / 4) {
		tt_study *s = study_of(w, 0);
		tt_status st;

		mem_fail_at(n, 1);
		st = few_trials(s);
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		failed += st == TT_ENOMEM;
		tt_study_free(&s);
		assert_int_equal(mem_live(), live);
	}
	assert_true(failed > 0);
}

static void test_memory_may_run_out(void **state)
{
	(void)state;
	each(short_while_asked);
}

/* ---- closed forms ---- */

static const char *text_of(const tt_study *s, int64_t trial, int i)
{
	tt_value v = TT_SIZED(tt_value);

	assert_ok(tt_study_value(s, trial, i, &v));
	return v.text;
}

static tt_study *study_with(const char *const (*rows)[2], tt_study_opts *o)
{
	tt_space *space = space_of(rows);
	tt_study *s = NULL;

	o->objectives = metric;
	o->n_objectives = o->n_objectives ? o->n_objectives : 1;
	assert_ok(tt_study_new(&s, space, o));
	tt_space_free(&space);
	return s;
}

static tt_suggestion next(tt_study *s)
{
	tt_suggestion o = TT_SIZED(tt_suggestion);

	assert_ok(tt_study_ask(s, &o));
	return o;
}

static enum tt_verdict tell(tt_study *s, int64_t trial, int64_t step_, double v)
{
	enum tt_verdict out;

	assert_ok(tt_study_tell(s, trial, step_, &v, 1, &out));
	return out;
}

static void test_a_grid_has_each_combination_once(void **state)
{
	static const char *const rows[][2] = {
		{ "kind", "a,b" }, { "x", "0..1 if kind == b" }, { "n", "int:1..2" }, { NULL },
	};
	static const char *const want[] = { "a 1", "a 2", "b 0 1", "b 0 2", "b 0.5 1", "b 0.5 2",
	                                    "b 1 1", "b 1 2" };
	tt_study *s = study_with(rows, TT_STUDY_OPTS(.sampler = "grid",
	                                             .sampler_options = "{points: 3}"));

	(void)state;
	for (int i = 0; i < 8; i++) {
		const tt_suggestion o = next(s);
		char line[64] = "";

		assert_int_equal(o.what, TT_ASK_NEW);
		for (int k = 0; k < o.n; k++)
			snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", k ? " " : "",
			         text_of(s, i, k));
		assert_string_equal(line, want[i]);
	}
	assert_int_equal(next(s).what, TT_ASK_WAIT);
	for (int i = 0; i < 8; i++)
		assert_ok(tt_study_end(s, i, TT_TRIAL_COMPLETED, (double[]){ i }, 1));
	assert_int_equal(next(s).what, TT_ASK_DONE);
	tt_study_free(&s);
}

static void test_launch_has_a_trial_per_position(void **state)
{
	tt_study *s = study_with(lists, TT_STUDY_OPTS(.sampler = "launch"));
	tt_space *space = space_of(mixed);

	(void)state;
	for (int i = 0; i < 3; i++) {
		next(s);
		assert_string_equal(text_of(s, i, 0), i ? "cnn" : "mlp");
		assert_string_equal(text_of(s, i, 1), i == 1 ? "0.01" : "0.1");
	}
	assert_int_equal(next(s).what, TT_ASK_WAIT);
	tt_study_free(&s);
	assert_status(tt_study_new(&s, space, TT_STUDY_OPTS(.sampler = "launch", .objectives = metric,
	              .n_objectives = 1)), TT_EINVAL);
	assert_error("no list");
	tt_space_free(&space);
}

/* scipy.stats.qmc.Sobol(8, scramble=False), bits=32: points 1 to 5, dimensions 1, 2, 3 and 8. */
static void test_sobol_is_scipys(void **state)
{
	static const double want[5][4] = {
		{ .5, .5, .5, .5 }, { .75, .25, .25, .75 }, { .25, .75, .75, .25 },
		{ .375, .375, .625, .875 }, { .875, .875, .125, .375 },
	};
	static const int dimension[] = { 0, 1, 2, 7 };
	static const char *const rows[][2] = {
		{ "a", "0..1" }, { "b", "0..1" }, { "c", "0..1" }, { "d", "0..1" }, { "e", "0..1" },
		{ "f", "0..1" }, { "g", "0..1" }, { "h", "0..1" }, { NULL },
	};
	tt_study *s = study_with(rows, TT_STUDY_OPTS(.sampler = "sobol",
	                                             .sampler_options = "{scramble: no}"));

	(void)state;
	for (int i = 0; i <= 5; i++) {
		next(s);
		for (int k = 0; k < 4 && i > 0; k++)
			assert_near(s->trial[i]->x[dimension[k]], want[i - 1][k], 0);
	}
	tt_study_free(&s);
}

/* Nine trials of losses 1 to 9, factor 3: the worked example of the paper. */
static void test_asha_lets_the_best_third_go_on_as_they_come(void **state)
{
	tt_study *s = study_with(plain, TT_STUDY_OPTS(.scheduler = "asha", .trials = 9,
	                         .scheduler_options = "{min: 1, max: 9, factor: 3}"));
	tt_suggestion o;

	(void)state;
	for (int i = 0; i < 3; i++) {
		o = next(s);
		assert_int_equal(o.budget, 1);
		assert_int_equal(tell(s, i, 1, 3 - i), TT_PAUSE);
	}
	o = next(s);                    /* of three the best goes on: trial 2, loss 1 */
	assert_int_equal(o.what, TT_ASK_RESUME);
	assert_int_equal(o.trial, 2);
	assert_int_equal(o.budget, 3);
	assert_int_equal(tell(s, 2, 2, 1), TT_GO_ON);
	assert_int_equal(tell(s, 2, 3, 1), TT_PAUSE);
	for (int i = 3; i < 6; i++) {   /* of four and of five still one may go on, and it has */
		assert_int_equal(next(s).what, TT_ASK_NEW);
		assert_int_equal(tell(s, i, 1, i == 3 ? 4 : i == 4 ? NAN : 0.5), TT_PAUSE);
	}
	assert_int_equal(next(s).trial, 5);     /* six have come: the best two are 5 and 2 */
	assert_int_equal(next(s).what, TT_ASK_NEW);
	assert_int_equal(tell(s, 6, 1, 0.7), TT_PAUSE);
	assert_int_equal(next(s).trial, 6);     /* of seven 5 and 6 */
	assert_ok(tt_study_end(s, 5, TT_TRIAL_FAILED, NULL, 0));
	assert_int_equal(next(s).what, TT_ASK_NEW);
	assert_int_equal(tell(s, 6, 3, 0.3), TT_PAUSE);
	o = next(s);                    /* rung 1: 6, 2, and 5 that failed: 6 goes to the top */
	assert_int_equal(o.trial, 6);
	assert_int_equal(o.budget, 9);
	assert_int_equal(tell(s, 6, 9, 0.2), TT_COMPLETE);
	assert_int_equal(s->trial[6]->state, TT_TRIAL_COMPLETED);
	tt_study_free(&s);
}

static void test_halving_waits_for_the_whole_rung(void **state)
{
	tt_study *s = study_with(plain, TT_STUDY_OPTS(.scheduler = "halving", .trials = 9,
	                         .scheduler_options = "{min: 1, max: 9, factor: 3}"));
	static const int64_t second[] = { 8, 7, 6 };

	(void)state;
	for (int i = 0; i < 9; i++)
		assert_int_equal(next(s).trial, i);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(next(s).what, TT_ASK_WAIT);
		assert_int_equal(tell(s, i, 1, 9 - i), TT_PAUSE);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(next(s).trial, second[i]);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(next(s).what, TT_ASK_WAIT);
		assert_int_equal(tell(s, second[i], 3, second[i]), TT_PAUSE);
	}
	assert_int_equal(next(s).trial, 6);
	assert_int_equal(tell(s, 6, 9, 1), TT_COMPLETE);
	assert_int_equal(next(s).what, TT_ASK_DONE);
	tt_study_free(&s);
}

/* min 1, max 9, factor 3: 9 trials begin at 1, 5 at 3, 3 at 9 (Hyperband's table 1). */
static void test_hyperband_begins_on_each_rung(void **state)
{
	tt_study *s = study_with(plain, TT_STUDY_OPTS(.scheduler = "hyperband",
	                         .scheduler_options = "{min: 1, max: 9, factor: 3}"));

	(void)state;
	for (int i = 0; i < 34; i++) {
		const int at = i % 17;

		assert_int_equal(next(s).budget, at < 9 ? 1 : at < 14 ? 3 : 9);
	}
	tt_study_free(&s);
}

static void test_the_median_rule_stops_the_worse_half(void **state)
{
	tt_study *s = study_with(plain, TT_STUDY_OPTS(.scheduler = "median",
	                         .scheduler_options = "{startup: 3}"));

	(void)state;
	for (int i = 0; i < 3; i++) {
		next(s);
		for (int k = 1; k <= 3; k++)            /* averages at step 2: 2.5 + i, and 3 of them */
			assert_int_equal(tell(s, i, k, 4 + i - k), TT_GO_ON);
		assert_ok(tt_study_end(s, i, TT_TRIAL_COMPLETED, NULL, 0));
	}
	next(s);
	assert_int_equal(tell(s, 3, 1, 4), TT_GO_ON);           /* the median is 4     */
	assert_int_equal(tell(s, 3, 2, 3.6), TT_STOP);          /* the median is 3.5   */
	assert_int_equal(s->trial[3]->state, TT_TRIAL_PRUNED);
	next(s);
	assert_int_equal(tell(s, 4, 1, 3), TT_GO_ON);
	assert_int_equal(tell(s, 4, 2, 9), TT_GO_ON);           /* its best is 3       */
	next(s);
	assert_int_equal(tell(s, 5, 1, NAN), TT_STOP);
	tt_study_free(&s);
}

/* ---- those that learn ---- */

static void test_a_matrix_is_its_eigenvectors_and_values(void **state)
{
	static const double A[9] = { 4, 1, 0.5, 1, 3, -1, 0.5, -1, 2 };
	double B[9], d[3], L[9], b[3] = { 1, 2, 3 };

	(void)state;
	symmetric_eigen(A, 3, B, d);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++) {
			double sum = 0;

			for (int j = 0; j < 3; j++)
				sum += B[i * 3 + j] * d[j] * B[k * 3 + j];
			assert_near(sum, A[i * 3 + k], 1e-14);
		}
	memcpy(L, A, sizeof L);
	assert_true(symmetric_factor(L, 3));
	symmetric_forward(L, 3, b);
	symmetric_backward(L, 3, b);
	for (int i = 0; i < 3; i++)
		assert_near(A[i * 3] * b[0] + A[i * 3 + 1] * b[1] + A[i * 3 + 2] * b[2], i + 1, 1e-13);
	assert_false(symmetric_factor((double[]){ 1, 2, 2, 1 }, 2));
}

/* The best of n trials on a bowl with its floor, 0, off the middle. */
static double bowl(const char *sampler, uint64_t seed, int n)
{
	static const char *const rows[][2] = {
		{ "a", "0..1" }, { "b", "-5..5" }, { "c", "log:1e-4..1" }, { "d", "0..1" }, { NULL },
	};
	tt_study *s = study_with(rows, TT_STUDY_OPTS(.sampler = sampler, .seed = seed));
	double best = INFINITY;

	for (int i = 0; i < n; i++) {
		double v = 0;

		next(s);
		for (int k = 0; k < 4; k++)
			v += pow(param_unit(&s->space->param[k], s->trial[i]->x[k]) - 0.3, 2);
		best = v < best ? v : best;
		assert_ok(tt_study_end(s, i, TT_TRIAL_COMPLETED, &v, 1));
	}
	tt_study_free(&s);
	return best;
}

static void test_those_that_learn_find_the_floor_of_a_bowl(void **state)
{
	static const struct { const char *sampler; double times; int trials; } rows[] = {
		{ "tpe", 3, 120 }, { "cmaes", 10, 120 }, { "de", 2, 120 }, { "evolution", 2, 120 },
		{ "gp", 30, 25 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double logs = 0;

		for (uint64_t seed = 1; seed <= 8; seed++)
			logs += log(bowl("random", seed, 120)) -
			        log(bowl(rows[i].sampler, seed, rows[i].trials));
		assert_true(exp(logs / 8) > rows[i].times);
	}
}

/* Under a scheduler most trials pause and never end: samplers learn from those, too. */
static void test_trials_that_pause_are_learnt_from(void **state)
{
	static const char *const rows[] = { "cmaes", "de", "evolution", "tpe" };

	(void)state;
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		tt_study *s = study_with(plain, TT_STUDY_OPTS(.sampler = rows[k], .scheduler = "asha",
		                         .scheduler_options = "{min: 1, max: 81, factor: 3}"));
		double late = 0;

		for (int i = 0; i < 400 && s->count < 160; i++) {
			const tt_suggestion o = next(s);
			const double *x = s->trial[o.trial]->x;

			tell(s, o.trial, o.budget, fabs(x[0] - 0.2) + fabs(x[1] - 1));
			late += o.what == TT_ASK_NEW && o.trial >= 120 ? fabs(x[0] - 0.2) : 0;
		}
		assert_true(late / 40 < 0.25);          /* at random: 0.34 */
		tt_study_free(&s);
	}
}

static void test_pbt_copies_the_better_from_their_checkpoints(void **state)
{
	static const char *const rows[][2] = { { "lr", "log:1e-4..1" }, { "k", "a,b" }, { NULL } };
	tt_study *s = study_with(rows, TT_STUDY_OPTS(.sampler = "pbt",
	        .sampler_options = "{population: 5, interval: 2, steps: 6, part: 0.2, resample: 0}"));
	tt_suggestion o;
	int ends = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		o = next(s);
		assert_int_equal(o.parent, -1);
		assert_int_equal(o.budget, 2);
		assert_int_equal(tell(s, i, 1, 9), TT_GO_ON);
	}
	assert_int_equal(next(s).what, TT_ASK_WAIT);
	for (int i = 0; i < 5; i++)
		assert_int_equal(tell(s, i, 2, 5 - i), TT_PAUSE);
	o = next(s);                            /* 0, the worst, gives up its place to a copy of 4 */
	assert_int_equal(o.what, TT_ASK_NEW);
	assert_int_equal(o.trial, 5);
	assert_int_equal(o.parent, 4);
	assert_int_equal(o.budget, 4);
	for (int i = 1; i < 5; i++) {
		o = next(s);
		assert_int_equal(o.what, TT_ASK_RESUME);
		assert_int_equal(o.trial, i);
		assert_int_equal(o.budget, 4);
	}
	assert_int_equal(s->trial[0]->state, TT_TRIAL_PRUNED);
	assert_string_equal(text_of(s, 5, 1), text_of(s, 4, 1));
	assert_near(fabs(log(s->trial[5]->x[0] / s->trial[4]->x[0])), log(1.2), 1e-9);
	for (int turn = 0; turn < 100 && o.what != TT_ASK_DONE; turn++) {
		for (int64_t i = 0; i < s->count; i++)
			while (s->trial[i]->state == TT_TRIAL_RUNNING)
				ends += tell(s, i, s->trial[i]->budget, (double)i) == TT_COMPLETE;
		o = next(s);
	}
	assert_int_equal(o.what, TT_ASK_DONE);
	assert_int_equal(ends, 5);
	tt_study_free(&s);
}

/* ---- what is known ---- */

static void test_what_is_not_finite_is_never_best(void **state)
{
	static const double values[] = { NAN, 3, -INFINITY, 2, INFINITY };
	tt_study *s = study_with(plain, TT_STUDY_OPTS(.seed = 1));
	int64_t best;

	(void)state;
	assert_status(tt_study_best(s, &best), TT_ENOENT);
	for (int i = 0; i < 5; i++) {
		next(s);
		assert_ok(tt_study_end(s, i, TT_TRIAL_COMPLETED, &values[i], 1));
	}
	assert_ok(tt_study_best(s, &best));
	assert_int_equal(best, 3);
	tt_study_free(&s);
}

static void test_the_front_of_two_objectives(void **state)
{
	static const double values[][2] = {
		{ 1, 5 }, { 2, 2 }, { 3, 3 }, { 5, 1 }, { NAN, 0 }, { 2, 2 },
	};
	tt_study *s = study_with(plain, TT_STUDY_OPTS(.n_objectives = 2));
	struct trial **ranked;
	int64_t front[6], n;

	(void)state;
	for (int i = 0; i < 6; i++) {
		next(s);
		assert_ok(tt_study_end(s, i, TT_TRIAL_COMPLETED, values[i], 2));
	}
	assert_int_equal(tt_study_front(s, front, 6), 4);
	assert_int_equal(front[0], 0);
	assert_int_equal(front[1], 1);
	assert_int_equal(front[2], 3);
	assert_int_equal(front[3], 5);
	ranked = study_ranked(s, &n);
	assert_int_equal(n, 6);
	assert_int_equal(ranked[5]->number, 4);
	assert_int_equal(ranked[4]->number, 2);
	tt_study_free(&s);
}

static void test_a_step_told_again_counts_once(void **state)
{
	tt_study *s = study_with(plain, TT_STUDY_OPTS(.seed = 1));

	(void)state;
	next(s);
	for (int again = 0; again < 2; again++)
		for (int k = 1; k <= 3; k++)
			assert_int_equal(tell(s, 0, k, k + 10 * again), TT_GO_ON);
	assert_int_equal(s->trial[0]->n_points, 3);
	assert_near(s->trial[0]->point[0].loss, 11, 0);
	assert_near(s->trial[0]->result[0], 13, 0);
	tt_study_free(&s);
}

static void test_what_does_not_fit_is_refused(void **state)
{
	static const struct { tt_study_opts o; tt_status st; const char *why; } rows[] = {
		{ { .sampler = "randon" }, TT_EINVAL, "random" },
		{ { .scheduler = "ahsa" }, TT_EINVAL, "asha" },
		{ { .sampler = "grid", .sampler_options = "{point: 3}" }, TT_ESPEC, "points" },
		{ { .sampler = "grid", .sampler_options = "3" }, TT_ESPEC, "no map" },
		{ { .scheduler = "asha", .scheduler_options = "{min: 9, max: 3}" }, TT_ESPEC, "above" },
		{ { .trials = -1 }, TT_EINVAL, "trials" },
	};
	tt_space *space = space_of(plain), *empty = NULL, *twice = space_of(lists);
	tt_study *s = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		tt_study_opts o = rows[i].o;

		o.size = sizeof o;
		o.objectives = metric;
		o.n_objectives = 1;
		assert_status(tt_study_new(&s, space, &o), rows[i].st);
		assert_error(rows[i].why);
	}
	assert_status(tt_study_new(&s, space, NULL), TT_EINVAL);
	assert_status(tt_study_new(&s, twice, TT_STUDY_OPTS(.objectives = metric, .n_objectives = 1)),
	              TT_EINVAL);
	assert_error("twice");
	assert_ok(tt_space_new(&empty));
	assert_status(tt_study_new(&s, empty, TT_STUDY_OPTS(.objectives = metric, .n_objectives = 1)),
	              TT_EINVAL);
	assert_null(s);
	tt_space_free(&empty);
	tt_space_free(&twice);
	tt_space_free(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_seed_and_order_give_the_same_suggestions),
		cmocka_unit_test(test_min_and_max_mirror_each_other),
		cmocka_unit_test(test_another_seed_gives_others),
		cmocka_unit_test(test_memory_may_run_out),
		cmocka_unit_test(test_a_grid_has_each_combination_once),
		cmocka_unit_test(test_launch_has_a_trial_per_position),
		cmocka_unit_test(test_sobol_is_scipys),
		cmocka_unit_test(test_asha_lets_the_best_third_go_on_as_they_come),
		cmocka_unit_test(test_halving_waits_for_the_whole_rung),
		cmocka_unit_test(test_hyperband_begins_on_each_rung),
		cmocka_unit_test(test_the_median_rule_stops_the_worse_half),
		cmocka_unit_test(test_a_matrix_is_its_eigenvectors_and_values),
		cmocka_unit_test(test_those_that_learn_find_the_floor_of_a_bowl),
		cmocka_unit_test(test_trials_that_pause_are_learnt_from),
		cmocka_unit_test(test_pbt_copies_the_better_from_their_checkpoints),
		cmocka_unit_test(test_what_is_not_finite_is_never_best),
		cmocka_unit_test(test_the_front_of_two_objectives),
		cmocka_unit_test(test_a_step_told_again_counts_once),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
