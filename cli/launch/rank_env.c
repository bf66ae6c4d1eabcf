#include "launch/rank_env.h"

#include <stdlib.h>
#include <string.h>

#include "sys/affinity.h"
#include "sys/policy.h"
#include "base/mem.h"
#include "launch/monitor.h"
#include "launch/supervisor.h"
#include "kit/table.h"
#include "learn/spec/spec.h"
#include "distribute/comm/launched.h"
#include "sys/plug.h"

#define KNOCK_SECONDS 2.0

/* What launchers tell their processes; the first row that is there counts. */
static const struct { const char *rank, *size, *local; } launchers[] = {
	/* Open MPI's mpirun; MPICH's, or srun --mpi=pmi2; srun --mpi=pmix, PRRTE */
	{ "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK" },
	{ "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID" },
	{ "PMIX_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID" },
};
#define LAUNCHERS ((int)(sizeof launchers / sizeof *launchers))

static int number(const char *name, int otherwise)
{
	const char *text = name ? getenv(name) : NULL;

	return text && *text ? atoi(text) : otherwise;
}

static int launcher(void)
{
	int i = 0;

	while (i < LAUNCHERS && !getenv(launchers[i].rank))
		i++;
	return i;
}

tt_status rank_env_look(int *inside)
{
	const int tasks = number("SLURM_STEP_NUM_TASKS", 1);

	*inside = launcher() < LAUNCHERS;
	if (!*inside && tasks > 1)
		return err_set(TT_EINVAL, "srun has started %d tasks that know nothing of one another: "
		               "give it --mpi=pmix or --mpi=pmi2 (srun --mpi=list says which it has)",
		               tasks);
	return TT_OK;
}

int rank_env_rank(void)
{
	const int i = launcher();

	return i < LAUNCHERS ? number(launchers[i].rank, 0) : 0;
}

/* One guard for each host, if a launcher of ours listens. */
static double knock_every(void)
{
	const int i = launcher();

	return getenv(EAR_LISTENS) && number(i < LAUNCHERS ? launchers[i].local : NULL, 0) == 0
	       ? KNOCK_SECONDS : 0;
}

/* An MPI library that does not know the launcher would have each worker train alone. */
static tt_status check_size(const struct comm *c)
{
	const int i = launcher(), size = i < LAUNCHERS ? number(launchers[i].size, c->size) : c->size;
	const char *library = "its MPI library";
	const struct plug *mpi;

	if (size == c->size)
		return TT_OK;
	if (plug_find(PLUG_TRANSPORT, "mpi", &mpi) == TT_OK)
		library = mpi->version();
	return err_set(TT_EINVAL, "the launcher has started %d workers, but %s, which this tutti is "
	               "built with, sees %d: start it with that library's own mpirun", size, library,
	               c->size);
}

/* ---- cores ---- */

/* A launcher may have bound each worker to cores of its own: then all is well. */
static tt_status share_cores(struct comm *c)
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
		affinity_part(&mine, c->local, c->locals, &mine);
		affinity_pin(&mine);
	}
	mem_free(all);
	return st;
}

/* Open MPI's short cut between two processes of a machine, reading the other's memory, leaves the
 * reader stuck in the library when the other one dies in the middle. */
static void choose_settings(void)
{
	setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
}

tt_status rank_env_group(struct comm **out, int *line, const tt_spec *s)
{
	const struct distribute_opts *o = &s->distribute;
	struct comm *c = NULL;
	tt_status st;

	choose_settings();
	if ((st = supervisor_start(rank_env_rank(), o->timeout, knock_every(), line)) != TT_OK ||
		(st = comm_open_launched(&c, "mpi", o->timeout, (enum comm_transport)o->transport)) !=
			TT_OK)
		return st;
	if ((st = check_size(c)) != TT_OK || (st = share_cores(c)) != TT_OK) {
		comm_close(&c);
		return st;
	}
	supervisor_tell(*line, GUARD_JOINED);
	*out = c;
	return TT_OK;
}

void rank_env_parting(int line)
{
	supervisor_tell(line, GUARD_PARTING);
}

/* ---- showing ---- */

struct place { char host[64], cores[CORES_TEXT]; int threads; };

/* As learner_threads will have it. */
static int threads_here(const struct comm *c, int asked, int cores)
{
	if (!asked)
		return cores;
	return policy_share(asked, c->local, c->locals);
}

static void find_place(const struct comm *c, int threads, struct place *p)
{
	struct affinity mine;
	char who[64];

	*p = (struct place){ 0 };
	snprintf(who, sizeof who, "%s", c->names ? c->names[c->rank] : "this");
	if (strrchr(who, ':'))
		*strrchr(who, ':') = '\0';
	memcpy(p->host, who, sizeof who);
	affinity_mine(&mine);
	affinity_text(&mine, p->cores);
	p->threads = threads_here(c, threads, affinity_count(&mine));
}

static void print_places(const struct place *p, int n, FILE *f)
{
	struct table t;

	table_init(&t, "rlrl");
	table_add(&t, "worker\thost\tthreads\ton cores");
	for (int i = 0; i < n; i++)
		table_add(&t, "%d\t%s\t%d\t%s", i, p[i].host, p[i].threads, p[i].cores);
	table_print(&t, f);
	table_release(&t);
}

tt_status rank_env_show(struct comm *c, int threads, FILE *f)
{
	struct place mine, *all = mem_calloc((size_t)c->size, sizeof *all);
	tt_status st;

	if (!all)
		return TT_ENOMEM;
	find_place(c, threads, &mine);
	st = comm_allgather(c, &mine, sizeof mine, all);
	if (st == TT_OK && c->rank == 0)
		print_places(all, c->size, f);
	mem_free(all);
	return st;
}
