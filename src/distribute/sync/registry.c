/* registry.c -- the table of rules, and what is the same for all of them. */
#include "distribute/sync/registry.h"

#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "distribute/sync/trace.h"

#define SMALL     (1 << 16)     /* parameters: not worth long measuring */
#define HEAR_EACH 0.5           /* seconds */
#define HEAR_MORE 4             /* times the steps of the last pause, at most */

const struct sync_ops *const sync_strategies[] = {
	&sync_allreduce, &sync_average, &sync_easgd, &sync_eamsgd, &sync_ensemble, NULL,
};
const char *const sync_words[] = {
	"allreduce", "average", "easgd", "eamsgd", "ensemble", NULL
};

/* ---- talking, for rules ---- */

/* Threads look into each other's memory and send little or nothing; rules are compared all the
 * same. */
uint64_t sync_bytes(const struct comm *c, uint64_t sent, size_t n, enum comm_wire wire)
{
	const size_t width = wire == WIRE_F32 ? 4 : 2, size = (size_t)c->size;

	return c->one_space ? 2 * (size - 1) * n * width / size : c->sent - sent;
}

void sync_count(struct sync *s, double start, uint64_t bytes)
{
	const double now = thread_seconds();

	s->stats.wire_seconds += now - start;
	s->stats.exposed_seconds += now - start;
	s->stats.bytes_sent += bytes;
	s->stats.exchanges++;
	trace_span(s->host.trace, TRACE_WAIT, "exchange", s->at.step, (const double[]){ start, now });
}

tt_status sync_apply_range(struct sync *s, size_t lo, size_t hi)
{
	if (s->host.by_range && s->at.samples)
		s->host.apply(s->host.ctx, lo, hi);
	return TT_OK;
}

struct comm_allreduce_opts sync_how(const struct distribute_opts *o)
{
	return (struct comm_allreduce_opts){
		.algorithm = o->deterministic ? ALGO_DIRECT : (enum comm_algorithm)o->algorithm,
		.wire = (enum comm_wire)o->wire,
	};
}

int sync_shares_products(const struct comm *c, const struct distribute_opts *o, int by_range)
{
	const struct comm_allreduce_opts how = sync_how(o);

	return o->shard_optimizer && by_range && comm_has_views(c, &how);
}

tt_status sync_sum(struct sync *s, float *x, size_t n)
{
	struct comm_allreduce_opts how = sync_how(s->host.opts);
	double start = thread_seconds();
	uint64_t sent = s->host.comm->sent;
	tt_status st;

	how.wire = WIRE_F32;
	how.scratch = s->scratch;
	st = comm_allreduce(s->host.comm, x, n, &how);
	sync_count(s, start, sync_bytes(s->host.comm, sent, n, WIRE_F32));
	return st;
}

tt_status sync_exchange_sums(struct sync *s)
{
	s->exchanged = 1;
	return sync_sum(s, s->host.grads + s->host.param_count, s->host.sums);
}

tt_status sync_share(struct sync *s, double samples, float *out)
{
	const int n = s->host.comm->size;
	double total = 0, all[n];
	tt_status st = comm_allgather(s->host.comm, &samples, sizeof samples, all);

	for (int i = 0; st == TT_OK && i < n; i++)
		total += all[i];
	*out = (float)(total > 0 ? samples / total : 1.0 / n);
	return st;
}

tt_status sync_all_gather(struct sync *s, const float *mine, size_t n, float *all)
{
	struct comm *c = s->host.comm;
	const double start = thread_seconds();
	const uint64_t sent = c->sent, ring = (uint64_t)(c->size - 1) * n * sizeof *mine;
	tt_status st;

	c->doing = "a batch norm of all workers";
	st = comm_allgather(c, mine, n * sizeof *mine, all);
	sync_count(s, start, c->sent > sent ? c->sent - sent : ring);
	return st;
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
	size_t largest = most(most(h->param_count, h->buffer_count), h->sums), n;

	n = comm_allreduce_scratch(h->comm, largest);
	s->scratch = mem_alloc_aligned((n + 1) * sizeof *s->scratch);
	return s->scratch ? TT_OK : TT_ENOMEM;
}

static tt_status same_start(struct sync *s)
{
	const struct sync_host *h = &s->host;
	const size_t size = sizeof(float);
	tt_status st;

	h->comm->doing = "the start";
	if ((st = comm_broadcast(h->comm, 0, h->params, h->param_count * size)) != TT_OK ||
	    (h->buffer_count &&
	     (st = comm_broadcast(h->comm, 0, h->buffers, h->buffer_count * size)) != TT_OK))
		return st;
	for (int i = 0; i < h->slots; i++)
		if ((st = comm_broadcast(h->comm, 0, h->slot(h->ctx, i), h->param_count * size)) != TT_OK)
			return st;
	return TT_OK;
}

/* Which algorithm is the fastest, and how large buckets should be. */
static tt_status measure(const struct sync *s)
{
	const struct sync_host *h = &s->host;
	const struct distribute_opts *o = h->opts;
	const double seconds = h->param_count > SMALL ? 2.0 : 0.02;

	if (h->comm->size == 1 || o->deterministic || s->ops->apart ||
	    (o->algorithm != ALGO_AUTO && o->bucket_bytes))
		return TT_OK;
	h->comm->doing = "measuring the wire";
	return comm_measure(h->comm, h->param_count, seconds);
}

const struct sync_ops *sync_pick(const struct distribute_opts *o, int world)
{
	const struct sync_ops *row = sync_strategies[o->strategy];

	return world == 1 && row->collective ? &sync_single : row;
}

static tt_status start_together(struct sync *s)
{
	tt_status st;

	if (!s->ops->collective)
		return TT_OK;
	if ((st = make_scratch(s)) != TT_OK || (st = measure(s)) != TT_OK)
		return st;
	return s->ops->apart ? TT_OK : same_start(s);
}

tt_status sync_open(struct sync **out, const struct sync_host *h)
{
	struct sync *s = mem_calloc(1, sizeof *s);
	tt_status st;

	if (!s)
		return TT_ENOMEM;
	s->host = *h;
	s->ops = h->strategy ? h->strategy : sync_pick(h->opts, h->comm->size);
	if ((st = start_together(s)) != TT_OK || (st = s->ops->open(s)) != TT_OK) {
		sync_close(&s);
		return st;
	}
	*out = s;
	return TT_OK;
}

void sync_close(struct sync **s)
{
	if (!s || !*s)
		return;
	(*s)->ops->close(*s);
	mem_free((*s)->scratch);
	mem_free(*s);
	*s = NULL;
}

/* ---- a step ---- */

tt_status sync_begin(struct sync *s, const struct sync_step *at)
{
	s->at = *at;
	s->moved += at->samples;
	s->exchanged = 0;
	s->stop = 0;
	s->host.comm->doing = s->ops->name;
	return s->ops->begin ? s->ops->begin(s) : TT_OK;
}

/* What lies below lo was needed before. */
tt_status sync_wait_params(struct sync *s, size_t lo, size_t hi)
{
	(void)lo;
	return s->ops->need ? s->ops->need(s, hi) : TT_OK;
}

tt_status sync_flush(struct sync *s)
{
	return s->ops->settle ? s->ops->settle(s) : TT_OK;
}

tt_status sync_grad_ready(struct sync *s, size_t lo, size_t hi)
{
	return s->ops->ready(s, lo, hi);
}

/* Steps until ranks hear of one another again. */
static int64_t next_pause(const struct sync *s, double now)
{
	const double steps = HEAR_EACH * (double)s->heard.pause / (now - s->heard.seconds + 1e-9);
	const int64_t most = HEAR_MORE * s->heard.pause;

	return steps < 1 ? 1 : steps > (double)most ? most : (int64_t)steps;
}

/* Ranks that go alone hear of one another about twice a second, all after the same step: who wants
 * to stop, and who has died.  No sum is made then, whose bits would depend on clocks. */
static tt_status hear(struct sync *s)
{
	const int n = s->host.comm->size;
	const double now = thread_seconds();
	struct { int64_t pause; int32_t stop, unused; } all[n], mine = { 1, s->at.wants_stop, 0 };
	tt_status st;

	if (s->heard.pause)
		mine.pause = next_pause(s, now);
	s->host.comm->doing = "word of the other workers";
	if ((st = comm_allgather(s->host.comm, &mine, sizeof mine, all)) != TT_OK)
		return st;
	sync_count(s, now, (uint64_t)(n - 1) * sizeof mine);
	for (int r = 0; r < n; r++)
		s->stop |= all[r].stop;
	s->heard.seconds = now;
	s->heard.pause = all[0].pause > 0 ? all[0].pause : 1;
	s->heard.next = s->at.step + s->heard.pause;
	return TT_OK;
}

tt_status sync_finish(struct sync *s)
{
	tt_status st = s->ops->finish(s);

	if (st != TT_OK || !s->alone || s->exchanged || s->at.step < s->heard.next)
		return st;
	return hear(s);
}

/* ---- between steps ---- */

static tt_status at_point(struct sync *s, tt_status (*f)(struct sync *))
{
	tt_status st = sync_flush(s);

	s->exchanged = 0;
	if (st == TT_OK && f)
		st = f(s);
	return st == TT_OK && !s->exchanged ? sync_exchange_sums(s) : st;
}

tt_status sync_epoch_end(struct sync *s)
{
	return at_point(s, s->ops->epoch_end);
}

tt_status sync_end(struct sync *s)
{
	return at_point(s, s->ops->end);
}

static tt_status average_buffers(struct sync *s)
{
	const struct sync_host *h = &s->host;
	float share;
	tt_status st;

	if (!s->ops->collective || s->ops->apart || !h->buffer_count || h->comm->size == 1 ||
	    h->opts->sync_batchnorm)
		return TT_OK;
	if ((st = sync_share(s, s->moved, &share)) != TT_OK)
		return st;
	s->moved = 0;
	for (size_t i = 0; i < h->buffer_count; i++)
		h->buffers[i] *= share;
	return sync_sum(s, h->buffers, h->buffer_count);
}

tt_status sync_consolidate(struct sync *s)
{
	tt_status st;

	s->host.comm->doing = "a meeting before validation or checkpoint";
	if (s->met)
		return TT_OK;
	if ((st = sync_flush(s)) != TT_OK ||
	    (st = average_buffers(s)) != TT_OK ||
	    (s->ops->meet && (st = s->ops->meet(s)) != TT_OK))
		return st;
	s->met = 1;
	return TT_OK;
}

void sync_resume(struct sync *s)
{
	if (s->met && s->ops->part)
		s->ops->part(s);
	s->met = 0;
}
