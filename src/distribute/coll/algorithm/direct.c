/* direct.c -- each element is ((x0 + x1) + x2) + ..., by place: the same bits however the vector
 * is cut into chunks, blocks or buckets (a ring starts each chunk at another rank: 1e8, 1, -1e8, 1
 * gives 1, 0, 1, 0).
 *
 *             chunk 0   chunk 1   chunk 2
 *   place 0   | own   |  -> 1   |  -> 2   |    sum:     the owner of a chunk gets it from all
 *   place 1   |  -> 0 | own     |  -> 2   |             and adds in order
 *   place 2   |  -> 0 |  -> 1   | own     |    spread:  it hands out what came of it
 *
 * As many bytes over each link as a ring, and nobody waits for what another has received first: on
 * hosts that compute meanwhile each such wait is a matter of when a thread gets its turn. */
#include <string.h>

#include "distribute/coll/coll_internal.h"
#include "distribute/coll/wire.h"

#define BLOCK ((size_t)256 << 10)       /* floats that arrive at once, from all places */
#define LEAST ((size_t)1 << 10)         /* of these, from one                          */

struct direct {
	struct comm *comm;
	struct subgroup  subgroup;
	enum comm_wire wire;
	float       *x;
	size_t       n, step, blocks;   /* a chunk is `blocks` times `step` floats, at most         */
	float       *room, *pack, *sum; /* [2][count][step] what comes, and leaves; [step]          */
	struct comm_request *in, *out;  /* [2][count]: a block's are under way while one is added   */
};

struct range { float *x; size_t n; };

static int rank_at(const struct comm *c, int host, int place)
{
	int r = 0;

	while (c->host_of[r] != host || place-- > 0)
		r++;
	return r;
}

int comm_subgroup_rank(const struct comm *c, struct subgroup w, int place)
{
	return w.on_host < 0 ? place : rank_at(c, place, w.on_host);
}

static size_t step_of(size_t count, size_t n)
{
	const size_t chunk = n / count + 1, most = BLOCK / count > LEAST ? BLOCK / count : LEAST;

	return ((chunk < most ? chunk : most) + 15) / 16 * 16;
}

static size_t requests_floats(size_t count)
{
	return (2 * count * sizeof(struct comm_request) / sizeof(float) + 15) / 16 * 16;
}

static size_t subgroup_scratch(size_t count, size_t n)
{
	return 2 * requests_floats(count) + (4 * count + 1) * step_of(count, n);
}

size_t comm_direct_scratch(const struct comm *c, size_t n)
{
	const size_t all = subgroup_scratch((size_t)c->size, n);
	const size_t hosts = subgroup_scratch((size_t)c->hosts, n);

	return all > hosts ? all : hosts;
}

static struct direct direct_of(struct comm *c, struct subgroup w, float *x, size_t n,
                           const struct comm_allreduce_opts *o)
{
	const size_t count = (size_t)w.count, step = step_of(count, n), words = requests_floats(count);
	struct direct m = { .comm = c, .subgroup = w, .wire = o->wire, .x = x, .n = n, .step = step };

	m.blocks = (n / count + step) / step;
	m.in = (struct comm_request *)o->scratch;
	m.out = (struct comm_request *)(o->scratch + words);
	memset(o->scratch, 0, 2 * words * sizeof(float));
	m.room = o->scratch + 2 * words;
	m.pack = m.room + 2 * count * step;
	m.sum = m.pack + 2 * count * step;
	return m;
}

/* Block b of the chunk that belongs to a place. */
static struct range block_of(const struct direct *m, int place, size_t b)
{
	const size_t count = (size_t)m->subgroup.count, q = (size_t)place;
	const size_t first = channel_cut(m->n, q, count),
				 size = channel_cut(m->n, q + 1, count) - first;
	const size_t at = b * m->step < size ? b * m->step : size, left = size - at;

	return (struct range){ m->x + first + at, left < m->step ? left : m->step };
}

static size_t cell(const struct direct *m, int place, size_t b)
{
	return b % 2 * (size_t)m->subgroup.count + (size_t)place;
}

static float *room(const struct direct *m, int place, size_t b)
{
	return m->room + cell(m, place, b) * m->step;
}

static float *pack(const struct direct *m, int place, size_t b)
{
	return m->pack + cell(m, place, b) * m->step;
}

/* As it travels: in place, or packed. */
static void *packed(const struct direct *m, int place, size_t b, struct range r)
{
	if (m->wire == WIRE_F32)
		return r.x;
	wire_pack(m->wire, pack(m, place, b), r.x, r.n);
	return pack(m, place, b);
}

/* ---- messages ---- */

static tt_status begin(const struct direct *m, struct comm_request *r, int place, int tag, void *p,
                       size_t floats, tt_status (*start)(struct comm *, struct comm_request *))
{
	tt_status st;

	if (floats == 0)
		return TT_OK;
	*r = (struct comm_request){.peer = comm_subgroup_rank(m->comm, m->subgroup, place),
							   .tag = tag,
							   .p = p,
							   .n = wire_bytes(m->wire, floats)};
	if ((st = start(m->comm, r)) != TT_OK)
		r->p = NULL;
	return st;
}

static tt_status end(const struct direct *m, struct comm_request *r)
{
	const tt_status st = r->p ? comm_wait(m->comm, r) : TT_OK;

	r->p = NULL;                    /* nothing is under way */
	return st;
}

static void drop(const struct direct *m)
{
	for (int i = 0; i < 2 * m->subgroup.count; i++) {
		if (m->in[i].p)
			comm_cancel(m->comm, &m->in[i]);
		if (m->out[i].p)
			comm_cancel(m->comm, &m->out[i]);
	}
}

/* Item t of a half: a block, and with whom. */
struct item { size_t b; int to, from; };

static struct item item(const struct direct *m, size_t t)
{
	const int count = m->subgroup.count, me = m->subgroup.place, each = count - 1;
	const int far = 1 + (int)(t % (size_t)each);

	return (struct item){ t / (size_t)each, (me + far) % count, (me + count - far) % count };
}

static tt_status trade(const struct direct *m, struct item it, int tag, struct range in,
                       struct range out)
{
	tt_status st = begin(m, &m->in[cell(m, it.from, it.b)], it.from, tag, in.x, in.n,
	                     comm_start_recv);

	return st == TT_OK ? begin(m, &m->out[cell(m, it.to, it.b)], it.to, tag, out.x, out.n,
	                           comm_start_send) : st;
}

/* What two blocks ago left from this place is gone. */
static tt_status vacate(const struct direct *m, struct item it)
{
	return end(m, &m->out[cell(m, it.to, it.b)]);
}

/* ---- the sum ---- */

static tt_status begin_sum(const struct direct *m, struct item it)
{
	const size_t mine = block_of(m, m->subgroup.place, it.b).n;
	struct range out = block_of(m, it.to, it.b);
	tt_status st = vacate(m, it);

	if (st != TT_OK)
		return st;
	out.x = packed(m, it.to, it.b, out);
	return trade(m, it, COMM_TAG_REDUCE, (struct range){ room(m, it.from, it.b), mine }, out);
}

/* Our own part is rounded like the others': whose chunk it is must not show. */
static void end_sum(const struct direct *m, size_t b)
{
	const int me = m->subgroup.place;
	const struct range mine = block_of(m, me, b);

	for (int q = 0; q < m->subgroup.count; q++) {
		const void *part = q == me ? packed(m, me, b, mine) : room(m, q, b);

		if (q == 0)
			wire_unpack(m->wire, m->sum, part, mine.n);
		else
			wire_add(m->wire, m->sum, part, mine.n);
	}
	memcpy(mine.x, m->sum, mine.n * sizeof *mine.x);
	wire_round(m->wire, mine.x, mine.n);
}

/* ---- spreading ---- */

/* Where it must be packed each receiver has its own copy: the others' may be on their way. */
static tt_status begin_spread(const struct direct *m, struct item it)
{
	struct range out = block_of(m, m->subgroup.place, it.b), in = block_of(m, it.from, it.b);
	tt_status st = vacate(m, it);

	if (st != TT_OK)
		return st;
	out.x = packed(m, it.to, it.b, out);
	if (m->wire != WIRE_F32)
		in.x = room(m, it.from, it.b);
	return trade(m, it, COMM_TAG_GATHER, in, out);
}

static void end_spread(const struct direct *m, size_t b)
{
	for (int q = 0; q < m->subgroup.count && m->wire != WIRE_F32; q++) {
		struct range r = block_of(m, q, b);

		if (q != m->subgroup.place)
			wire_unpack(m->wire, r.x, room(m, q, b), r.n);
	}
}

/* ---- both ---- */

struct half {
	tt_status (*begin)(const struct direct *m, struct item it);
	void      (*end)(const struct direct *m, size_t b);       /* all of a block has come */
};
static const struct half sum = { begin_sum, end_sum }, spread = { begin_spread, end_spread };

/* Rank r sends to r + 1, then to r + 2 ..., a few at a time. */
static tt_status run_half(const struct direct *m, const struct half *h)
{
	const size_t each = (size_t)m->subgroup.count - 1, total = m->blocks * each;
	const size_t ahead = (size_t)comm_partners((int)each);
	tt_status st = TT_OK;

	for (size_t t = 0; t < ahead && t < total && st == TT_OK; t++)
		st = h->begin(m, item(m, t));
	for (size_t t = 0; t < total && st == TT_OK; t++) {
		struct item it = item(m, t);

		if ((st = end(m, &m->in[cell(m, it.from, it.b)])) != TT_OK)
			break;
		if (t % each == each - 1)
			h->end(m, it.b);
		if (t + ahead < total)
			st = h->begin(m, item(m, t + ahead));
	}
	for (int i = 0; i < 2 * m->subgroup.count && st == TT_OK; i++)
		st = end(m, &m->out[i]);
	return st;
}

tt_status comm_direct_of(struct comm *c, struct subgroup w, enum turns turns, float *x, size_t n,
                          const struct comm_allreduce_opts *o)
{
	const struct direct m = direct_of(c, w, x, n, o);
	tt_status st = TT_OK;

	if (turns != TURNS_SPREAD)
		st = run_half(&m, &sum);
	if (st == TT_OK && turns != TURNS_SUM)
		st = run_half(&m, &spread);
	drop(&m);
	return st;
}

tt_status comm_direct(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	const struct subgroup all = { c->rank, c->size, -1 };

	return comm_direct_of(c, all, TURNS_WHOLE, x, n, o);
}
