#include "support/support.h"

#include <string.h>

#include <tutti/catalog.h>
#include <tutti/model.h>

static int one_line(const char *s) { return *s && strcspn(s, "\n") == strlen(s); }

static void check_options(const tt_options *t, int *rows)
{
	tt_option o = TT_SIZED(tt_option);

	for (int i = 0; i < tt_options_count(t); i++) {
		assert_ok(tt_options_get(t, i, &o));
		assert_true(*o.name && one_line(o.help));
		assert_true(o.words || o.type != TT_OPTION_WORD);
		assert_true(!o.words || o.type == TT_OPTION_WORD || o.type == TT_OPTION_INT);
		assert_int_equal(o.group != NULL, o.type == TT_OPTION_GROUP);
		assert_true(o.min <= o.max);
		++*rows;
		if (o.group)
			check_options(o.group, rows);
	}
	assert_status(tt_options_get(t, tt_options_count(t), &o), TT_EINVAL);
	assert_status(tt_options_get(t, -1, &o), TT_EINVAL);
}

static void every_option_is_explained(void **state)
{
	int rows = 0;

	(void)state;
	check_options(tt_options_spec(), &rows);
	assert_true(rows > 60);
	assert_int_equal(tt_options_count(NULL), 0);
}

/* ---- things ---- */

static void every_catalog_has_entries_with_names_of_their_own(void **state)
{
	tt_entry e = TT_SIZED(tt_entry), other = TT_SIZED(tt_entry);

	(void)state;
	for (int c = TT_LAYERS; c <= TT_SCHEDULERS; c++) {
		const int n = tt_catalog_count((enum tt_catalog)c);

		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			assert_ok(tt_catalog_get((enum tt_catalog)c, i, &e));
			assert_true(*e.name && e.help && e.group);
			for (int k = 0; k < i; k++) {
				assert_ok(tt_catalog_get((enum tt_catalog)c, k, &other));
				assert_string_not_equal(e.name, other.name);
			}
		}
		assert_status(tt_catalog_get((enum tt_catalog)c, n, &e), TT_EINVAL);
		assert_status(tt_catalog_get((enum tt_catalog)c, -1, &e), TT_EINVAL);
	}
	assert_int_equal(tt_catalog_count((enum tt_catalog)(TT_SCHEDULERS + 1)), 0);
	assert_status(tt_catalog_get((enum tt_catalog)-1, 0, &e), TT_EINVAL);
}

static void layers_and_sources_have_help_and_options(void **state)
{
	static const enum tt_catalog all[] = { TT_LAYERS, TT_SOURCES, TT_SAMPLERS, TT_SCHEDULERS };
	tt_entry e = TT_SIZED(tt_entry);
	int rows = 0;

	(void)state;
	for (size_t c = 0; c < sizeof all / sizeof *all; c++)
		for (int i = 0; i < tt_catalog_count(all[c]); i++) {
			assert_ok(tt_catalog_get(all[c], i, &e));
			assert_true(*e.help);
			check_options(e.options, &rows);
		}
	assert_true(rows > 50);
}

/* A layer of the catalog is one that a spec takes. */
static void layers_of_the_catalog_are_known_to_specs(void **state)
{
	tt_entry e = TT_SIZED(tt_entry);
	tt_spec *s;

	(void)state;
	assert_ok(tt_spec_new(&s, "net"));
	for (int i = 0; i < tt_catalog_count(TT_LAYERS); i++) {
		assert_ok(tt_catalog_get(TT_LAYERS, i, &e));
		assert_ok(tt_spec_layer(s, e.name, NULL));
		assert_true(*e.group);
	}
	tt_spec_free(&s);
}

/* Strategies are the words of distribute.strategy, in the same order. */
static void strategies_are_the_words_of_the_spec(void **state)
{
	tt_option group = TT_SIZED(tt_option), o = TT_SIZED(tt_option);
	tt_entry e = TT_SIZED(tt_entry);
	const tt_options *top = tt_options_spec();
	int n = 0;

	(void)state;
	assert_ok(tt_options_get(top, tt_options_count(top) - 1, &group));
	assert_string_equal(group.name, "distribute");
	for (int i = 0; i < tt_options_count(group.group) && n == 0; i++) {
		assert_ok(tt_options_get(group.group, i, &o));
		if (strcmp(o.name, "strategy") != 0)
			continue;
		for (; o.words[n]; n++) {
			assert_ok(tt_catalog_get(TT_STRATEGIES, n, &e));
			assert_string_equal(e.name, o.words[n]);
			assert_true(one_line(e.help));
		}
	}
	assert_int_equal(n, tt_catalog_count(TT_STRATEGIES));
}

static void the_last_device_is_the_reference(void **state)
{
	tt_entry e = TT_SIZED(tt_entry);

	(void)state;
	assert_ok(tt_catalog_get(TT_DEVICES, tt_catalog_count(TT_DEVICES) - 1, &e));
	assert_string_equal(e.name, "ref");
	assert_string_equal(tt_version(), TT_VERSION);
	assert_true(tt_cores() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_is_explained),
		cmocka_unit_test(every_catalog_has_entries_with_names_of_their_own),
		cmocka_unit_test(layers_and_sources_have_help_and_options),
		cmocka_unit_test(layers_of_the_catalog_are_known_to_specs),
		cmocka_unit_test(strategies_are_the_words_of_the_spec),
		cmocka_unit_test(the_last_device_is_the_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
