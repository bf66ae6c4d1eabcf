/* channel.c -- pieces of a vector, several under way at once, so that wire and adding overlap. */
#include <string.h>

#include "distribute/coll/coll_internal.h"
#include "distribute/coll/wire.h"

#define PIECE_MIN 4096          /* floats: below, a message costs more than its bytes    */
#define PIECES    8             /* of a middling range: enough for the pipeline to fill  */

size_t channel_pieces(size_t n)
{
	size_t few = n / PIECE_MIN, many = (n + LANE_PIECE - 1) / LANE_PIECE;

	if (few > PIECES)
		few = PIECES;
	if (many < few)
		many = few;
	return many ? many : 1;
}

size_t channel_piece(size_t n)
{
	size_t most = n / PIECES + 1 < LANE_PIECE ? n / PIECES + 1 : LANE_PIECE;

	if (most < 2 * PIECE_MIN)
		most = 2 * PIECE_MIN;
	return most < n ? most : n;
}

size_t channel_cut(size_t n, size_t k, size_t pieces)
{
	size_t each = n / pieces, more = n % pieces;

	return k * each + (k < more ? k : more);
}

size_t channel_scratch(size_t n)
{
	return LANE_DEPTH * ((channel_piece(n) + 15) / 16 * 16);
}

struct channel channel_make(struct comm *c, int peer, const struct comm_allreduce_opts *o, size_t n,
                      float **scratch)
{
	struct channel l = { .comm = c, .peer = peer, .tag = COMM_TAG_REDUCE, .wire = o->wire };

	l.stage = (char *)*scratch;
	l.stride = channel_scratch(n) / LANE_DEPTH * sizeof(float);
	*scratch += channel_scratch(n);
	return l;
}

static tt_status end_oldest(struct channel *l)
{
	return comm_wait(l->comm, &l->request[l->ended++ % LANE_DEPTH]);
}

static struct comm_request *begin(struct channel *l, void *p, size_t bytes)
{
	struct comm_request *r = &l->request[l->begun++ % LANE_DEPTH];

	*r = (struct comm_request){ .peer = l->peer, .tag = l->tag, .p = p, .n = bytes };
	return r;
}

/* A request that did not start is not under way. */
static tt_status begun(struct channel *l, tt_status st)
{
	if (st != TT_OK)
		l->begun--;
	return st;
}

static char *stage(const struct channel *l, size_t piece)
{
	return l->stage + piece % LANE_DEPTH * l->stride;
}

tt_status channel_send(struct channel *l, const float *x, size_t n)
{
	void *p = (void *)x;
	tt_status st;

	if (n == 0)
		return TT_OK;
	if (l->begun - l->ended == LANE_DEPTH && (st = end_oldest(l)) != TT_OK)
		return st;
	if (l->wire != WIRE_F32) {
		p = stage(l, l->begun);
		wire_pack(l->wire, p, x, n);
	}
	return begun(l, comm_start_send(l->comm, begin(l, p, wire_bytes(l->wire, n))));
}

static tt_status announce(struct channel *l, void *p, size_t n)
{
	return begun(l, comm_start_recv(l->comm, begin(l, p, wire_bytes(l->wire, n))));
}

tt_status channel_announce_add(struct channel *l, size_t n)
{
	return n ? announce(l, stage(l, l->begun), n) : TT_OK;
}

tt_status channel_announce_take(struct channel *l, float *x, size_t n)
{
	if (n == 0)
		return TT_OK;
	return announce(l, l->wire == WIRE_F32 ? (void *)x : stage(l, l->begun), n);
}

tt_status channel_add(struct channel *l, float *x, size_t n)
{
	size_t piece = l->ended;
	tt_status st;

	if (n == 0)
		return TT_OK;
	if ((st = end_oldest(l)) == TT_OK)
		wire_add(l->wire, x, stage(l, piece), n);
	return st;
}

tt_status channel_take(struct channel *l, float *x, size_t n)
{
	size_t piece = l->ended;
	tt_status st;

	if (n == 0)
		return TT_OK;
	if ((st = end_oldest(l)) == TT_OK && l->wire != WIRE_F32)
		wire_unpack(l->wire, x, stage(l, piece), n);
	return st;
}

tt_status channel_settle(struct channel *l, size_t count)
{
	tt_status st = TT_OK;

	while (st == TT_OK && l->ended < count && l->ended < l->begun)
		st = end_oldest(l);
	return st;
}

tt_status channel_drain(struct channel *l)
{
	return channel_settle(l, l->begun);
}

void channel_drop(struct channel *l)
{
	while (l->ended < l->begun)
		comm_cancel(l->comm, &l->request[l->ended++ % LANE_DEPTH]);
}

/* ---- the pump ---- */

static tt_status announce_piece(struct channel *l, const struct pump *p, enum pump_mode mode,
								size_t k)
{
	size_t pieces = channel_pieces(p->n_in);
	size_t lo = channel_cut(p->n_in, k, pieces), hi = channel_cut(p->n_in, k + 1, pieces);

	if (k >= pieces)
		return TT_OK;
	return mode == PUMP_ADD ? channel_announce_add(l, hi - lo)
	                        : channel_announce_take(l, p->in + lo, hi - lo);
}

static tt_status take_piece(struct channel *l, const struct pump *p, enum pump_mode mode, size_t k)
{
	size_t pieces = channel_pieces(p->n_in);
	size_t lo = channel_cut(p->n_in, k, pieces), hi = channel_cut(p->n_in, k + 1, pieces);

	if (k >= pieces)
		return TT_OK;
	return mode == PUMP_ADD ? channel_add(l, p->in + lo, hi - lo)
							: channel_take(l, p->in + lo, hi - lo);
}

static tt_status send_piece(struct channel *l, const struct pump *p, size_t k)
{
	size_t pieces = channel_pieces(p->n_out);
	size_t lo = channel_cut(p->n_out, k, pieces), hi = channel_cut(p->n_out, k + 1, pieces);

	return k < pieces ? channel_send(l, p->out + lo, hi - lo) : TT_OK;
}

/* Receives run half a lane ahead of the sends, so that neither end waits for the other's turn. */
tt_status comm_pump(struct comm *c, struct pump p, enum pump_mode mode,
                    const struct comm_allreduce_opts *o)
{
	const size_t ahead = LANE_DEPTH / 2;
	size_t most = p.n_in > p.n_out ? p.n_in : p.n_out;
	float *scratch = o->scratch;
	struct channel out = channel_make(c, p.to, o, most, &scratch);
	struct channel in = channel_make(c, p.from, o, most, &scratch);
	tt_status st = TT_OK;

	for (size_t k = 0; k < ahead && st == TT_OK; k++)
		st = announce_piece(&in, &p, mode, k);
	for (size_t k = 0; k < channel_pieces(most) + ahead && st == TT_OK; k++) {
		st = send_piece(&out, &p, k);
		if (st != TT_OK || k + 1 < ahead)
			continue;
		st = take_piece(&in, &p, mode, k + 1 - ahead);
		if (st == TT_OK)
			st = announce_piece(&in, &p, mode, k + 1);
	}
	if (st == TT_OK)
		st = channel_drain(&out);
	channel_drop(&in);
	channel_drop(&out);
	return st;
}
