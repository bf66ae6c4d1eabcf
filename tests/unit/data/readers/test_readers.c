/* URIs: what is understood, and what a wrong one is answered. */
#include "support/support.h"

#include <string.h>

#include <tutti/data.h>

static void refused(const char *uri, tt_status want, const char *text)
{
	tt_source *s = NULL;

	assert_status(tt_source_open(&s, uri), want);
	assert_null(s);
	assert_error(text);
}

static void a_wrong_scheme_is_told_the_right_one(void **state)
{
	(void)state;
	refused("mnst:/x", TT_ENOENT, "did you mean 'mnist:'");
	refused("/data/mnist", TT_ENOENT, "SCHEME:PLACE");
	refused(":x", TT_ENOENT, "SCHEME:PLACE");
	refused("", TT_ENOENT, "SCHEME:PLACE");
	refused("synth:things", TT_ENOENT, "synth:objects");
}

static void settings_are_checked(void **state)
{
	(void)state;
	refused("synth:objects?count", TT_EINVAL, "not NAME=VALUE");
	refused("synth:objects?=3", TT_EINVAL, "not NAME=VALUE");
	refused("synth:objects?size=32&size=16", TT_EINVAL, "set twice");
	refused("synth:objects?cuont=3", TT_ESPEC, "count");
	refused("synth:objects?size=3", TT_ESPEC, "size");
	refused("synth:objects?size=big", TT_ESPEC, "size");
	refused("synth:objects?split=tset", TT_ESPEC, "test");
	refused("mnist:/tmp?size=3", TT_ESPEC, "size");
}

static void missing_places_are_named(void **state)
{
	(void)state;
	refused("mnist:/nowhere", TT_ENOENT, "/nowhere");
	refused("cifar10:/nowhere", TT_ENOENT, "/nowhere");
	refused("images:/nowhere", TT_ENOENT, "/nowhere");
	refused("csv:/nowhere.csv", TT_ENOENT, "/nowhere.csv");
}

static void empty_settings_are_fine(void **state)
{
	tt_source *s;

	(void)state;
	assert_ok(tt_source_open(&s, "synth:objects?"));
	tt_source_close(&s);
}

static void values_are_unescaped(void **state)
{
	tt_source *s;

	(void)state;
	assert_ok(tt_source_open(&s, "synth:objects?size=%31%36"));
	assert_int_equal(tt_source_describe(s)->shape[1], 16);
	tt_source_close(&s);
}

static void closing_nothing_is_fine(void **state)
{
	tt_source *none = NULL;

	(void)state;
	tt_source_close(&none);
	tt_source_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_scheme_is_told_the_right_one),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(missing_places_are_named),
		cmocka_unit_test(empty_settings_are_fine),
		cmocka_unit_test(values_are_unescaped),
		cmocka_unit_test(closing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
