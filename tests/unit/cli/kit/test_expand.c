#include "support/support.h"

#include <string.h>

#include "kit/expand.h"

static const char *look_up(void *ctx, const char *name)
{
	static const struct { const char *name, *value; } set[] = {
		{ "HOST", "node7" }, { "QUOTED", "a\"b'c\\d" }, { "EMPTY", "" },
		{ "LINES", "a\nb: c" },
	};

	(void)ctx;
	for (size_t i = 0; i < sizeof set / sizeof *set; i++)
		if (strcmp(set[i].name, name) == 0)
			return set[i].value;
	return NULL;
}

static const struct { const char *in, *out; } good[] = {
	{ "", "" },
	{ "a: ${HOST}\n", "a: node7\n" },
	{ "a: ${NONE:-data}/x", "a: data/x" },
	{ "a: ${EMPTY:-data}", "a: data" },
	{ "a: ${NONE:-}", "a: " },
	{ "a: \"${QUOTED}\"", "a: \"a\\\"b'c\\\\d\"" },
	{ "a: '${QUOTED}'", "a: 'a\"b''c\\d'" },
	{ "a: 'x' # ${NONE}\nb: ${HOST}", "a: 'x' # ${NONE}\nb: node7" },
	{ "# ${NONE}", "# ${NONE}" },
	{ "a: 'no # comment ${HOST}'", "a: 'no # comment node7'" },
	{ "a: \"\\\" # ${HOST}\"", "a: \"\\\" # node7\"" },
	{ "a: don't # ${NONE}", "a: don't # ${NONE}" },
	{ "a: x#${HOST}", "a: x#node7" },
	{ "a: $${HOST} $HOST $", "a: ${HOST} $HOST $" },
};

static void values_stand_where_they_were_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct expansion e = { 0 };

		assert_ok(expand_text("s.yaml", good[i].in, look_up, NULL, &e));
		assert_string_equal(e.text.p, good[i].out);
		expansion_release(&e);
	}
}

static const struct { const char *in, *message; } bad[] = {
	{ "a: 1\nb: ${NONE}", "s.yaml:2: NONE is not set; set it in the environment or write "
	                      "${NONE:-default}" },
	{ "a: ${HOST", "s.yaml:1: ${ has no closing }" },
	{ "a: ${NONE:-${HOST}}", "s.yaml:1: the default of NONE cannot hold another ${...}" },
	{ "a: ${HOST\n}", "s.yaml:1: ${ has no closing }" },
	{ "a: ${}", "s.yaml:1: '${}' should read ${NAME} or ${NAME:-default}" },
	{ "a: ${HOST:x}", "s.yaml:1: '${HOST:x}' should read ${NAME} or ${NAME:-default}" },
	{ "a: ${LINES}", "s.yaml:1: the value of LINES has a line break" },
};

static void what_cannot_be_filled_in_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct expansion e = { 0 };

		assert_int_equal(expand_text("s.yaml", bad[i].in, look_up, NULL, &e), TT_ESPEC);
		assert_string_equal(tt_last_error(), bad[i].message);
		assert_null(e.text.p);
	}
}

static void a_missing_data_folder_is_noted(void **state)
{
	struct expansion e = { 0 };

	(void)state;
	assert_ok(expand_text("s.yaml", "a: ${TUTTI_DATA:-data}", look_up, NULL, &e));
	assert_int_equal(e.data_defaulted, 1);
	expansion_release(&e);
	assert_ok(expand_text("s.yaml", "# ${TUTTI_DATA:-data}", look_up, NULL, &e));
	assert_int_equal(e.data_defaulted, 0);
	expansion_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stand_where_they_were_asked_for),
		cmocka_unit_test(what_cannot_be_filled_in_is_named),
		cmocka_unit_test(a_missing_data_folder_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
