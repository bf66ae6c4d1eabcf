#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define NAME_MAX_KERNEL 16      /* what Linux keeps of a thread's name, NUL included */

struct thread {
	pthread_t id;
	char      name[NAME_MAX_KERNEL];
	void    (*f)(void *ctx);
	void     *ctx;
};

int thread_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 1)
		return 1;
	return CPU_COUNT(&set);
}

double thread_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *body(void *p)
{
	struct thread *t = p;

	pthread_setname_np(pthread_self(), t->name);
	t->f(t->ctx);
	return NULL;
}

/* Signals stay with the threads of the caller, where its handlers expect them. */
static int create_without_signals(struct thread *t)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&t->id, NULL, body, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

tt_status thread_start(struct thread **out, const char *name, void (*f)(void *ctx), void *ctx)
{
	struct thread *t = mem_calloc(1, sizeof *t);
	int rc;

	if (!t)
		return TT_ENOMEM;
	snprintf(t->name, sizeof t->name, "%s", name);
	t->f = f;
	t->ctx = ctx;
	if ((rc = create_without_signals(t)) != 0) {
		mem_free(t);
		return err_set(TT_ENOMEM, "thread %s cannot be started: %s", name, strerror(rc));
	}
	*out = t;
	return TT_OK;
}

void thread_join(struct thread **t)
{
	if (!t || !*t)
		return;
	pthread_join((*t)->id, NULL);
	mem_free(*t);
	*t = NULL;
}
