/* ordered.c -- each element is ((x0 + x1) + x2) + ..., by rank: the same bits however the vector
 * is cut into chunks, pieces or buckets (a ring starts each chunk at another rank: 1e8, 1, -1e8,
 * 1 gives 1, 0, 1, 0).  The owner of a chunk receives it from everybody, adds in order and hands
 * out the sum. */
#include "dist/comm/parts.h"
#include "dist/comm/wire.h"

#define CHUNK ((size_t)16 << 10)        /* floats per rank and round */

static size_t slot_floats(const struct comm *c, size_t n)
{
	size_t chunk = n / (size_t)c->size + 1;

	return ((chunk < CHUNK ? chunk : CHUNK) + 15) / 16 * 16;
}

/* A slot for each rank's contribution, one to pack into. */
size_t comm_ordered_scratch(const struct comm *c, size_t n)
{
	return ((size_t)c->size + 1) * slot_floats(c, n);
}

struct round {
	struct comm *comm;
	float       *x, *slots;
	size_t       n, stride;
	enum comm_wire wire;
};

struct range { float *x; size_t n; };

static struct range chunk_of(const struct round *r, int rank)
{
	size_t size = (size_t)r->comm->size;
	size_t lo = lane_cut(r->n, (size_t)rank, size);

	return (struct range){ r->x + lo, lane_cut(r->n, (size_t)rank + 1, size) - lo };
}

static float *slot(const struct round *r, int i) { return r->slots + (size_t)i * r->stride; }

/* Send a chunk to one rank while another's arrives in a slot, as the wire has it. */
static tt_status trade(const struct round *r, struct range out, struct comm_part in, int to)
{
	float *packed = slot(r, r->comm->size);
	struct comm_part send = { to, COMM_TAG_REDUCE, out.x, wire_bytes(r->wire, out.n) };

	if (r->wire != WIRE_F32) {
		wire_pack(r->wire, packed, out.x, out.n);
		send.p = packed;
	}
	return comm_part_exchange(r->comm, send, in);
}

static tt_status collect(const struct round *r)
{
	int size = r->comm->size, me = r->comm->rank;
	struct range own = chunk_of(r, me);
	tt_status st = TT_OK;

	for (int s = 1; s < size && st == TT_OK; s++) {
		int to = (me + s) % size, from = (me + size - s) % size;

		st = trade(r, chunk_of(r, to), (struct comm_part){ from, COMM_TAG_REDUCE, slot(r, from),
		           wire_bytes(r->wire, own.n) }, to);
	}
	return st;
}

/* Our own part is rounded like the others': whose chunk it is must not show. */
static void add_up(const struct round *r)
{
	struct range own = chunk_of(r, r->comm->rank);

	wire_pack(r->wire, slot(r, r->comm->rank), own.x, own.n);
	wire_unpack(r->wire, own.x, slot(r, 0), own.n);
	for (int i = 1; i < r->comm->size; i++)
		wire_add(r->wire, own.x, slot(r, i), own.n);
	wire_round(r->wire, own.x, own.n);
}

static tt_status hand_out(const struct round *r)
{
	int size = r->comm->size, me = r->comm->rank;
	tt_status st = TT_OK;

	for (int s = 1; s < size && st == TT_OK; s++) {
		int to = (me + s) % size, from = (me + size - s) % size;
		struct range theirs = chunk_of(r, from);

		st = trade(r, chunk_of(r, me), (struct comm_part){ from, COMM_TAG_REDUCE, slot(r, 0),
		           wire_bytes(r->wire, theirs.n) }, to);
		if (st == TT_OK)
			wire_unpack(r->wire, theirs.x, slot(r, 0), theirs.n);
	}
	return st;
}

tt_status comm_ordered(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	size_t block = CHUNK * (size_t)c->size;
	tt_status st = TT_OK;

	for (size_t lo = 0; lo < n && st == TT_OK; lo += block) {
		struct round r = { .comm = c, .x = x + lo, .slots = o->scratch, .stride = slot_floats(c, n),
		                   .n = n - lo < block ? n - lo : block, .wire = o->wire };

		if ((st = collect(&r)) != TT_OK)
			break;
		add_up(&r);
		st = hand_out(&r);
	}
	return st;
}
