/* ring.c -- reduce-scatter, then all-gather, around a ring: 2(N-1)/N of the vector over each
 * link, the least that is possible (Patarasuk and Yuan 2009), and 2(N-1) latencies.
 *
 * Step s sends chunk place - s and receives chunk place - s - 1 (mod N): N-1 steps that add, then
 * N-1 that take over.  What a step receives the next one sends on, so each chunk is cut into K
 * pieces and piece k may leave as soon as it is summed, while piece k + 1 arrives: the steps melt
 * into one stream t = s K + k, sends running `lag` pieces ahead of the receives, and the wire
 * never waits for the adder. */
#include "distribute/coll/coll_internal.h"
#include "distribute/coll/wire.h"

struct ring {
	struct circle  who;
	float         *x;
	size_t         n, pieces, lag;
	struct channel    out, in;
};

struct range { float *x; size_t n; };

/* Piece t of the stream as sent (turn 0) or received (turn 1). */
static struct range piece(const struct ring *g, size_t t, int turn)
{
	size_t count = (size_t)g->who.count, step = t / g->pieces + (size_t)turn;
	size_t chunk = ((size_t)g->who.place + 2 * count - step) % count;
	size_t lo = channel_cut(g->n, chunk, count), hi = channel_cut(g->n, chunk + 1, count);
	size_t a = channel_cut(hi - lo, t % g->pieces, g->pieces);
	size_t b = channel_cut(hi - lo, t % g->pieces + 1, g->pieces);

	return (struct range){ g->x + lo + a, b - a };
}

static size_t half(const struct ring *g) { return ((size_t)g->who.count - 1) * g->pieces; }

/* In the second half pieces land where the first half sent from: those must have left. */
static tt_status announce(struct ring *g, size_t t)
{
	struct range r = piece(g, t, 1);
	tt_status st;

	if (t >= 2 * half(g))
		return TT_OK;
	if (t < half(g))
		return channel_announce_add(&g->in, r.n);
	if ((st = channel_settle(&g->out, t - half(g) + 1)) != TT_OK)
		return st;
	return channel_announce_take(&g->in, r.x, r.n);
}

static tt_status take(struct ring *g, size_t t)
{
	struct range r = piece(g, t, 1);
	tt_status st;

	if (t >= half(g))
		return channel_take(&g->in, r.x, r.n);
	st = channel_add(&g->in, r.x, r.n);
	if (st == TT_OK && t >= half(g) - g->pieces)      /* the sum is complete; we own it */
		wire_round(g->in.wire, r.x, r.n);
	return st;
}

static tt_status stream(struct ring *g)
{
	size_t total = 2 * half(g);
	tt_status st = TT_OK;

	for (size_t t = 0; t <= g->lag && st == TT_OK; t++)
		st = announce(g, t);
	for (size_t t = 0; t < total + g->lag && st == TT_OK; t++) {
		struct range r = piece(g, t, 0);

		if (t < total)
			st = channel_send(&g->out, r.x, r.n);
		if (st != TT_OK || t < g->lag)
			continue;
		if ((st = take(g, t - g->lag)) == TT_OK)
			st = announce(g, t + 1);
	}
	return st == TT_OK ? channel_drain(&g->out) : st;
}

tt_status comm_ring_of(struct comm *c, struct circle who, float *x, size_t n,
                       const struct comm_allreduce_opts *o)
{
	size_t chunk = n / (size_t)who.count + 1;
	struct ring g = { .who = who, .x = x, .n = n, .pieces = channel_pieces(chunk) };
	float *scratch = o->scratch;
	tt_status st;

	g.lag = g.pieces - 1 < LANE_DEPTH - 1 ? g.pieces - 1 : LANE_DEPTH - 1;
	g.out = channel_make(c, who.right, o, chunk, &scratch);
	g.in = channel_make(c, who.left, o, chunk, &scratch);
	st = stream(&g);
	channel_drop(&g.in);
	channel_drop(&g.out);
	return st;
}

tt_status comm_ring(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	struct circle all = { c->rank, c->size, (c->rank + c->size - 1) % c->size,
	                      (c->rank + 1) % c->size };

	return comm_ring_of(c, all, x, n, o);
}
