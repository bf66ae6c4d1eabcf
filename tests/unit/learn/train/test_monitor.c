#include "support/support.h"

#include <math.h>

#include "learn/train/monitor.h"

static const struct scores_what what = {
	.kind = SCORES_CLASSES, .answers = ANSWERS_SOFTMAX, .width = 3, .classes = 3, .k = 5,
	.samples = 100,
};
static const struct scores_what values = { .kind = SCORES_VALUES, .width = 1, .samples = 100 };
static const struct scores_what lists = { .kind = SCORES_SPELT, .width = 3, .classes = 3,
                                          .samples = 100 };

static const struct monitor_has classes_here = { 3, NULL }, nothing = { 0, NULL };
static const struct monitor_has valid_classes = { 3, &what }, valid_values = { 0, &values },
                                valid_lists = { 3, &lists };

static int look(struct monitor *w, double valid_loss, double valid_accuracy)
{
	struct monitor_seen seen;

	monitor_forget(&seen);
	seen.split[MONITOR_TRAINING][SCORE_LOSS] = 1;
	seen.split[MONITOR_TRAINING][SCORE_ACCURACY] = 0.5;
	seen.split[MONITOR_VALIDATION][SCORE_LOSS] = valid_loss;
	seen.split[MONITOR_VALIDATION][SCORE_ACCURACY] = valid_accuracy;
	return monitor_look(w, &seen);
}

static void monitor_takes_the_best_number_there_is(void **state)
{
	static const struct { const struct monitor_has *has; const char *name; } rows[] = {
		{ &nothing, "loss" }, { &classes_here, "accuracy" }, { &valid_values, "valid.loss" },
		{ &valid_classes, "valid.accuracy" },
	};
	struct monitor w;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_ok(monitor_init(&w, "auto", rows[i].has));
		assert_string_equal(w.name, rows[i].name);
	}
	assert_ok(monitor_init(&w, NULL, &nothing));
}

static void monitor_refuses_what_the_run_will_not_have(void **state)
{
	struct scores_what large = what;
	struct monitor w;

	(void)state;
	large.samples = INT64_C(100000000);
	assert_status(monitor_init(&w, "valid_loss", &classes_here), TT_ESPEC);
	assert_error("needs data.valid");
	assert_status(monitor_init(&w, "valid_accuracy", &valid_values), TT_ESPEC);
	assert_error("needs classes");
	assert_status(monitor_init(&w, "valid.rmse", &valid_classes), TT_ESPEC);
	assert_error("needs values");
	assert_status(monitor_init(&w, "valid.roc_auc", &(struct monitor_has){ 3, &large }), TT_ESPEC);
	assert_error("256 MB");
	assert_status(monitor_init(&w, "valid_los", &valid_classes), TT_ESPEC);
	assert_error("did you mean 'valid.loss'");
	assert_status(monitor_init(&w, "valid.f2", &valid_classes), TT_ESPEC);
	assert_error("did you mean 'valid.f1'");
}

/* Each row of the table: its epoch is the best in the direction that the row says. */
static void every_number_of_a_validation_can_be_watched(void **state)
{
	(void)state;
	for (int i = 0; i < score_row_count; i++) {
		const struct score_row *r = &score_rows[i];
		const struct monitor_has *has = r->known & SCORES_CLASSES ? &valid_classes
		                              : r->known == SCORES_SPELT  ? &valid_lists : &valid_values;
		struct monitor_seen seen;
		struct monitor w;
		char name[40];

		scores_name(r, 5, name, sizeof name);
		assert_ok(monitor_init(&w, name, has));
		assert_string_equal(w.name, name);
		assert_int_equal(monitor_is_special(&w), i != SCORE_LOSS && i != SCORE_ACCURACY);
		monitor_forget(&seen);
		seen.split[MONITOR_VALIDATION][i] = 0.5;
		assert_true(monitor_look(&w, &seen));
		seen.split[MONITOR_VALIDATION][i] = 0.6;
		assert_int_equal(monitor_look(&w, &seen), r->better > 0);
		seen.split[MONITOR_VALIDATION][i] = 0.4;
		assert_int_equal(monitor_look(&w, &seen), r->better < 0);
	}
}

static void monitor_counts_looks_without_progress(void **state)
{
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "valid_loss", &valid_values));
	w.patience = 2;
	w.min_delta = 0.1;
	assert_true(look(&w, 2.0, 0));
	assert_true(look(&w, 1.5, 0));
	assert_false(look(&w, 1.45, 0));        /* too little */
	assert_false(monitor_stop(&w));
	assert_false(look(&w, 1.9, 0));
	assert_true(monitor_stop(&w));
	assert_true(look(&w, 1.0, 0));
	assert_false(monitor_stop(&w));
	assert_true(w.best == 1.0);
}

static void monitor_wants_accuracy_to_rise(void **state)
{
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "valid_accuracy", &valid_classes));
	assert_true(look(&w, 0, 0.5));
	assert_false(look(&w, 0, 0.4));
	assert_false(look(&w, 0, 0.5));
	assert_true(look(&w, 0, 0.6));
}

static void of_equal_accuracies_the_lower_loss_is_best(void **state)
{
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "valid_accuracy", &valid_classes));
	w.patience = 2;
	assert_true(look(&w, 2.0, 0.9));
	assert_true(look(&w, 1.0, 0.9));
	assert_false(look(&w, 1.0, 0.9));
	assert_false(monitor_stop(&w));         /* a better epoch is progress */
	assert_false(look(&w, 0.1, 0.8));
	assert_true(monitor_stop(&w));          /* a loss that falls beside a worse accuracy is none */
}

static void a_tie_that_is_hardly_better_is_best_and_no_progress(void **state)
{
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "valid_accuracy", &valid_classes));
	w.patience = 2;
	w.min_delta = 0.1;
	assert_true(look(&w, 2.0, 0.9));
	assert_true(look(&w, 1.95, 0.9));
	assert_true(look(&w, 1.9, 0.9));
	assert_true(monitor_stop(&w));
}

/* An accuracy has plateaus; training is not over while the loss falls. */
static void left_to_itself_it_waits_for_the_loss_too(void **state)
{
	struct str text = {0};
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "auto", &valid_classes));
	w.patience = 2;
	assert_true(look(&w, 1.0, 0.9));
	assert_false(look(&w, 0.9, 0.8));
	assert_false(look(&w, 0.8, 0.8));
	assert_false(look(&w, 0.7, 0.8));
	assert_false(monitor_stop(&w));
	assert_true(look(&w, 0.7, 0.9));
	assert_false(look(&w, 0.7, 0.8));
	assert_false(monitor_stop(&w));
	assert_false(look(&w, 0.7, 0.8));
	assert_true(monitor_stop(&w));
	monitor_text(&w, &text);
	assert_string_equal(text.p, "neither valid.accuracy nor valid.loss has improved on 0.9 and 0.7 "
	                    "for 2 looks");
	str_release(&text);
}

static void monitor_takes_what_is_no_number_for_no_progress(void **state)
{
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "valid_loss", &valid_values));
	w.patience = 1;
	assert_false(look(&w, NAN, 0));
	assert_true(monitor_stop(&w));
	assert_true(look(&w, 3, 0));
	assert_false(look(&w, NAN, 0));
	assert_true(w.best == 3);
}

static void monitor_without_patience_never_stops(void **state)
{
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "loss", &nothing));
	for (int i = 0; i < 100; i++)
		look(&w, 0, 0);
	assert_false(monitor_stop(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(monitor_takes_the_best_number_there_is),
		cmocka_unit_test(monitor_refuses_what_the_run_will_not_have),
		cmocka_unit_test(every_number_of_a_validation_can_be_watched),
		cmocka_unit_test(monitor_counts_looks_without_progress),
		cmocka_unit_test(monitor_wants_accuracy_to_rise),
		cmocka_unit_test(of_equal_accuracies_the_lower_loss_is_best),
		cmocka_unit_test(a_tie_that_is_hardly_better_is_best_and_no_progress),
		cmocka_unit_test(left_to_itself_it_waits_for_the_loss_too),
		cmocka_unit_test(monitor_takes_what_is_no_number_for_no_progress),
		cmocka_unit_test(monitor_without_patience_never_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
