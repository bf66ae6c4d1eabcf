/* products.c -- in one host's memory no factor travels: each rank makes its part of the sum of
 * products from all ranks' factors, where they lie, optimizes it and hands out the parameters. */
#include "distribute/coll/coll.h"
#include "distribute/sync/travel/factored.h"

static int fits(const struct travel_case *c)
{
	return c->kind == TRAVEL_FACTORS && c->shared && c->share_products &&
	       comm_has_halves(c->end->comm, &c->end->how);
}

static tt_status send(const struct cut *c, const struct bucket *u, struct travel_end *end)
{
	const struct sync_host *h = &c->sync->host;
	const struct cut_range *r = &c->range[u->range];
	const size_t n = u->hi - u->lo;
	const struct comm_span own = comm_own_part(end->comm, n, &end->how);
	tt_status st = comm_view_all(end->comm, c->x + u->lo, r->at.n, &end->how, r->all, c->views);

	if (st == TT_OK && own.lo < own.hi)
		st = h->apply_product(h->ctx, u->range, c->views, u->lo + own.lo, u->lo + own.hi, c->work);
	return st == TT_OK ? comm_gather_parts(end->comm, h->params + u->lo, n, &end->how) : st;
}

const struct travel travel_products = {
	.name = "products", .help = "each rank makes a part of the products, in shared memory",
	.summed = 1, .in_parts = 1, .whole = 1, .fits = fits, .open = factored_open,
	.close = factored_close, .send = send,
};
