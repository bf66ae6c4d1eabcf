/* hierarchical.c -- inside a host by memory, between hosts by a ring of one leader each: what
 * crosses the wire does not grow with the ranks per host.
 *
 * Ranks that are threads read one another's vectors where they lie: member j sums slice j of all
 * of its host straight into the leader's vector.  Other ranks hand theirs to the leader piece by
 * piece. */
#include "dist/comm/parts.h"
#include "dist/comm/wire.h"

#define BLOCK 4096              /* floats: one stays in the first cache while all are added to it */

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

static tt_status send_word(struct comm *c, int to, void *word)
{
	return comm_part_send(c, (struct comm_part){ to, COMM_TAG_GATHER, &word, sizeof word });
}

static tt_status recv_word(struct comm *c, int from, void *word)
{
	return comm_part_recv(c, (struct comm_part){ from, COMM_TAG_GATHER, word, sizeof(void *) });
}

/* A word from each member to the leader, into words[1...], if wanted. */
static tt_status members_say(struct comm *c, int leader, void *word, void **words)
{
	tt_status st = TT_OK;
	void *ignored;
	int place = 0;

	if (c->rank != leader)
		return send_word(c, leader, word);
	for (int r = next_member(c, leader); r < c->size && st == TT_OK; r = next_member(c, r)) {
		place++;
		st = recv_word(c, r, words ? &words[place] : &ignored);
	}
	return st;
}

/* *word of the leader to each member. */
static tt_status leader_says(struct comm *c, int leader, void **word)
{
	tt_status st = TT_OK;

	if (c->rank != leader)
		return recv_word(c, leader, word);
	for (int r = next_member(c, leader); r < c->size && st == TT_OK; r = next_member(c, r))
		st = send_word(c, r, *word);
	return st;
}

/* vectors[0] is the leader's: the sum of all goes there, slice j by member j. */
static void sum_slice(const struct comm *c, float *const *vectors, size_t n)
{
	size_t lo = lane_cut(n, (size_t)c->local, (size_t)c->locals);
	size_t hi = lane_cut(n, (size_t)c->local + 1, (size_t)c->locals);

	for (size_t a = lo; a < hi; a += BLOCK)
		for (int j = 1; j < c->locals; j++)
			wire_add(WIRE_F32, vectors[0] + a, vectors[j] + a, hi - a < BLOCK ? hi - a : BLOCK);
}

static tt_status gather_in_place(struct comm *c, int leader, float *x, size_t n, float ***vectors)
{
	tt_status st;

	if (c->rank == leader)
		(*vectors)[0] = x;
	if ((st = members_say(c, leader, x, (void **)*vectors)) != TT_OK ||
	    (st = leader_says(c, leader, (void **)vectors)) != TT_OK)
		return st;
	sum_slice(c, *vectors, n);
	return members_say(c, leader, NULL, NULL);
}

/* The leader's vector stays as it is until the last member has read it. */
static tt_status spread_in_place(struct comm *c, int leader, float *x, size_t n, float **vectors)
{
	void *word = NULL;
	tt_status st = leader_says(c, leader, &word);

	if (st != TT_OK)
		return st;
	if (c->rank != leader)
		wire_unpack(WIRE_F32, x, vectors[0], n);
	return members_say(c, leader, NULL, NULL);
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
	float **vectors = (float **)o->scratch;
	tt_status st;

	inside.wire = WIRE_F32;
	inside.scratch += (2 * (size_t)c->size + 15) / 16 * 16;       /* behind the pointers */
	st = c->one_space ? gather_in_place(c, leader, x, n, &vectors)
	                  : gather_by_message(c, leader, x, n, &inside);
	if (st == TT_OK && c->rank == leader) {
		struct comm_allreduce_opts outside = *o;

		outside.scratch = inside.scratch;
		st = between_leaders(c, x, n, &outside);
	}
	if (st != TT_OK)
		return st;
	return c->one_space ? spread_in_place(c, leader, x, n, vectors)
	                    : spread_by_message(c, leader, x, n, &inside);
}
