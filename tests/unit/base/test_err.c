#include "support/support.h"

#include <pthread.h>
#include <string.h>

static void every_status_has_a_sentence(void **state)
{
	(void)state;
#define X(name, value, text) assert_string_equal(tt_status_text(name), text);
	TT_STATUS_MAP(X)
#undef X
	assert_non_null(tt_status_text((tt_status)-99));
}

static void err_set_gives_the_status_and_keeps_the_text(void **state)
{
	(void)state;
	assert_int_equal(err_set(TT_ESHAPE, "conv%d: %s", 1, "too small"), TT_ESHAPE);
	assert_string_equal(tt_last_error(), "conv1: too small");
}

static void err_at_puts_the_place_in_front(void **state)
{
	(void)state;
	err_set(TT_EFORMAT, "bad magic");
	assert_int_equal(err_at(TT_EFORMAT, "%s:%d", "a.bin", 7), TT_EFORMAT);
	assert_string_equal(tt_last_error(), "a.bin:7: bad magic");
}

static void the_old_text_may_be_an_argument(void **state)
{
	(void)state;
	err_set(TT_EIO, "inner");
	err_set(TT_EIO, "outer: %s", tt_last_error());
	assert_string_equal(tt_last_error(), "outer: inner");
}

static void names_do_not_move_a_terminals_cursor(void **state)
{
	(void)state;
	err_set(TT_EIO, "%s: no image", "a/\x1b[31m\b\x7f\xc3\xa4.png");
	assert_string_equal(tt_last_error(), "a/?[31m??\xc3\xa4.png: no image");
}

static void a_text_too_long_is_cut_not_overrun(void **state)
{
	char big[3 * ERR_MAX];

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	err_set(TT_EIO, "%s", big);
	assert_int_equal(strlen(tt_last_error()), ERR_MAX - 1);
	err_at(TT_EIO, "%s", big);
	assert_int_equal(strlen(tt_last_error()), ERR_MAX - 1);
}

static void *other_thread(void *p)
{
	err_set(TT_EIO, "from the other thread");
	return p;
}

static void each_thread_has_its_own_text(void **state)
{
	pthread_t t;

	(void)state;
	err_set(TT_EIO, "mine");
	assert_int_equal(pthread_create(&t, NULL, other_thread, NULL), 0);
	pthread_join(t, NULL);
	assert_string_equal(tt_last_error(), "mine");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_a_sentence),
		cmocka_unit_test(err_set_gives_the_status_and_keeps_the_text),
		cmocka_unit_test(err_at_puts_the_place_in_front),
		cmocka_unit_test(the_old_text_may_be_an_argument),
		cmocka_unit_test(names_do_not_move_a_terminals_cursor),
		cmocka_unit_test(a_text_too_long_is_cut_not_overrun),
		cmocka_unit_test(each_thread_has_its_own_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
