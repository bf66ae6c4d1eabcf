/* What a parameter may be, from its text. */
#include "support/support.h"

#include <math.h>

#include "lab/tune/space.h"
#include "support/study.h"

static const char *const mixed[][2] = {
	{ "kind", "mlp,cnn" }, { "lr", "log:1e-4..1e-1" }, { "depth", "int:1..8" },
	{ "width", "16,32,64" }, { "dropout", "0..0.9 if kind == cnn" }, { NULL },
};

static void test_a_range_is_read(void **state)
{
	static const struct { const char *text; tt_param want; const char *last; } rows[] = {
		{ "0.1..0.9", { .kind = TT_PARAM_DOUBLE, .min = 0.1, .max = 0.9 }, NULL },
		{ "-1..1", { .kind = TT_PARAM_DOUBLE, .min = -1, .max = 1 }, NULL },
		{ "log:1e-4..1e-1", { .kind = TT_PARAM_DOUBLE, .log = 1, .min = 1e-4, .max = 0.1 }, NULL },
		{ "int:1..8", { .kind = TT_PARAM_INT, .min = 1, .max = 8 }, NULL },
		{ "log:int:1..1024", { .kind = TT_PARAM_INT, .log = 1, .min = 1, .max = 1024 }, NULL },
		{ "int:log:1..1024", { .kind = TT_PARAM_INT, .log = 1, .min = 1, .max = 1024 }, NULL },
		{ "0.2,0.5", { .kind = TT_PARAM_DISCRETE, .count = 2, .min = 0.2, .max = 0.5 }, "0.5" },
		{ "5, 1", { .kind = TT_PARAM_DISCRETE, .count = 2, .min = 1, .max = 5 }, "1" },
		{ "0..1:0.1", { .kind = TT_PARAM_DISCRETE, .count = 11, .max = 1 }, "1" },
		{ "int:8..64:8", { .kind = TT_PARAM_DISCRETE, .count = 8, .min = 8, .max = 64 }, "64" },
		{ "a,b,c", { .kind = TT_PARAM_CATEGORICAL, .count = 3, .max = 2 }, "c" },
		{ "[1,2],[3]", { .kind = TT_PARAM_CATEGORICAL, .count = 2, .max = 1 }, "[3]" },
		{ "cat:1,2", { .kind = TT_PARAM_CATEGORICAL, .count = 2, .max = 1 }, "2" },
		{ "../a,../b", { .kind = TT_PARAM_CATEGORICAL, .count = 2, .max = 1 }, "../b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		tt_space *s = NULL;
		tt_param p = TT_SIZED(tt_param);

		assert_ok(tt_space_new(&s));
		assert_ok(tt_space_add(s, "p", rows[i].text));
		assert_ok(tt_space_get(s, 0, &p));
		assert_int_equal(p.kind, rows[i].want.kind);
		assert_int_equal(p.log, rows[i].want.log);
		assert_int_equal(p.count, rows[i].want.count);
		assert_near(p.min, rows[i].want.min, 0);
		assert_near(p.max, rows[i].want.max, 0);
		if (rows[i].last)
			assert_string_equal(p.choices[p.count - 1], rows[i].last);
		tt_space_free(&s);
	}
}

static void test_a_bad_range_is_refused_and_says_why(void **state)
{
	static const char *const rows[][2] = {
		{ "", "no range" }, { "2..1", "empty" }, { "1..1", "empty" }, { "1...5", "empty" },
		{ "log:0..1", "logarithm" }, { "log:-1..1", "logarithm" }, { "nan..1", "not finite" },
		{ "0..inf", "not finite" }, { "nan,1", "not finite" }, { "int:1.5..2", "whole" },
		{ "a,,b", "empty" }, { "log:3", "A..B" }, { "0..1:0", "no step" }, { "0..1:-1", "no step" },
		{ "0..1:1e-9", "the most" }, { "1..x", "no number" }, { "0..1 if q == 1", "no parameter" },
		{ "0..1 if k == 3", "no value" }, { "0..1 if d == 0.5", "no single values" },
		{ "0..1 if k", "condition" }, { "-1e308..1e308", "too far" },
	};
	tt_space *s = NULL;

	(void)state;
	assert_ok(tt_space_new(&s));
	assert_ok(tt_space_add(s, "k", "1,2"));
	assert_ok(tt_space_add(s, "d", "0..1"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_status(tt_space_add(s, "p", rows[i][0]), TT_EINVAL);
		assert_error(rows[i][1]);
		assert_error("parameter p");
	}
	assert_status(tt_space_add(s, "k", "0..1"), TT_EINVAL);
	assert_error("already");
	assert_status(tt_space_add(s, "", "0..1"), TT_EINVAL);
	assert_int_equal(tt_space_count(s), 2);
	tt_space_free(&s);
}

static void test_single_values_have_equal_parts(void **state)
{
	tt_space *s = study_space(mixed);
	int seen[9] = {0};

	(void)state;
	for (int i = 0; i < 800; i++)
		seen[(int)param_at(&s->param[2], (i + 0.5) / 800)]++;
	for (int v = 1; v <= 8; v++)
		assert_int_equal(seen[v], 100);
	for (int k = 0; k < 3; k++)
		assert_near(param_at(&s->param[3], param_unit(&s->param[3], k)), k, 0);
	assert_near(param_at(&s->param[1], 0.5), sqrt(1e-4 * 1e-1), 1e-12);
	tt_space_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_range_is_read),
		cmocka_unit_test(test_a_bad_range_is_refused_and_says_why),
		cmocka_unit_test(test_single_values_have_equal_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
