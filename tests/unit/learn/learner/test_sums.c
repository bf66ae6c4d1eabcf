/* Counts that travel as floats: whatever they are, and over how many ranks, none is lost. */
#include "support/support.h"

#include "learn/learner/learner_own.h"

/* As a strategy does it: floats are added, one rank after the other. */
static int64_t summed(int ranks, int64_t each)
{
	float all[2] = { 0, 0 };

	for (int r = 0; r < ranks; r++) {
		float mine[2];

		count_set(mine, each + r);
		all[0] += mine[0];
		all[1] += mine[1];
	}
	return count_get(all);
}

static void counts_are_exact_over_all_ranks(void **state)
{
	static const int64_t each[] = { 0, 1, 4095, 4096, (1 << 24) + 1, (1 << 24) + 4095,
	                                123456789 };
	static const int ranks[] = { 1, 2, 3, 16, 500 };

	(void)state;
	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++) {
			const int64_t n = ranks[k];

			assert_true(summed(ranks[k], each[i]) == n * each[i] + n * (n - 1) / 2);
		}
}

/* A float that has reached 2^24 takes no more 0.75s as they are: 2^25 of them made 16777216. */
static void losses_add_up_over_any_number_of_steps(void **state)
{
	const int64_t steps = (int64_t)1 << 25;
	float part[2] = { 0, 0 };

	(void)state;
	for (int64_t i = 0; i < steps; i++)
		loss_set(part, loss_get(part) + 0.75);
	assert_true(loss_get(part) == 0.75 * (double)steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_exact_over_all_ranks),
		cmocka_unit_test(losses_add_up_over_any_number_of_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
