/* Waiting for one another while others want the cores, and forks in the midst of it. */
#include "support/support.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/crowd.h"
#include "sys/thread.h"

#define FORKS    100
#define PATIENCE 10             /* seconds until a child that hangs is killed */

#ifdef _OPENMP

static void a_crowd_is_heeded_until_it_has_been_gone_for_seconds(void **state)
{
	(void)state;
	crowd_heed(0.2, 100);
	assert_false(crowd_waits_short());
	crowd_heed(0.3, 101);
	assert_true(crowd_waits_short());
	crowd_heed(0.0, 103.9);                 /* it may only have paused */
	assert_true(crowd_waits_short());
	crowd_heed(0.3, 104);
	crowd_heed(0.0, 106.9);
	assert_true(crowd_waits_short());
	crowd_heed(0.0, 107.1);
	assert_false(crowd_waits_short());
	crowd_heed(0.9, 200);                   /* the machine changes again */
	assert_true(crowd_waits_short());
	crowd_heed(0.0, 204);
	assert_false(crowd_waits_short());
}

/* ---- forks ---- */

static void add(void *ctx, int64_t lo, int64_t hi)
{
	atomic_fetch_add((_Atomic int64_t *)ctx, hi - lo);
}

/* 0: it has computed; TT_ESUPPORT: it may not. */
static int compute(int threads)
{
	_Atomic int64_t sum = 0;
	struct thread_guard g;
	tt_status st;

	thread_set_count(threads);
	if ((st = thread_enter(&g)) != TT_OK)
		return st;
	thread_for(1000, 1, add, &sum);
	thread_leave(&g);
	return sum == 1000 ? 0 : -1;
}

static void compute_anew(void *ctx)
{
	*(int *)ctx = compute(2);
}

/* Who was forked has lost its pool and is told so; a thread of its own has all it needs. */
static int child(double now)
{
	struct thread *t = NULL;
	int st = -1;

	alarm(PATIENCE);
	if (compute(2) != TT_ESUPPORT || compute(1) != 0)
		return 1;
	crowd_heed(1, now);
	if (!crowd_waits_short())
		return 2;
	if (thread_start(&t, "anew", compute_anew, &st) != TT_OK)
		return 3;
	thread_join(&t);
	crowd_heed(0, now + 10);
	return st != 0 ? 4 : crowd_waits_short() ? 5 : 0;
}

static atomic_int done;

/* A crowd that comes and goes, so that forks meet its helper starting, asleep and ending. */
static void come_and_go(void *ctx)
{
	(void)ctx;
	for (double now = 1000; !atomic_load(&done); now += 20) {
		crowd_heed(1, now);
		if (compute(2) != 0)
			abort();
		crowd_heed(0, now + 10);
		usleep(200);                    /* forks need the address space, too */
	}
}

static void a_child_of_a_crowd_computes_and_never_hangs(void **state)
{
	struct thread *t;
	int said;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	test_skip("the sanitizer's own allocator hangs in a child of several threads");
#endif
	assert_int_equal(compute(2), 0);
	assert_ok(thread_start(&t, "crowd", come_and_go, NULL));
	for (int i = 0; i < FORKS; i++) {
		const pid_t pid = fork();

		if (pid == 0)
			_exit(child(2000));
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &said, 0), pid);
		assert_true(WIFEXITED(said));
		assert_int_equal(WEXITSTATUS(said), 0);
	}
	atomic_store(&done, 1);
	thread_join(&t);
	thread_set_count(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_is_heeded_until_it_has_been_gone_for_seconds),
		cmocka_unit_test(a_child_of_a_crowd_computes_and_never_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void loops_are_inline(void **state)
{
	(void)state;
	test_skip("built without OpenMP");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(loops_are_inline) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
