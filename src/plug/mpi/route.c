#include "plug/mpi/route.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"

#define FAR_BYTES   (256 << 10)
#define NEAR_BYTES  (4 << 10)   /* what is short */
#define TRIES       8           /* the first opens the way */
#define TRY_SECONDS 10.0        /* then there is a wall between */
#define TRY_TAG     1
#define FASTER      2           /* times: what MPI's wire must be to be taken */

/* Where all are asked to go over TCP, those of the only machine do as if each had its own. */
static int is_far(const struct world *f, int rank)
{
	return f->host_of[rank] != f->place.host ||
	       (f->place.hosts == 1 && f->transport == TRANSPORT_SOCKETS);
}

int route_is_tcp(const struct world *f, int rank, size_t n)
{
	return is_far(f, rank) ? f->tcp_far : f->tcp_near && n <= NEAR_BYTES;
}

/* ---- which way? ---- */

struct trial {
	struct world   *world;
	struct tcp     *tcp;
	MPI_Comm        mpi;
	int             to, from;       /* -1: this rank tries nothing */
	char           *p;              /* what is sent, what comes    */
	int             n;
};

static int rank_at(const struct world *f, int host, int place)
{
	int r = 0;

	while (f->host_of[r] != host || place-- > 0)
		r++;
	return r;
}

/* The first rank of each machine tries the way to the first of the next one. */
static void to_next_machine(struct trial *t)
{
	const struct world *f = t->world;

	t->n = FAR_BYTES;
	t->to = t->from = -1;
	if (f->place.hosts == 1 || f->place.local != 0)
		return;
	t->to = rank_at(f, (f->place.host + 1) % f->place.hosts, 0);
	t->from = rank_at(f, (f->place.host + f->place.hosts - 1) % f->place.hosts, 0);
}

/* Each tries the way to the next of its machine. */
static void to_next_neighbour(struct trial *t)
{
	const struct world *f = t->world;

	t->n = NEAR_BYTES;
	t->to = t->from = -1;
	if (f->place.locals == 1)
		return;
	t->to = rank_at(f, f->place.host, (f->place.local + 1) % f->place.locals);
	t->from = rank_at(f, f->place.host, (f->place.local + f->place.locals - 1) % f->place.locals);
}

static tt_status try_tcp(struct trial *t)
{
	const double end = thread_seconds() + TRY_SECONDS;
	struct comm_request out = { .peer = t->to, .tag = TRY_TAG, .p = t->p, .n = (size_t)t->n,
	                            .outgoing = 1 };
	struct comm_request in = { .peer = t->from, .tag = TRY_TAG, .p = t->p + t->n,
	                           .n = (size_t)t->n };
	tt_status st = tcp_recv(t->tcp, &in);

	if (st == TT_OK && (st = tcp_send(t->tcp, &out)) == TT_OK &&
	    (st = tcp_wait(t->tcp, &in, end)) == TT_OK)
		st = tcp_wait(t->tcp, &out, end);
	tcp_cancel(t->tcp, &in);
	tcp_cancel(t->tcp, &out);
	return st;
}

static tt_status try_mpi(struct trial *t)
{
	int rc;

	world_enter(t->world);
	rc = MPI_Sendrecv(t->p, t->n, MPI_BYTE, t->to, TRY_TAG, t->p + t->n, t->n, MPI_BYTE, t->from,
	                  TRY_TAG, t->mpi, MPI_STATUS_IGNORE);
	world_leave(t->world);
	return rc == MPI_SUCCESS ? TT_OK : world_error("MPI_Sendrecv", rc);
}

/* The least seconds of some tries: in any of them one of us may have lost its core.  For ever if
 * one fails. */
static double time_of(struct trial *t, tt_status (*way)(struct trial *))
{
	double least = INFINITY;

	if (t->to < 0)
		return 0;
	for (int i = 0; i < TRIES; i++) {
		const double start = thread_seconds();

		if (way(t) != TT_OK)
			return INFINITY;
		if (i > 0)
			least = fmin(least, thread_seconds() - start);
	}
	return least;
}

/* Near, far, far by MPI.  Who has no connections tries MPI all the same: others wait for it. */
static void time_all(struct trial *t, int asked, double seconds[3])
{
	to_next_neighbour(t);
	seconds[0] = t->tcp ? time_of(t, try_tcp) : INFINITY;
	to_next_machine(t);
	seconds[1] = t->tcp ? time_of(t, try_tcp) : INFINITY;
	seconds[2] = asked ? INFINITY : time_of(t, try_mpi);
}

/* The slowest rank's times count. */
static tt_status decide(struct world *f, struct tcp *s, MPI_Comm mpi)
{
	struct trial t = { .world = f, .tcp = s, .mpi = mpi };
	const int asked = f->transport == TRANSPORT_SOCKETS;
	double seconds[3];
	int rc;

	if (!(t.p = mem_calloc(2, FAR_BYTES)))
		return TT_ENOMEM;
	time_all(&t, asked, seconds);
	mem_free(t.p);
	rc = MPI_Allreduce(MPI_IN_PLACE, seconds, 3, MPI_DOUBLE, MPI_MAX, mpi);
	if (rc != MPI_SUCCESS)
		return world_error("MPI_Allreduce of times", rc);
	if (asked && !isfinite(f->place.hosts > 1 ? seconds[1] : seconds[0]))
		return err_set(TT_EIO, "distribute.transport: sockets, but not all ranks reach one "
		               "another over TCP at ports that the kernel picks: open these, or set "
		               "transport: mpi");
	f->tcp_near = f->place.hosts < f->place.size && isfinite(seconds[0]);
	f->tcp_far = seconds[1] < FASTER * seconds[2];
	f->decided = 1;
	return TT_OK;
}

/* ---- opening ---- */

/* Who cannot listen hands out an empty endpoint: nobody reaches it.  Who is not reached is found
 * out when the ways are tried. */
static tt_status meet(struct world *f, MPI_Comm mpi, struct tcp **out)
{
	const struct tcp_place place = { .rank = f->place.rank, .size = f->place.size,
	                                 .scope = f->place.hosts == 1 ? ENDPOINT_LOOPBACK
	                                                              : ENDPOINT_ANY };
	struct endpoint mine = { 0 }, *all = mem_calloc((size_t)f->place.size, sizeof *all);
	struct tcp_meeting m = { .at = all, .key = f->key, .shape = TCP_MESH };
	int rc;

	if (!all)
		return TT_ENOMEM;
	if (tcp_listen(out, &place, &mine) != TT_OK)
		*out = NULL;
	world_enter(f);
	rc = MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, mpi);
	world_leave(f);
	m.until = thread_seconds() + TRY_SECONDS;
	if (rc == MPI_SUCCESS && *out)
		(void)tcp_meet(*out, &m);
	mem_free(all);
	return rc == MPI_SUCCESS ? TT_OK : world_error("MPI_Allgather of addresses", rc);
}

tt_status route_open(struct tcp **out, struct world *f, MPI_Comm mpi)
{
	struct tcp *s = NULL;
	tt_status st;

	*out = NULL;
	if (f->place.size == 1 || f->transport == TRANSPORT_LIBRARY ||
	    (f->decided && !f->tcp_near && !f->tcp_far))
		return TT_OK;
	if ((st = meet(f, mpi, &s)) == TT_OK && !f->decided)
		st = decide(f, s, mpi);
	if (st == TT_OK && (f->tcp_near || f->tcp_far) && !s)
		st = err_set(TT_EIO, "%s", "no further connections can be listened for");
	if (st != TT_OK || !(f->tcp_near || f->tcp_far))
		tcp_close(&s);
	*out = s;
	return st;
}
