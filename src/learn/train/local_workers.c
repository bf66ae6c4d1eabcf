#include "learn/train/local_workers.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "distribute/comm/comm.h"
#include "sys/thread.h"

struct peer {
	struct local_workers *group;
	void                 *worker;       /* NULL: rank 0, or not made */
	struct thread        *thread;
	struct comm          *end;
	int64_t               seen;         /* commands          */
	int                   busy, gone;   /* gone: it gave up  */
};

struct local_workers {
	const struct worker_ops *ops;
	int              n;              /* ranks, with rank 0 */
	struct peer     *peer;           /* [n] */
	pthread_mutex_t  lock;
	pthread_cond_t   told, moved;
	int64_t          given;          /* commands so far    */
	enum local_workers_command command;
	int64_t          steps;          /* of GROUP_STEPS     */
};

tt_status local_shared_new(struct local_shared **out, int workers, double timeout)
{
	struct local_shared *s = mem_calloc(1, sizeof *s);
	tt_status st;

	if (!s)
		return TT_ENOMEM;
	if ((st = team_new(&s->team, workers, timeout)) == TT_OK)
		*out = s;
	else
		mem_free(s);
	return st;
}

void local_shared_free(struct local_shared **s)
{
	if (!s || !*s)
		return;
	team_free(&(*s)->team);
	lease_pool_release(&(*s)->pool);
	mem_free(*s);
	*s = NULL;
}

tt_status local_workers_new(struct local_workers **out, int n, double timeout,
                            const struct worker_ops *ops)
{
	struct local_workers *g = mem_calloc(1, sizeof *g);
	struct comm **end = mem_calloc((size_t)n, sizeof *end);
	tt_status st = TT_ENOMEM;

	if (!g || !end || !(g->peer = mem_calloc((size_t)n, sizeof *g->peer)) ||
	    (st = comm_threads(end, n, 1, timeout)) != TT_OK) {
		if (g)
			mem_free(g->peer);
		mem_free(g);
		mem_free(end);
		return st;
	}
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->told, NULL);
	pthread_cond_init(&g->moved, NULL);
	g->ops = ops;
	g->n = n;
	for (int i = 0; i < n; i++) {
		g->peer[i].group = g;
		g->peer[i].end = end[i];
	}
	mem_free(end);
	*out = g;
	return TT_OK;
}

struct comm *local_workers_end(const struct local_workers *g, int rank)
{
	return g->peer[rank].end;
}

void local_workers_add(struct local_workers *g, int rank, void *worker)
{
	g->peer[rank].worker = worker;
}

void *local_workers_peer(const struct local_workers *g, int rank)
{
	return g->peer[rank].worker;
}

int local_workers_size(const struct local_workers *g)
{
	return g->n;
}

/* ---- a peer's thread ---- */

/* The next command, or GROUP_QUIT. */
static enum local_workers_command next_command(struct peer *p, int64_t *steps)
{
	struct local_workers *g = p->group;
	enum local_workers_command c;

	pthread_mutex_lock(&g->lock);
	p->busy = 0;
	pthread_cond_broadcast(&g->moved);
	while (p->seen == g->given)
		pthread_cond_wait(&g->told, &g->lock);
	p->seen = g->given;
	p->busy = 1;
	c = g->command;
	*steps = g->steps;
	pthread_cond_broadcast(&g->moved);
	pthread_mutex_unlock(&g->lock);
	return c;
}

static void leave(struct peer *p)
{
	pthread_mutex_lock(&p->group->lock);
	p->busy = 0;
	p->gone = 1;
	pthread_cond_broadcast(&p->group->moved);
	pthread_mutex_unlock(&p->group->lock);
}

void local_workers_stay(const struct local_workers *g, int rank, struct affinity_stay *s)
{
	struct affinity all, own;

	affinity_mine(&all);
	affinity_part(&all, rank, g->n, &own);
	affinity_stay(s, &own);
}

static void run_peer(void *ctx)
{
	struct peer *p = ctx;
	enum local_workers_command c;
	int64_t steps;
	tt_status st = TT_OK;

	local_workers_stay(p->group, (int)(p - p->group->peer), p->group->ops->enter(p->worker));
	while ((st == TT_OK || st == TT_ESTOPPED) && (c = next_command(p, &steps)) != GROUP_QUIT)
		st = p->group->ops->obey(p->worker, c, steps);
	leave(p);
}

/* ---- rank 0's side ---- */

tt_status local_workers_start(struct local_workers *g)
{
	char name[32];
	tt_status st = TT_OK;

	for (int i = 1; st == TT_OK && i < g->n; i++) {
		snprintf(name, sizeof name, "tutti-rank%d", i);
		st = thread_start(&g->peer[i].thread, name, run_peer, &g->peer[i]);
	}
	return st;
}

/* Has everybody who is still there heard the last command? */
static int all_heard(const struct local_workers *g)
{
	for (int i = 1; i < g->n; i++)
		if (g->peer[i].thread && !g->peer[i].gone && g->peer[i].seen != g->given)
			return 0;
	return 1;
}

static void command(struct local_workers *g, enum local_workers_command c, int64_t steps)
{
	pthread_mutex_lock(&g->lock);
	while (!all_heard(g))
		pthread_cond_wait(&g->moved, &g->lock);
	g->command = c;
	g->steps = steps;
	g->given++;
	pthread_cond_broadcast(&g->told);
	pthread_mutex_unlock(&g->lock);
}

void local_workers_command(struct local_workers *g, enum local_workers_command c)
{
	command(g, c, 0);
}

void local_workers_steps(struct local_workers *g, int64_t steps)
{
	command(g, GROUP_STEPS, steps);
}

static int all_idle(const struct local_workers *g)
{
	for (int i = 1; i < g->n; i++)
		if (g->peer[i].thread &&
		    (g->peer[i].busy || (!g->peer[i].gone && g->peer[i].seen != g->given)))
			return 0;
	return 1;
}

void local_workers_settle(struct local_workers *g)
{
	pthread_mutex_lock(&g->lock);
	while (!all_idle(g))
		pthread_cond_wait(&g->moved, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

void local_workers_quit(struct local_workers *g)
{
	local_workers_command(g, GROUP_QUIT);
	for (int i = 1; i < g->n; i++)
		thread_join(&g->peer[i].thread);
}

void local_workers_free(struct local_workers **gp)
{
	struct local_workers *g = gp ? *gp : NULL;

	if (!g)
		return;
	local_workers_quit(g);
	for (int i = 1; i < g->n; i++)          /* ranks read one another's memory until then */
		if (g->peer[i].worker)
			g->ops->leave(g->peer[i].worker);
	for (int i = 1; i < g->n; i++)
		if (g->peer[i].worker)
			g->ops->free(g->peer[i].worker);
	for (int i = 0; i < g->n; i++)
		comm_close(&g->peer[i].end);
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->told);
	pthread_cond_destroy(&g->moved);
	mem_free(g->peer);
	mem_free(g);
	*gp = NULL;
}
