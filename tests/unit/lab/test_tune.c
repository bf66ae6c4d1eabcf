/* Studies: what is promised of all rows is tried on all rows of both tables; what is known of
 * trials. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lab/tune/rows.h"
#include "lab/tune/samplers/symmetric.h"
#include "support/study.h"

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
	tt_space *s = study_space(w->sampler == &sampler_launch ? lists : mixed);
	tt_study *study = NULL;

	assert_ok(tt_study_new(&study, s, TT_STUDY_OPTS(.sampler = w->sampler->name,
	          .scheduler = w->scheduler->name, .objectives = study_metrics, .n_objectives = 1,
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

/* ---- what is known ---- */

static void test_what_is_not_finite_is_never_best(void **state)
{
	static const double values[] = { NAN, 3, -INFINITY, 2, INFINITY };
	tt_study *s = study_with(plain, TT_STUDY_OPTS(.seed = 1));
	int64_t best;

	(void)state;
	assert_status(tt_study_best(s, &best), TT_ENOENT);
	for (int i = 0; i < 5; i++) {
		study_next(s);
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
		study_next(s);
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
	study_next(s);
	for (int again = 0; again < 2; again++)
		for (int k = 1; k <= 3; k++)
			assert_int_equal(study_told(s, 0, k, k + 10 * again), TT_GO_ON);
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
	tt_space *space = study_space(plain), *empty = NULL, *twice = study_space(lists);
	tt_study *s = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		tt_study_opts o = rows[i].o;

		o.size = sizeof o;
		o.objectives = study_metrics;
		o.n_objectives = 1;
		assert_status(tt_study_new(&s, space, &o), rows[i].st);
		assert_error(rows[i].why);
	}
	assert_status(tt_study_new(&s, space, NULL), TT_EINVAL);
	assert_status(tt_study_new(&s, twice, TT_STUDY_OPTS(.objectives = study_metrics,
	              .n_objectives = 1)), TT_EINVAL);
	assert_error("twice");
	assert_ok(tt_space_new(&empty));
	assert_status(tt_study_new(&s, empty, TT_STUDY_OPTS(.objectives = study_metrics,
	              .n_objectives = 1)), TT_EINVAL);
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
		cmocka_unit_test(test_what_is_not_finite_is_never_best),
		cmocka_unit_test(test_the_front_of_two_objectives),
		cmocka_unit_test(test_a_step_told_again_counts_once),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
