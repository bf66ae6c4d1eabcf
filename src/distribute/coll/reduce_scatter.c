/* reduce_scatter.c -- the two halves of an all-reduce, for those who have something to do in
 * between (each rank the optimizer's work on its part: ZeRO's first stage, Rajbhandari et al.
 * 2020).
 *
 * Inside a host ranks read one another's vectors where they lie; between hosts the ranks of equal
 * place are a subgroup (direct.c) each, on their slice:
 *
 *   place 0   | h0 h1 h2 |            |        slice j of the vector is summed over the host by the
 *   place 1   |          | h0 h1 h2   |        rank of place j, then over the hosts by subgroup j,
 * and slice 0     slice 1            chunk h of it is the part of that rank on host h
 *
 * Where memory cannot be read, or hosts have unequal numbers of ranks, one subgroup holds them all.
 * Each element is summed in an order that depends on the ranks alone: the same bits at every start.
 *
 * Two agreements make reading safe.  `meet` before a sum: everybody's vector is there to be read
 * and, of the call before, everybody has finished reading.  `meet` after it: everybody has read
 * what was to be summed, and his part may be copied.  So a vector that was summed may be written
 * once its parts are gathered, and one that was gathered once the next sum has begun. */
#include <string.h>

#include "distribute/coll/coll_internal.h"
#include "distribute/coll/wire.h"

#define BLOCK_SHARED ((size_t)4 << 10)  /* floats: one stays in the first cache */
#define BLOCK_COPIED ((size_t)16 << 10) /* in the second: each is a system call */

struct meeting {
	struct comm  *c;
	int           count, place;     /* of those who share memory; 1: alone */
	void        **word;             /* [count] from our own place on, round */
	size_t        block;            /* floats that are summed at once */
	float *sum, *copy; /* of a block; they share their place with the subgroup's scratch */
	struct subgroup   subgroup;
	struct comm_allreduce_opts how; /* of the subgroup */
};

/* ---- who is who ---- */

/* Do all hosts have as many ranks? */
static int is_even(const struct comm *c)
{
	int here = 0;

	for (int r = 0; r < c->size; r++)
		here += c->host_of[r] == c->host_of[0];
	for (int r = 0, n; r < c->size; r++) {
		n = 0;
		for (int q = 0; q < c->size; q++)
			n += c->host_of[q] == c->host_of[r];
		if (n != here)
			return 0;
	}
	return 1;
}

int comm_by_memory(const struct comm *c)
{
	return c->near && c->hosts < c->size && is_even(c);
}

static size_t words_floats(const struct comm *c)
{
	return (2 * (size_t)c->size + 15) / 16 * 16;
}

static size_t block_of(const struct comm *c, size_t n)
{
	const size_t most = c->one_space ? BLOCK_SHARED : BLOCK_COPIED;

	return n < most ? (n + 15) / 16 * 16 : most;
}

static struct meeting meeting_of(struct comm *c, size_t floats, const struct comm_allreduce_opts *o)
{
	struct meeting t = { .c = c, .count = 1, .word = (void **)o->scratch, .how = *o };

	t.how.scratch = t.sum = o->scratch + words_floats(c);
	t.block = block_of(c, floats);
	t.copy = t.sum + t.block;
	t.subgroup = (struct subgroup){ c->rank, c->size, -1 };
	if (o->algorithm == ALGO_DIRECT || !comm_by_memory(c))
		return t;
	t.count = c->locals;
	t.place = c->local;
	t.subgroup = (struct subgroup){ c->host, c->hosts, t.place };
	return t;
}

static int member(const struct meeting *t, int place)
{
	return comm_subgroup_rank(t->c, (struct subgroup){ .on_host = place }, t->c->host);
}

/* Everybody of the host is here and says a word: word[i] is that of place + i.  In log(count)
 * rounds, each of which doubles what is known (Bruck et al. 1997). */
static tt_status meet(const struct meeting *t, void *word)
{
	tt_status st = TT_OK;

	t->word[0] = word;
	for (int known = 1; known < t->count && st == TT_OK; known *= 2) {
		int more = known < t->count - known ? known : t->count - known;
		size_t n = (size_t)more * sizeof *t->word;

		st = comm_part_exchange(t->c,
		        (struct comm_part){ member(t, (t->place + t->count - known) % t->count),
		                            COMM_TAG_GATHER, t->word, n },
		        (struct comm_part){ member(t, (t->place + known) % t->count), COMM_TAG_GATHER,
		                            t->word + known, n });
	}
	return st;
}

/* ---- reading ---- */

static tt_status read_block(const struct meeting *t, int place, struct comm_span at,
							const float **out)
{
	const float *theirs = t->word[(place - t->place + t->count) % t->count];
	const size_t bytes = (at.hi - at.lo) * sizeof *theirs;

	*out = theirs + at.lo;
	if (place == t->place || t->c->one_space ||
	    (*out = comm_view(t->c, member(t, place), theirs + at.lo, bytes)))
		return TT_OK;
	*out = t->copy;
	return comm_peek(t->c, member(t, place), t->copy, theirs + at.lo, bytes);
}

/* In the order of places: the same bits however the vector is cut.  The first two commute, so that
 * they need no room of their own for the sum. */
static tt_status sum_block(const struct meeting *t, struct comm_span at)
{
	const size_t n = at.hi - at.lo;
	float *mine = (float *)t->word[0] + at.lo, *sum = t->place < 2 ? mine : t->sum;
	const float *one;
	tt_status st = TT_OK;

	for (int place = 0; place < t->count && st == TT_OK; place++) {
		if (place == t->place && sum == mine)
			continue;
		if ((st = read_block(t, place, at, &one)) != TT_OK)
			break;
		if (place == 0 && sum != mine)
			memcpy(sum, one, n * sizeof *sum);
		else
			wire_add(WIRE_F32, sum, one, n);
	}
	if (sum != mine && st == TT_OK)
		memcpy(mine, sum, n * sizeof *sum);
	return st;
}

static tt_status sum_slice(const struct meeting *t, struct comm_span slice)
{
	tt_status st = TT_OK;

	for (size_t a = slice.lo; a < slice.hi && st == TT_OK; a += t->block)
		st = sum_block(t, (struct comm_span){
			a, slice.hi - a < t->block ? slice.hi : a + t->block });
	return st;
}

static tt_status copy_slice(const struct meeting *t, int place, struct comm_span at)
{
	float *mine = (float *)t->word[0] + at.lo;
	const float *theirs = t->word[(place - t->place + t->count) % t->count];
	const size_t bytes = (at.hi - at.lo) * sizeof *mine;

	if (!t->c->one_space)
		return comm_peek(t->c, member(t, place), mine, theirs + at.lo, bytes);
	memcpy(mine, theirs + at.lo, bytes);
	return TT_OK;
}

/* ---- the halves ---- */

static struct comm_span part(struct comm_span of, int place, int count)
{
	const size_t n = of.hi - of.lo, k = (size_t)place;

	return (struct comm_span){ of.lo + channel_cut(n, k, (size_t)count),
	                           of.lo + channel_cut(n, k + 1, (size_t)count) };
}

static tt_status check(const struct comm *c)
{
	return c->fault.status == TT_OK ? TT_OK : err_set(c->fault.status, "%s", c->fault.text);
}

struct comm_span comm_own_part(struct comm *c, size_t n, const struct comm_allreduce_opts *o)
{
	const struct meeting t = meeting_of(c, n, o);
	const struct comm_span slice = part((struct comm_span){ 0, n }, t.place, t.count);

	return part(slice, t.subgroup.place, t.subgroup.count);
}

tt_status comm_view_all(struct comm *c, const float *x, size_t n,
                        const struct comm_allreduce_opts *o, float *room, const float **all)
{
	struct meeting t = meeting_of(c, n, o);
	tt_status st = check(c);

	if (st == TT_OK)
		st = meet(&t, (void *)x);
	for (int place = 0; place < t.count && st == TT_OK; place++) {
		const int rank = member(&t, place);

		t.copy = room + (size_t)rank * n;
		st = read_block(&t, place, (struct comm_span){ 0, n }, &all[rank]);
	}
	return st;
}

tt_status comm_reduce_scatter(struct comm *c, float *x, size_t n,
                              const struct comm_allreduce_opts *o, struct comm_span *own)
{
	struct meeting t = meeting_of(c, n, o);
	const struct comm_span slice = part((struct comm_span){ 0, n }, t.place, t.count);
	tt_status st = check(c);

	if (st == TT_OK && t.count > 1 && n && (st = meet(&t, x)) == TT_OK)
		st = sum_slice(&t, slice);
	if (st == TT_OK && t.subgroup.count > 1)
		st = comm_direct_of(c, t.subgroup, TURNS_SUM, x + slice.lo, slice.hi - slice.lo, &t.how);
	*own = comm_own_part(c, n, o);
	return st;
}

tt_status comm_gather_parts(struct comm *c, float *y, size_t n, const struct comm_allreduce_opts *o)
{
	struct meeting t = meeting_of(c, n, o);
	const struct comm_span all = { 0, n }, slice = part(all, t.place, t.count);
	tt_status st = check(c);

	if (st == TT_OK && t.subgroup.count > 1)
		st = comm_direct_of(c, t.subgroup, TURNS_SPREAD, y + slice.lo, slice.hi - slice.lo, &t.how);
	if (st != TT_OK || t.count == 1 || !n)
		return st;
	if ((st = meet(&t, y)) != TT_OK)
		return st;
	for (int i = 1; i < t.count && st == TT_OK; i++) {
		int place = (t.place + i) % t.count;

		st = copy_slice(&t, place, part(all, place, t.count));
	}
	return st;
}

/* Trees and butterflies have none; leaders have all of the sum; rings and 16 bits are asked for by
 * who wants just these. */
int comm_has_halves(const struct comm *c, const struct comm_allreduce_opts *o)
{
	if (c->size == 1 || o->wire != WIRE_F32)
		return 0;
	switch (o->algorithm) {
	case ALGO_AUTO:         return 1;
	case ALGO_DIRECT:      return 1;
	case ALGO_HIERARCHICAL: return comm_by_memory(c);
	default:                return 0;
	}
}

int comm_has_views(const struct comm *c, const struct comm_allreduce_opts *o)
{
	return comm_has_halves(c, o) && o->algorithm != ALGO_DIRECT && c->hosts == 1 &&
	       comm_by_memory(c);
}

tt_status comm_halves(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	struct meeting t = meeting_of(c, n, o);
	struct comm_span own;
	tt_status st = comm_reduce_scatter(c, x, n, o, &own);

	if (st == TT_OK)
		st = comm_gather_parts(c, x, n, o);
	return st == TT_OK ? meet(&t, x) : st;  /* the caller may write x: nobody reads it any more */
}
