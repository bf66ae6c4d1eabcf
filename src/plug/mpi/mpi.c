/* mpi.c -- the transport over an MPI library: Isend, Irecv, Test; or over streams of our own, to
 * other machines and for what is short.
 *
 * Never a blocking call once open: each wait looks at its message, at notices of trouble and at the
 * clock in turn, at first without pause and then with short naps, for the core may be needed by the
 * ranks' arithmetic. */
#include "plug/mpi/export.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "sys/shm.h"
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
#define WORD_SECONDS   1.0      /* for the notice of a rank that has closed its connection   */

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
	struct comm    comm;
	struct world *family;
	MPI_Comm       mpi;
	struct tcp *streams;        /* NULL: all goes MPI's way                        */
	int            asked;           /* messages under way in MPI's hands               */
	struct view   *view;            /* [VIEWS of a neighbour]; NULL: this end has none */
	int            views;
};

/* What of a neighbour's memory has been mapped, or cannot be.  Addresses mean the same as long as
 * nobody frees what he has others read: while whoever has split the group uses this end. */
struct view { int rank; struct shm_view at; };
#define VIEWS 4

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

static int by_stream(const struct end *e, const struct comm_request *r)
{
	return e->streams && route_is_stream(e->family, r->peer, r->n);
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
	const struct world *f = e->family;

	return awaits >= 0 && f->host_of[awaits] != f->host ? SPINS_FAR : SPINS_NEAR;
}

static tt_status fault_of(struct end *e)
{
	const struct comm_fault *fault = &e->comm.fault;

	pthread_mutex_lock(&e->family->control_lock);
	e->comm.fault = e->family->fault;
	pthread_mutex_unlock(&e->family->control_lock);
	return err_set(fault->status, "%s", fault->text);
}

/* A neighbour that is no more is missed before the deadline. */
static tt_status look_for_dead(struct end *e)
{
	const int dead = world_find_dead(e->family);
	char who[COMM_WHO_MAX];

	if (dead < 0)
		return TT_OK;
	return comm_give_up(&e->comm, err_set(TT_EIO, "%s has died while rank %d waited for %s",
	                    comm_who(&e->comm, dead, who), e->comm.rank,
	                    e->comm.doing ? e->comm.doing : "a message"), dead);
}

/* Until somebody else says what has happened. */
static int listen_until(struct end *e, int peer, double end)
{
	while (!atomic_load(&e->family->broken) && thread_seconds() < end) {
		world_listen(e->family, peer);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return atomic_load(&e->family->broken);
}

/* A rank does not do its part, as the last error says: it has died, or gave up and says so in a
 * moment.  Or it is our own link that is cut: whether others answer tells, once all of them have
 * come to wait for us. */
static tt_status lost(struct end *e, int peer)
{
	const double now = thread_seconds();
	struct comm *c = &e->comm;
	char who[COMM_WHO_MAX], text[ERR_MAX];
	tt_status st;
	int culprit;

	snprintf(text, sizeof text, "%s", tt_last_error());
	if (listen_until(e, peer, now + WORD_SECONDS))
		return fault_of(e);
	if ((st = look_for_dead(e)) != TT_OK)
		return st;
	culprit = world_roll_call(e->family, peer, c->timeout);
	if (atomic_load(&e->family->broken))
		return fault_of(e);
	if (culprit == peer)
		return comm_give_up(c, err_set(TT_EIO, "%s has died or left while rank %d waited for %s: "
		                    "%s", comm_who(c, peer, who), c->rank,
		                    c->doing ? c->doing : "a message", text), peer);
	return listen_until(e, peer, now + c->timeout) ? fault_of(e) : TT_ETIMEDOUT;
}

/* Test until done.  awaits: the rank that this is about, -1: all. */
static tt_status test_until(struct end *e, MPI_Request *m, MPI_Status *status, int awaits,
                            double deadline)
{
	const int spins = spins_for(e, awaits);
	struct world *f = e->family;
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
			world_listen(f, awaits);
			if (e->streams)
				tcp_move(e->streams);
		}
		if (atomic_load(&f->broken))
			return fault_of(e);
		if (looks % COUNT_EACH == COUNT_EACH - 1 && (st = look_for_dead(e)) != TT_OK)
			return st;
		if (looks % LISTEN_EACH == 0 && thread_seconds() > deadline)
			return err_set(TT_ETIMEDOUT, "rank %d is silent", awaits);
		pause_after(looks, spins);
	}
}

/* ---- messages ---- */

static tt_status post_stream(struct end *e, struct comm_request *r)
{
	tt_status st = r->outgoing ? tcp_send(e->streams, r) : tcp_recv(e->streams, r);

	return st == TT_OK ? TT_OK : lost(e, tcp_lost(e->streams));
}

/* Send or receive, as r says. */
static tt_status end_post(struct comm *c, struct comm_request *r)
{
	struct end *e = (struct end *)c;
	MPI_Request m;
	int rc;

	if (by_stream(e, r))
		return post_stream(e, r);
	if (r->n > INT_MAX)
		return err_set(TT_EINVAL, "a message of %zu bytes: MPI counts to %d", r->n, INT_MAX);
	world_enter(e->family);
	rc = r->outgoing ? MPI_Isend(r->p, (int)r->n, MPI_BYTE, r->peer, r->tag, e->mpi, &m)
	                 : MPI_Irecv(r->p, (int)r->n, MPI_BYTE, r->peer, r->tag, e->mpi, &m);
	world_leave(e->family);
	if (rc != MPI_SUCCESS)
		return world_error(r->outgoing ? "MPI_Isend" : "MPI_Irecv", rc);
	set_request(r, m);
	e->asked++;
	return TT_OK;
}

/* The kernel wakes us when something moves; but notices come by MPI, and so does what neighbours
 * send, which moves only while somebody asks. */
static tt_status wait_stream(struct end *e, struct comm_request *r, double deadline)
{
	struct world *f = e->family;
	tt_status st;

	for (;;) {
		const double pause = e->asked ? 1e-9 * NAP_MAX : LISTEN_SECONDS;
		const double soon = thread_seconds() + pause;

		st = tcp_wait(e->streams, r, soon < deadline ? soon : deadline);
		if (st != TT_ETIMEDOUT)
			return st == TT_OK ? TT_OK : lost(e, tcp_lost(e->streams));
		world_listen(f, r->peer);
		if (atomic_load(&f->broken))
			return fault_of(e);
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
	if (by_stream(e, r))
		return wait_stream(e, r, deadline);
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
	if (by_stream(e, r)) {
		tcp_cancel(e->streams, r);
		return;
	}
	r->phase = OVER;
	e->asked--;
	if (m == MPI_REQUEST_NULL)
		return;
	world_enter(e->family);
	if (!r->outgoing)
		MPI_Cancel(&m);
	MPI_Request_free(&m);
	world_leave(e->family);
}

static int end_blame(struct comm *c, int peer)
{
	struct end *e = (struct end *)c;
	int culprit = world_roll_call(e->family, peer, c->timeout);

	if (atomic_load(&e->family->broken))
		fault_of(e);
	return culprit;
}

static void end_abandon(struct comm *c, const struct comm_fault *why)
{
	world_tell_fault(((struct end *)c)->family, why);
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

		world_enter(e->family);
		rc = MPI_Iallreduce(MPI_IN_PLACE, x + lo, (int)part, MPI_FLOAT, MPI_SUM, e->mpi, &m);
		world_leave(e->family);
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

	return cma_read(e->family, rank, to, from, n) == TT_OK ? TT_OK : lost(e, rank);
}

static const void *end_view(struct comm *c, int rank, const void *from, size_t n)
{
	struct end *e = (struct end *)c;
	const char *lo = from;
	struct view *v = e->view;

	if (!v)
		return NULL;
	while (v < e->view + e->views && (v->rank != rank || lo < v->at.lo || lo >= v->at.hi))
		v++;
	if (v == e->view + VIEWS * c->locals)
		return NULL;
	if (v == e->view + e->views) {
		v->rank = rank;
		shm_map(e->family->neighbour[rank], from, &v->at);
		e->views++;
	}
	return v->at.here && n <= (size_t)(v->at.hi - lo) ? v->at.here + (lo - v->at.lo) : NULL;
}

/* ---- opening and closing ---- */

static void world_free(struct world *f)
{
	pthread_mutex_destroy(&f->mpi_lock);
	pthread_mutex_destroy(&f->control_lock);
	mem_free(f->telling);
	mem_free(f->awaits);
	mem_free(f->names);
	mem_free(f->name_text);
	mem_free(f->host_of);
	mem_free(f->neighbour);
	mem_free(f);
}

/* All ranks are here: MPI_Finalize, which has no deadline, will not wait for the dead. */
static tt_status farewell(struct end *e)
{
	MPI_Request m;
	int rc = MPI_Ibarrier(e->family->control, &m);

	if (rc != MPI_SUCCESS)
		return world_error("MPI_Ibarrier", rc);
	return test_until(e, &m, MPI_STATUS_IGNORE, -1, thread_seconds() + e->comm.timeout);
}

/* After a fault MPI is left as it stands, its buffers and ours with it. */
static void end_close(struct comm *c)
{
	struct end *e = (struct end *)c;
	struct world *f = e->family;
	int left = --f->refs, whole = !atomic_load(&f->broken);

	if (whole && left == 0)
		whole = farewell(e) == TT_OK;
	if (whole)
		MPI_Comm_free(&e->mpi);
	tcp_close(&e->streams);
	for (int i = 0; i < e->views; i++)
		shm_unmap(&e->view[i].at);
	mem_free(e->view);
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
	e->family = f;
	e->comm = (struct comm){
		.ops = &mpi_ops, .rank = f->rank, .size = f->size, .host = f->host, .hosts = f->hosts,
		.local = f->local, .locals = f->locals, .timeout = timeout, .names = f->names,
		.host_of = f->host_of, .near = f->near,
	};
	world_enter(f);
	rc = MPI_Comm_dup(from, &e->mpi);
	if (rc == MPI_SUCCESS)
		MPI_Comm_set_errhandler(e->mpi, MPI_ERRORS_RETURN);
	world_leave(f);
	if (rc != MPI_SUCCESS) {
		mem_free(e);
		return world_error("MPI_Comm_dup", rc);
	}
	if ((st = route_open(&e->streams, f, e->mpi)) != TT_OK) {
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
	tt_status st = end_open(e->family, e->mpi, c->timeout, out);

	/* Without room for views there are copies. */
	if (st == TT_OK && c->near)
		((struct end *)*out)->view = mem_calloc((size_t)(VIEWS * c->locals), sizeof(struct view));
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
	pthread_mutex_init(&f->control_lock, NULL);
	f->serialized = level < MPI_THREAD_MULTIPLE;
	f->owns_mpi = owns;
	f->transport = transport;
	MPI_Comm_rank(MPI_COMM_WORLD, &f->rank);
	MPI_Comm_size(MPI_COMM_WORLD, &f->size);
	n = (size_t)f->size;
	f->telling = mem_calloc(2 * n, sizeof *f->telling);
	f->awaits = mem_calloc(n, sizeof *f->awaits);
	f->names = mem_calloc(n, sizeof *f->names);
	f->name_text = mem_calloc(n, MPI_NAME_MAX);
	f->host_of = mem_calloc(n, sizeof *f->host_of);
	f->neighbour = mem_calloc(n, sizeof *f->neighbour);
	if (!f->telling || !f->awaits || !f->names || !f->name_text || !f->host_of ||
	    !f->neighbour) {
		world_free(f);
		return TT_ENOMEM;
	}
	*out = f;
	return TT_OK;
}

/* A failure here, before ranks can tell one another, ends as the launcher sees fit. */
tt_status mpi_comm_open(struct comm **out, double timeout, enum comm_transport transport)
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

const char *mpi_version(void) { return VERSION; }
