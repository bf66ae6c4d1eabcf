#include "launch/rank_env.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "distribute/coll/coll.h"
#include "sys/affinity.h"
#include "sys/policy.h"
#include "base/mem.h"
#include "distribute/comm/tcp/tcp_group.h"
#include "launch/crew.h"
#include "launch/monitor.h"
#include "launch/supervisor.h"
#include "kit/table.h"
#include "learn/spec/spec.h"
#include "distribute/comm/launched.h"
#include "sys/plug.h"

#define KNOCK_SECONDS 2.0
#define START_SECONDS 20.0       /* beyond the timeout, for all workers to come             */
#define PORT_FIRST    20000      /* of those for jobs that name none: below what kernels pick */
#define PORT_COUNT    12000

static int number(const char *name, int otherwise)
{
	const char *text = name ? getenv(name) : NULL;

	return text && *text ? atoi(text) : otherwise;
}

/* ---- launchers ---- */

/* NULL: it is missing. */
static const char *mpi_library(void)
{
	const struct plug *mpi;

	return plug_find(PLUG_TRANSPORT, "mpi", &mpi) == TT_OK ? mpi->version() : NULL;
}

/* MPI finds the others by itself. */
static int find_by_mpi(struct rank_env *out)
{
	(void)out;
	return mpi_library() != NULL;
}

/* torchrun's agent holds the port itself for its own store, and says so. */
static int find_by_master(struct rank_env *out)
{
	const char *host = getenv("MASTER_ADDR"), *held = getenv("TORCHELASTIC_USE_AGENT_STORE");
	int port = number("MASTER_PORT", 0);

	if (!host || !*host || port < 1)
		return 0;
	port += held && strcmp(held, "True") == 0;
	snprintf(out->rendezvous, sizeof out->rendezvous, strchr(host, ':') ? "tcp://[%.255s]:%d"
	         : "tcp://%.255s:%d", host, port);
	return 1;
}

void rank_env_first_host(const char *list, char out[256])
{
	size_t n = 0;

	while (*list && *list != ',' && n < 255) {
		if (*list == '[') {             /* the first number in brackets, and what follows them */
			for (list++; *list && !strchr("-,]", *list) && n < 255; list++)
				out[n++] = *list;
			list += strcspn(list, "]");
			list += *list == ']';
		} else {
			out[n++] = *list++;
		}
	}
	out[n] = '\0';
}

/* The first task is on the first node.  Jobs on one node are unlikely to draw the same port. */
static int find_by_slurm(struct rank_env *out)
{
	static const char *const lists[] = { "SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST",
	                                     "SLURM_LAUNCH_NODE_IPADDR" };
	const unsigned job = (unsigned)number("SLURM_JOB_ID", 0);
	const unsigned step = (unsigned)number("SLURM_STEP_ID", 0);
	char host[256] = "";

	for (size_t i = 0; i < sizeof lists / sizeof *lists && !*host; i++)
		if (getenv(lists[i]))
			rank_env_first_host(getenv(lists[i]), host);
	snprintf(out->rendezvous, sizeof out->rendezvous, "tcp://%s:%u", host,
	         PORT_FIRST + (job * 31 + step) % PORT_COUNT);
	return *host != '\0';
}

/* What launchers tell their processes; the first row of use counts. */
static const struct {
	enum rank_way way;
	const char   *rank, *size, *local;
	int         (*find)(struct rank_env *out);     /* the others; 0: nothing says where they are */
} launchers[] = {
	/* Open MPI's mpirun; MPICH's, or srun --mpi=pmi2; srun --mpi=pmix, PRRTE */
	{ RANK_MPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
	  find_by_mpi },
	{ RANK_MPI, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", find_by_mpi },
	{ RANK_MPI, "PMIX_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", find_by_mpi },
	/* torchrun, and whoever speaks as it does; srun */
	{ RANK_TCP, "RANK", "WORLD_SIZE", "LOCAL_RANK", find_by_master },
	{ RANK_TCP, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", find_by_slurm },
};
#define LAUNCHERS (sizeof launchers / sizeof *launchers)

static tt_status look_around(struct rank_env *out)
{
	for (size_t i = 0; i < LAUNCHERS; i++) {
		const int size = number(launchers[i].size, 1);

		if (!getenv(launchers[i].rank) || (launchers[i].way == RANK_TCP && size < 2))
			continue;
		out->rank = number(launchers[i].rank, 0);
		out->size = size;
		out->first = number(launchers[i].local, 0) == 0;
		if (launchers[i].find(out)) {
			out->way = launchers[i].way;
			return TT_OK;
		}
	}
	if (number("OMPI_COMM_WORLD_SIZE", number("PMI_SIZE", 1)) > 1)
		return err_set(TT_ESUPPORT, "an MPI launcher has started this worker, but this tutti was "
		               "built without MPI: install libopenmpi-dev and build again, or start "
		               "without MPI: --hosts, --launcher ssh");
	if (number("SLURM_STEP_NUM_TASKS", 1) > 1)
		return err_set(TT_EINVAL, "srun has started %d tasks that know nothing of one another: "
		               "neither SLURM_STEP_NODELIST nor SLURM_JOB_NODELIST says where they are",
		               number("SLURM_STEP_NUM_TASKS", 1));
	return TT_OK;
}

/* ---- options ---- */

/* What is wrong with the place of a worker that is started by hand; TT_OK: nothing. */
static tt_status check_place(const struct rank_flags *f, int64_t here)
{
	const long long rank = f->rank, world = f->world, last = world - 1;

	if (rank < 0 || world < 1)
		return err_set(TT_EINVAL, "--rendezvous: --rank and --world say which worker this is of "
		               "how many, counted from 0: --rank 0 --world 2; %s is missing",
		               world >= 1 ? "--rank" : rank >= 0 ? "--world" : "each of the two");
	if (rank > last && last == 0)
		return err_set(TT_EINVAL, "--rank is %lld, but with --world 1 it must be 0", rank);
	if (rank > last)
		return err_set(TT_EINVAL, "--rank is %lld, but with --world %lld it must be 0 %s %lld",
		               rank, world, last == 1 ? "or" : "to", last);
	if (rank + here > world)
		return err_set(TT_EINVAL, "--local %lld starts workers %lld to %lld, but with --world %lld "
		               "the last one is %lld", (long long)here, rank, rank + here - 1, world, last);
	return TT_OK;
}

static tt_status take_flags(struct rank_env *out, const struct rank_flags *f)
{
	const int64_t here = f->local ? f->local : 1;
	tt_status st = check_place(f, here);

	if (st != TT_OK)
		return st;
	out->way = RANK_TCP;
	out->rank = (int)f->rank;
	out->size = (int)f->world;
	out->here = (int)here;
	out->first = 1;
	out->talks = !f->quiet && strcmp(f->rendezvous, "-") != 0;
	snprintf(out->rendezvous, sizeof out->rendezvous, "%.300s", f->rendezvous);
	return TT_OK;
}

tt_status rank_env_look(struct rank_env *out, const struct rank_flags *f)
{
	*out = (struct rank_env){ .size = 1, .here = 1, .secret = f->secret };
	if (f->rendezvous)
		return take_flags(out, f);
	if (f->rank >= 0 || f->world || f->local)
		return err_set(TT_EINVAL, "--rank, --world and --local go with --rendezvous "
		               "tcp://host:port, where the first worker listens");
	return look_around(out);
}

/* One guard for each host, if a launcher of ours listens. */
static double knock_every(const struct rank_env *env)
{
	return getenv(EAR_LISTENS) && env->first ? KNOCK_SECONDS : 0;
}

/* An MPI library that does not know the launcher would have each worker train alone. */
static tt_status check_size(const struct comm *c, const struct rank_env *env)
{
	if (env->size == c->size || env->size == 1)
		return TT_OK;
	return err_set(TT_EINVAL, "the launcher has started %d workers, but %s, which this tutti is "
	               "built with, sees %d: start it with that library's own mpirun, or set "
	               "--rendezvous", env->size, mpi_library(), c->size);
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

/* ---- ways to the others ---- */

/* Open MPI's short cut between two processes of a machine, reading the other's memory, leaves the
 * reader stuck in the library when the other one dies in the middle.  And it listens for workers of
 * other machines, on all interfaces and to everybody, where there are none. */
static void choose_settings(void)
{
	setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
	if (number("OMPI_COMM_WORLD_LOCAL_SIZE", 0) == number("OMPI_COMM_WORLD_SIZE", -1))
		setenv("OMPI_MCA_btl", "self,vader", 0);
}

static tt_status join_mpi(struct comm **out, int *line, const struct rank_env *env,
                          const struct distribute_opts *o)
{
	struct comm *c = NULL;
	tt_status st;

	choose_settings();
	if ((st = supervisor_start(env->rank, o->timeout, knock_every(env), line)) != TT_OK ||
	    (st = comm_open_launched(&c, "mpi", o->timeout, (enum comm_transport)o->transport)) !=
	    TT_OK)
		return st;
	if ((st = check_size(c, env)) == TT_OK && o->encrypt && c->hosts > 1)
		st = err_set(TT_ESUPPORT, "distribute.encrypt: what MPI sends is not encrypted: start "
		             "without MPI (--launcher ssh)");
	if (st != TT_OK)
		comm_close(&c);
	else
		*out = c;
	return st;
}

/* Which of this machine's workers this is, from 0 on. */
static tt_status start_crew(const struct rank_env *env, double timeout, struct crew *crew,
                            int *which)
{
	const int launched = strcmp(env->rendezvous, "-") == 0;
	tt_status st = launched ? crew_listen(crew, env->rank)
	                        : secret_find(env->secret, &crew->secret);

	if (st == TT_OK && (launched || env->here > 1))
		st = crew_start(env->here, launched ? CREW_LAUNCHED : CREW_ALONE, timeout, which);
	if (st == TT_OK && *which && crew->listener) {
		close(crew->listener);           /* it is the first one's */
		crew->listener = 0;
	}
	return st;
}

static void say_waiting(void *ctx, int n, const char *ranks)
{
	const struct rank_env *env = ctx;

	fprintf(stderr, "waiting at %s for %d of %d workers: %s\n", env->rendezvous, n, env->size,
	        ranks);
}

static void say_joined(const struct rank_env *env)
{
	if (env->talks && env->rank)
		fprintf(stderr, "worker %d of %d has joined\n", env->rank, env->size);
}

static tt_status join_tcp(struct comm **out, int *line, const struct rank_env *env,
                          const struct distribute_opts *o)
{
	struct rank_env mine = *env;
	struct crew crew = { .listener = 0 };
	int which = 0;
	tt_status st;

	if (o->transport == TRANSPORT_LIBRARY)
		return err_set(TT_EINVAL, "distribute.transport: mpi, but these workers are started "
		               "without MPI: leave it out, or start them by mpirun");
	st = start_crew(env, o->timeout, &crew, &which);
	mine.rank += which;
	mine.first = env->first && which == 0;
	if (st == TT_OK)
		st = supervisor_start(mine.rank, o->timeout, knock_every(&mine), line);
	if (st == TT_OK)
		st = comm_tcp(out, &(struct tcp_group_opts){
			.rank = mine.rank, .size = env->size, .rendezvous = env->rendezvous,
			.at = crew.at.port ? &crew.at : NULL, .listener = crew.listener,
			.secret = crew.secret.bytes, .secret_size = crew.secret.n, .timeout = o->timeout,
			.patience = o->timeout + START_SECONDS, .encrypt = o->encrypt,
			.waits = mine.talks ? say_waiting : NULL, .ctx = &mine });
	explicit_bzero(&crew, sizeof crew);
	if (st == TT_OK)
		say_joined(&mine);
	return st;
}

tt_status rank_env_group(tt_group **out, int *line, const struct rank_env *env, const tt_spec *s)
{
	const struct distribute_opts *o = &s->distribute;
	struct comm *c = NULL;
	tt_status st = env->way == RANK_MPI ? join_mpi(&c, line, env, o) : join_tcp(&c, line, env, o);

	if (st != TT_OK)
		return st;
	if ((st = share_cores(c)) != TT_OK) {
		comm_close(&c);
		return st;
	}
	supervisor_tell(*line, GUARD_JOINED);
	*out = c;
	return TT_OK;
}

tt_status rank_env_meet_at_end(tt_group *g)
{
	g->doing = "the end";
	return comm_barrier(g);
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

int rank_env_threads(const tt_group *g, int asked)
{
	struct affinity mine;

	affinity_mine(&mine);
	return threads_here(g, asked, affinity_count(&mine));
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
