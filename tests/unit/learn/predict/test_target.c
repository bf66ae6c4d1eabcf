/* What classes are to each loss: never a number that nobody wrote. */
#include "support/support.h"

#include <string.h>

#include "learn/predict/target.h"

static const char *const hundreds[] = { "100", "200", "300" }, *const words[] = { "a", "b", "c" },
	*const ones[] = { "1", "2" }, *const bits[] = { "1", "0" };

/* Names, how many, and what a class of each becomes; refused: no target. */
static const struct {
	const char        *loss;
	int                outputs, classes;
	const char *const *names;
	int                refused;
	float              want[3];
} row[] = {
	{ "mse", 1, 3, hundreds, 0, { 100, 200, 300 } },
	{ "mae", 1, 3, hundreds, 0, { 100, 200, 300 } },
	{ "huber", 1, 3, hundreds, 0, { 100, 200, 300 } },
	{ "mse", 1, 3, NULL, 0, { 0, 1, 2 } },          /* the source's own number */
	{ "mse", 1, 3, words, 1, { 0 } },
	{ "mae", 1, 3, words, 1, { 0 } },
	{ "huber", 1, 3, words, 1, { 0 } },
	{ "bce", 1, 2, words, 0, { 0, 1 } },
	{ "bce", 1, 2, ones, 0, { 0, 1 } },
	{ "bce", 1, 2, bits, 0, { 1, 0 } },
	{ "bce", 1, 3, hundreds, 1, { 0 } },
	{ "mse", 3, 3, words, 0, { 1, 0, 0 } },         /* one for each class */
	{ "cross_entropy", 1, 3, hundreds, 1, { 0 } },
};

static tt_model *net(const char *loss, int outputs)
{
	char text[200];
	tt_spec *s;
	tt_model *m;

	snprintf(text, sizeof text, "model: {input: [2], loss: %s, layers: [dense: {out: %d}]}", loss,
	         outputs);
	assert_ok(tt_spec_parse(&s, "net", text));
	assert_ok(tt_model_new(&m, s));
	tt_spec_free(&s);
	return m;
}

static void a_class_is_a_number_only_where_its_name_is_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const tt_source_info info = { .size = sizeof info, .count = 3, .ndim = 1, .shape = { 2 },
			.type = TT_SAMPLE_F32, .target = TT_TARGET_CLASS, .classes = row[i].classes,
			.class_names = row[i].names };
		int32_t label[] = { 0, 1, 2 };
		const int n = row[i].outputs > 1 ? 1 : row[i].classes;
		tt_model *m = net(row[i].loss, row[i].outputs);
		struct target t = {0};
		struct target_values is;

		assert_int_equal(target_init(&t, m, &info, 3), row[i].refused ? TT_ESHAPE : TT_OK);
		if (!row[i].refused) {
			assert_ok(target_take(&t, &(struct batch){ .label = label, .n = n }, 0, &is));
			for (int k = 0; k < (row[i].outputs > 1 ? 3 : n); k++)
				assert_near(((const float *)is.target)[k], row[i].want[k], 0);
		}
		target_release(&t);
		tt_model_free(&m);
	}
}

static void bce_takes_numbers_from_0_to_1(void **state)
{
	const tt_source_info info = { .size = sizeof info, .count = 3, .ndim = 1, .shape = { 2 },
		.type = TT_SAMPLE_F32, .target = TT_TARGET_VALUES, .values = 1 };
	float good[] = { 0, 0.25f, 1 }, bad[] = { 0, 1, 1.5f };
	int64_t index[] = { 7, 8, 9 };
	tt_model *m = net("bce", 1);
	struct target t = {0};
	struct target_values is;

	(void)state;
	assert_ok(target_init(&t, m, &info, 3));
	assert_ok(target_take(&t, &(struct batch){ .values = good, .n = 3, .index = index }, 0,
	                      &is));
	assert_status(target_take(&t, &(struct batch){ .values = bad, .n = 3, .index = index }, 0,
	                          &is), TT_EFORMAT);
	assert_error("sample 9: the target is 1.5");
	target_release(&t);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_class_is_a_number_only_where_its_name_is_one),
		cmocka_unit_test(bce_takes_numbers_from_0_to_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
