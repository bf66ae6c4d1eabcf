#include "base/shell.h"

#include <stdlib.h>
#include <string.h>

#include "support/support.h"

static const char *const words[] = {
	"plain", "a:8,b:8", "--set", "train.lr=0.1", "", "two words", "it's", "'", "''", "$HOME",
	"a\"b", "*", "\\", "line\nend", "#no", "~", "x;y", "&&", "!",
};

/* A shell gives back what was meant. */
static void a_shell_reads_the_word_as_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct str s = { 0 };
		char got[64] = "";
		FILE *p;

		str_add(&s, "printf %s ");
		shell_add(&s, words[i]);
		assert_ok(str_status(&s));
		assert_non_null(p = popen(s.p, "r"));
		got[fread(got, 1, sizeof got - 1, p)] = '\0';
		pclose(p);
		assert_string_equal(got, words[i]);
		str_release(&s);
	}
}

static void what_needs_no_quotes_has_none(void **state)
{
	struct str s = { 0 };

	(void)state;
	shell_add(&s, "--hosts=a:8,b:8");
	assert_string_equal(s.p, "--hosts=a:8,b:8");
	str_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shell_reads_the_word_as_it_is),
		cmocka_unit_test(what_needs_no_quotes_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
