#include "sys/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/policy.h"

#define NAME_MAX_KERNEL 16      /* what Linux keeps of a thread's name, NUL included */
#define SHORT_SLICE     100000  /* nanoseconds, the least that Linux grants          */
#define TIMER_SLACK     1000L
#define STRIPS_MAX      64

struct thread {
	pthread_t id;
	pid_t     process;
	char      name[NAME_MAX_KERNEL];
	void    (*f)(void *ctx);
	void     *ctx;
};

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
	sigset_t before;
	int rc;

	thread_block_signals(&before);
	rc = pthread_create(&t->id, NULL, body, t);
	thread_restore_signals(&before);
	return rc;
}

tt_status thread_start(struct thread **out, const char *name, void (*f)(void *ctx), void *ctx)
{
	struct thread *t;
	int rc;

	if (!policy_may_start())
		return err_set(TT_ESUPPORT, "thread %s is not started: the program allows one thread",
		               name);
	if (!(t = mem_calloc(1, sizeof *t)))
		return TT_ENOMEM;
	t->process = getpid();
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
	if ((*t)->process == getpid())
		pthread_join((*t)->id, NULL);
	mem_free(*t);
	*t = NULL;
}

/* ---- a loop that leaves no thread behind ---- */

struct strip {
	struct thread *thread;
	void         (*f)(void *ctx, int64_t lo, int64_t hi);
	void          *ctx;
	int64_t        lo, hi;
};

static void run_strip(void *p)
{
	const struct strip *s = p;

	s->f(s->ctx, s->lo, s->hi);
}

void thread_for_once(int64_t n, int64_t grain, void (*f)(void *ctx, int64_t lo, int64_t hi),
                     void *ctx)
{
	struct strip strip[STRIPS_MAX] = {0};
	int64_t parts = thread_count();

	if (grain > 0 && parts > n / grain)
		parts = n / grain;
	if (parts > STRIPS_MAX)
		parts = STRIPS_MAX;
	for (int64_t i = 0; i < parts; i++) {
		strip[i] = (struct strip){ NULL, f, ctx, n * i / parts, n * (i + 1) / parts };
		/* The first one is the caller's; so is one for which there is no thread. */
		if (i && thread_start(&strip[i].thread, "tutti-strip", run_strip, &strip[i]) != TT_OK)
			run_strip(&strip[i]);
	}
	if (parts > 0)
		run_strip(&strip[0]);
	else if (n > 0)
		f(ctx, 0, n);
	for (int64_t i = 1; i < parts; i++)
		thread_join(&strip[i].thread);
}

/* What Linux takes: glibc has neither the struct nor the calls. */
struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t  nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* From Linux 6.12 on a thread may ask for a shorter slice, and then preempts those with longer
 * ones when it wakes; older kernels do not mind.  Naps end on time, too. */
void thread_prefer_soon(void)
{
	struct sched_attributes a = { .size = sizeof a };

	prctl(PR_SET_TIMERSLACK, TIMER_SLACK);
	if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0 || a.policy != SCHED_OTHER)
		return;
	a.size = sizeof a;
	a.runtime = SHORT_SLICE;
	syscall(SYS_sched_setattr, 0, &a, 0);
}
