/* The one test that must fail: if it ever passes, the runner says yes to everything. */
#include "support/support.h"

static void a_failing_test_is_reported(void **state)
{
	(void)state;
	assert_int_equal(1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_failing_test_is_reported) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
