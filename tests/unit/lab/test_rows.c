/* What samplers and schedulers say, against what can be computed by hand. */
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
		const tt_suggestion o = study_next(s);
		char line[64] = "";

		assert_int_equal(o.what, TT_ASK_NEW);
		for (int k = 0; k < o.n; k++)
			snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", k ? " " : "",
			         study_text(s, i, k));
		assert_string_equal(line, want[i]);
	}
	assert_int_equal(study_next(s).what, TT_ASK_WAIT);
	for (int i = 0; i < 8; i++)
		assert_ok(tt_study_end(s, i, TT_TRIAL_COMPLETED, (double[]){ i }, 1));
	assert_int_equal(study_next(s).what, TT_ASK_DONE);
	tt_study_free(&s);
}

static void test_launch_has_a_trial_per_position(void **state)
{
	tt_study *s = study_with(lists, TT_STUDY_OPTS(.sampler = "launch"));
	tt_space *space = study_space(mixed);

	(void)state;
	for (int i = 0; i < 3; i++) {
		study_next(s);
		assert_string_equal(study_text(s, i, 0), i ? "cnn" : "mlp");
		assert_string_equal(study_text(s, i, 1), i == 1 ? "0.01" : "0.1");
	}
	assert_int_equal(study_next(s).what, TT_ASK_WAIT);
	tt_study_free(&s);
	assert_status(tt_study_new(&s, space, TT_STUDY_OPTS(
	              .sampler = "launch", .objectives = study_metrics,
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
		study_next(s);
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
		o = study_next(s);
		assert_int_equal(o.budget, 1);
		assert_int_equal(study_told(s, i, 1, 3 - i), TT_PAUSE);
	}
	o = study_next(s);                    /* of three the best goes on: trial 2, loss 1 */
	assert_int_equal(o.what, TT_ASK_RESUME);
	assert_int_equal(o.trial, 2);
	assert_int_equal(o.budget, 3);
	assert_int_equal(study_told(s, 2, 2, 1), TT_GO_ON);
	assert_int_equal(study_told(s, 2, 3, 1), TT_PAUSE);
	for (int i = 3; i < 6; i++) {   /* of four and of five still one may go on, and it has */
		assert_int_equal(study_next(s).what, TT_ASK_NEW);
		assert_int_equal(study_told(s, i, 1, i == 3 ? 4 : i == 4 ? NAN : 0.5), TT_PAUSE);
	}
	assert_int_equal(study_next(s).trial, 5);     /* six have come: the best two are 5 and 2 */
	assert_int_equal(study_next(s).what, TT_ASK_NEW);
	assert_int_equal(study_told(s, 6, 1, 0.7), TT_PAUSE);
	assert_int_equal(study_next(s).trial, 6);     /* of seven 5 and 6 */
	assert_ok(tt_study_end(s, 5, TT_TRIAL_FAILED, NULL, 0));
	assert_int_equal(study_next(s).what, TT_ASK_NEW);
	assert_int_equal(study_told(s, 6, 3, 0.3), TT_PAUSE);
	o = study_next(s);                    /* rung 1: 6, 2, and 5 that failed: 6 goes to the top */
	assert_int_equal(o.trial, 6);
	assert_int_equal(o.budget, 9);
	assert_int_equal(study_told(s, 6, 9, 0.2), TT_COMPLETE);
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
		assert_int_equal(study_next(s).trial, i);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(study_next(s).what, TT_ASK_WAIT);
		assert_int_equal(study_told(s, i, 1, 9 - i), TT_PAUSE);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(study_next(s).trial, second[i]);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(study_next(s).what, TT_ASK_WAIT);
		assert_int_equal(study_told(s, second[i], 3, second[i]), TT_PAUSE);
	}
	assert_int_equal(study_next(s).trial, 6);
	assert_int_equal(study_told(s, 6, 9, 1), TT_COMPLETE);
	assert_int_equal(study_next(s).what, TT_ASK_DONE);
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

		assert_int_equal(study_next(s).budget, at < 9 ? 1 : at < 14 ? 3 : 9);
	}
	tt_study_free(&s);
}

static void test_the_median_rule_stops_the_worse_half(void **state)
{
	tt_study *s = study_with(plain, TT_STUDY_OPTS(.scheduler = "median",
	                         .scheduler_options = "{startup: 3}"));

	(void)state;
	for (int i = 0; i < 3; i++) {
		study_next(s);
		for (int k = 1; k <= 3; k++)            /* averages at step 2: 2.5 + i, and 3 of them */
			assert_int_equal(study_told(s, i, k, 4 + i - k), TT_GO_ON);
		assert_ok(tt_study_end(s, i, TT_TRIAL_COMPLETED, NULL, 0));
	}
	study_next(s);
	assert_int_equal(study_told(s, 3, 1, 4), TT_GO_ON);           /* the median is 4     */
	assert_int_equal(study_told(s, 3, 2, 3.6), TT_STOP);          /* the median is 3.5   */
	assert_int_equal(s->trial[3]->state, TT_TRIAL_PRUNED);
	study_next(s);
	assert_int_equal(study_told(s, 4, 1, 3), TT_GO_ON);
	assert_int_equal(study_told(s, 4, 2, 9), TT_GO_ON);           /* its best is 3       */
	study_next(s);
	assert_int_equal(study_told(s, 5, 1, NAN), TT_STOP);
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

		study_next(s);
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
			const tt_suggestion o = study_next(s);
			const double *x = s->trial[o.trial]->x;

			study_told(s, o.trial, o.budget, fabs(x[0] - 0.2) + fabs(x[1] - 1));
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
		o = study_next(s);
		assert_int_equal(o.parent, -1);
		assert_int_equal(o.budget, 2);
		assert_int_equal(study_told(s, i, 1, 9), TT_GO_ON);
	}
	assert_int_equal(study_next(s).what, TT_ASK_WAIT);
	for (int i = 0; i < 5; i++)
		assert_int_equal(study_told(s, i, 2, 5 - i), TT_PAUSE);
	o = study_next(s);                      /* 0, the worst, gives up its place to a copy of 4 */
	assert_int_equal(o.what, TT_ASK_NEW);
	assert_int_equal(o.trial, 5);
	assert_int_equal(o.parent, 4);
	assert_int_equal(o.budget, 4);
	for (int i = 1; i < 5; i++) {
		o = study_next(s);
		assert_int_equal(o.what, TT_ASK_RESUME);
		assert_int_equal(o.trial, i);
		assert_int_equal(o.budget, 4);
	}
	assert_int_equal(s->trial[0]->state, TT_TRIAL_PRUNED);
	assert_string_equal(study_text(s, 5, 1), study_text(s, 4, 1));
	assert_near(fabs(log(s->trial[5]->x[0] / s->trial[4]->x[0])), log(1.2), 1e-9);
	for (int turn = 0; turn < 100 && o.what != TT_ASK_DONE; turn++) {
		for (int64_t i = 0; i < s->count; i++)
			while (s->trial[i]->state == TT_TRIAL_RUNNING)
				ends += study_told(s, i, s->trial[i]->budget, (double)i) == TT_COMPLETE;
		o = study_next(s);
	}
	assert_int_equal(o.what, TT_ASK_DONE);
	assert_int_equal(ends, 5);
	tt_study_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
