#include "distribute/launch/place.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "distribute/coll/coll.h"
#include "sys/affinity.h"
#include "sys/policy.h"

/* As learner_threads and local_workers_stay will have it. */
void place_of_thread(int threads, int worker, int workers, tt_place *out)
{
	struct affinity all, part;

	affinity_mine(&all);
	affinity_part(&all, worker, workers, &part);
	affinity_text(&part, out->cores);
	out->threads = policy_share(policy_threads(threads), worker, workers);
}

/* A launcher may have bound each worker to cores of its own: then all is well. */
tt_status place_share_cores(struct comm *c)
{
	struct affinity mine, *all = mem_calloc((size_t)c->size, sizeof *all);
	int same = 1;
	tt_status st;

	if (!all)
		return TT_ENOMEM;
	affinity_mine(&mine);
	c->doing = "the start";
	st = comm_allgather(c, &mine, sizeof mine, all);
	for (int i = 0; st == TT_OK && i < c->size; i++)
		if (c->host_of[i] == c->host)
			same = same && affinity_equal(&all[i], &mine);
	if (st == TT_OK && same && c->locals > 1) {
		/* Of fewer cores than ranks each rank may use all: then with one thread. */
		c->crowd = affinity_count(&mine) < c->locals ? c->locals : 0;
		affinity_part(&mine, c->local, c->locals, &mine);
		affinity_pin(&mine);
	}
	mem_free(all);
	return st;
}

/* As learner_threads will have it. */
static int threads_here(const struct comm *c, int asked, int cores)
{
	if (asked)
		return policy_share(asked, c->local, c->locals);
	return c->crowd ? policy_share(cores, c->local, c->crowd) : cores;
}

int tt_group_threads(const tt_group *g, int asked)
{
	struct affinity mine;

	if (!g)
		return 0;
	affinity_mine(&mine);
	return threads_here(g, asked, affinity_count(&mine));
}

static void find_mine(const struct comm *c, int asked, tt_place *p)
{
	struct affinity mine;
	char *pid;

	*p = (tt_place){ .size = sizeof *p };
	snprintf(p->host, sizeof p->host, "%s", c->names ? c->names[c->rank] : "this");
	if ((pid = strrchr(p->host, ':')))
		*pid = '\0';
	affinity_mine(&mine);
	affinity_text(&mine, p->cores);
	p->threads = threads_here(c, asked, affinity_count(&mine));
}

tt_status tt_group_places(tt_group *g, int asked, tt_place *out)
{
	tt_place mine, *all;
	tt_status st;

	if (!g || !out)
		return err_null("tt_group_places");
	if (!(all = mem_calloc((size_t)g->size, sizeof *all)))
		return TT_ENOMEM;
	find_mine(g, asked, &mine);
	st = comm_allgather(g, &mine, sizeof mine, all);
	for (int i = 0; i < g->size && st == TT_OK; i++)
		st = sized_give((char *)out + (size_t)i * out->size, &all[i], sizeof *all, "tt_place");
	mem_free(all);
	return st;
}
