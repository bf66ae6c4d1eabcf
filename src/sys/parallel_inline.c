/* Loops for builds without OpenMP (a compiler that lacks it, or a race detector
 * that cannot see into its runtime): every loop runs on the calling thread. */
#include "sys/thread.h"

void thread_set_count(int n)
{
	(void)n;
}

int thread_count(void)
{
	return 1;
}

tt_status thread_enter(struct thread_guard *g)
{
	g->before = 1;
	return TT_OK;
}

void thread_leave(const struct thread_guard *g)
{
	(void)g;
}

void thread_look(void)
{
}

double thread_hindered(void)
{
	static _Thread_local double waited;

	return thread_waited_since(&waited);
}

void thread_for(int64_t n, int64_t grain, void (*f)(void *ctx, int64_t lo, int64_t hi), void *ctx)
{
	(void)grain;
	if (n > 0)
		f(ctx, 0, n);
}
