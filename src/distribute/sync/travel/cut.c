#include "distribute/sync/travel/cut.h"

#include <math.h>

#include "distribute/coll/coll.h"
#include "base/mem.h"
#include "distribute/coll/wire.h"
#include "distribute/sync/options.h"

#define LATENCIES  2            /* of the smallest sum, paid by each bucket */
#define UNMEASURED (1 << 18)
#define CHUNK      ((size_t)1 << 17)    /* bytes on the wire for each host, at least */

/* Floats in a bucket that are worth a thought. */
static const size_t sizes[] = { 1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20,
                                1 << 22 };
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Floats that do not lead. */
static size_t rest(const struct cut *c) { return c->count - c->top; }

int cut_at(const struct cut *c, size_t at)
{
	int first = 0, last = c->n - 1;

	while (first < last) {
		const int i = (first + last) / 2;

		if (at < c->bucket[i].lo)
			first = i + 1;
		else
			last = i;
	}
	return first;
}

size_t cut_largest(const struct cut *c)
{
	size_t largest = c->size > c->top ? c->size : c->top;

	for (int i = 0; i < c->n; i++)
		if (c->bucket[i].way->summed && c->bucket[i].hi - c->bucket[i].lo > largest)
			largest = c->bucket[i].hi - c->bucket[i].lo;
	return largest;
}

/* ---- how large? ---- */

/* All buckets and the last once more, which nothing hides, should take the least time.  Each pays
 * the latencies of the smallest sum twice: where ranks compute meanwhile, who waits is woken later
 * than when it was measured.  Where there was no time to measure those that are likely to be best,
 * none of the smaller ones is trusted, nor any where the bits of a sum would tell; nor are those
 * that hosts would cut into messages of 64 KB and less, which are cheap between hosts that have
 * nothing else to do, and only there. */
static size_t measured_size(const struct comm *c, const struct comm_allreduce_opts *how,
                            size_t count)
{
	const size_t largest = comm_measured_size(c);
	const double latency = LATENCIES * comm_seconds(c, 1);
	const size_t worth = c->hosts > 1 ? CHUNK / wire_bytes(how->wire, 1) * (size_t)c->hosts : 1;
	double least = INFINITY, cost;
	size_t pick = worth > UNMEASURED ? worth : UNMEASURED;

	if ((largest < UNMEASURED && largest < count) || comm_order_shows_cuts(how))
		return pick;
	for (int k = 0; k < SIZES && sizes[k] < count && sizes[k] <= largest; k++) {
		if (sizes[k] < worth)
			continue;
		cost = ((double)count / (double)sizes[k] + 1) * (comm_seconds(c, sizes[k]) + latency);
		if (cost < least) {
			least = cost;
			pick = sizes[k];
		}
	}
	return pick;
}

/* Rank 0's word counts, so that all agree. */
static tt_status choose_size(struct cut *c, const struct travel_end *end)
{
	const int64_t bytes = c->sync->host.opts->bucket_bytes;
	uint64_t size = bytes ? (uint64_t)bytes / sizeof(float)
	                      : measured_size(end->comm, &end->how, rest(c));
	tt_status st = comm_broadcast(end->comm, 0, &size, sizeof size);

	if (st == TT_OK)
		c->size = size < 1 ? 1 : size > rest(c) ? rest(c) : (size_t)size;
	return st;
}

/* ---- cutting; without room for the buckets they are counted ---- */

struct ways { const struct travel *of[TRAVEL_FACTORS + 1]; };

static void cut_off(struct cut *c, struct bucket u)
{
	if (c->bucket)
		c->bucket[c->n] = u;
	c->n++;
}

/* Sums are cut from the end of their range on. */
static void cut_sums(struct cut *c, const struct ways *w, size_t lo, size_t hi)
{
	while (lo < hi) {
		const size_t next = hi - lo > c->size ? hi - c->size : lo;

		cut_off(c, (struct bucket){ next, hi, w->of[TRAVEL_SUMS], -1, 0 });
		hi = next;
	}
}

/* Each takes about as long on the wire as a sum.  The last one has the rest of the range, too. */
static void cut_factors(struct cut *c, const struct ways *w, int k)
{
	const struct travel *way = w->of[TRAVEL_FACTORS];
	const struct sync_factored *f = &c->range[k].at;
	const size_t size = 2 * c->size / (size_t)c->sync->host.comm->size + 1;
	const size_t pieces = way->whole ? 1 : (f->n + size - 1) / size;

	for (size_t i = pieces; i-- > 0;) {
		const size_t from = f->n * i / pieces, to = f->n * (i + 1) / pieces;

		cut_off(c, (struct bucket){ f->lo + from, i + 1 < pieces ? f->lo + to : f->hi, way, k,
		                            to - from });
	}
	c->range[k].buckets = (int)pieces;
}

static void cut_all(struct cut *c, const struct ways *w)
{
	size_t hi = rest(c);

	c->n = 0;
	if (c->top)
		cut_off(c, (struct bucket){ hi, c->count, w->of[TRAVEL_LEAD], -1, 0 });
	for (int k = c->sync->host.n_factored - 1; k >= 0; k--) {
		cut_sums(c, w, c->range[k].at.hi, hi);
		cut_factors(c, w, k);
		hi = c->range[k].at.lo;
	}
	cut_sums(c, w, 0, hi);
}

/* ---- life ---- */

static struct ways pick_ways(const struct cut *c, const struct buckets_opts *o,
                             const struct travel_end *end)
{
	struct ways w;

	for (int kind = TRAVEL_LEAD; kind <= TRAVEL_FACTORS; kind++)
		w.of[kind] = travel_pick(&(struct travel_case){
			.kind = (enum travel_kind)kind, .end = end, .shared = o->shared,
			.share_products = c->sync->host.share_products });
	return w;
}

static tt_status make_ranges(struct cut *c)
{
	const struct sync_host *h = &c->sync->host;

	if (!(c->range = mem_calloc((size_t)h->n_factored + 1, sizeof *c->range)) ||
	    !(c->views = mem_calloc((size_t)h->comm->size, sizeof *c->views)))
		return TT_ENOMEM;
	for (int k = 0; k < h->n_factored; k++)
		c->range[k].at = h->factored(h->ctx, k);
	return TT_OK;
}

static tt_status open_buckets(struct cut *c)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < c->n; i++)
		if (c->bucket[i].way->open)
			st = c->bucket[i].way->open(c, &c->bucket[i]);
	return st;
}

tt_status cut_make(struct cut *c, const struct buckets_opts *o, const struct travel_end *end)
{
	struct ways w;
	tt_status st;

	*c = (struct cut){ .sync = o->sync, .x = o->x, .count = o->count, .top = o->lead,
	                   .lead = o->lead > 0 };
	if ((st = choose_size(c, end)) != TT_OK || (st = make_ranges(c)) != TT_OK)
		return st;
	w = pick_ways(c, o, end);
	cut_all(c, &w);
	if (!(c->bucket = mem_calloc((size_t)c->n + 1, sizeof *c->bucket)))
		return TT_ENOMEM;
	cut_all(c, &w);
	return open_buckets(c);
}

void cut_release(struct cut *c)
{
	for (int i = 0; c->bucket && i < c->n; i++)
		if (c->bucket[i].way->close)
			c->bucket[i].way->close(c, &c->bucket[i]);
	mem_free(c->bucket);
	mem_free(c->range);
	mem_free(c->views);
	mem_free(c->work);
	*c = (struct cut){ 0 };
}
