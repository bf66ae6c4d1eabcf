#include "support/support.h"

#include <string.h>

#include "base/plain.h"

static void what_moves_a_cursor_is_a_question_mark(void **state)
{
	static const struct { const char *is, *becomes; } row[] = {
		{ "tab\tand line\nstay", "tab\tand line\nstay" },
		{ "\033[2Jred\a\r\177", "?[2Jred???" },
		{ "gr\303\274n \342\202\254 \360\237\230\200",
		  "gr\303\274n \342\202\254 \360\237\230\200" },
		{ "\302\233 1m", "?? 1m" },                     /* a control character of two bytes */
		{ "\211PNG \374ber \342\202", "?PNG ?ber ??" },
		{ "\300\257 \355", "?? ?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		char text[64];

		strcpy(text, row[i].is);
		assert_int_equal(plain_make(text), strcmp(row[i].is, row[i].becomes) != 0);
		assert_string_equal(text, row[i].becomes);
		assert_int_equal(plain_make(text), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_moves_a_cursor_is_a_question_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
