#include "distribute/sync/collective.h"

#include <string.h>

#include "base/mem.h"
#include "distribute/coll/coll.h"
#include "distribute/sync/own.h"
#include "distribute/sync/trace.h"
#include "sys/thread.h"

#define SMALL     (1 << 16)     /* parameters: not worth long measuring */
#define HEAR_EACH 0.5           /* seconds */
#define HEAR_MORE 4             /* times the steps of the last pause, at most */

static struct collective *base(const struct sync *s) { return s->own; }

/* ---- what it costs ---- */

/* Threads look into each other's memory and send little or nothing; strategies are compared
 * all the same. */
uint64_t collective_bytes(const struct comm *c, uint64_t sent, size_t n, enum comm_wire wire)
{
	const size_t width = wire == WIRE_F32 ? 4 : 2, size = (size_t)c->size;

	return c->one_space ? 2 * (size - 1) * n * width / size : c->sent - sent;
}

void collective_count(struct sync *s, double start, uint64_t bytes)
{
	const double now = thread_seconds();

	s->stats.wire_seconds += now - start;
	s->stats.exposed_seconds += now - start;
	s->stats.bytes_sent += bytes;
	s->stats.exchanges++;
	trace_span(s->host.trace, TRACE_WAIT, "exchange", s->at.step, (const double[]){ start, now });
}

/* ---- exchanges ---- */

struct comm_allreduce_opts collective_how(const struct distribute_opts *o)
{
	return (struct comm_allreduce_opts){
		.algorithm = o->deterministic ? ALGO_DIRECT : (enum comm_algorithm)o->algorithm,
		.wire = (enum comm_wire)o->wire,
	};
}

int sync_shares_products(const struct comm *c, const struct distribute_opts *o, int by_range)
{
	const struct comm_allreduce_opts how = collective_how(o);

	return o->shard_optimizer && by_range && comm_has_views(c, &how);
}

tt_status collective_sum(struct sync *s, float *x, size_t n)
{
	struct comm_allreduce_opts how = collective_how(s->host.opts);
	double start = thread_seconds();
	uint64_t sent = s->host.comm->sent;
	tt_status st;

	how.wire = WIRE_F32;
	how.scratch = base(s)->scratch;
	st = comm_allreduce(s->host.comm, x, n, &how);
	collective_count(s, start, collective_bytes(s->host.comm, sent, n, WIRE_F32));
	return st;
}

tt_status collective_sums(struct sync *s)
{
	s->exchanged = 1;
	return collective_sum(s, s->host.grads + s->host.param_count, s->host.sums);
}

tt_status collective_share(struct sync *s, double samples, float *out)
{
	const int n = s->host.comm->size;
	double total = 0, all[n];
	tt_status st = comm_allgather(s->host.comm, &samples, sizeof samples, all);

	for (int i = 0; st == TT_OK && i < n; i++)
		total += all[i];
	*out = (float)(total > 0 ? samples / total : 1.0 / n);
	return st;
}

tt_status collective_all_gather(struct sync *s, const float *mine, size_t n, float *all)
{
	struct comm *c = s->host.comm;
	const double start = thread_seconds();
	const uint64_t sent = c->sent, ring = (uint64_t)(c->size - 1) * n * sizeof *mine;
	tt_status st;

	c->doing = "a batch norm or the weights of all workers";
	st = comm_allgather(c, mine, n * sizeof *mine, all);
	collective_count(s, start, c->sent > sent ? c->sent - sent : ring);
	return st;
}

/* ---- buffers ---- */

/* May those of the ranks differ now?  The same answer on all. */
static int buffers_differ(const struct sync *s)
{
	const struct sync_host *h = &s->host;

	return h->buffer_count && h->comm->size > 1 && !s->strategy->apart &&
	       !h->opts->sync_batchnorm && base(s)->moved.steps > 0;
}

static tt_status average_buffers(struct sync *s)
{
	const struct sync_host *h = &s->host;
	float share;
	tt_status st = collective_share(s, base(s)->moved.samples, &share);

	if (st != TT_OK)
		return st;
	for (size_t i = 0; i < h->buffer_count; i++)
		h->buffers[i] *= share;
	return collective_sum(s, h->buffers, h->buffer_count);
}

tt_status collective_settle(struct sync *s)
{
	struct collective *c = base(s);
	tt_status st = buffers_differ(s) ? average_buffers(s) : TT_OK;

	c->moved.samples = c->moved.steps = 0;
	return st;
}

tt_status collective_end(struct sync *s)
{
	tt_status st = collective_settle(s);

	return st == TT_OK ? collective_sums(s) : st;
}

tt_status collective_consolidate(struct sync *s)
{
	struct collective *c = base(s);

	s->host.comm->doing = "a meeting before validation or checkpoint";
	c->averaged = buffers_differ(s);
	if (!c->averaged)
		return TT_OK;
	memcpy(c->buffers, s->host.buffers, s->host.buffer_count * sizeof *c->buffers);
	return average_buffers(s);
}

void collective_resume(struct sync *s)
{
	struct collective *c = base(s);

	if (c->averaged)
		memcpy(s->host.buffers, c->buffers, s->host.buffer_count * sizeof *c->buffers);
	c->averaged = 0;
}

void collective_own(struct sync *s, struct own_list *l)
{
	struct collective *c = base(s);
	const int live = buffers_differ(s);

	own_add(l, (struct own_part){ "buffers", OWN_FLOATS, s->host.buffer_count,
	                              c->averaged ? c->buffers : s->host.buffers, live });
	own_add(l, (struct own_part){ "buffers.since", OWN_NUMBERS, 2, &c->moved, live });
}

/* ---- a step: who goes alone hears of the others ---- */

/* Steps until ranks hear of one another again. */
static int64_t next_pause(const struct collective *c, double now)
{
	const double steps = HEAR_EACH * (double)c->heard.pause / (now - c->heard.seconds + 1e-9);
	const int64_t most = HEAR_MORE * c->heard.pause;

	return steps < 1 ? 1 : steps > (double)most ? most : (int64_t)steps;
}

/* All after the same step: who wants to stop, and who has died.  No sum is made then, whose bits
 * would depend on clocks. */
static tt_status hear(struct sync *s)
{
	struct collective *c = base(s);
	const int n = s->host.comm->size;
	const double now = thread_seconds();
	struct { int64_t pause; int32_t stop, unused; } all[n], mine = { 1, s->at.wants_stop, 0 };
	tt_status st;

	if (c->heard.pause)
		mine.pause = next_pause(c, now);
	s->host.comm->doing = "word of the other workers";
	if ((st = comm_allgather(s->host.comm, &mine, sizeof mine, all)) != TT_OK)
		return st;
	collective_count(s, now, (uint64_t)(n - 1) * sizeof mine);
	for (int r = 0; r < n; r++)
		s->stop |= all[r].stop;
	c->heard.seconds = now;
	c->heard.pause = all[0].pause > 0 ? all[0].pause : 1;
	c->heard.next = s->at.step + c->heard.pause;
	return TT_OK;
}

void collective_begin(struct sync *s)
{
	base(s)->moved.samples += s->at.samples;
	base(s)->moved.steps++;
	s->host.comm->doing = s->strategy->name;
}

tt_status collective_hear(struct sync *s)
{
	return !s->alone || s->exchanged || s->at.step < base(s)->heard.next ? TT_OK : hear(s);
}

/* ---- life ---- */

static size_t most(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* One exchange may hold the parameters, the buffers or the sums. */
static tt_status make_scratch(struct sync *s)
{
	const struct sync_host *h = &s->host;
	struct collective *c = base(s);
	size_t largest = most(most(h->param_count, h->buffer_count), h->sums), n;

	n = comm_allreduce_scratch(h->comm, largest);
	c->scratch = mem_alloc_aligned((n + 1) * sizeof *c->scratch);
	c->buffers = mem_alloc_aligned((h->buffer_count + 1) * sizeof *c->buffers);
	return c->scratch && c->buffers ? TT_OK : TT_ENOMEM;
}

static tt_status same_start(struct sync *s)
{
	const struct sync_host *h = &s->host;
	const size_t size = sizeof(float), buffers = h->buffer_count + h->frozen_buffers;
	tt_status st;

	h->comm->doing = "the start";
	if ((st = comm_broadcast(h->comm, 0, h->params,
	                         (h->param_count + h->frozen_params) * size)) != TT_OK ||
	    (buffers && (st = comm_broadcast(h->comm, 0, h->buffers, buffers * size)) != TT_OK))
		return st;
	for (int i = 0; i < sync_vectors(h); i++)
		if ((st = comm_broadcast(h->comm, 0, h->slot(h->ctx, i), h->param_count * size)) != TT_OK)
			return st;
	return TT_OK;
}

/* How large should buckets be? */
static tt_status measure(const struct sync *s)
{
	const struct sync_host *h = &s->host;
	const struct distribute_opts *o = h->opts;
	const struct comm_allreduce_opts how = collective_how(o);
	const double seconds = h->param_count > SMALL ? 2.0 : 0.02;

	if (h->comm->size == 1 || o->deterministic || s->strategy->apart || o->bucket_bytes)
		return TT_OK;
	h->comm->doing = "measuring the wire";
	return comm_measure(h->comm, h->param_count, &how, seconds);
}

tt_status collective_open(struct sync *s, size_t own)
{
	tt_status st;

	if (!(s->own = mem_calloc(1, own)))
		return TT_ENOMEM;
	if ((st = make_scratch(s)) != TT_OK || (st = measure(s)) != TT_OK)
		return st;
	return s->strategy->apart ? TT_OK : same_start(s);
}

void collective_close(struct sync *s)
{
	if (!s->own)
		return;
	mem_free(base(s)->scratch);
	mem_free(base(s)->buffers);
	mem_free(s->own);
	s->own = NULL;
}
