#include "support/support.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

/* Known answers of Random123's kat_vectors. */
static const struct { struct rng_key key; uint32_t ctr[4], want[4]; } known[] = {
	{ { { 0, 0 } }, { 0, 0, 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
	{ { { 0xffffffff, 0xffffffff } }, { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
	  { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
	{ { { 0xa4093822, 0x299f31d0 } }, { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
	  { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
};

static void philox_gives_the_published_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		uint32_t out[4];

		rng_philox(known[i].key, known[i].ctr, out);
		assert_memory_equal(out, known[i].want, sizeof out);
	}
}

static void uses_and_seeds_get_different_keys(void **state)
{
	struct rng_key keys[6 * 50];
	int n = 0;

	(void)state;
	for (int use = RNG_INIT; use <= RNG_TEST; use++)
		for (uint64_t seed = 0; seed < 50; seed++)
			keys[n++] = rng_key(seed, (enum rng_use)use);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(&keys[i], &keys[j], sizeof keys[i]);
}

static void streams_repeat_and_differ(void **state)
{
	struct rng a, b, c, d;
	int same_c = 0, same_d = 0;

	(void)state;
	rng_init(&a, rng_key(1, RNG_TEST), 5, 6);
	rng_init(&b, rng_key(1, RNG_TEST), 5, 6);
	rng_init(&c, rng_key(1, RNG_TEST), 5, 7);
	rng_init(&d, rng_key(1, RNG_TEST), 5 + (1ull << 32), 6);
	for (int i = 0; i < 100; i++) {
		uint32_t x = rng_u32(&a);

		assert_int_equal(x, rng_u32(&b));
		same_c += x == rng_u32(&c);
		same_d += x == rng_u32(&d);
	}
	assert_true(same_c < 3 && same_d < 3);
}

/* 100,000 draws over 10 cells: chi-square with 9 degrees of freedom is above 40 less
 * than once in 100,000 times. */
static void below_is_even_handed(void **state)
{
	int cell[10] = {0};
	double chi = 0;
	struct rng r;

	(void)state;
	rng_init(&r, rng_key(2, RNG_TEST), 0, 0);
	for (int i = 0; i < 100000; i++)
		cell[rng_below(&r, 10)]++;
	for (int i = 0; i < 10; i++)
		chi += (cell[i] - 1e4) * (cell[i] - 1e4) / 1e4;
	assert_true(chi < 40);
	for (int i = 0; i < 100; i++)
		assert_int_equal(rng_below(&r, 1), 0);
	for (int i = 0; i < 100; i++)
		assert_true(rng_below(&r, 0xfffffffe) < 0xfffffffe);
}

static void moments_are_right(void **state)
{
	double u = 0, u2 = 0, z = 0, z2 = 0, z4 = 0;
	int n = 200000;
	struct rng r;

	(void)state;
	rng_init(&r, rng_key(3, RNG_TEST), 0, 0);
	for (int i = 0; i < n; i++) {
		double x = rng_uniform(&r), y = rng_normal(&r);

		assert_true(x >= 0 && x < 1 && isfinite(y));
		u += x;
		u2 += x * x;
		z += y;
		z2 += y * y;
		z4 += y * y * y * y;
	}
	assert_near(u / n, 0.5, 0.004);
	assert_near(u2 / n, 1.0 / 3, 0.004);
	assert_near(z / n, 0, 0.012);
	assert_near(z2 / n, 1, 0.02);
	assert_near(z4 / n, 3, 0.1);
}

static void permute_hits_each_place_once(void **state)
{
	static const uint64_t sizes[] = { 1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097 };
	static unsigned char seen[4097];

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		memset(seen, 0, sizeof seen);
		for (uint64_t i = 0; i < sizes[s]; i++) {
			uint64_t j = rng_permute(rng_key(4, RNG_SHUFFLE), 9, sizes[s], i);

			assert_true(j < sizes[s]);
			assert_false(seen[j]++);
		}
	}
}

static void permute_differs_by_epoch_and_key(void **state)
{
	int same_epoch = 0, same_key = 0, fixed = 0;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t a = rng_permute(rng_key(5, RNG_SHUFFLE), 0, 1000, i);

		same_epoch += a == rng_permute(rng_key(5, RNG_SHUFFLE), 1, 1000, i);
		same_key += a == rng_permute(rng_key(6, RNG_SHUFFLE), 0, 1000, i);
		fixed += a == i;
	}
	assert_true(same_epoch < 10 && same_key < 10 && fixed < 10);
}

/* Where the first of 5 goes over 20,000 epochs: chi-square, 4 degrees of freedom. */
static void permute_is_even_handed_even_when_small(void **state)
{
	int cell[5] = {0};
	double chi = 0;

	(void)state;
	for (uint64_t e = 0; e < 20000; e++)
		cell[rng_permute(rng_key(7, RNG_SHUFFLE), e, 5, 0)]++;
	for (int i = 0; i < 5; i++)
		chi += (cell[i] - 4e3) * (cell[i] - 4e3) / 4e3;
	assert_true(chi < 30);
}

static void permute_takes_huge_sets(void **state)
{
	uint64_t n = (1ull << 40) + 3;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(rng_permute(rng_key(8, RNG_SHUFFLE), 0, n, i) < n);
	assert_true(rng_permute(rng_key(8, RNG_SHUFFLE), 0, UINT64_MAX, 7) < UINT64_MAX);
}

/* One from each part, in order; all where all are wanted; and no period of the data is met. */
static void a_few_stand_for_all(void **state)
{
	const struct rng_key key = rng_key(0, RNG_LOOK);
	const struct { uint64_t n, count; } row[] = { { 7, 7 }, { 10, 1000 }, { 3, 10 }, { 1, 5 },
	                                              { 1000, UINT64_MAX } };
	int digit[10] = {0};

	(void)state;
	for (size_t k = 0; k < sizeof row / sizeof *row; k++)
		for (uint64_t i = 0; i < row[k].n; i++) {
			const uint64_t at = rng_spread(key, row[k].n, row[k].count, i);
			const double part = (double)row[k].count / (double)row[k].n;

			assert_true(at < row[k].count);
			assert_true((double)at >= floor((double)i * part) * 0.999999 &&
			            (double)at <= ceil((double)(i + 1) * part) * 1.000001);
			assert_true(row[k].n < row[k].count || at == i);
		}
	for (uint64_t i = 0; i < 100; i++)
		digit[rng_spread(key, 100, 1000, i) % 10]++;
	for (int d = 0; d < 10; d++)
		assert_true(digit[d] > 0 && digit[d] < 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(philox_gives_the_published_numbers),
		cmocka_unit_test(uses_and_seeds_get_different_keys),
		cmocka_unit_test(streams_repeat_and_differ),
		cmocka_unit_test(below_is_even_handed),
		cmocka_unit_test(moments_are_right),
		cmocka_unit_test(permute_hits_each_place_once),
		cmocka_unit_test(permute_differs_by_epoch_and_key),
		cmocka_unit_test(permute_is_even_handed_even_when_small),
		cmocka_unit_test(permute_takes_huge_sets),
		cmocka_unit_test(a_few_stand_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
