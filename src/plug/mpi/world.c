/* world.c -- who is where, and notices between ranks: who gave up, who is alive.
 *
 * MPI itself waits for ever and does not say for whom.  So each rank keeps a receive open on a
 * communicator of its own, and looks at it whenever it waits for anything. */
#include "plug/mpi/world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "distribute/comm/tcp/greet.h"

tt_status world_error(const char *what, int code)
{
	char text[MPI_MAX_ERROR_STRING] = "?";
	int n = 0;

	MPI_Error_string(code, text, &n);
	return err_set(TT_EIO, "%s: %.200s", what, text);
}

void world_enter(struct world *f)
{
	if (f->serialized)
		pthread_mutex_lock(&f->mpi_lock);
}

void world_leave(struct world *f)
{
	if (f->serialized)
		pthread_mutex_unlock(&f->mpi_lock);
}

/* ---- notices ---- */

static void tell(void *ctx, const struct notice *n)
{
	struct world *f = ctx;
	MPI_Request *r = f->telling + (n - f->roll.said) * f->place.size;

	world_enter(f);
	for (int to = 0; to < f->place.size; to++)
		if (to != f->place.rank)
			MPI_Isend(n, sizeof *n, MPI_BYTE, to, 0, f->control, &r[to]);
	world_leave(f);
}

static int told(void *ctx, const struct notice *n)
{
	struct world *f = ctx;
	MPI_Request *r = f->telling + (n - f->roll.said) * f->place.size;
	int all = 1;

	world_enter(f);
	for (int to = 0; to < f->place.size; to++) {
		int done = 0;

		if (MPI_Test(&r[to], &done, MPI_STATUS_IGNORE) == MPI_SUCCESS)
			all &= done;
	}
	world_leave(f);
	return all;
}

static tt_status listen_on(struct world *f)
{
	int rc = MPI_Irecv(&f->heard, sizeof f->heard, MPI_BYTE, MPI_ANY_SOURCE, 0, f->control,
	                   &f->listening);

	return rc == MPI_SUCCESS ? TT_OK : world_error("MPI_Irecv of notices", rc);
}

static int hear(void *ctx, struct notice *out)
{
	struct world *f = ctx;
	int done = 0;

	world_enter(f);
	if (MPI_Test(&f->listening, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
		done = 0;
	if (done) {
		*out = f->heard;
		listen_on(f);
	}
	world_leave(f);
	return done;
}

static int find_dead(void *ctx) { return cma_find_dead(&((struct world *)ctx)->cma); }

static const struct roll_ops notices = { tell, told, hear, find_dead };

/* ---- who is where ---- */

static tt_status gather_names(struct world *f)
{
	char own[MPI_NAME_MAX] = "", host[65] = "localhost";
	int rc;

	gethostname(host, sizeof host - 1);
	snprintf(own, sizeof own, "%s:%d", host, (int)getpid());
	rc = MPI_Allgather(own, MPI_NAME_MAX, MPI_CHAR, f->name_text, MPI_NAME_MAX, MPI_CHAR,
	                   f->control);
	if (rc != MPI_SUCCESS)
		return world_error("MPI_Allgather of names", rc);
	for (int r = 0; r < f->place.size; r++)
		f->names[r] = f->name_text + (size_t)r * MPI_NAME_MAX;
	return TT_OK;
}

/* Each rank knows the first rank of its machine; machines are numbered by these. */
static tt_status gather_hosts(struct world *f)
{
	MPI_Comm near = MPI_COMM_NULL;
	int first = f->place.rank, rc;

	rc = MPI_Comm_split_type(f->control, MPI_COMM_TYPE_SHARED, f->place.rank, MPI_INFO_NULL, &near);
	if (rc != MPI_SUCCESS)
		return world_error("MPI_Comm_split_type", rc);
	MPI_Comm_rank(near, &f->place.local);
	MPI_Comm_size(near, &f->place.locals);
	MPI_Bcast(&first, 1, MPI_INT, 0, near);
	MPI_Comm_free(&near);
	rc = MPI_Allgather(&first, 1, MPI_INT, f->host_of, 1, MPI_INT, f->control);
	if (rc != MPI_SUCCESS)
		return world_error("MPI_Allgather of hosts", rc);
	for (int r = 0; r < f->place.size; r++)
		f->host_of[r] = f->host_of[r] == r ? f->place.hosts++ : f->host_of[f->host_of[r]];
	f->place.host = f->host_of[f->place.rank];
	return TT_OK;
}

static tt_status greet_all(struct world *f)
{
	for (int d = 1; d < f->place.size; d++) {
		const int size = f->place.size, rank = f->place.rank;
		int to = (rank + d) % size, from = (rank + size - d) % size, in, rc;

		rc = MPI_Sendrecv(&rank, 1, MPI_INT, to, 1, &in, 1, MPI_INT, from, 1, f->control,
		                  MPI_STATUS_IGNORE);
		if (rc != MPI_SUCCESS)
			return world_error("MPI_Sendrecv of greetings", rc);
	}
	return TT_OK;
}

/* For connections of our own: rank 0 makes it up. */
static tt_status share_key(struct world *f)
{
	int rc;

	if (f->place.rank == 0 && !greet_random(f->key, sizeof f->key))
		return err_set(TT_EIO, "the kernel has no random numbers for a key");
	rc = MPI_Bcast(f->key, sizeof f->key, MPI_BYTE, 0, f->control);
	return rc == MPI_SUCCESS ? TT_OK : world_error("MPI_Bcast of a key", rc);
}

static tt_status gather_word(void *ctx, uint64_t mine, uint64_t *all)
{
	struct world *f = ctx;
	int rc = MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, f->control);

	return rc == MPI_SUCCESS ? TT_OK : world_error("MPI_Allgather of addresses", rc);
}

tt_status world_meet(struct world *f)
{
	tt_status st;

	for (int i = 0; i < 3 * f->place.size; i++)
		f->telling[i] = MPI_REQUEST_NULL;
	if ((st = gather_names(f)) != TT_OK || (st = gather_hosts(f)) != TT_OK ||
	    (st = greet_all(f)) != TT_OK || (st = share_key(f)) != TT_OK ||
	    (st = cma_init(&f->cma, &f->place)) != TT_OK ||
	    (st = cma_try(&f->cma, &f->place, gather_word, f)) != TT_OK ||
	    (st = roll_init(&f->roll, &f->place, &notices, f)) != TT_OK)
		return st;
	f->place.near = f->cma.near;
	return listen_on(f);
}

void world_stop_listening(struct world *f)
{
	if (f->listening == MPI_REQUEST_NULL)
		return;
	MPI_Cancel(&f->listening);
	MPI_Wait(&f->listening, MPI_STATUS_IGNORE);
}
