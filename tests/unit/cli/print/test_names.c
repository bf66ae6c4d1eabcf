/* What classes are called: by a model's names as far as these go. */
#include "support/support.h"

#include "print/names.h"

static void a_class_without_a_name_is_its_number(void **state)
{
	static const char *const v[] = { "cat", "dog" };
	const struct names two = { .v = v, .classes = 2 }, none = { 0 };
	char buf[16];

	(void)state;
	assert_string_equal(names_get(&two, 1, buf), "dog");
	assert_string_equal(names_get(&two, 2, buf), "2");
	assert_string_equal(names_get(&two, 255, buf), "255");
	assert_string_equal(names_get(&none, 0, buf), "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_class_without_a_name_is_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
