#include "support/support.h"

#include <string.h>

#include "base/options.h"
#include "print/options_text.h"

static const char *const words[] = { "fast", "exact", NULL };

struct inner { double lr; };
static const struct option inner_rows[] = {
	OPT_DOUBLE(struct inner, lr, "0.1", 0, 1, "start | of the draws"),
	OPT_END
};

struct outer { int skipped, epochs, how; struct inner optimizer; };
static const struct option rows[] = {
	OPT_INT  (struct outer, skipped, "0", 0, 1, "no"),
	OPT_INT  (struct outer, epochs, "3", 1, 1000, "passes"),
	OPT_ENUM (struct outer, how, "fast", words, "how"),
	OPT_GROUP(struct outer, optimizer, inner_rows, "group"),
	OPT_END
};

static void help_shows_every_row_from_the_first(void **state)
{
	struct str s = {0};

	(void)state;
	options_help((const tt_options *)rows, 1, &s);
	assert_string_equal(s.p,
		"  epochs                     int      3          passes\n"
		"  how                        word     fast       how (fast, exact)\n"
		"  optimizer.lr               number   0.1        start | of the draws\n");
	str_release(&s);
}

static void markdown_shows_bounds_and_escapes_bars(void **state)
{
	struct str s = {0};

	(void)state;
	options_markdown((const tt_options *)rows, 1, "train", &s);
	assert_contains(s.p, "| `train.epochs` | int | `3` | 1 … 1000 | passes |");
	assert_contains(s.p, "| `train.how` | word | `fast` | `fast`, `exact` | how |");
	assert_contains(s.p,
	                "| `train.optimizer.lr` | number | `0.1` | 0 … 1 | start \\| of the draws |");
	assert_null(strstr(s.p, "skipped"));
	str_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_shows_every_row_from_the_first),
		cmocka_unit_test(markdown_shows_bounds_and_escapes_bars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
