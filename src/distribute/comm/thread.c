/* thread.c -- ranks that are threads of one process.
 *
 * group --> pair[from][to]: sends --> r --> r     posted and not yet met
 *                             recvs --> r
 *
 * Of a send and its receive the one that is posted last finds the other in the list, takes it out
 * and copies from buffer to buffer: one copy, no buffers between, and no rank has to wait before
 * the other can go on.  A pair's lock guards its lists and phases; the group's lock guards fault
 * and refs. */
#include "distribute/comm/comm.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/thread.h"

#define RANKS_MAX 1024
#define SPACES      16          /* ends of one rank: the first and those split from it */
#define NAME_MAX    96
#define SPINS       200         /* looks at a message before the kernel is asked to wait */
#define WORD_SECONDS 1.0        /* for the reason of a rank that has left                */

enum phase { POSTED, COPYING, DONE, MISFIT };

struct pair {
	pthread_mutex_t lock;
	pthread_cond_t  moved;
	struct comm_request *sends, *recvs;
};

struct rank {
	char        name[NAME_MAX];
	int         splits;                /* touched by this rank alone                    */
	_Atomic int awaits[SPACES];        /* 1 + whom an end waits for; 0: nobody          */
	_Atomic int gone[SPACES];
};

struct group {
	int           n, refs;
	struct pair  *pair;                /* [n][n]: from, to */
	struct rank  *rank;
	const char  **names;
	int          *host_of;
	pthread_mutex_t lock;
	struct comm_fault fault;
	_Atomic int   broken;              /* fault may be read */
};

struct end {
	struct comm   comm;
	struct group *group;
	int           space;
};

/* ---- posting ---- */

static struct pair *pair_of(struct group *g, int from, int to)
{
	return &g->pair[(size_t)from * (size_t)g->n + (size_t)to];
}

/* Tags of different ends never meet. */
static int key_of(const struct end *e, int tag) { return tag * SPACES + e->space; }

static struct comm_request *take(struct comm_request **list, int key)
{
	for (; *list; list = (struct comm_request **)&(*list)->handle)
		if ((*list)->tag == key) {
			struct comm_request *r = *list;

			*list = r->handle;
			return r;
		}
	return NULL;
}

static void append(struct comm_request **list, struct comm_request *r)
{
	while (*list)
		list = (struct comm_request **)&(*list)->handle;
	r->handle = NULL;
	*list = r;
}

/* Copy while both wait, then let both go: after the unlock the other one may be gone. */
static void meet(struct pair *p, struct comm_request *send, struct comm_request *recv)
{
	int end = send->n == recv->n ? DONE : MISFIT;

	if (end == DONE && send->n)
		memcpy(recv->p, send->p, send->n);
	pthread_mutex_lock(&p->lock);
	atomic_store_explicit(&send->phase, end, memory_order_release);
	atomic_store_explicit(&recv->phase, end, memory_order_release);
	pthread_cond_broadcast(&p->moved);
	pthread_mutex_unlock(&p->lock);
}

/* Put r into `own`, unless its counterpart waits in `others`: that is taken and given back. */
static struct comm_request *post(struct pair *p, struct comm_request *r,
                                 struct comm_request **own, struct comm_request **others)
{
	struct comm_request *other;

	pthread_mutex_lock(&p->lock);
	other = take(others, r->tag);
	if (other)
		atomic_store_explicit(&other->phase, COPYING, memory_order_relaxed);
	else
		append(own, r);
	atomic_store_explicit(&r->phase, other ? COPYING : POSTED, memory_order_relaxed);
	pthread_mutex_unlock(&p->lock);
	return other;
}

static tt_status thread_send(struct comm *c, struct comm_request *r)
{
	struct end *e = (struct end *)c;
	struct pair *p = pair_of(e->group, c->rank, r->peer);
	struct comm_request *other;

	r->tag = key_of(e, r->tag);
	other = post(p, r, &p->sends, &p->recvs);
	if (other)
		meet(p, r, other);
	return TT_OK;
}

static tt_status thread_recv(struct comm *c, struct comm_request *r)
{
	struct end *e = (struct end *)c;
	struct pair *p = pair_of(e->group, r->peer, c->rank);
	struct comm_request *other;

	r->tag = key_of(e, r->tag);
	other = post(p, r, &p->recvs, &p->sends);
	if (other)
		meet(p, other, r);
	return TT_OK;
}

/* ---- waiting ---- */

static int phase_of(struct comm_request *r)
{
	return atomic_load_explicit(&r->phase, memory_order_acquire);
}

static struct pair *home(struct end *e, const struct comm_request *r)
{
	return r->outgoing ? pair_of(e->group, e->comm.rank, r->peer)
	                   : pair_of(e->group, r->peer, e->comm.rank);
}

static struct timespec until(double deadline)
{
	struct timespec t = { .tv_sec = (time_t)deadline };

	t.tv_nsec = (long)((deadline - (double)t.tv_sec) * 1e9);
	return t;
}

static int hopeless(struct end *e, const struct comm_request *r)
{
	return atomic_load(&e->group->broken) || atomic_load(&e->group->rank[r->peer].gone[e->space]);
}

/* Sleep until r is done (TT_OK), the deadline is past, or nobody is left to do it (TT_EIO). */
static tt_status sleep_until_done(struct end *e, struct comm_request *r, double deadline)
{
	struct pair *p = home(e, r);
	struct timespec t = until(deadline);
	tt_status st = TT_OK;

	pthread_mutex_lock(&p->lock);
	while (phase_of(r) < DONE && st == TT_OK) {
		if (phase_of(r) == POSTED && hopeless(e, r))
			st = TT_EIO;
		else if (pthread_cond_clockwait(&p->moved, &p->lock, CLOCK_MONOTONIC, &t) == ETIMEDOUT &&
		         phase_of(r) == POSTED)
			st = TT_ETIMEDOUT;
	}
	pthread_mutex_unlock(&p->lock);
	return st;
}

/* Who fails closes its helpers' ends, and then says why: that word is worth a moment. */
static tt_status explain(struct end *e, const struct comm_request *r)
{
	const double end = thread_seconds() + WORD_SECONDS;
	struct group *g = e->group;
	char who[COMM_WHO_MAX];

	while (!atomic_load(&g->broken) && thread_seconds() < end)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	if (!atomic_load(&g->broken))
		return err_set(TT_EIO, "%s left while rank %d waited for it",
		               comm_who(&e->comm, r->peer, who), e->comm.rank);
	pthread_mutex_lock(&g->lock);
	e->comm.fault = g->fault;
	pthread_mutex_unlock(&g->lock);
	return e->comm.fault.status;
}

static tt_status check_fit(const struct comm *c, struct comm_request *r)
{
	if (phase_of(r) == DONE)
		return TT_OK;
	return err_set(TT_EINTERNAL, "ranks %d and %d differ in the size of a message, here %zu bytes",
	               c->rank, r->peer, r->n);
}

/* Never sched_yield: to the kernel that is a wish to come last, behind all that computes.
 * awaits stays set after a failure, so that others who follow the chain see it. */
static tt_status thread_wait(struct comm *c, struct comm_request *r, double deadline)
{
	struct end *e = (struct end *)c;
	_Atomic int *awaits = &e->group->rank[c->rank].awaits[e->space];
	tt_status st;

	for (int i = 0; i < SPINS && phase_of(r) < DONE; i++)
		;
	if (phase_of(r) >= DONE)
		return check_fit(c, r);
	atomic_store(awaits, 1 + r->peer);
	st = sleep_until_done(e, r, deadline);
	if (st == TT_EIO)
		return explain(e, r);
	if (st != TT_OK)
		return err_set(st, "rank %d is silent", r->peer);
	atomic_store(awaits, 0);
	return check_fit(c, r);
}

/* A posted request is taken out; one being copied has only a moment to go. */
static void thread_cancel(struct comm *c, struct comm_request *r)
{
	struct end *e = (struct end *)c;
	struct pair *p = home(e, r);
	struct comm_request **at = r->outgoing ? &p->sends : &p->recvs;

	pthread_mutex_lock(&p->lock);
	while (phase_of(r) == COPYING)
		pthread_cond_wait(&p->moved, &p->lock);
	if (phase_of(r) == POSTED) {
		while (*at && *at != r)
			at = (struct comm_request **)&(*at)->handle;
		if (*at)
			*at = r->handle;
		atomic_store(&r->phase, MISFIT);
	}
	pthread_mutex_unlock(&p->lock);
}

/* ---- trouble ---- */

static int awaited_by(const struct group *g, int rank)
{
	for (int s = 0; s < SPACES; s++) {
		int w = atomic_load(&g->rank[rank].awaits[s]);

		if (w)
			return w - 1;
	}
	return -1;
}

/* A waits for B, B for C, ...: the last one computes, sleeps or is stuck.  In a circle all wait,
 * and the neighbour is as good a name as any. */
static int thread_blame(struct comm *c, int peer)
{
	const struct group *g = ((struct end *)c)->group;
	int at = peer;

	for (int steps = 0; steps < g->n; steps++) {
		int next = awaited_by(g, at);

		if (next < 0)
			return at;
		at = next;
	}
	return peer;
}

static void wake_all(struct group *g)
{
	size_t pairs = (size_t)g->n * (size_t)g->n;

	for (size_t i = 0; i < pairs; i++) {
		pthread_mutex_lock(&g->pair[i].lock);
		pthread_cond_broadcast(&g->pair[i].moved);
		pthread_mutex_unlock(&g->pair[i].lock);
	}
}

static void thread_abandon(struct comm *c, const struct comm_fault *why)
{
	struct group *g = ((struct end *)c)->group;

	pthread_mutex_lock(&g->lock);
	if (!atomic_load(&g->broken)) {
		g->fault = *why;
		atomic_store(&g->broken, 1);
	}
	pthread_mutex_unlock(&g->lock);
	wake_all(g);
}

/* ---- opening and closing ---- */

static void group_free(struct group *g)
{
	size_t pairs = (size_t)g->n * (size_t)g->n;

	for (size_t i = 0; g->pair && i < pairs; i++) {
		pthread_mutex_destroy(&g->pair[i].lock);
		pthread_cond_destroy(&g->pair[i].moved);
	}
	pthread_mutex_destroy(&g->lock);
	mem_free(g->pair);
	mem_free(g->rank);
	mem_free(g->names);
	mem_free(g->host_of);
	mem_free(g);
}

static void unref(struct group *g)
{
	int left;

	pthread_mutex_lock(&g->lock);
	left = --g->refs;
	pthread_mutex_unlock(&g->lock);
	if (!left)
		group_free(g);
}

static void thread_close(struct comm *c)
{
	struct end *e = (struct end *)c;

	atomic_store(&e->group->rank[c->rank].gone[e->space], 1);
	wake_all(e->group);
	unref(e->group);
	mem_free(e);
}

static tt_status thread_split(struct comm *c, struct comm **out);

static const struct comm_ops thread_ops = {
	"thread", thread_send, thread_recv, thread_wait, thread_cancel, thread_blame, thread_split,
	thread_abandon, thread_close, NULL, NULL, NULL
};

static tt_status thread_split(struct comm *c, struct comm **out)
{
	struct end *e = (struct end *)c, *other;
	struct group *g = e->group;

	if (g->rank[c->rank].splits + 1 >= SPACES)
		return err_set(TT_ESUPPORT, "a group of threads can be split %d times", SPACES - 1);
	if (!(other = mem_calloc(1, sizeof *other)))
		return TT_ENOMEM;
	*other = *e;
	other->space = ++g->rank[c->rank].splits;
	other->comm.sent = 0;
	other->comm.doing = NULL;
	pthread_mutex_lock(&g->lock);
	g->refs++;
	pthread_mutex_unlock(&g->lock);
	*out = &other->comm;
	return TT_OK;
}

/* First rank of a host, when n ranks are spread over hosts in blocks. */
static int first_of(int host, int n, int hosts)
{
	return (int)(((int64_t)host * n + hosts - 1) / hosts);
}

static void name_ranks(struct group *g, int hosts)
{
	char host[65] = "localhost";

	gethostname(host, sizeof host - 1);
	for (int r = 0; r < g->n; r++) {
		g->host_of[r] = (int)((int64_t)r * hosts / g->n);
		if (hosts > 1)
			snprintf(g->rank[r].name, NAME_MAX, "%s-%d:%d", host, g->host_of[r], (int)getpid());
		else
			snprintf(g->rank[r].name, NAME_MAX, "%s:%d", host, (int)getpid());
		g->names[r] = g->rank[r].name;
	}
}

static tt_status group_new(struct group **out, int n, int hosts)
{
	struct group *g = mem_calloc(1, sizeof *g);
	size_t pairs = (size_t)n * (size_t)n;

	if (!g)
		return TT_ENOMEM;
	g->n = n;
	pthread_mutex_init(&g->lock, NULL);
	g->pair = mem_calloc(pairs, sizeof *g->pair);
	for (size_t i = 0; g->pair && i < pairs; i++) {
		pthread_mutex_init(&g->pair[i].lock, NULL);
		pthread_cond_init(&g->pair[i].moved, NULL);
	}
	g->rank = mem_calloc((size_t)n, sizeof *g->rank);
	g->names = mem_calloc((size_t)n, sizeof *g->names);
	g->host_of = mem_calloc((size_t)n, sizeof *g->host_of);
	if (!g->pair || !g->rank || !g->names || !g->host_of) {
		group_free(g);
		return TT_ENOMEM;
	}
	name_ranks(g, hosts);
	*out = g;
	return TT_OK;
}

static struct comm *end_new(struct group *g, int rank, int hosts, double timeout)
{
	struct end *e = mem_calloc(1, sizeof *e);
	int host = g->host_of[rank], first = first_of(host, g->n, hosts);

	if (!e)
		return NULL;
	e->group = g;
	e->comm = (struct comm){
		.ops = &thread_ops, .rank = rank, .size = g->n, .host = host, .hosts = hosts,
		.local = rank - first, .locals = first_of(host + 1, g->n, hosts) - first,
		.timeout = timeout, .names = g->names, .host_of = g->host_of, .one_space = 1,
		.near = 1,
	};
	g->refs++;
	return &e->comm;
}

tt_status comm_threads(struct comm **out, int n, int hosts, double timeout)
{
	struct group *g = NULL;
	tt_status st;

	if (n < 1 || n > RANKS_MAX || hosts < 1 || hosts > n || !(timeout > 0))
		return err_set(TT_EINVAL, "%d threads on %d hosts within %g s: want 1 to %d threads, no "
		               "more hosts than those, and some time", n, hosts, timeout, RANKS_MAX);
	if ((st = group_new(&g, n, hosts)) != TT_OK)
		return st;
	g->refs = 1;                            /* ours, so that it outlives a failure below */
	for (int r = 0; r < n && st == TT_OK; r++)
		if (!(out[r] = end_new(g, r, hosts, timeout))) {
			st = TT_ENOMEM;
			while (r > 0)
				comm_close(&out[--r]);
		}
	unref(g);
	return st;
}
