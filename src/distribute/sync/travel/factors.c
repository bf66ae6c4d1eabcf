/* factors.c -- everybody's factors are gathered, and each rank makes the sum of their products when
 * the last bucket of a range is taken (sufficient factor broadcasting; Zhang et al., Poseidon,
 * 2017). */
#include <string.h>

#include "distribute/coll/coll.h"
#include "distribute/sync/trace.h"
#include "distribute/sync/travel/factored.h"
#include "sys/thread.h"

static int fits(const struct travel_case *c) { return c->kind == TRAVEL_FACTORS; }

/* Floats of a bucket of factors that are there: the first of all says how many these are. */
static size_t filled(const struct bucket *u, const float *all, size_t from)
{
	uint32_t n;

	memcpy(&n, all, sizeof n);
	n += n == 0;
	return n <= from ? 0 : n - from < u->floats ? n - from : u->floats;
}

static tt_status send(const struct cut *c, const struct bucket *u, struct travel_end *end)
{
	const struct cut_range *r = &c->range[u->range];
	const size_t size = sizeof *r->all, from = u->lo - r->at.lo;

	return comm_allgather_uneven(end->comm, c->x + u->lo, filled(u, c->x + r->at.lo, from) * size,
	                             u->floats * size, r->all + from, r->at.n * size);
}

static tt_status take(struct cut *c, struct bucket *u, struct buckets_sum *out)
{
	const struct sync_host *h = &c->sync->host;
	struct cut_range *r = &c->range[u->range];
	double at[2] = { thread_seconds() };
	tt_status st;

	*out = (struct buckets_sum){ u->lo, u->hi, 1 };
	if (++r->taken < r->buckets)
		return TT_OK;
	r->taken = 0;
	for (int k = 0; k < h->comm->size; k++)
		c->views[k] = r->all + (size_t)k * r->at.n;
	st = h->multiply(h->ctx, u->range, c->views, c->work);
	at[1] = thread_seconds();
	trace_span(h->trace, TRACE_COMPUTE, "factors of bucket", u - c->bucket, at);
	*out = (struct buckets_sum){ r->at.lo, r->at.hi, 0 };
	return st;
}

const struct travel travel_factors = {
	.name = "factors", .help = "the factors of all ranks, multiplied by each", .fits = fits,
	.open = factored_open, .close = factored_close, .send = send, .take = take,
};
