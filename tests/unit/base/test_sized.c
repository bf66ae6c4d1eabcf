/* Structs of older and newer callers. */
#include "support/support.h"

#include <stdint.h>
#include <string.h>

#include "base/sized.h"

struct known { uint32_t size; int a; int64_t b; };
struct newer { struct known k; int64_t c; };

static void an_older_caller_gets_defaults_for_what_it_does_not_know(void **state)
{
	struct known in = { .size = offsetof(struct known, b), .a = 7, .b = 9 }, out;

	(void)state;
	assert_ok(sized_take(&out, sizeof out, &in, 8, "tt_known"));
	assert_int_equal(out.size, sizeof out);
	assert_int_equal(out.a, 7);
	assert_int_equal(out.b, 0);
}

static void a_newer_caller_may_not_ask_for_what_is_unknown(void **state)
{
	struct newer in = { .k = { .size = sizeof in, .a = 7, .b = 9 } };
	struct known out = { 0 };

	(void)state;
	assert_ok(sized_take(&out, sizeof out, &in, 8, "tt_known"));
	assert_int_equal(out.b, 9);
	in.c = 1;
	out.b = 5;
	assert_status(sized_take(&out, sizeof out, &in, 8, "tt_known"), TT_EINVAL);
	assert_error("tt_known");
	assert_int_equal(out.b, 5);
}

static void a_size_of_zero_is_no_struct(void **state)
{
	struct known in = { 0 }, out;

	(void)state;
	assert_status(sized_take(&out, sizeof out, &in, 8, "tt_known"), TT_EINVAL);
	assert_error("size is 0");
	assert_status(sized_take(&out, sizeof out, NULL, 8, "tt_known"), TT_EINVAL);
	assert_error("NULL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_older_caller_gets_defaults_for_what_it_does_not_know),
		cmocka_unit_test(a_newer_caller_may_not_ask_for_what_is_unknown),
		cmocka_unit_test(a_size_of_zero_is_no_struct),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
