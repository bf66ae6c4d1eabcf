/* hierarchical.c -- inside a host by memory, between hosts by a ring of one leader each: what
 * crosses the wire does not grow with the ranks per host.
 *
 * Where ranks read one another's memory each is the leader of a slice (reduce_scatter.c). Elsewhere
 * they hand theirs to the one leader piece by piece. */
#include "distribute/coll/coll_internal.h"

static int leader_of(const struct comm *c, int host)
{
	int r = 0;

	while (r < c->size && c->host_of[r] != host)
		r++;
	return r;
}

/* The rank after r on the same host, c->size at the end: ranks of a host need not be neighbours. */
static int next_member(const struct comm *c, int r)
{
	int host = c->host_of[r];

	for (r++; r < c->size && c->host_of[r] != host; r++)
		;
	return r;
}

static tt_status gather_by_message(struct comm *c, int leader, float *x, size_t n,
                                   const struct comm_allreduce_opts *o)
{
	struct pump p = { .to = leader, .from = leader, .in = x, .out = x };
	tt_status st = TT_OK;

	if (c->rank != leader) {
		p.n_out = n;
		return comm_pump(c, p, PUMP_ADD, o);
	}
	p.n_in = n;
	for (int r = next_member(c, leader); r < c->size && st == TT_OK; r = next_member(c, r)) {
		p.from = r;
		st = comm_pump(c, p, PUMP_ADD, o);
	}
	return st;
}

static tt_status spread_by_message(struct comm *c, int leader, float *x, size_t n,
                                   const struct comm_allreduce_opts *o)
{
	struct pump p = { .to = leader, .from = leader, .in = x, .out = x };
	tt_status st = TT_OK;

	if (c->rank != leader) {
		p.n_in = n;
		return comm_pump(c, p, PUMP_TAKE, o);
	}
	p.n_out = n;
	for (int r = next_member(c, leader); r < c->size && st == TT_OK; r = next_member(c, r)) {
		p.to = r;
		st = comm_pump(c, p, PUMP_TAKE, o);
	}
	return st;
}

static tt_status between_leaders(struct comm *c, float *x, size_t n,
                                 const struct comm_allreduce_opts *o)
{
	struct circle leaders = { c->host, c->hosts, leader_of(c, (c->host + c->hosts - 1) % c->hosts),
	                          leader_of(c, (c->host + 1) % c->hosts) };

	return c->hosts > 1 ? comm_ring_of(c, leaders, x, n, o) : TT_OK;
}

tt_status comm_hierarchical(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	struct comm_allreduce_opts inside = *o;
	int leader = leader_of(c, c->host);
	tt_status st;

	if (comm_by_memory(c))
		return comm_halves(c, x, n, o);
	inside.wire = WIRE_F32;
	if ((st = gather_by_message(c, leader, x, n, &inside)) != TT_OK ||
	    (c->rank == leader && (st = between_leaders(c, x, n, o)) != TT_OK))
		return st;
	return spread_by_message(c, leader, x, n, &inside);
}
