#include "support/support.h"

#include <math.h>

#include "learn/score/spelling.h"

static void blanks_and_repeats_are_no_labels(void **state)
{
	enum { PLACES = 9, WIDTH = 4 };
	static const int says[PLACES] = { 0, 2, 2, 0, 2, 1, 1, 3, 0 };
	float z[PLACES][WIDTH] = { { 0 } };
	int32_t is[PLACES];

	(void)state;
	for (int t = 0; t < PLACES; t++)
		z[t][says[t]] = 1;
	assert_int_equal(spelling_read(z[0], PLACES, WIDTH, 0, is), 4);
	assert_memory_equal(is, ((int32_t[]){ 2, 2, 1, 3 }), 4 * sizeof *is);
	assert_int_equal(spelling_read(z[0], PLACES, WIDTH, 3, is), 6);
	assert_memory_equal(is, ((int32_t[]){ 0, 2, 0, 2, 1, 0 }), 6 * sizeof *is);
	assert_int_equal(spelling_read(z[0], 0, WIDTH, 0, is), 0);
	z[0][0] = z[0][1] = z[0][2] = NAN;      /* the only number there is */
	assert_int_equal(spelling_read(z[0], 1, WIDTH, 0, is), 1);
	assert_int_equal(is[0], 3);
}

static void the_distance_is_levenshteins(void **state)
{
	static const int32_t kitten[] = { 11, 9, 20, 20, 5, 14 };
	static const int32_t sitting[] = { 19, 9, 20, 20, 9, 14, 7 };
	int64_t room[8];

	(void)state;
	assert_int_equal(spelling_distance((struct spelt){ kitten, 6 }, (struct spelt){ sitting, 7 },
	                                   room), 3);
	assert_int_equal(spelling_distance((struct spelt){ sitting, 7 }, (struct spelt){ kitten, 6 },
	                                   room), 3);
	assert_int_equal(spelling_distance((struct spelt){ kitten, 6 }, (struct spelt){ kitten, 6 },
	                                   room), 0);
	assert_int_equal(spelling_distance((struct spelt){ kitten, 0 }, (struct spelt){ kitten, 6 },
	                                   room), 6);
	assert_int_equal(spelling_distance((struct spelt){ kitten, 5 }, (struct spelt){ kitten, 0 },
	                                   room), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_and_repeats_are_no_labels),
		cmocka_unit_test(the_distance_is_levenshteins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
