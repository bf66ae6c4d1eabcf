/* Loops by OpenMP, whose pool oneDNN shares: two pools would fight for the cores. */
#include "sys/thread.h"

#include <omp.h>

void thread_set_count(int n)
{
	omp_set_num_threads(n < 1 ? 1 : n);
}

int thread_count(void)
{
	return omp_get_max_threads();
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

void thread_for(int64_t n, int64_t grain, void (*f)(void *ctx, int64_t lo, int64_t hi), void *ctx)
{
	int64_t parts = omp_in_parallel() ? 1 : thread_count();

	if (n <= 0)
		return;
	if (n <= grain || parts == 1) {
		f(ctx, 0, n);
		return;
	}
	if (grain > 0 && parts > (n - 1) / grain + 1)
		parts = (n - 1) / grain + 1;
	if (parts > n)
		parts = n;
	/* Parts, not threads, are numbered: the split stays if OpenMP gives fewer. */
#pragma omp parallel num_threads((int)parts)
	{
		be_of_the_pool();
#pragma omp for schedule(static, 1) nowait
		for (int64_t p = 0; p < parts; p++)
			f(ctx, part_start(n, parts, p), part_start(n, parts, p + 1));
	}
}
