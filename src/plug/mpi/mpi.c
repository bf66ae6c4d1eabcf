/* mpi.c -- the transport over an MPI library: Isend, Irecv, Test; or over TCP of our own
 * (tcp.h), to other machines and for what is short.
 *
 * Never a blocking call once open: each wait looks at its message, at notices of trouble and at the
 * clock in turn, at first without pause and then with short naps, for the core may be needed by the
 * ranks' arithmetic. */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "distribute/comm/launched.h"
#include "sys/plug.h"
#include "sys/thread.h"
#include "plug/mpi/world.h"
#include "plug/mpi/route.h"

#define SPINS_NEAR  20          /* looks before the first nap: memory answers at once,        */
#define SPINS_FAR   2           /* a wire does not, and arithmetic can use the core meanwhile */
#define NAP_MIN     30000       /* nanoseconds */
#define NAP_MORE    10000       /* each nap is so much longer than the last */
#define NAP_MAX     200000
#define LISTEN_EACH 8           /* looks at the message per look at the notices */
#define COUNT_EACH  1024        /* and per look whether all neighbours are there */
#define LISTEN_SECONDS 0.05     /* between looks at the notices while a stream is waited for */

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#if defined(MPICH_VERSION)
#define VERSION "MPICH " MPICH_VERSION
#elif defined(OMPI_MAJOR_VERSION)
#define VERSION "Open MPI " TEXT(OMPI_MAJOR_VERSION) "." TEXT(OMPI_MINOR_VERSION) "." \
                TEXT(OMPI_RELEASE_VERSION)
#else
#define VERSION "MPI " TEXT(MPI_VERSION) "." TEXT(MPI_SUBVERSION)
#endif

_Static_assert(sizeof(MPI_Request) <= sizeof(void *), "a request fits its handle");

enum phase { OVER, PENDING };

struct end {
	struct comm       comm;
	struct world     *world;
	MPI_Comm          mpi;
	struct tcp       *tcp;          /* NULL: all goes MPI's way        */
	int               asked;        /* messages under way in MPI's hands */
	struct cma_views *views;        /* NULL: this end has none         */
};

static MPI_Request get_request(const struct comm_request *r)
{
	MPI_Request m;

	memcpy(&m, &r->handle, sizeof m);
	return m;
}

static void set_request(struct comm_request *r, MPI_Request m)
{
	memcpy(&r->handle, &m, sizeof m);
	r->phase = PENDING;
}

static int goes_by_tcp(const struct end *e, const struct comm_request *r)
{
	return e->tcp && route_is_tcp(e->world, r->peer, r->n);
}

/* ---- waiting ---- */

/* Never sched_yield: to the kernel that is a wish to come last, and with a computing thread on the
 * core the next look is then milliseconds away.  Who has slept comes first. */
static void pause_after(int looks, int spins)
{
	long nap = NAP_MIN;

	if (looks < spins)
		return;
	nap += (long)(looks - spins) * NAP_MORE;
	nanosleep(&(struct timespec){ .tv_nsec = nap < NAP_MAX ? nap : NAP_MAX }, NULL);
}

/* awaits: the rank that this is about, -1: all. */
static int spins_for(const struct end *e, int awaits)
{
	const struct world *f = e->world;

	return awaits >= 0 && f->host_of[awaits] != f->place.host ? SPINS_FAR : SPINS_NEAR;
}

/* A neighbour that is no more is missed before the deadline. */
static tt_status look_for_dead(struct end *e)
{
	const int dead = cma_find_dead(&e->world->cma);

	return dead < 0 ? TT_OK : roll_died(&e->comm, dead);
}

static tt_status lost(struct end *e, int peer)
{
	return roll_lost(&e->world->roll, &e->comm, peer);
}

/* Test until done.  awaits: the rank that this is about, -1: all. */
static tt_status test_until(struct end *e, MPI_Request *m, MPI_Status *status, int awaits,
                            double deadline)
{
	const int spins = spins_for(e, awaits);
	struct world *f = e->world;
	tt_status st;

	for (int looks = 0; ; looks++) {
		int done = 0, rc;

		world_enter(f);
		rc = MPI_Test(m, &done, status);
		world_leave(f);
		if (rc != MPI_SUCCESS)
			return world_error("MPI_Test", rc);
		if (done)
			return TT_OK;
		if (looks % LISTEN_EACH == LISTEN_EACH - 1) {
			roll_listen(&f->roll, awaits);
			if (e->tcp)
				tcp_move(e->tcp);
		}
		if (atomic_load(&f->roll.broken))
			return roll_fault(&e->world->roll, &e->comm);
		if (looks % COUNT_EACH == COUNT_EACH - 1 && (st = look_for_dead(e)) != TT_OK)
			return st;
		if (looks % LISTEN_EACH == 0 && thread_seconds() > deadline)
			return err_set(TT_ETIMEDOUT, "rank %d is silent", awaits);
		pause_after(looks, spins);
	}
}

/* ---- messages ---- */

static tt_status post_tcp(struct end *e, struct comm_request *r)
{
	tt_status st = r->outgoing ? tcp_send(e->tcp, r) : tcp_recv(e->tcp, r);

	return st == TT_OK ? TT_OK : lost(e, tcp_lost(e->tcp));
}

/* Send or receive, as r says. */
static tt_status end_post(struct comm *c, struct comm_request *r)
{
	struct end *e = (struct end *)c;
	MPI_Request m;
	int rc;

	if (goes_by_tcp(e, r))
		return post_tcp(e, r);
	if (r->n > INT_MAX)
		return err_set(TT_EINVAL, "a message of %zu bytes: MPI counts to %d", r->n, INT_MAX);
	world_enter(e->world);
	rc = r->outgoing ? MPI_Isend(r->p, (int)r->n, MPI_BYTE, r->peer, r->tag, e->mpi, &m)
	                 : MPI_Irecv(r->p, (int)r->n, MPI_BYTE, r->peer, r->tag, e->mpi, &m);
	world_leave(e->world);
	if (rc != MPI_SUCCESS)
		return world_error(r->outgoing ? "MPI_Isend" : "MPI_Irecv", rc);
	set_request(r, m);
	e->asked++;
	return TT_OK;
}

/* The kernel wakes us when something moves; but notices come by MPI, and so does what neighbours
 * send, which moves only while somebody asks. */
static tt_status wait_tcp(struct end *e, struct comm_request *r, double deadline)
{
	struct world *f = e->world;
	tt_status st;

	for (;;) {
		const double pause = e->asked ? 1e-9 * NAP_MAX : LISTEN_SECONDS;
		const double soon = thread_seconds() + pause;

		st = tcp_wait(e->tcp, r, soon < deadline ? soon : deadline);
		if (st != TT_ETIMEDOUT)
			return st == TT_OK ? TT_OK : lost(e, tcp_lost(e->tcp));
		roll_listen(&f->roll, r->peer);
		if (atomic_load(&f->roll.broken))
			return roll_fault(&e->world->roll, &e->comm);
		if ((st = look_for_dead(e)) != TT_OK)
			return st;
		if (thread_seconds() > deadline)
			return err_set(TT_ETIMEDOUT, "rank %d is silent", r->peer);
	}
}

static tt_status end_wait(struct comm *c, struct comm_request *r, double deadline)
{
	struct end *e = (struct end *)c;
	MPI_Request m = get_request(r);
	MPI_Status status;
	int got = (int)r->n;
	tt_status st;

	if (r->phase == OVER)
		return TT_OK;
	if (goes_by_tcp(e, r))
		return wait_tcp(e, r, deadline);
	st = test_until(e, &m, &status, r->peer, deadline);
	if (st != TT_OK) {
		set_request(r, m);
		return st;
	}
	r->phase = OVER;
	e->asked--;
	if (!r->outgoing)
		MPI_Get_count(&status, MPI_BYTE, &got);
	if (got == (int)r->n)
		return TT_OK;
	return err_set(TT_EINTERNAL, "rank %d sends %d bytes where rank %d waits for %zu", r->peer, got,
	               c->rank, r->n);
}

/* Only after a fault, when nobody will answer any more: MPI may let go when it likes. */
static void end_cancel(struct comm *c, struct comm_request *r)
{
	struct end *e = (struct end *)c;
	MPI_Request m = get_request(r);

	if (r->phase == OVER)
		return;
	if (goes_by_tcp(e, r)) {
		tcp_cancel(e->tcp, r);
		return;
	}
	r->phase = OVER;
	e->asked--;
	if (m == MPI_REQUEST_NULL)
		return;
	world_enter(e->world);
	if (!r->outgoing)
		MPI_Cancel(&m);
	MPI_Request_free(&m);
	world_leave(e->world);
}

static int end_blame(struct comm *c, int peer)
{
	struct end *e = (struct end *)c;
	int culprit = roll_call(&e->world->roll, peer, c->timeout);

	if (atomic_load(&e->world->roll.broken))
		roll_fault(&e->world->roll, &e->comm);
	return culprit;
}

static void end_abandon(struct comm *c, const struct comm_fault *why)
{
	roll_tell_fault(&((struct end *)c)->world->roll, why);
}

/* The library's own, in its non-blocking form, so that it too has a deadline. */
static tt_status end_allreduce(struct comm *c, float *x, size_t n)
{
	struct end *e = (struct end *)c;
	const size_t most = (size_t)1 << 28;
	tt_status st = TT_OK;

	for (size_t lo = 0; lo < n && st == TT_OK; lo += most) {
		size_t part = n - lo < most ? n - lo : most;
		MPI_Request m;
		int rc;

		world_enter(e->world);
		rc = MPI_Iallreduce(MPI_IN_PLACE, x + lo, (int)part, MPI_FLOAT, MPI_SUM, e->mpi, &m);
		world_leave(e->world);
		if (rc != MPI_SUCCESS)
			return world_error("MPI_Iallreduce", rc);
		st = test_until(e, &m, MPI_STATUS_IGNORE, -1, thread_seconds() + c->timeout);
		c->sent += st == TT_OK ? 2 * part * sizeof *x / (size_t)c->size * (size_t)(c->size - 1) : 0;
	}
	return st;
}

static tt_status end_peek(struct comm *c, int rank, void *to, const void *from, size_t n)
{
	struct end *e = (struct end *)c;

	return cma_read(&e->world->cma, rank, to, from, n) == TT_OK ? TT_OK : lost(e, rank);
}

static const void *end_view(struct comm *c, int rank, const void *from, size_t n)
{
	struct end *e = (struct end *)c;

	return cma_view(e->views, &e->world->cma, rank, from, n);
}

/* ---- opening and closing ---- */

static void world_free(struct world *f)
{
	pthread_mutex_destroy(&f->mpi_lock);
	roll_release(&f->roll);
	cma_release(&f->cma);
	mem_free(f->telling);
	mem_free(f->names);
	mem_free(f->name_text);
	mem_free(f->host_of);
	mem_free(f);
}

/* All ranks are here: MPI_Finalize, which has no deadline, will not wait for the dead. */
static tt_status farewell(struct end *e)
{
	MPI_Request m;
	int rc = MPI_Ibarrier(e->world->control, &m);

	if (rc != MPI_SUCCESS)
		return world_error("MPI_Ibarrier", rc);
	return test_until(e, &m, MPI_STATUS_IGNORE, -1, thread_seconds() + e->comm.timeout);
}

/* After a fault MPI is left as it stands, its buffers and ours with it. */
static void end_close(struct comm *c)
{
	struct end *e = (struct end *)c;
	struct world *f = e->world;
	int left = --f->refs, whole = !atomic_load(&f->roll.broken);

	if (whole && left == 0)
		whole = farewell(e) == TT_OK;
	if (whole)
		MPI_Comm_free(&e->mpi);
	tcp_close(&e->tcp);
	cma_views_free(e->views);
	mem_free(e);
	if (left || !whole)
		return;
	world_stop_listening(f);
	MPI_Comm_free(&f->control);
	if (f->owns_mpi)
		MPI_Finalize();
	world_free(f);
}

static tt_status end_split(struct comm *c, struct comm **out);

static const struct comm_ops mpi_ops = { "mpi", end_post, end_post, end_wait, end_cancel, end_blame,
                                         end_split, end_abandon, end_close, end_allreduce,
                                         end_peek, end_view };

static tt_status end_open(struct world *f, MPI_Comm from, double timeout, struct comm **out)
{
	struct end *e = mem_calloc(1, sizeof *e);
	tt_status st;
	int rc;

	if (!e)
		return TT_ENOMEM;
	e->world = f;
	e->comm = f->place;
	e->comm.timeout = timeout;
	world_enter(f);
	rc = MPI_Comm_dup(from, &e->mpi);
	if (rc == MPI_SUCCESS)
		MPI_Comm_set_errhandler(e->mpi, MPI_ERRORS_RETURN);
	world_leave(f);
	if (rc != MPI_SUCCESS) {
		mem_free(e);
		return world_error("MPI_Comm_dup", rc);
	}
	if ((st = route_open(&e->tcp, f, e->mpi)) != TT_OK) {
		MPI_Comm_free(&e->mpi);
		mem_free(e);
		return st;
	}
	f->refs++;
	*out = &e->comm;
	return TT_OK;
}

static tt_status end_split(struct comm *c, struct comm **out)
{
	struct end *e = (struct end *)c;
	tt_status st = end_open(e->world, e->mpi, c->timeout, out);

	/* Without room for views there are copies. */
	if (st == TT_OK && c->near)
		((struct end *)*out)->views = cma_views_new(c);
	return st;
}

static tt_status start_mpi(int *level, int *owns)
{
	int initialised = 0, finalised = 0, rc = MPI_SUCCESS;

	MPI_Finalized(&finalised);
	if (finalised)
		return err_set(TT_EINVAL, "MPI has ended in this process and cannot be started again");
	MPI_Initialized(&initialised);
	if (initialised)
		rc = MPI_Query_thread(level);
	else
		rc = MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, level);
	if (rc != MPI_SUCCESS)
		return world_error("MPI_Init_thread", rc);
	*owns = !initialised;
	if (*level < MPI_THREAD_SERIALIZED)
		return err_set(TT_ESUPPORT, "this MPI library was started or built for one thread only: "
		               "tutti needs MPI_THREAD_SERIALIZED");
	return TT_OK;
}

static tt_status world_new(struct world **out, int level, int owns,
                            enum comm_transport transport)
{
	struct world *f = mem_calloc(1, sizeof *f);
	size_t n;

	if (!f)
		return TT_ENOMEM;
	pthread_mutex_init(&f->mpi_lock, NULL);
	f->serialized = level < MPI_THREAD_MULTIPLE;
	f->owns_mpi = owns;
	f->transport = transport;
	MPI_Comm_rank(MPI_COMM_WORLD, &f->place.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &f->place.size);
	n = (size_t)f->place.size;
	f->telling = mem_calloc(3 * n, sizeof *f->telling);
	f->names = mem_calloc(n, sizeof *f->names);
	f->name_text = mem_calloc(n, MPI_NAME_MAX);
	f->host_of = mem_calloc(n, sizeof *f->host_of);
	if (!f->telling || !f->names || !f->name_text || !f->host_of) {
		world_free(f);
		return TT_ENOMEM;
	}
	f->place.ops = &mpi_ops;
	f->place.names = f->names;
	f->place.host_of = f->host_of;
	*out = f;
	return TT_OK;
}

/* A failure here, before ranks can tell one another, ends as the launcher sees fit. */
static tt_status mpi_open(struct comm **out, double timeout, enum comm_transport transport)
{
	struct world *f = NULL;
	int level = 0, owns = 0, rc;
	tt_status st;

	if (!(timeout > 0))
		return err_set(TT_EINVAL, "ranks cannot answer within %g s", timeout);
	if ((st = start_mpi(&level, &owns)) != TT_OK ||
	    (st = world_new(&f, level, owns, transport)) != TT_OK)
		return st;
	if ((rc = MPI_Comm_dup(MPI_COMM_WORLD, &f->control)) != MPI_SUCCESS) {
		world_free(f);
		return world_error("MPI_Comm_dup", rc);
	}
	MPI_Comm_set_errhandler(f->control, MPI_ERRORS_RETURN);
	if ((st = world_meet(f)) == TT_OK)
		st = end_open(f, MPI_COMM_WORLD, timeout, out);
	if (st != TT_OK)
		world_free(f);
	return st;
}

static const char *version(void) { return VERSION; }

static const struct comm_launched_ops launched_ops = { .open = mpi_open };

extern const struct plug mpi_plug;
const struct plug mpi_plug = PLUG(
	.kind = PLUG_TRANSPORT, .name = "mpi", .serves = "ranks on many machines", .version = version,
	.ops = &launched_ops);
