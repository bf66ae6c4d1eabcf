/* sharded.c -- each rank optimizes its part of the sum and hands out the parameters that this makes
 * (ZeRO's first stage: Rajbhandari et al. 2020): the same bytes as sums of all for all, but an Nth
 * of the work. */
#include "distribute/coll/coll.h"
#include "distribute/sync/travel/cut.h"

static int fits(const struct travel_case *c)
{
	return c->kind == TRAVEL_SUMS && c->shared && comm_has_halves(c->end->comm, &c->end->how);
}

static tt_status send(const struct cut *c, const struct bucket *u, struct travel_end *end)
{
	const struct sync_host *h = &c->sync->host;
	const size_t n = u->hi - u->lo;
	struct comm_span own;
	tt_status st = comm_reduce_scatter(end->comm, h->grads + u->lo, n, &end->how, &own);

	if (st == TT_OK && own.lo < own.hi)
		h->apply(h->ctx, u->lo + own.lo, u->lo + own.hi);
	return st == TT_OK ? comm_gather_parts(end->comm, h->params + u->lo, n, &end->how) : st;
}

const struct travel travel_sharded = {
	.name = "sharded", .help = "each rank optimizes a part of the sum", .summed = 1,
	.in_parts = 1, .fits = fits, .send = send,
};
