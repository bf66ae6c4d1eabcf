/* sum.c -- the sum of all for all; and of the few numbers that lead, in rank order. */
#include "distribute/coll/coll.h"
#include "distribute/sync/travel/cut.h"

static int is_lead(const struct travel_case *c) { return c->kind == TRAVEL_LEAD; }
static int is_sums(const struct travel_case *c) { return c->kind == TRAVEL_SUMS; }

static tt_status send_lead(const struct cut *c, const struct bucket *u, struct travel_end *end)
{
	const struct comm_allreduce_opts how = { ALGO_DIRECT, WIRE_F32, end->how.scratch };

	return comm_allreduce(end->comm, c->x + u->lo, u->hi - u->lo, &how);
}

static tt_status send_sum(const struct cut *c, const struct bucket *u, struct travel_end *end)
{
	return comm_allreduce(end->comm, c->x + u->lo, u->hi - u->lo, &end->how);
}

const struct travel travel_lead = {
	.name = "lead", .help = "a few numbers first", .summed = 1, .fits = is_lead,
	.send = send_lead,
};

const struct travel travel_sum = {
	.name = "sum", .help = "sums of all ranks for all", .summed = 1, .fits = is_sums,
	.send = send_sum,
};
