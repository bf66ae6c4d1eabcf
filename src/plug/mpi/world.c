/* world.c -- notices between ranks: who gave up, who is alive.
 *
 * MPI itself waits for ever and does not say for whom.  So each rank keeps a receive open on a
 * communicator of its own, and looks at it whenever it waits for anything. */
#include "plug/mpi/world.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/thread.h"

#define NOT_HEARD   (-2)
#define TELL_SECONDS 1.0        /* for a notice to get out; who does not take it is dead */
#define ROLL_MIN     0.2        /* seconds for answers to a roll call */
#define ROLL_MAX     2.0

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
	for (int r = 0; r < f->size; r++)
		f->names[r] = f->name_text + (size_t)r * MPI_NAME_MAX;
	return TT_OK;
}

/* Each rank knows the first rank of its machine; machines are numbered by these. */
static tt_status gather_hosts(struct world *f)
{
	MPI_Comm near = MPI_COMM_NULL;
	int first = f->rank, rc;

	rc = MPI_Comm_split_type(f->control, MPI_COMM_TYPE_SHARED, f->rank, MPI_INFO_NULL, &near);
	if (rc != MPI_SUCCESS)
		return world_error("MPI_Comm_split_type", rc);
	MPI_Comm_rank(near, &f->local);
	MPI_Comm_size(near, &f->locals);
	MPI_Bcast(&first, 1, MPI_INT, 0, near);
	MPI_Comm_free(&near);
	rc = MPI_Allgather(&first, 1, MPI_INT, f->host_of, 1, MPI_INT, f->control);
	if (rc != MPI_SUCCESS)
		return world_error("MPI_Allgather of hosts", rc);
	for (int r = 0; r < f->size; r++)
		f->host_of[r] = f->host_of[r] == r ? f->hosts++ : f->host_of[f->host_of[r]];
	f->host = f->host_of[f->rank];
	return TT_OK;
}

/* Processes that can be seen now would be missed later; in another container they cannot. */
static void know_neighbours(struct world *f)
{
	for (int r = 0; r < f->size; r++) {
		const char *colon = strrchr(f->names[r], ':');
		pid_t pid = colon ? (pid_t)strtol(colon + 1, NULL, 10) : 0;

		if (r != f->rank && f->host_of[r] == f->host && pid > 0 && kill(pid, 0) == 0)
			f->neighbour[r] = pid;
	}
}

int world_find_dead(const struct world *f)
{
	for (int r = 0; r < f->size; r++)
		if (f->neighbour[r] && kill(f->neighbour[r], 0) != 0 && errno == ESRCH)
			return r;
	return -1;
}

static tt_status greet_all(struct world *f)
{
	for (int d = 1; d < f->size; d++) {
		int to = (f->rank + d) % f->size, from = (f->rank + f->size - d) % f->size, in, rc;

		rc = MPI_Sendrecv(&f->rank, 1, MPI_INT, to, 1, &in, 1, MPI_INT, from, 1, f->control,
		                  MPI_STATUS_IGNORE);
		if (rc != MPI_SUCCESS)
			return world_error("MPI_Sendrecv of greetings", rc);
	}
	return TT_OK;
}

static tt_status listen_on(struct world *f)
{
	int rc = MPI_Irecv(&f->heard, sizeof f->heard, MPI_BYTE, MPI_ANY_SOURCE, 0, f->control,
	                   &f->listening);

	return rc == MPI_SUCCESS ? TT_OK : world_error("MPI_Irecv of notices", rc);
}

tt_status world_meet(struct world *f)
{
	tt_status st;

	for (int r = 0; r < f->size; r++)
		f->awaits[r] = NOT_HEARD;
	for (int i = 0; i < 2 * f->size; i++)
		f->telling[i] = MPI_REQUEST_NULL;
	if ((st = gather_names(f)) != TT_OK || (st = gather_hosts(f)) != TT_OK ||
	    (st = greet_all(f)) != TT_OK)
		return st;
	know_neighbours(f);
	if ((st = cma_try(f)) != TT_OK)
		return st;
	return listen_on(f);
}

void world_stop_listening(struct world *f)
{
	if (f->listening == MPI_REQUEST_NULL)
		return;
	MPI_Cancel(&f->listening);
	MPI_Wait(&f->listening, MPI_STATUS_IGNORE);
}

/* ---- notices; control_lock is held ---- */

static void tell_all(struct world *f, int which)
{
	MPI_Request *r = f->telling + (size_t)which * (size_t)f->size;

	world_enter(f);
	for (int to = 0; to < f->size; to++)
		if (to != f->rank)
			MPI_Isend(&f->said[which], sizeof f->said[which], MPI_BYTE, to, 0, f->control, &r[to]);
	world_leave(f);
}

static void answer_roll(struct world *f, int awaits)
{
	if (f->called)
		return;
	f->called = 1;
	f->awaits[f->rank] = awaits;
	f->said[0] = (struct notice){ .kind = NOTICE_ALIVE, .from = f->rank, .awaits = awaits };
	tell_all(f, 0);
}

static void set_fault(struct world *f, const struct comm_fault *why)
{
	if (atomic_load(&f->broken))
		return;
	f->fault = *why;
	atomic_store(&f->broken, 1);
}

static void understand(struct world *f, int awaits)
{
	const struct notice *h = &f->heard;

	if (h->from < 0 || h->from >= f->size)
		return;
	f->awaits[h->from] = h->awaits;
	if (h->kind == NOTICE_FAULT) {
		struct comm_fault fault = h->fault;

		fault.text[sizeof fault.text - 1] = '\0';
		set_fault(f, &fault);
	} else {
		answer_roll(f, awaits);
	}
}

static void listen_once(struct world *f, int awaits)
{
	int done = 0;

	world_enter(f);
	if (MPI_Test(&f->listening, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
		done = 0;
	world_leave(f);
	if (!done)
		return;
	understand(f, awaits);
	world_enter(f);
	listen_on(f);
	world_leave(f);
}

void world_listen(struct world *f, int awaits)
{
	if (pthread_mutex_trylock(&f->control_lock) != 0)
		return;                         /* another end looks just now */
	listen_once(f, awaits);
	pthread_mutex_unlock(&f->control_lock);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static int all_told(struct world *f)
{
	int all = 1;

	world_enter(f);
	for (int r = 0; r < f->size; r++) {
		int done = 0;

		if (MPI_Test(&f->telling[f->size + r], &done, MPI_STATUS_IGNORE) == MPI_SUCCESS)
			all &= done;
	}
	world_leave(f);
	return all;
}

void world_tell_fault(struct world *f, const struct comm_fault *why)
{
	double end = thread_seconds() + TELL_SECONDS;
	int done = 0;

	pthread_mutex_lock(&f->control_lock);
	set_fault(f, why);
	if (!f->told) {
		f->told = 1;
		f->said[1] = (struct notice){ .kind = NOTICE_FAULT, .from = f->rank, .awaits = -1,
		                              .fault = f->fault };
		tell_all(f, 1);
		while (!done && thread_seconds() < end) {
			if (!(done = all_told(f)))
				nap();
		}
	}
	pthread_mutex_unlock(&f->control_lock);
}

/* Whether fewer than half of the hosts were heard: then the cut is on our side. */
static int is_cut_off(const struct world *f)
{
	int heard = 0;

	for (int h = 0; h < f->hosts; h++)
		for (int r = 0; r < f->size; r++)
			if (f->host_of[r] == h && f->awaits[r] != NOT_HEARD) {
				heard++;
				break;
			}
	return 2 * heard < f->hosts;
}

/* From rank to rank along "waits for": to one that did not answer, or waits for nobody. */
static int follow(const struct world *f, int peer)
{
	int at = peer;

	if (is_cut_off(f))
		return f->rank;
	for (int steps = 0; steps < f->size; steps++) {
		if (f->awaits[at] < 0)
			break;
		at = f->awaits[at];
	}
	if (f->awaits[at] == NOT_HEARD)
		return at;
	for (int r = 0; r < f->size; r++)
		if (f->awaits[r] == NOT_HEARD)
			return r;
	return f->awaits[at] < 0 ? at : peer;
}

int world_roll_call(struct world *f, int peer, double timeout)
{
	double end = thread_seconds() + fmin(fmax(timeout / 4, ROLL_MIN), ROLL_MAX);
	int culprit;

	pthread_mutex_lock(&f->control_lock);
	answer_roll(f, peer);
	while (thread_seconds() < end && !atomic_load(&f->broken)) {
		listen_once(f, peer);
		nap();
	}
	culprit = follow(f, peer);
	pthread_mutex_unlock(&f->control_lock);
	return culprit;
}
