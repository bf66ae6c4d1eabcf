/* halving.c -- recursive halving and doubling (Thakur, Rabenseifner and Gropp 2005): the bytes of
 * the ring in 2 log2 N latencies.
 *
 * N = 2^m + surplus: of the first 2 surplus ranks the odd ones hand their vector to the even
 * ones, stand aside and get the result.  The 2^m that play halve their range m times, each time
 * with the partner that differs in one bit; then the same way back. */
#include "distribute/coll/coll_internal.h"
#include "distribute/coll/wire.h"

#define LEVELS 31

struct game {
	struct comm *comm;
	float       *x;
	const struct comm_allreduce_opts *o;
	int          surplus, players, place;          /* place among the players; -1: aside */
};

static int rank_of(const struct game *g, int place)
{
	return place < g->surplus ? 2 * place : place + g->surplus;
}

static struct game begin(struct comm *c, float *x, const struct comm_allreduce_opts *o)
{
	struct game g = { .comm = c, .x = x, .o = o, .players = 1 };

	while (g.players <= c->size / 2)
		g.players *= 2;
	g.surplus = c->size - g.players;
	g.place = c->rank - g.surplus;
	if (c->rank < 2 * g.surplus)
		g.place = c->rank % 2 ? -1 : c->rank / 2;
	return g;
}

/* The vector of the odd neighbour, added in. */
static tt_status fold(const struct game *g, size_t n)
{
	struct pump p = { .to = g->comm->rank - 1, .from = g->comm->rank + 1, .in = g->x, .out = g->x };

	if (g->place >= g->surplus)
		return TT_OK;
	if (g->place < 0)
		p.n_out = n;
	else
		p.n_in = n;
	return comm_pump(g->comm, p, PUMP_ADD, g->o);
}

static tt_status unfold(const struct game *g, size_t n)
{
	struct pump p = { .to = g->comm->rank + 1, .from = g->comm->rank - 1, .in = g->x, .out = g->x };

	if (g->place >= g->surplus)
		return TT_OK;
	if (g->place < 0)
		p.n_in = n;
	else
		p.n_out = n;
	return comm_pump(g->comm, p, PUMP_TAKE, g->o);
}

struct span { size_t lo, hi; };

static tt_status swap(const struct game *g, int bit, struct span out, struct span in,
                      enum pump_mode mode)
{
	int peer = rank_of(g, g->place ^ bit);
	struct pump p = { peer, g->x + out.lo, out.hi - out.lo, peer, g->x + in.lo, in.hi - in.lo };

	return comm_pump(g->comm, p, mode, g->o);
}

static tt_status play(const struct game *g, size_t n)
{
	struct span mine[LEVELS + 1] = { { 0, n } }, theirs[LEVELS + 1];
	int level = 0;
	tt_status st = TT_OK;

	for (int bit = g->players / 2; bit && st == TT_OK; bit /= 2, level++) {
		struct span all = mine[level];
		size_t mid = all.lo + (all.hi - all.lo) / 2;
		struct span low = { all.lo, mid }, high = { mid, all.hi };

		mine[level + 1] = g->place & bit ? high : low;
		theirs[level + 1] = g->place & bit ? low : high;
		st = swap(g, bit, theirs[level + 1], mine[level + 1], PUMP_ADD);
	}
	if (st == TT_OK)
		wire_round(g->o->wire, g->x + mine[level].lo, mine[level].hi - mine[level].lo);
	for (int bit = 1; bit < g->players && st == TT_OK; bit *= 2, level--)
		st = swap(g, bit, mine[level], theirs[level], PUMP_TAKE);
	return st;
}

tt_status comm_halving(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	struct game g = begin(c, x, o);
	tt_status st = fold(&g, n);

	if (st == TT_OK && g.place >= 0)
		st = play(&g, n);
	return st == TT_OK ? unfold(&g, n) : st;
}
