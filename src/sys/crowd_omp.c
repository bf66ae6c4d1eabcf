/* crowd_omp.c -- short waits in libgomp, while others want the cores.
 *
 * How long its threads spin is read from the environment when it is loaded, before anybody can
 * say.  But it spins 3000 times shorter while the process has more OpenMP threads than cores
 * (GOMP_SPINCOUNT in its manual), and that is asked at each wait.  So while it is crowded a helper
 * owns as many more as it takes; they sleep. */
#include "sys/crowd.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "sys/lock.h"
#include "sys/policy.h"
#include "sys/process.h"
#include "sys/thread.h"

#define LOOK_SECONDS 0.1
#define STAY_SECONDS 3.0                /* short waits go on after the last crowded look */
#define CROWDED      0.25               /* of the time                                   */

static _Thread_local double looked;     /* by who computes; 0: not yet   */
static _Thread_local double waited;     /* by each thread of a loop      */

static struct {
	struct lock      lock;
	pthread_t        helper;
	int              process;       /* in which it runs; 0: it does not */
	double           until;         /* for how long waits are short  */
	int              stop;
	pthread_mutex_t  mutex;
	pthread_cond_t   over;
} crowd = { .mutex = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER };

/* ---- the helper ---- */

static void *own_threads(void *unused)
{
	const int cores = (int)sysconf(_SC_NPROCESSORS_ONLN), more = (cores > 1 ? cores : 1) + 1;
	atomic_int there = 0;

	pthread_setname_np(pthread_self(), "tutti-crowd");
#pragma omp parallel num_threads(more)
	atomic_fetch_add(&there, 1);
	pthread_mutex_lock(&crowd.mutex);
	while (!crowd.stop)
		pthread_cond_wait(&crowd.over, &crowd.mutex);
	pthread_mutex_unlock(&crowd.mutex);
	return unused;
}

/* Its threads, too, leave signals to the caller's.  Without it waits are long: slow, and right.
 * Where there is none nobody waits, whatever a parent's helper did when this process was forked. */
static void start_helper(void)
{
	sigset_t before;

	if (crowd.process == process_id() || !policy_may_start())
		return;
	pthread_mutex_init(&crowd.mutex, NULL);
	pthread_cond_init(&crowd.over, NULL);
	crowd.stop = 0;
	thread_block_signals(&before);
	if (pthread_create(&crowd.helper, NULL, own_threads, NULL) == 0)
		crowd.process = process_id();
	thread_restore_signals(&before);
}

static void stop_helper(void)
{
	if (!crowd.process || crowd.process != process_id())
		return;
	pthread_mutex_lock(&crowd.mutex);
	crowd.stop = 1;
	pthread_cond_signal(&crowd.over);
	pthread_mutex_unlock(&crowd.mutex);
	pthread_join(crowd.helper, NULL);
	crowd.process = 0;
}

/* The library may be unloaded, and its code with it. */
__attribute__((destructor)) static void leave(void)
{
	stop_helper();
}

/* ---- looking ---- */

/* The part of `seconds` for which the most hindered of n threads had no core. */
static double hindered(int n, double seconds)
{
	double most = 0;

#pragma omp parallel num_threads(n) reduction(max : most)
	{
		if (omp_get_thread_num())
			thread_block_signals(NULL);     /* see program_run */
		most = thread_waited_since(&waited) / seconds;
	}
	return most;
}

void crowd_heed(double part, double now)
{
	lock_take(&crowd.lock);
	if (part > CROWDED) {
		crowd.until = now + STAY_SECONDS;
		start_helper();
	} else if (now > crowd.until) {
		stop_helper();
	}
	lock_give(&crowd.lock);
}

int crowd_waits_short(void)
{
	int here;

	lock_take(&crowd.lock);
	here = crowd.process == process_id();
	lock_give(&crowd.lock);
	return here;
}

void crowd_look(int n)
{
	const double now = thread_seconds(), since = now - looked;

	if (since < LOOK_SECONDS || omp_in_parallel())
		return;
	looked = now;
	crowd_heed(hindered(n, since), now);
}
