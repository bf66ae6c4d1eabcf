#include "support/support.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static void adds_are_joined(void **state)
{
	struct str s = {0};

	(void)state;
	str_add(&s, "one");
	str_addf(&s, " %d", 2);
	str_add_bytes(&s, " three", 6);
	assert_string_equal(s.p, "one 2 three");
	assert_int_equal(s.len, 11);
	assert_ok(str_status(&s));
	str_release(&s);
	assert_null(s.p);
}

static void long_texts_grow(void **state)
{
	struct str s = {0};

	(void)state;
	for (int i = 0; i < 10000; i++)
		str_addf(&s, "%d,", i % 10);
	assert_int_equal(s.len, 20000);
	assert_int_equal(strlen(s.p), 20000);
	str_release(&s);
}

static void a_failed_add_keeps_the_old_text_and_is_remembered(void **state)
{
	struct str s = {0};

	(void)state;
	str_add(&s, "kept");
	mem_fail_at(1, 1);
	str_addf(&s, "%200s", "");
	str_add(&s, "!");
	assert_string_equal(s.p, "kept");
	assert_status(str_status(&s), TT_ENOMEM);
	str_release(&s);
}

static void json_of(const char *text, const char *want)
{
	struct str s = {0};

	str_add_json(&s, text);
	assert_string_equal(s.p, want);
	str_release(&s);
}

static void json_texts_are_escaped(void **state)
{
	(void)state;
	json_of(NULL, "null");
	json_of("", "\"\"");
	json_of("a\"b\\c\n\t\r\x01\x7f", "\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u007f\"");
	json_of("\xc3\xa9 \xf0\x9f\x98\x80", "\"\xc3\xa9 \xf0\x9f\x98\x80\"");
}

static void bytes_that_are_no_utf8_become_the_replacement(void **state)
{
	(void)state;
	json_of("a\xff" "b", "\"a\\ufffdb\"");
	json_of("\xc3", "\"\\ufffd\"");                         /* cut short      */
	json_of("\xc0\xaf", "\"\\ufffd\\ufffd\"");              /* overlong slash */
	json_of("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");   /* a surrogate    */
}

static void number_is(double v, const char *want)
{
	struct str s = {0};

	str_add_number(&s, v);
	assert_string_equal(s.p, want);
	str_release(&s);
}

static void numbers_are_short_and_read_back(void **state)
{
	static const double hard[] = { 0.1, 1.0 / 3, 1e-300, 5e-324, 1.7976931348623157e308,
	                               123456789.123, -2.5e-7, 9007199254740993.0, 1e22 };

	(void)state;
	number_is(0.1, "0.1");
	number_is(64, "64");
	number_is(100000, "100000");
	number_is(-1.5, "-1.5");
	number_is(NAN, "null");
	number_is(INFINITY, "null");
	for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
		struct str s = {0};

		str_add_number(&s, hard[i]);
		assert_true(strtod(s.p, NULL) == hard[i]);
		str_release(&s);
	}
}

static void numbers_do_not_depend_on_the_locale(void **state)
{
	double v = 0;

	(void)state;
	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
		test_skip("no locale with a decimal comma");
	number_is(0.5, "0.5");
	assert_true(str_to_double("0.5", &v));
	setlocale(LC_NUMERIC, "C");
	assert_true(v == 0.5);
}

static void only_whole_finite_numbers_are_numbers(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "1x", "nan", "inf", "0x10", "1e999", "-",
	                                   "1,5", ".", NULL };
	double v = 7;

	(void)state;
	for (int i = 0; bad[i]; i++)
		assert_false(str_to_double(bad[i], &v));
	assert_true(v == 7);
	assert_true(str_to_double("-1.5e-3", &v) && v == -1.5e-3);
	assert_true(str_to_double(".5", &v) && v == 0.5);
}

static void the_nearest_word_is_what_was_meant(void **state)
{
	static const char *const words[] = { "learning_rate", "momentum", "epochs", "lr", "seed",
	                                     NULL };

	(void)state;
	assert_string_equal(str_nearest("leraning_rate", words), "learning_rate");
	assert_string_equal(str_nearest("learning-rate", words), "learning_rate");
	assert_string_equal(str_nearest("Epoch", words), "epochs");
	assert_string_equal(str_nearest("sede", words), "seed");
	assert_null(str_nearest("banana", words));
	assert_null(str_nearest("xy", words));
	assert_null(str_nearest("", words));
}

static void very_long_words_are_near_nothing(void **state)
{
	static const char *const words[] = { "lr", NULL };
	char big[500];

	(void)state;
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_null(str_nearest(big, words));
}

static void tails_are_compared(void **state)
{
	(void)state;
	assert_true(str_ends_with("a.tar.xz", ".xz"));
	assert_false(str_ends_with("xz", ".xz"));
	assert_true(str_ends_with("x", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_are_joined),
		cmocka_unit_test(long_texts_grow),
		cmocka_unit_test(a_failed_add_keeps_the_old_text_and_is_remembered),
		cmocka_unit_test(json_texts_are_escaped),
		cmocka_unit_test(bytes_that_are_no_utf8_become_the_replacement),
		cmocka_unit_test(numbers_are_short_and_read_back),
		cmocka_unit_test(numbers_do_not_depend_on_the_locale),
		cmocka_unit_test(only_whole_finite_numbers_are_numbers),
		cmocka_unit_test(the_nearest_word_is_what_was_meant),
		cmocka_unit_test(very_long_words_are_near_nothing),
		cmocka_unit_test(tails_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
