/* Leases cover an epoch once, whoever asks, and say where a resumed run goes on. */
#include "support/support.h"

#include <pthread.h>

#include "data/lease.h"

#define COUNT 1003
#define THREADS 4
#define EPOCHS 3

static const struct lease_plan plan = { COUNT, 64, EPOCHS_IN_TURN };

static void assert_lease(struct lease l, int64_t epoch, int64_t lo, int64_t hi)
{
	assert_int_equal(l.epoch, epoch);
	assert_int_equal(l.lo, lo);
	assert_int_equal(l.hi, hi);
}

static void static_leases_cut_an_epoch_and_go_on_into_the_next(void **state)
{
	struct lease l = lease_at(&plan, 0, 0);

	(void)state;
	assert_int_equal(lease_count(&plan), 16);
	for (int64_t k = 0; k < 15; k++, l = lease_after(&plan, &l))
		assert_lease(l, 0, 64 * k, 64 * (k + 1));
	assert_lease(l, 0, 960, COUNT);
	assert_lease(lease_after(&plan, &l), 1, 0, 64);
}

static void a_lease_begins_where_another_run_stopped(void **state)
{
	(void)state;
	assert_lease(lease_at(&plan, 2, 100), 2, 100, 164);     /* in mid-lease, too */
	assert_lease(lease_at(&plan, 2, COUNT), 3, 0, 64);
}

static void without_training_all_epochs_are_one(void **state)
{
	const struct lease_plan alike = { 10, 4, EPOCHS_ALIKE };
	const struct lease last = lease_at(&alike, 0, 8);

	(void)state;
	assert_lease(last, 0, 8, 10);
	assert_lease(lease_after(&alike, &last), 0, 0, 4);
}

static void a_set_smaller_than_a_lease_is_one(void **state)
{
	const struct lease_plan small = { 10, 64, EPOCHS_IN_TURN };

	(void)state;
	assert_lease(lease_at(&small, 0, 0), 0, 0, 10);
	assert_int_equal(lease_count(&small), 1);
}

/* ---- whoever asks ---- */

static struct lease_pool pool;
static _Atomic int times[EPOCHS][COUNT];

static void *take_all(void *ctx)
{
	struct lease l;

	(void)ctx;
	while ((l = lease_pool_take(&pool)).epoch < EPOCHS)
		for (int64_t i = l.lo; i < l.hi; i++)
			times[l.epoch][i]++;
	return NULL;
}

static void workers_that_take_turns_get_each_sample_of_an_epoch_once(void **state)
{
	pthread_t t[THREADS];

	(void)state;
	lease_pool_init(&pool, &plan);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, take_all, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int e = 0; e < EPOCHS; e++)
		for (int i = 0; i < COUNT; i++)
			assert_int_equal(times[e][i], 1);
}

static void a_pool_goes_on_where_it_is_told(void **state)
{
	(void)state;
	lease_pool_init(&pool, &plan);
	lease_pool_seek(&pool, 1, 128);
	assert_lease(lease_pool_take(&pool), 1, 128, 192);
	lease_pool_seek(&pool, 1, COUNT);
	assert_lease(lease_pool_take(&pool), 2, 0, 64);
	lease_pool_seek(&pool, 0, 960);
	assert_lease(lease_pool_take(&pool), 0, 960, COUNT);
	assert_lease(lease_pool_take(&pool), 1, 0, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(static_leases_cut_an_epoch_and_go_on_into_the_next),
		cmocka_unit_test(a_lease_begins_where_another_run_stopped),
		cmocka_unit_test(without_training_all_epochs_are_one),
		cmocka_unit_test(a_set_smaller_than_a_lease_is_one),
		cmocka_unit_test(workers_that_take_turns_get_each_sample_of_an_epoch_once),
		cmocka_unit_test(a_pool_goes_on_where_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
