/* thread_self.c -- what the calling thread knows of itself: its cores, its clock, its signals, and
 * where the threads of its loops are. */
#include "sys/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "sys/process.h"
#include "sys/quota.h"

static _Thread_local int pool;          /* the process in which it was made; 0: not yet */

int thread_cores(void)
{
	const int most = quota_threads();
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 1)
		return 1;
	n = CPU_COUNT(&set);
	return most && most < n ? most : n;
}

double thread_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int thread_waited(double *seconds)
{
	FILE *f = fopen("/proc/thread-self/schedstat", "re");
	unsigned long long ran, waited;
	int known;

	if (!f)
		return 0;
	known = fscanf(f, "%llu %llu", &ran, &waited) == 2;
	fclose(f);
	if (known)
		*seconds = 1e-9 * (double)waited;
	return known;
}

double thread_waited_since(double *mark)
{
	const double was = *mark;

	return thread_waited(mark) && was > 0 ? *mark - was : 0;
}

void thread_block_signals(sigset_t *before)
{
	static const int own[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		sigdelset(&set, own[i]);
	pthread_sigmask(SIG_BLOCK, &set, before);
}

void thread_restore_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

void thread_pool_is_here(void) { pool = process_id(); }
int  thread_pool_process(void) { return pool; }
int  thread_pool_is_lost(void) { return pool && pool != process_id(); }
