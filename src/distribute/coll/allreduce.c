/* allreduce.c -- the table of algorithms. */
#include <stdalign.h>

#include "distribute/coll/coll_internal.h"

const char *const comm_algorithm_words[] = {
	[ALGO_AUTO] = "auto", [ALGO_RING] = "ring", [ALGO_TREE] = "tree",
	[ALGO_HALVING_DOUBLING] = "halving-doubling", [ALGO_HIERARCHICAL] = "hierarchical",
	[ALGO_LIBRARY] = "library", [ALGO_DIRECT] = "direct", [ALGO_COUNT] = NULL
};

/* The transport's own, where it has one. */
static tt_status library(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	tt_status st;

	if (!c->ops->allreduce)
		return err_set(TT_ESUPPORT, "algorithm library: the %s transport has no all-reduce of its "
		               "own; choose ring or auto", c->ops->name);
	if (o->wire != WIRE_F32)
		return err_set(TT_ESUPPORT, "algorithm library sends f32 only, not %s: choose ring or auto",
		               comm_wire_words[o->wire]);
	st = c->ops->allreduce(c, x, n);
	if (st == TT_OK || c->fault.status != TT_OK)
		return st;
	return st == TT_ETIMEDOUT ? comm_name_silent(c, (c->rank + 1) % c->size)
	                          : comm_give_up(c, st, c->rank);
}

static comm_algorithm_fn *const algorithms[ALGO_COUNT] = {
	[ALGO_AUTO] = comm_halves, [ALGO_RING] = comm_ring, [ALGO_TREE] = comm_tree,
	[ALGO_HALVING_DOUBLING] = comm_halving,
	[ALGO_HIERARCHICAL] = comm_hierarchical, [ALGO_LIBRARY] = library,
	[ALGO_DIRECT] = comm_direct,
};

/* The tree has three lanes and the others two; hierarchical keeps a pointer per rank besides. */
size_t comm_allreduce_scratch(const struct comm *c, size_t n)
{
	size_t lanes = 3 * channel_scratch(n) + (2 * (size_t)c->size + 15) / 16 * 16;
	size_t direct = comm_direct_scratch(c, n);

	return lanes > direct ? lanes : direct;
}

int comm_order_shows_cuts(const struct comm_allreduce_opts *o)
{
	return o->algorithm != ALGO_AUTO && o->algorithm != ALGO_DIRECT;
}

tt_status comm_allreduce(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	if (c->fault.status != TT_OK)
		return err_set(c->fault.status, "%s", c->fault.text);
	if (c->size == 1 || n == 0)
		return TT_OK;
	return algorithms[o->algorithm](c, x, n, o);
}
