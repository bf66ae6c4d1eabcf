#include "support/support.h"

#include <math.h>
#include <string.h>

#include "learn/score/metrics.h"

static void metrics_count_by_hand(void **state)
{
	static const float logits[4 * 3] = {
		3, 1, 2,        /* label 0: right                        */
		3, 1, 2,        /* label 2: second                       */
		3, 1, 2,        /* label 1: third                        */
		1, 1, 1,        /* label 1: the first of equals is ahead */
	};
	static const int32_t label[4] = { 0, 2, 1, 1 };
	static const int64_t want[9] = { 1, 0, 0, 2, 0, 0, 1, 0, 0 };
	int64_t confusion[9] = {0};
	struct metrics m = { .classes = 3, .k = 2, .confusion = confusion };

	(void)state;
	metrics_add(&m, &(struct metrics_batch){ 6, logits, 3, label, 4, NULL, 0, NULL, NULL });
	assert_int_equal(m.correct, 1);
	assert_int_equal(m.in_top, 3);
	assert_near(metrics_loss(&m), 1.5, 0);
	assert_near(metrics_accuracy(&m), 0.25, 0);
	assert_near(metrics_top_k(&m), 0.75, 0);
	assert_memory_equal(confusion, want, sizeof want);
	metrics_clear(&m);
	assert_int_equal(m.samples, 0);
	assert_int_equal(confusion[3], 0);
	assert_int_equal(m.classes, 3);
	assert_true(isnan(metrics_loss(&m)));
}

static void metrics_never_take_nan_for_right(void **state)
{
	static const float logits[3 * 2] = { NAN, NAN, 1, NAN, NAN, 1 };
	static const int32_t label[3] = { 0, 0, 0 };
	struct metrics m = { .classes = 2, .k = 1 };

	(void)state;
	metrics_add(&m, &(struct metrics_batch){ 0, logits, 2, label, 3, NULL, 0, NULL, NULL });
	assert_int_equal(m.correct, 0);
	assert_int_equal(m.in_top, 0);
}

static void metrics_of_one_column_are_yes_or_no(void **state)
{
	static const float logits[4] = { 0.5f, -0.5f, 2, -3 };
	static const int32_t label[4] = { 1, 0, 0, 1 };
	static const int64_t want[4] = { 1, 1, 1, 1 };
	int64_t confusion[4] = {0};
	struct metrics m = { .classes = 2, .k = 2, .confusion = confusion };

	(void)state;
	metrics_add(&m, &(struct metrics_batch){ 0, logits, 1, label, 4, NULL, 0, NULL, NULL });
	assert_int_equal(m.correct, 2);
	assert_int_equal(m.in_top, 4);
	assert_memory_equal(confusion, want, sizeof want);
}

static void metrics_of_values_have_a_loss_alone(void **state)
{
	static const float y[2] = { 1, 2 };
	struct metrics m = { .k = 5 };

	(void)state;
	metrics_add(&m, &(struct metrics_batch){ 3, y, 1, NULL, 2, NULL, 0, NULL, NULL });
	assert_near(metrics_loss(&m), 1.5, 0);
	assert_true(isnan(metrics_accuracy(&m)));
	assert_true(isnan(metrics_top_k(&m)));
}

static void metrics_take_strange_labels_for_wrong(void **state)
{
	static const float logits[2 * 2] = { 1, 2, 1, 2 };
	static const int32_t label[2] = { -1, 7 };
	int64_t confusion[4] = {0};
	struct metrics m = { .classes = 2, .k = 1, .confusion = confusion };

	(void)state;
	metrics_add(&m, &(struct metrics_batch){ 0, logits, 2, label, 2, NULL, 0, NULL, NULL });
	assert_int_equal(m.samples, 2);
	assert_int_equal(m.correct, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_count_by_hand),
		cmocka_unit_test(metrics_never_take_nan_for_right),
		cmocka_unit_test(metrics_of_one_column_are_yes_or_no),
		cmocka_unit_test(metrics_of_values_have_a_loss_alone),
		cmocka_unit_test(metrics_take_strange_labels_for_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
