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

static void options_that_are_not_there_are_defaults(void **state)
{
	const uint32_t only_size = sizeof only_size;
	struct known out = { .b = 5 };

	(void)state;
	assert_ok(sized_options(&out, sizeof out, NULL, "tt_known"));
	assert_int_equal(out.size, sizeof out);
	assert_int_equal(out.b, 0);
	out.b = 5;
	assert_ok(sized_options(&out, sizeof out, &only_size, "tt_known"));
	assert_int_equal(out.b, 0);
}

static void what_is_given_fits_the_room(void **state)
{
	const struct known from = { sizeof from, 1, 2 };
	struct { uint32_t size; int a, after; } small = { 8, 0, 5 };
	struct newer big = { .k.size = sizeof big, .c = 9 };

	(void)state;
	assert_ok(sized_give(&small, &from, sizeof from, "tt_known"));
	assert_int_equal(small.size, 8);
	assert_int_equal(small.a, 1);
	assert_int_equal(small.after, 5);
	assert_ok(sized_give(&big, &from, sizeof from, "tt_known"));
	assert_int_equal(big.k.size, sizeof big);
	assert_int_equal(big.k.b, 2);
	assert_int_equal(big.c, 0);
	assert_status(sized_give(NULL, &from, sizeof from, "tt_known"), TT_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_older_caller_gets_defaults_for_what_it_does_not_know),
		cmocka_unit_test(a_newer_caller_may_not_ask_for_what_is_unknown),
		cmocka_unit_test(a_size_of_zero_is_no_struct),
		cmocka_unit_test(options_that_are_not_there_are_defaults),
		cmocka_unit_test(what_is_given_fits_the_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
