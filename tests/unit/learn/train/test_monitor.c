#include "support/support.h"

#include <math.h>

#include "learn/train/monitor.h"

static int look(struct monitor *w, double valid_loss, double valid_accuracy)
{
	const tt_progress p = { .loss = 1, .accuracy = 0.5, .valid_loss = valid_loss,
	                        .valid_accuracy = valid_accuracy };

	return monitor_look(w, &p);
}

static void monitor_takes_the_best_number_there_is(void **state)
{
	static const struct { int has; const char *name; } rows[] = {
		{ 0, "loss" }, { WATCH_HAS_CLASSES, "accuracy" }, { WATCH_HAS_VALID, "valid_loss" },
		{ WATCH_HAS_VALID | WATCH_HAS_CLASSES, "valid_accuracy" },
	};
	struct monitor w;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_ok(monitor_init(&w, "auto", rows[i].has));
		assert_string_equal(monitor_name(&w), rows[i].name);
	}
	assert_ok(monitor_init(&w, NULL, 0));
}

static void monitor_refuses_what_the_run_will_not_have(void **state)
{
	struct monitor w;

	(void)state;
	assert_status(monitor_init(&w, "valid_loss", WATCH_HAS_CLASSES), TT_ESPEC);
	assert_error("needs data.valid");
	assert_status(monitor_init(&w, "valid_accuracy", WATCH_HAS_VALID), TT_ESPEC);
	assert_error("needs classes");
	assert_status(monitor_init(&w, "valid_los", 3), TT_ESPEC);
	assert_error("did you mean 'valid_loss'");
}

static void monitor_counts_looks_without_progress(void **state)
{
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "valid_loss", WATCH_HAS_VALID));
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
	assert_ok(monitor_init(&w, "valid_accuracy", 3));
	assert_true(look(&w, 0, 0.5));
	assert_false(look(&w, 0, 0.4));
	assert_false(look(&w, 0, 0.5));
	assert_true(look(&w, 0, 0.6));
}

static void of_equal_accuracies_the_lower_loss_is_best(void **state)
{
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "valid_accuracy", 3));
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
	assert_ok(monitor_init(&w, "valid_accuracy", 3));
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
	assert_ok(monitor_init(&w, "auto", 3));
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
	assert_string_equal(text.p, "neither valid_accuracy nor valid_loss has improved on 0.9 and 0.7 "
	                    "for 2 looks");
	str_release(&text);
}

static void monitor_takes_what_is_no_number_for_no_progress(void **state)
{
	struct monitor w;

	(void)state;
	assert_ok(monitor_init(&w, "valid_loss", WATCH_HAS_VALID));
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
	assert_ok(monitor_init(&w, "loss", 0));
	for (int i = 0; i < 100; i++)
		look(&w, 0, 0);
	assert_false(monitor_stop(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(monitor_takes_the_best_number_there_is),
		cmocka_unit_test(monitor_refuses_what_the_run_will_not_have),
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
