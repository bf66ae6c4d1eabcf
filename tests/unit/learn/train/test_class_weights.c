#include "support/support.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "learn/train/class_weights.h"

static int32_t label[6] = { 0, 0, 0, 2, 1, 2 };
static const float   x[6];
static const char *const names[] = { "cat", "dog", "owl" };

static tt_source *three_classes(void)
{
	const tt_column *column[] = {
		TT_COLUMN(.name = "x", .type = TT_F32, .ndim = 1, .shape = { 1 }, .data = x),
		TT_COLUMN(.name = "kind", .type = TT_I32, .data = label) };
	tt_source *s;

	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = column,
		.target = "kind", .kind = TT_TARGET_CLASS, .classes = 3, .class_names = names), 6));
	return s;
}

static tt_status weights(const char *yaml, struct class_weights **out)
{
	tt_source *s = three_classes();
	struct arena a = {0};
	struct node *n;
	tt_status st;

	*out = NULL;
	assert_ok(node_parse_yaml(&a, "spec", yaml, strlen(yaml), &n));
	st = class_weights_new(out, n, s, 6);
	arena_release(&a);
	tt_source_close(&s);
	return st;
}

static void are(const char *yaml, double cat, double dog, double owl)
{
	struct class_weights *w;

	assert_ok(weights(yaml, &w));
	assert_near(class_weights_of(w, 0), cat, 1e-7);
	assert_near(class_weights_of(w, 1), dog, 1e-7);
	assert_near(class_weights_of(w, 2), owl, 1e-7);
	class_weights_free(&w);
}

/* compute_class_weight("balanced", ...) of scikit-learn. */
static void balanced_classes_weigh_alike(void **state)
{
	(void)state;
	are("balanced", 2.0 / 3, 2, 1);
}

static void weights_may_be_listed_or_named(void **state)
{
	(void)state;
	are("[1, 0.5, 3]", 1, 0.5, 3);
	are("{owl: 4}", 1, 1, 4);
}

static void what_are_no_weights_is_refused(void **state)
{
	static const struct { const char *yaml, *says; } bad[] = {
		{ "even", "neither balanced nor" }, { "[1, 2]", "3 classes" }, { "[1, -2, 1]", "-2" },
		{ "[1, x, 1]", "x" }, { "{bat: 1}", "no class 'bat'" }, { "[0, 0, 0]", "weigh nothing" },
		{ "[1, .nan, 1]", "" },
	};
	struct class_weights *w;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_status(weights(bad[i].yaml, &w), TT_ESPEC);
		assert_error(bad[i].says);
		assert_null(w);
	}
	class_weights_free(&w);
}

/* A class at each place of a sequence, or any of them at once, has no label of the sample. */
static void only_one_class_for_each_sample_weighs(void **state)
{
	static const int64_t offsets[] = { 0, 2, 3 };
	static const int32_t tags[] = { 0, 2, 1 };
	static const float numbers[2] = { 1, 2 };
	const tt_column *column[] = {
		TT_COLUMN(.name = "x", .type = TT_F32, .data = numbers),
		TT_COLUMN(.name = "tags", .type = TT_I32, .ndim = 1, .shape = { -1 }, .data = tags,
		          .offsets = offsets) };
	struct class_weights *w = NULL;
	struct arena a = {0};
	struct node *n;
	tt_source *s;

	(void)state;
	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = column,
		.target = "tags", .kind = TT_TARGET_PLACES, .classes = 3), 2));
	assert_ok(node_parse_yaml(&a, "spec", "[1, 2, 3]", 9, &n));
	assert_status(class_weights_new(&w, n, s, 2), TT_ESPEC);
	assert_error("not one class each");
	assert_null(w);
	arena_release(&a);
	tt_source_close(&s);
}

static void a_batch_weighs_as_its_classes_do(void **state)
{
	static const float own[6] = { 1, 2, 3, 4, 5, 0 }, want[6] = { 2, 4, 6, 12, 5, 0 };
	struct batch b = { .n = 6, .label = label };
	struct class_weights *w;

	(void)state;
	assert_ok(weights("[2, 1, 3]", &w));
	assert_near(class_weights_take(w, &b)->data.weight[3], 3, 0);
	b.data.weight = own;
	assert_memory_equal(class_weights_take(w, &b)->data.weight, want, sizeof want);
	assert_ptr_equal(b.data.weight, own);
	class_weights_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(balanced_classes_weigh_alike),
		cmocka_unit_test(weights_may_be_listed_or_named),
		cmocka_unit_test(what_are_no_weights_is_refused),
		cmocka_unit_test(only_one_class_for_each_sample_weighs),
		cmocka_unit_test(a_batch_weighs_as_its_classes_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
