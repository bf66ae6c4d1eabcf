/* tests/unit/learn/spec/invalid: each spec is refused; its first line says what the message must
 * contain. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/spec/spec.h"
#include "support/support.h"

static char *expected(const char *path)
{
	char *text, *end;
	size_t size;

	assert_ok(file_read_all(path, 0, &text, &size));
	assert_true(strncmp(text, "# ", 2) == 0);
	end = strchr(text, '\n');
	assert_non_null(end);
	*end = '\0';
	memmove(text, text + 2, strlen(text + 2) + 1);
	return text;
}

/* 1 if the message is not what the file promises; all are shown before the test fails. */
static int wrong(const char *path)
{
	int64_t live = mem_live();
	char *want = expected(path);
	tt_spec *s = NULL;
	tt_status st = tt_spec_load(&s, path);
	int good;

	if (st == TT_OK)
		st = tt_spec_resolve(s);
	good = (st == TT_ESPEC || st == TT_ESHAPE) && strstr(tt_last_error(), want) &&
	       strstr(tt_last_error(), ".yaml") && !strchr(tt_last_error(), '\n');
	if (!good)
		print_error("wanted '%s'\ngot    '%s'\n", want,
		            st == TT_OK ? "no error" : tt_last_error());
	tt_spec_free(&s);
	mem_free(want);
	return !good || mem_live() != live;
}

static void every_mistake_is_named(void **state)
{
	char folder[512];
	struct dirent *e;
	DIR *d;
	int n = 0, bad = 0;

	(void)state;
	snprintf(folder, sizeof folder, "%s", test_source("tests/unit/learn/spec/invalid"));
	d = opendir(folder);
	assert_non_null(d);
	while ((e = readdir(d)))
		if (strstr(e->d_name, ".yaml")) {
			bad += wrong(test_path(folder, e->d_name));
			n++;
		}
	closedir(d);
	assert_int_equal(bad, 0);
	assert_true(n > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_mistake_is_named) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
