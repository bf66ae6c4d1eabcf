#include "support/support.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "sys/thread.h"

#define N 1000
static _Atomic int visits[N];
static _Atomic int calls;

static void visit(void *ctx, int64_t lo, int64_t hi)
{
	(void)ctx;
	atomic_fetch_add(&calls, 1);
	for (int64_t i = lo; i < hi; i++)
		atomic_fetch_add(&visits[i], 1);
}

static void a_loop_visits_each_index_once(void **state)
{
	static const int64_t sizes[] = { 0, 1, 2, 3, 7, 64, 999, N };

	(void)state;
	for (int t = 1; t <= 5; t++)
		for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
			for (int64_t grain = 0; grain <= 100; grain += 50) {
				memset(visits, 0, sizeof visits);
				thread_set_count(t);
				thread_for(sizes[s], grain, visit, NULL);
				for (int64_t i = 0; i < N; i++)
					assert_int_equal(visits[i], i < sizes[s]);
			}
	thread_set_count(1);
}

static void a_small_loop_runs_inline(void **state)
{
	(void)state;
	thread_set_count(4);
	calls = 0;
	thread_for(100, 100, visit, NULL);
	assert_int_equal(calls, 1);
	calls = 0;
	thread_for(101, 100, visit, NULL);
	assert_in_range(calls, 1, 2);
	thread_set_count(1);
}

/* The bounds of each part, which must depend on n and the thread count alone. */
struct split { int64_t lo[8], hi[8]; _Atomic int n; };

static void note_split(void *ctx, int64_t lo, int64_t hi)
{
	struct split *s = ctx;
	int i = atomic_fetch_add(&s->n, 1);

	s->lo[i] = lo;
	s->hi[i] = hi;
}

static int has_part(const struct split *s, int64_t lo, int64_t hi)
{
	for (int i = 0; i < s->n; i++)
		if (s->lo[i] == lo && s->hi[i] == hi)
			return 1;
	return 0;
}

static void the_split_is_the_same_each_time(void **state)
{
	struct split first = {0};

	(void)state;
	thread_set_count(3);
	thread_for(100, 1, note_split, &first);
	for (int k = 0; k < 20; k++) {
		struct split s = {0};

		thread_for(100, 1, note_split, &s);
		assert_int_equal(s.n, first.n);
		for (int i = 0; i < s.n; i++)
			assert_true(has_part(&first, s.lo[i], s.hi[i]));
	}
	thread_set_count(1);
}

static void count_inner(void *ctx, int64_t lo, int64_t hi)
{
	for (int64_t i = lo; i < hi; i++)
		thread_for(10, 1, visit, ctx);
}

static void a_loop_in_a_loop_runs_inline(void **state)
{
	(void)state;
	memset(visits, 0, sizeof visits);
	thread_set_count(4);
	thread_for(8, 1, count_inner, NULL);
	for (int i = 0; i < 10; i++)
		assert_int_equal(visits[i], 8);
	thread_set_count(1);
}

static void count_in_thread(void *ctx)
{
	thread_set_count(3);
	*(int *)ctx = thread_count();
}

static void the_count_belongs_to_the_thread(void **state)
{
	struct thread *t = NULL;
	int count = 0;

	(void)state;
	thread_set_count(2);
	assert_ok(thread_start(&t, "counter", count_in_thread, &count));
	thread_join(&t);
	assert_null(t);
	if (thread_count() == 1 && count == 1)
		test_skip("built without OpenMP");
	assert_int_equal(count, 3);
	assert_int_equal(thread_count(), 2);
	thread_set_count(1);
}

static void affinity_and_clock_make_sense(void **state)
{
	double t = thread_seconds();

	(void)state;
	assert_true(thread_cores() >= 1);
	assert_true(thread_seconds() >= t);
	thread_join(NULL);
}

static void blocked_signals(void *ctx)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	*(int *)ctx = sigismember(&set, SIGTERM);
}

static void helpers_leave_signals_to_their_caller(void **state)
{
	struct thread *t = NULL;
	int blocked = 0;
	sigset_t set;

	(void)state;
	assert_ok(thread_start(&t, "a-name-longer-than-the-kernel-keeps", blocked_signals, &blocked));
	thread_join(&t);
	assert_int_equal(blocked, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	assert_int_equal(sigismember(&set, SIGTERM), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop_visits_each_index_once),
		cmocka_unit_test(a_small_loop_runs_inline),
		cmocka_unit_test(the_split_is_the_same_each_time),
		cmocka_unit_test(a_loop_in_a_loop_runs_inline),
		cmocka_unit_test(the_count_belongs_to_the_thread),
		cmocka_unit_test(affinity_and_clock_make_sense),
		cmocka_unit_test(helpers_leave_signals_to_their_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
