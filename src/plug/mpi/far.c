#include "plug/mpi/far.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"

#define TRY_BYTES   (256 << 10)
#define TRIES       8           /* the first opens the way */
#define TRY_SECONDS 10.0        /* then there is a wall between */
#define TRY_TAG     1
#define FASTER      2           /* times: what MPI's wire must be to be taken */

int far_is(const struct family *f, int rank)
{
	return f->host_of[rank] != f->host || f->hosts == 1;
}

/* ---- which way? ---- */

/* The first rank of each machine tries the way to the first of the next one. */
struct trial {
	struct family  *family;
	struct streams *streams;
	MPI_Comm        mpi;
	int             to, from;
	char           *p;              /* what is sent, what comes */
};

static int first_of(const struct family *f, int host)
{
	int r = 0;

	while (f->host_of[r] != host)
		r++;
	return r;
}

static int plan_trial(struct trial *t)
{
	const struct family *f = t->family;

	if (f->hosts == 1) {
		t->to = (f->rank + 1) % f->size;
		t->from = (f->rank + f->size - 1) % f->size;
		return 1;
	}
	t->to = first_of(f, (f->host + 1) % f->hosts);
	t->from = first_of(f, (f->host + f->hosts - 1) % f->hosts);
	return f->local == 0;
}

static tt_status try_streams(struct trial *t)
{
	const double end = thread_seconds() + TRY_SECONDS;
	struct comm_request out = { .peer = t->to, .tag = TRY_TAG, .p = t->p, .n = TRY_BYTES,
	                            .outgoing = 1 };
	struct comm_request in = { .peer = t->from, .tag = TRY_TAG, .p = t->p + TRY_BYTES,
	                           .n = TRY_BYTES };
	tt_status st = streams_recv(t->streams, &in);

	if ((st = streams_send(t->streams, &out)) == TT_OK &&
	    (st = streams_wait(t->streams, &in, end)) == TT_OK)
		st = streams_wait(t->streams, &out, end);
	streams_cancel(t->streams, &in);
	streams_cancel(t->streams, &out);
	return st;
}

static tt_status try_mpi(struct trial *t)
{
	int rc;

	family_enter(t->family);
	rc = MPI_Sendrecv(t->p, TRY_BYTES, MPI_BYTE, t->to, TRY_TAG, t->p + TRY_BYTES, TRY_BYTES,
	                  MPI_BYTE, t->from, TRY_TAG, t->mpi, MPI_STATUS_IGNORE);
	family_leave(t->family);
	return rc == MPI_SUCCESS ? TT_OK : family_error("MPI_Sendrecv", rc);
}

/* The least seconds of some tries: in any of them one of us may have lost its core.  For ever if
 * one fails. */
static double time_of(struct trial *t, tt_status (*way)(struct trial *))
{
	double least = INFINITY;

	for (int i = 0; i < TRIES; i++) {
		const double start = thread_seconds();

		if (way(t) != TT_OK)
			return INFINITY;
		if (i > 0)
			least = fmin(least, thread_seconds() - start);
	}
	return least;
}

/* The slowest rank's times count. */
static tt_status decide(struct family *f, struct streams *s, MPI_Comm mpi)
{
	struct trial t = { .family = f, .streams = s, .mpi = mpi };
	const int asked = f->transport == TRANSPORT_SOCKETS;
	double seconds[2] = { 0, 0 };
	int rc;

	if (!(t.p = mem_calloc(2, TRY_BYTES)))
		return TT_ENOMEM;
	if (plan_trial(&t)) {
		seconds[0] = s ? time_of(&t, try_streams) : INFINITY;
		seconds[1] = asked ? INFINITY : time_of(&t, try_mpi);
	}
	mem_free(t.p);
	rc = MPI_Allreduce(MPI_IN_PLACE, seconds, 2, MPI_DOUBLE, MPI_MAX, mpi);
	if (rc != MPI_SUCCESS)
		return family_error("MPI_Allreduce of times", rc);
	if (asked && !isfinite(seconds[0]))
		return err_set(TT_EIO, "distribute.transport: sockets, but not all machines reach one "
		               "another over TCP at ports that the kernel picks: open these, or set "
		               "transport: mpi");
	f->transport = seconds[0] < FASTER * seconds[1] ? TRANSPORT_SOCKETS : TRANSPORT_LIBRARY;
	f->decided = 1;
	return TT_OK;
}

/* ---- opening ---- */

/* Who cannot listen hands out an empty card: nobody reaches it. */
static tt_status meet(struct family *f, MPI_Comm mpi, struct streams **out)
{
	unsigned char card[STREAMS_CARD] = { 0 };
	unsigned char *cards = mem_calloc((size_t)f->size, sizeof card);
	int rc;

	if (!cards)
		return TT_ENOMEM;
	if (streams_listen(out, f->rank, f->size, card) != TT_OK)
		*out = NULL;
	family_enter(f);
	rc = MPI_Allgather(card, sizeof card, MPI_BYTE, cards, sizeof card, MPI_BYTE, mpi);
	family_leave(f);
	if (rc == MPI_SUCCESS && *out)
		streams_meet(*out, cards);
	mem_free(cards);
	return rc == MPI_SUCCESS ? TT_OK : family_error("MPI_Allgather of addresses", rc);
}

tt_status far_open(struct streams **out, struct family *f, MPI_Comm mpi)
{
	struct streams *s = NULL;
	tt_status st;

	*out = NULL;
	if (f->size == 1 || f->transport == TRANSPORT_LIBRARY ||
	    (f->hosts == 1 && f->transport != TRANSPORT_SOCKETS))
		return TT_OK;
	if ((st = meet(f, mpi, &s)) == TT_OK && !f->decided)
		st = decide(f, s, mpi);
	if (st == TT_OK && f->transport == TRANSPORT_SOCKETS && !s)
		st = err_set(TT_EIO, "%s", "no further connections can be listened for");
	if (st != TT_OK || f->transport != TRANSPORT_SOCKETS)
		streams_close(&s);
	*out = s;
	return st;
}
