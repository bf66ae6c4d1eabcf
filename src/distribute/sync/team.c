#include "distribute/sync/team.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"

struct team {
	int             n;
	double          timeout;
	_Atomic int64_t ticks;          /* signs of life                                    */
	atomic_int      failed;         /* set once, with the lock held                     */
	pthread_mutex_t lock;
	pthread_cond_t  moved;
	/* guarded */
	void           *memory;
	double         *sum;            /* [room + 1] of the average under way, and its weights */
	size_t          room;
	int             here;           /* have come                                        */
	enum team_wish  wish;           /* of those: the strongest                          */
	enum team_wish  outcome;        /* of the last quiet point                          */
	int64_t         round;          /* quiet points so far                              */
	char            why[ERR_MAX];
};

/* ---- life ---- */

tt_status team_new(struct team **out, int workers, double timeout)
{
	struct team *t = mem_calloc(1, sizeof *t);

	if (!t)
		return TT_ENOMEM;
	t->n = workers;
	t->timeout = timeout;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->moved, NULL);
	*out = t;
	return TT_OK;
}

void team_free(struct team **tp)
{
	struct team *t = tp ? *tp : NULL;

	if (!t)
		return;
	mem_free(t->memory);
	mem_free(t->sum);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->moved);
	mem_free(t);
	*tp = NULL;
}

int team_size(const struct team *t) { return t->n; }

tt_status team_memory(struct team *t, size_t bytes, void **out)
{
	tt_status st = TT_OK;

	pthread_mutex_lock(&t->lock);
	if (!t->memory && (t->memory = mem_alloc_aligned(bytes)))
		memset(t->memory, 0, bytes);
	if (t->memory)
		*out = t->memory;
	else
		st = TT_ENOMEM;
	pthread_mutex_unlock(&t->lock);
	return st;
}

tt_status team_room(struct team *t, size_t n)
{
	double *more;
	tt_status st = TT_OK;

	pthread_mutex_lock(&t->lock);
	if (!t->sum || n > t->room) {
		if ((more = mem_realloc(t->sum, (n + 1) * sizeof *more))) {
			memset(more, 0, (n + 1) * sizeof *more);
			t->sum = more;
			t->room = n;
		} else {
			st = TT_ENOMEM;
		}
	}
	pthread_mutex_unlock(&t->lock);
	return st;
}

/* ---- trouble ---- */

static tt_status failed(const struct team *t)
{
	return err_set(TT_EPEER, "%s", t->why);
}

/* Called with the lock held. */
static void fail(struct team *t, const char *why)
{
	if (!atomic_load(&t->failed))
		snprintf(t->why, sizeof t->why, "%s", why);
	atomic_store(&t->failed, 1);
	pthread_cond_broadcast(&t->moved);
}

void team_fail(struct team *t, const char *why)
{
	pthread_mutex_lock(&t->lock);
	fail(t, why);
	pthread_mutex_unlock(&t->lock);
}

tt_status team_tick(struct team *t)
{
	atomic_fetch_add_explicit(&t->ticks, 1, memory_order_relaxed);
	return atomic_load(&t->failed) ? failed(t) : TT_OK;
}

/* ---- quiet points ---- */

static struct timespec after(double seconds)
{
	const double whole = floor(seconds);

	return (struct timespec){ .tv_sec = (time_t)whole,
	                          .tv_nsec = (long)(1e9 * (seconds - whole)) };
}

/* Called with the lock held, by who has come before the last.  The others may take their time as
 * long as any of them shows signs of life. */
static void wait_round(struct team *t, int64_t round)
{
	int64_t ticks = atomic_load(&t->ticks);
	struct timespec until = after(thread_seconds() + t->timeout);
	char why[ERR_MAX];

	while (t->round == round && !atomic_load(&t->failed)) {
		if (pthread_cond_clockwait(&t->moved, &t->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
			continue;
		if (atomic_load(&t->ticks) == ticks) {
			snprintf(why, sizeof why, "%d of %d workers have come to a quiet point, and nothing "
			         "was heard of the others for %g seconds", t->here, t->n, t->timeout);
			fail(t, why);
		}
		ticks = atomic_load(&t->ticks);
		until = after(thread_seconds() + t->timeout);
	}
}

/* Called with the lock held.  forget: the sum was read by all. */
static tt_status come(struct team *t, enum team_wish wish, int forget)
{
	const int64_t round = t->round;

	t->wish = wish > t->wish ? wish : t->wish;
	if (++t->here < t->n) {
		wait_round(t, round);
		return t->round == round ? failed(t) : TT_OK;
	}
	if (forget)
		memset(t->sum, 0, (t->room + 1) * sizeof *t->sum);
	t->outcome = t->wish;
	t->wish = TEAM_END;
	t->here = 0;
	t->round++;
	pthread_cond_broadcast(&t->moved);
	return TT_OK;
}

tt_status team_come(struct team *t, enum team_wish wish, enum team_wish *out)
{
	tt_status st;

	pthread_mutex_lock(&t->lock);
	if ((st = come(t, wish, 0)) == TT_OK)
		*out = t->outcome;
	pthread_mutex_unlock(&t->lock);
	return st;
}

/* Called with the lock held. */
static void add(struct team *t, const float *x, size_t n, double weight)
{
	for (size_t i = 0; i < n; i++)
		t->sum[i] += weight * (double)x[i];
	t->sum[t->room] += weight;
}

tt_status team_average(struct team *t, float *x, size_t n, double weight)
{
	tt_status st;

	pthread_mutex_lock(&t->lock);
	add(t, x, n, weight);
	if ((st = come(t, TEAM_END, 0)) != TT_OK)
		goto out;
	for (size_t i = 0; t->sum[t->room] > 0 && i < n; i++)
		x[i] = (float)(t->sum[i] / t->sum[t->room]);
	st = come(t, TEAM_END, 1);
out:
	pthread_mutex_unlock(&t->lock);
	return st;
}
