#include "support/support.h"

#include <string.h>

#include "kit/flags.h"

struct args {
	struct common    common;
	int64_t          count;
	const char      *name, *maybe, *folder, *mode, *epochs;
	struct flag_list set;
};

static const char *const modes[] = { "on", "off", NULL };

static int is_folder(const char *word)
{
	return strncmp(word, "runs/", 5) == 0;
}

#define AT(field) offsetof(struct args, field)
static const struct flag rows[] = {
	{ "count", 'n', FLAG_INT,   AT(count), "N", .min = 1, .max = 100, .def = "7",
	  .help = "how many" },
	{ "name",  0,   FLAG_TEXT,  AT(name), "TEXT", .help = "what it is called" },
	{ "maybe", 0,   FLAG_MAYBE, AT(maybe), "PATH", .help = "with or without" },
	{ "folder", 0,  FLAG_MAYBE, AT(folder), "PATH", .takes = is_folder, .help = "or behind it" },
	{ "mode",  0,   FLAG_TEXT,  AT(mode), "on|off", .words = modes, .help = "one of two" },
	{ "epochs", 'e', FLAG_TEXT, AT(epochs), .key = "train.epochs", .arg = "N", .help = "passes" },
	{ "set",   's', FLAG_LIST,  AT(set), "K=V", .help = "again and again" },
	{ .kind = FLAG_END },
};

static char *line[16];

static struct words words_of(const char *const *text)
{
	struct words w = { line, 0 };

	for (; *text; text++)
		line[w.n++] = (char *)(uintptr_t)*text;
	return w;
}
#define WORDS(...) words_of((const char *const[]){ __VA_ARGS__, NULL })

static void a_value_that_may_be_there_is_told_by_what_it_is(void **state)
{
	struct arena a = { 0 };
	struct args  o = { 0 };
	struct words w = WORDS("--folder", "runs/x", "--maybe", "runs/y");

	(void)state;
	assert_ok(flags_parse(rows, &a, &o, &w));
	assert_string_equal(o.folder, "runs/x");
	assert_string_equal(o.maybe, "");
	assert_int_equal(w.n, 1);
	w = WORDS("--folder", "spec.yaml");
	assert_ok(flags_parse(rows, &a, &o, &w));
	assert_string_equal(o.folder, "");
	assert_int_equal(w.n, 1);
	w = WORDS("--folder");
	assert_ok(flags_parse(rows, &a, &o, &w));
	assert_string_equal(o.folder, "");
	arena_release(&a);
}

static void options_and_words_may_be_mixed(void **state)
{
	struct arena a = { 0 };
	struct args  o = { 0 };
	struct words w = WORDS("x", "--count", "3", "-s", "a=1", "--set=b=2", "y", "--name=--z", "-q",
	                       "--", "--count", "-");

	(void)state;
	assert_ok(flags_parse(rows, &a, &o, &w));
	assert_int_equal(o.count, 3);
	assert_int_equal(o.set.n, 2);
	assert_string_equal(o.set.v[0], "a=1");
	assert_string_equal(o.set.v[1], "b=2");
	assert_string_equal(o.name, "--z");
	assert_int_equal(o.common.quiet, 1);
	assert_int_equal(w.n, 4);
	assert_string_equal(w.v[0], "x");
	assert_string_equal(w.v[1], "y");
	assert_string_equal(w.v[2], "--count");
	assert_string_equal(w.v[3], "-");
	arena_release(&a);
}

static void what_is_not_given_has_its_default(void **state)
{
	struct arena a = { 0 };
	struct args  o = { 0 };
	struct words w = { line, 0 };

	(void)state;
	assert_ok(flags_parse(rows, &a, &o, &w));
	assert_int_equal(o.count, 7);
	assert_null(o.name);
	assert_null(o.maybe);
	arena_release(&a);
}

static void an_optional_value_never_eats_the_next_word(void **state)
{
	struct arena a = { 0 };
	struct args  o = { 0 };
	struct words w = WORDS("--maybe", "x");

	(void)state;
	assert_ok(flags_parse(rows, &a, &o, &w));
	assert_string_equal(o.maybe, "");
	assert_int_equal(w.n, 1);
	w = WORDS("--maybe=here");
	assert_ok(flags_parse(rows, &a, &o, &w));
	assert_string_equal(o.maybe, "here");
	arena_release(&a);
}

static const struct { const char *word, *value, *message; } bad[] = {
	{ "--cuont", "3", "unknown option --cuont; did you mean --count?" },
	{ "--jsno", NULL, "unknown option --jsno; did you mean --json?" },
	{ "--xyzzyxyzzy", NULL, "unknown option --xyzzyxyzzy" },
	{ "-z", NULL, "unknown option -z" },
	{ "--count", NULL, "--count wants a value (N)" },
	{ "--count", "0", "--count wants a whole number from 1 to 100, not '0'" },
	{ "--count", "3x", "--count wants a whole number from 1 to 100, not '3x'" },
	{ "--count", "99999999999999999999",
	  "--count wants a whole number from 1 to 100, not '99999999999999999999'" },
	{ "--mode", "maybe", "--mode wants one of on, off, not 'maybe'" },
	{ "--json=1", NULL, "--json takes no value, but '1' was given" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena a = { 0 };
		struct args  o = { 0 };
		struct words w = WORDS(bad[i].word, bad[i].value);

		assert_int_equal(flags_parse(rows, &a, &o, &w), TT_EINVAL);
		assert_string_equal(tt_last_error(), bad[i].message);
		arena_release(&a);
	}
}

static void help_shows_every_row(void **state)
{
	struct str s = { 0 };

	(void)state;
	flags_help(rows, &s);
	assert_non_null(strstr(s.p, "  -n, --count N               how many (7)\n"));
	assert_non_null(strstr(s.p, "      --maybe[=PATH]          with or without\n"));
	str_release(&s);
}

/* Of two ways to say the same the later one holds: both are settings, in the order of the line. */
static void shortcuts_are_settings_in_their_place(void **state)
{
	struct arena a = { 0 };
	struct args  o = { 0 };
	struct words w = WORDS("-e", "2", "--set", "train.epochs=3", "--epochs=4", "-s", "x=1");

	(void)state;
	assert_ok(flags_parse(rows, &a, &o, &w));
	assert_int_equal(o.set.n, 4);
	assert_string_equal(o.set.v[0], "train.epochs=2");
	assert_string_equal(o.set.v[1], "train.epochs=3");
	assert_string_equal(o.set.v[2], "train.epochs=4");
	assert_string_equal(o.set.v[3], "x=1");
	assert_string_equal(o.epochs, "4");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shortcuts_are_settings_in_their_place),
		cmocka_unit_test(options_and_words_may_be_mixed),
		cmocka_unit_test(a_value_that_may_be_there_is_told_by_what_it_is),
		cmocka_unit_test(what_is_not_given_has_its_default),
		cmocka_unit_test(an_optional_value_never_eats_the_next_word),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(help_shows_every_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
