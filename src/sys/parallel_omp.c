/* Loops by OpenMP, whose pool oneDNN shares: two pools would fight for the cores.
 *
 * How many threads it uses is a setting that the caller's own loops share: it is ours between enter
 * and leave alone.  Each thread that computes has a pool of its own, made by its first loop; a fork
 * copies the thread that called it, and none of its pool.  OpenMP would wait for those forever, so
 * each thread remembers in which process its pool was made. */
#include "sys/thread.h"

#include <omp.h>

#include "sys/crowd.h"
#include "sys/policy.h"

static _Thread_local int count;         /* as set; 0: not yet */
static _Thread_local double waited;     /* by each thread of a loop, see thread_hindered */

void thread_set_count(int n)
{
	count = n < 1 ? 1 : n;
}

int thread_count(void)
{
	return count ? count : policy_threads(0);
}

tt_status thread_enter(struct thread_guard *g)
{
	const int n = thread_count();

	if (n > 1 && thread_pool_is_lost())
		return err_set(TT_ESUPPORT, "this thread cannot compute with %d threads: those of its "
		               "loops stayed in process %d, from which this one was forked; use one "
		               "thread, or a thread started since", n, thread_pool_process());
	g->before = omp_get_max_threads();
	if (n != g->before)
		omp_set_num_threads(n);
	if (n > 1) {
		thread_pool_is_here();
		crowd_look(n);
	}
	return TT_OK;
}

void thread_look(void)
{
	const int n = thread_count();

	if (n > 1 && !thread_pool_is_lost())
		crowd_look(n);
}

void thread_leave(const struct thread_guard *g)
{
	if (omp_get_max_threads() != g->before)
		omp_set_num_threads(g->before);
}

/* Where part p of n items begins: the first n % parts parts hold one item more. */
static int64_t part_start(int64_t n, int64_t parts, int64_t p)
{
	int64_t more = n % parts;

	return n / parts * p + (p < more ? p : more);
}

/* Signals pass the pool's threads by: see program_run. */
static void be_of_the_pool(void)
{
	static _Thread_local int blocked;

	if (omp_get_thread_num() == 0 || blocked)
		return;
	thread_block_signals(NULL);
	blocked = 1;
}

double thread_hindered(void)
{
	const int n = thread_count();
	double most = 0;

	if (n == 1 || omp_in_parallel() || thread_pool_is_lost())
		return thread_waited_since(&waited);
	if (!thread_pool_process())
		thread_pool_is_here();
#pragma omp parallel num_threads(n) reduction(max : most)
	{
		be_of_the_pool();
		most = thread_waited_since(&waited);
	}
	return most;
}

void thread_for(int64_t n, int64_t grain, void (*f)(void *ctx, int64_t lo, int64_t hi), void *ctx)
{
	int64_t parts = omp_in_parallel() ? 1 : thread_count();

	if (n <= 0)
		return;
	if (n <= grain || parts == 1 || thread_pool_is_lost()) {
		f(ctx, 0, n);
		return;
	}
	if (grain > 0 && parts > (n - 1) / grain + 1)
		parts = (n - 1) / grain + 1;
	if (parts > n)
		parts = n;
	if (!thread_pool_process())
		thread_pool_is_here();
	/* Parts, not threads, are numbered: the split stays if OpenMP gives fewer. */
#pragma omp parallel num_threads((int)parts)
	{
		be_of_the_pool();
#pragma omp for schedule(static, 1) nowait
		for (int64_t p = 0; p < parts; p++)
			f(ctx, part_start(n, parts, p), part_start(n, parts, p + 1));
	}
}
