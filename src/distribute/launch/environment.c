#include "distribute/launch/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/plug.h"

#define PORT_FIRST    20000      /* of those for jobs that name none: below what kernels pick */
#define PORT_COUNT    12000

int environment_number(const char *name, int otherwise)
{
	const char *text = name ? getenv(name) : NULL;

	return text && *text ? atoi(text) : otherwise;
}

/* ---- launchers ---- */

const char *environment_mpi(void)
{
	const struct plug *mpi;

	return plug_find(PLUG_TRANSPORT, "mpi", &mpi) == TT_OK ? mpi->version() : NULL;
}

/* MPI finds the others by itself. */
static int find_by_mpi(struct environment *out)
{
	(void)out;
	return environment_mpi() != NULL;
}

/* torchrun's agent holds the port itself for its own store, and says so. */
static int find_by_master(struct environment *out)
{
	const char *host = getenv("MASTER_ADDR"), *held = getenv("TORCHELASTIC_USE_AGENT_STORE");
	int port = environment_number("MASTER_PORT", 0);

	if (!host || !*host || port < 1)
		return 0;
	port += held && strcmp(held, "True") == 0;
	snprintf(out->rendezvous, sizeof out->rendezvous, strchr(host, ':') ? "tcp://[%.255s]:%d"
	         : "tcp://%.255s:%d", host, port);
	return 1;
}

void environment_first_host(const char *list, char out[256])
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
static int find_by_slurm(struct environment *out)
{
	static const char *const lists[] = { "SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST",
	                                     "SLURM_LAUNCH_NODE_IPADDR" };
	const unsigned job = (unsigned)environment_number("SLURM_JOB_ID", 0);
	const unsigned step = (unsigned)environment_number("SLURM_STEP_ID", 0);
	char host[256] = "";

	for (size_t i = 0; i < sizeof lists / sizeof *lists && !*host; i++)
		if (getenv(lists[i]))
			environment_first_host(getenv(lists[i]), host);
	snprintf(out->rendezvous, sizeof out->rendezvous, "tcp://%s:%u", host,
	         PORT_FIRST + (job * 31 + step) % PORT_COUNT);
	return *host != '\0';
}

/* What launchers tell their processes; the first row of use counts. */
static const struct {
	enum environment_way way;
	const char   *rank, *size, *local;
	int         (*find)(struct environment *out);    /* the others; 0: nobody says where */
} launchers[] = {
	/* Open MPI's mpirun; MPICH's, or srun --mpi=pmi2; srun --mpi=pmix, PRRTE */
	{ ENVIRONMENT_MPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
	  find_by_mpi },
	{ ENVIRONMENT_MPI, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", find_by_mpi },
	{ ENVIRONMENT_MPI, "PMIX_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", find_by_mpi },
	/* torchrun, and whoever speaks as it does; srun */
	{ ENVIRONMENT_TCP, "RANK", "WORLD_SIZE", "LOCAL_RANK", find_by_master },
	{ ENVIRONMENT_TCP, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", find_by_slurm },
};
#define LAUNCHERS (sizeof launchers / sizeof *launchers)

tt_status environment_look(struct environment *out)
{
	*out = (struct environment){ .size = 1 };
	for (size_t i = 0; i < LAUNCHERS; i++) {
		const int size = environment_number(launchers[i].size, 1);

		if (!getenv(launchers[i].rank) || (launchers[i].way == ENVIRONMENT_TCP && size < 2))
			continue;
		out->rank = environment_number(launchers[i].rank, 0);
		out->size = size;
		out->first = environment_number(launchers[i].local, 0) == 0;
		if (launchers[i].find(out)) {
			out->way = launchers[i].way;
			return TT_OK;
		}
	}
	if (environment_number("OMPI_COMM_WORLD_SIZE", environment_number("PMI_SIZE", 1)) > 1)
		return err_set(TT_ESUPPORT, "an MPI launcher has started this worker, but this tutti was "
		               "built without MPI: install libopenmpi-dev and build again, or start "
		               "without MPI: --launcher ssh");
	if (environment_number("SLURM_STEP_NUM_TASKS", 1) > 1)
		return err_set(TT_EINVAL, "srun has started %d tasks that know nothing of one another: "
		               "neither SLURM_STEP_NODELIST nor SLURM_JOB_NODELIST says where they are",
		               environment_number("SLURM_STEP_NUM_TASKS", 1));
	return TT_OK;
}
