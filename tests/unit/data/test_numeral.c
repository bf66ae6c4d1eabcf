/* Numbers as names of classes: one name for one number. */
#include "support/support.h"

#include "data/numeral.h"

static void is(const char *text, const char *name)
{
	char buf[NUMERAL_TEXT];
	const char *is = numeral_text(text, buf);

	assert_non_null(is);
	assert_string_equal(is, name);
}

static void a_number_has_one_name_however_it_is_written(void **state)
{
	static const char *const one[] = { "1", "1.0", "01", "+1", "1e0", "1.", "10e-1", "0.1E1" };

	(void)state;
	for (size_t i = 0; i < sizeof one / sizeof *one; i++)
		is(one[i], "1");
	is("0", "0");
	is("-0", "0");
	is("-0.0", "0");
	is("-03", "-3");
	is("0.50", "0.5");
	is(".5", "0.5");
	is("1e3", "1000");
	is("1000", "1000");
	is("1e-7", "1e-07");
	is("0.0000001", "1e-07");
}

static void whole_numbers_keep_all_their_digits(void **state)
{
	(void)state;
	is("9007199254740993", "9007199254740993");
	is("9007199254740992", "9007199254740992");
	is("00123456789012345678901234567890", "123456789012345678901234567890");
	assert_false(numeral_same("9007199254740993", "9007199254740992"));
}

static void words_are_no_numbers(void **state)
{
	static const char *const none[] = { "", "one", "1 2", "nan", "inf", "0x10", "1,5", "1.1.1" };
	static const char *const mixed[] = { "1", "one" };
	char buf[NUMERAL_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_null(numeral_text(none[i], buf));
	assert_true(numeral_same("one", "one"));
	assert_false(numeral_same("one", "One"));
	assert_true(numeral_all(mixed, 1));
	assert_false(numeral_all(mixed, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_has_one_name_however_it_is_written),
		cmocka_unit_test(whole_numbers_keep_all_their_digits),
		cmocka_unit_test(words_are_no_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
