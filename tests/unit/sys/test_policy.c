/* One policy for the process: how many threads, whether any, whether to go on; nothing that others
 * see stays changed; locks outlive a fork. */
#include "sys/policy.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "support/support.h"
#include "sys/lock.h"
#include "sys/process.h"
#include "sys/thread.h"

static int as_before(void **state)
{
	(void)state;
	policy_set(&(struct policy){ 0 });
	return 0;
}

static void no_more_threads_than_are_allowed(void **state)
{
	(void)state;
	assert_int_equal(policy_threads(0), thread_cores());
	assert_int_equal(policy_threads(3), 3);
	policy_set(&(struct policy){ .threads = 2 });
	assert_int_equal(policy_threads(3), 2);
	assert_int_equal(policy_threads(1), 1);
	assert_in_range(policy_threads(0), 1, 2);
	assert_true(policy_may_start());
	policy_set(&(struct policy){ .threads = 1 });
	assert_int_equal(policy_threads(0), 1);
	assert_false(policy_may_start());
}

static void shares_add_up_and_nobody_goes_without(void **state)
{
	(void)state;
	for (int threads = 1; threads < 20; threads++)
		for (int parts = 1; parts < 10; parts++) {
			int sum = 0, first = policy_share(threads, 0, parts);

			for (int i = 0; i < parts; i++) {
				int mine = policy_share(threads, i, parts);

				assert_true(mine >= 1 && (mine == first || mine == first - 1));
				sum += mine;
			}
			assert_int_equal(sum, threads > parts ? threads : parts);
		}
}

static void nothing(void *ctx) { (void)ctx; }

static void where_none_is_allowed_none_starts(void **state)
{
	struct thread *t = NULL;

	(void)state;
	policy_set(&(struct policy){ .threads = 1 });
	assert_status(thread_start(&t, "helper", nothing, NULL), TT_ESUPPORT);
	assert_error("the program allows one thread");
	assert_null(t);
	policy_set(&(struct policy){ .threads = 2 });
	assert_ok(thread_start(&t, "helper", nothing, NULL));
	thread_join(&t);
}

static int asked;
static int ask(void *ctx) { return ++asked >= *(int *)ctx; }

static void who_loses_patience_is_heard(void **state)
{
	int at = 2;

	(void)state;
	assert_false(policy_interrupted());
	assert_ok(policy_check("a test"));
	policy_set(&(struct policy){ .interrupted = ask, .ctx = &at });
	assert_ok(policy_check("a test"));
	assert_status(policy_check("a test"), TT_ESTOPPED);
	assert_error("during a test");
}

/* ---- the caller's settings ---- */

#define N 1000
static atomic_int visits[N];

static void visit(void *ctx, int64_t lo, int64_t hi)
{
	(void)ctx;
	for (int64_t i = lo; i < hi; i++)
		atomic_fetch_add(&visits[i], 1);
}

static void loops_of_its_own_threads_visit_each_index_once(void **state)
{
	static const int64_t sizes[] = { 0, 1, 2, 63, 64, 65, 999, N };

	(void)state;
	for (int threads = 1; threads <= 5; threads++)
		for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
			for (int i = 0; i < N; i++)
				visits[i] = 0;
			policy_set(&(struct policy){ .threads = threads });
			thread_set_count(threads);
			thread_for_once(sizes[s], 10, visit, NULL);
			for (int i = 0; i < N; i++)
				assert_int_equal(visits[i], i < sizes[s]);
		}
	thread_set_count(1);
}

#ifdef _OPENMP
static void openmps_setting_is_the_callers_again(void **state)
{
	struct thread_guard g;

	(void)state;
	omp_set_num_threads(7);
	thread_set_count(2);
	thread_for(N, 0, visit, NULL);
	assert_int_equal(omp_get_max_threads(), 7);
	assert_ok(thread_enter(&g));
	assert_int_equal(omp_get_max_threads(), 2);
	thread_leave(&g);
	assert_int_equal(omp_get_max_threads(), 7);
	thread_set_count(1);
}
#endif

/* ---- fork ---- */

static int ends_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void every_process_has_its_own_number(void **state)
{
	pid_t pid;

	(void)state;
	assert_int_equal(process_id(), getpid());
	assert_int_equal(process_id(), getpid());
	if ((pid = fork()) == 0) {
		const int first = process_id() == getpid();

		if ((pid = fork()) == 0)
			_exit(process_id() != getpid() || process_id() != getpid());
		_exit(!first || !ends_well(pid) || process_id() != getpid());
	}
	assert_true(ends_well(pid));
	assert_int_equal(process_id(), getpid());
}

/* Who held it does not exist in the child. */
static void a_lock_that_was_held_is_free_in_the_child(void **state)
{
	struct lock l = { 0 };
	pid_t pid;

	(void)state;
	lock_take(&l);
	if ((pid = fork()) == 0) {
		alarm(10);
		lock_take(&l);
		lock_give(&l);
		_exit(0);
	}
	assert_true(ends_well(pid));
	lock_give(&l);
	lock_take(&l);                          /* and as it was in the parent */
	lock_give(&l);
}

static atomic_int inside, most;

static void hold(void *ctx)
{
	struct lock *l = ctx;

	for (int i = 0; i < 1000; i++) {
		lock_take(l);
		if (atomic_fetch_add(&inside, 1) > 0)
			most = 1;
		atomic_fetch_sub(&inside, 1);
		lock_give(l);
	}
}

static void a_lock_keeps_one_at_a_time_after_a_fork(void **state)
{
	struct thread *t[4] = { NULL };
	struct lock l = { 0 };
	pid_t pid;

	(void)state;
	lock_take(&l);
	if ((pid = fork()) == 0) {
		alarm(20);
		for (int i = 0; i < 4; i++)
			if (thread_start(&t[i], "holder", hold, &l) != TT_OK)
				_exit(1);
		for (int i = 0; i < 4; i++)
			thread_join(&t[i]);
		_exit(most);
	}
	assert_true(ends_well(pid));
	lock_give(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_more_threads_than_are_allowed, as_before),
		cmocka_unit_test_setup(shares_add_up_and_nobody_goes_without, as_before),
		cmocka_unit_test_setup(where_none_is_allowed_none_starts, as_before),
		cmocka_unit_test_setup(who_loses_patience_is_heard, as_before),
		cmocka_unit_test_setup(loops_of_its_own_threads_visit_each_index_once, as_before),
#ifdef _OPENMP
		cmocka_unit_test_setup(openmps_setting_is_the_callers_again, as_before),
#endif
		cmocka_unit_test_setup(every_process_has_its_own_number, as_before),
		cmocka_unit_test_setup(a_lock_that_was_held_is_free_in_the_child, as_before),
		cmocka_unit_test_setup(a_lock_keeps_one_at_a_time_after_a_fork, as_before),
	};

	return cmocka_run_group_tests(tests, NULL, as_before);
}
