/* The threads of a rank meet here: the trainer's, which says what is ready and waits, and one or
 * two senders, each with an end of the group of its own.
 *
 *   places of the list  0 1 2 3 4 5      sender 0 sends 0 2 4, sender 1 sends 1 3 5
 *
 * A sum begins and ends with moments in which the wire is not full: between hosts another is under
 * way meanwhile.  What each sender sends is a list of its own, the same on all ranks.
 *
 * Lock order: one mutex; it guards every field of struct buckets below "guarded".  The numbers of a
 * bucket belong to the trainer until `ready_lo` passes its lower end, then to its sender until that
 * has sent it, then to the trainer again.  While a new list is due, the order and its times belong
 * to sender 0; otherwise the order does not change and its times are the trainer's. */
#include "distribute/sync/bucket.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "distribute/comm/wire.h"
#include "distribute/sync/collective.h"
#include "distribute/sync/trace.h"

#define LATENCIES  2            /* of the smallest sum, paid by each bucket */
#define UNMEASURED (1 << 18)
#define CHUNK      ((size_t)1 << 17)    /* bytes on the wire for each host, at least */
#define SENDERS 2
#define DOING_MAX 192

/* Floats in a bucket that are worth a thought. */
static const size_t sizes[] = { 1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20,
                                1 << 22 };
enum { SIZES = sizeof sizes / sizeof *sizes };

struct bucket {
	size_t lo, hi;                      /* of x                                                 */
	int    factored;                    /* which of the host's ranges of factors; -1: of sums   */
	size_t floats;                      /* of factors, from lo on, at most                      */
};

/* A range of factors, in one bucket or several.  The numbers of a bucket are its sender's until it
 * has sent them, then the trainer's. */
struct gathered {
	struct sync_factored range;
	float               *all;           /* [ranks][range.n] everybody's                         */
	int                  buckets, taken;        /* of this round                                */
};

struct buckets;
struct sender {
	struct buckets  *buckets;
	struct comm     *end;
	struct comm_allreduce_opts how;
	struct thread   *thread;
	char             doing[DOING_MAX];
	int              sent;              /* guarded: of this round */
};

struct buckets {
	struct sync     *sync;
	float           *x;
	size_t           count, top;        /* of x: of those, at the end, how many lead       */
	size_t           size;              /* of a bucket of sums behind these                */
	int              n, lead;           /* buckets; of those that lead, one or none        */
	struct bucket   *bucket;            /* [n], from the end of x on                       */
	struct gathered *gathered;          /* [the host's n_factored]                         */
	const float    **factors;           /* [ranks] everybody's, of one of these            */
	float           *products;          /* room that these are made in                     */
	int              shared;            /* the optimizer's work on sums is shared out,     */
	int              products_shared;   /* and the products of factors with it             */
	enum order_kind  kind;
	struct order     order;
	struct sender    sender[SENDERS];
	int              senders;
	int              taken;             /* the trainer's: buckets handed out this round,   */
	int              noted;             /* buckets that have become ready in it            */
	double           began;             /* and when the first did                          */

	pthread_mutex_t  lock;
	pthread_cond_t   work, done;
	/* guarded */
	size_t           ready_lo;
	int64_t          step;
	int              stop;
	int              due;               /* this round begins with a new list */
	int              under_way;         /* senders that are at work         */
	double           since;             /* when the first of these began     */
	double           wire;              /* of this round: seconds, bytes     */
	uint64_t         bytes;
	tt_status        status;            /* sticky */
	char             text[ERR_MAX];
};

/* ---- one bucket ---- */

/* Floats that do not lead. */
static size_t rest(const struct buckets *b) { return b->count - b->top; }

/* The bucket that holds x[at]. */
static int bucket_at(const struct buckets *b, size_t at)
{
	int first = 0, last = b->n - 1;

	while (first < last) {
		const int i = (first + last) / 2;

		if (at < b->bucket[i].lo)
			first = i + 1;
		else
			last = i;
	}
	return first;
}

/* Each rank optimizes its part of the sum: the same bytes as the sum of all for all, but an Nth of
 * the work.  What leads is no gradient. */
static tt_status share_out(struct sender *me, size_t lo, size_t n)
{
	const struct sync_host *h = &me->buckets->sync->host;
	struct comm_span own;
	tt_status st = comm_reduce_scatter(me->end, h->grads + lo, n, &me->how, &own);

	if (st == TT_OK && own.lo < own.hi)
		h->apply(h->ctx, lo + own.lo, lo + own.hi);
	return st == TT_OK ? comm_gather_parts(me->end, h->params + lo, n, &me->how) : st;
}

/* Floats of a bucket of factors that are there: the first of all says how many these are. */
static size_t filled(const struct bucket *u, const float *all, size_t from)
{
	uint32_t n;

	memcpy(&n, all, sizeof n);
	n += n == 0;
	return n <= from ? 0 : n - from < u->floats ? n - from : u->floats;
}

static tt_status gather(struct sender *me, const struct bucket *u)
{
	const struct gathered *g = &me->buckets->gathered[u->factored];
	const float *x = me->buckets->x;
	const size_t size = sizeof *g->all, from = u->lo - g->range.lo;

	return comm_allgather_uneven(me->end, x + u->lo, filled(u, x + g->range.lo, from) * size,
	                             u->floats * size, g->all + from, g->range.n * size);
}

/* The same of a sum that this rank makes a part of. */
static tt_status share_product(struct sender *me, const struct bucket *u)
{
	const struct buckets *b = me->buckets;
	const struct sync_host *h = &b->sync->host;
	const struct gathered *g = &b->gathered[u->factored];
	const size_t n = u->hi - u->lo;
	const struct comm_span own = comm_own_part(me->end, n, &me->how);
	tt_status st = comm_view_all(me->end, b->x + u->lo, g->range.n, &me->how, g->all, b->factors);

	if (st == TT_OK && own.lo < own.hi)
		st = h->apply_product(h->ctx, u->factored, b->factors, u->lo + own.lo, u->lo + own.hi,
		                      b->products);
	return st == TT_OK ? comm_gather_parts(me->end, h->params + u->lo, n, &me->how) : st;
}

static tt_status send_one(struct sender *me, int i)
{
	const struct comm_allreduce_opts lead = { ALGO_DIRECT, WIRE_F32, me->how.scratch };
	const struct buckets *b = me->buckets;
	const struct bucket *u = &b->bucket[i];
	const size_t n = u->hi - u->lo;

	if (i < b->lead)
		return comm_allreduce(me->end, b->x + u->lo, n, &lead);
	if (u->factored >= 0)
		return b->products_shared ? share_product(me, u) : gather(me, u);
	return b->shared ? share_out(me, u->lo, n)
	                 : comm_allreduce(me->end, b->x + u->lo, n, &me->how);
}

/* What this rank has sent for it, `before` being what it had sent until then. */
static uint64_t bytes_of(const struct sender *me, int i, uint64_t before)
{
	const struct buckets *b = me->buckets;
	const struct bucket *u = &b->bucket[i];
	const struct comm *c = me->end;

	if (u->factored >= 0 && !b->products_shared)
		return c->sent - before;
	return collective_bytes(c, before, u->hi - u->lo, me->how.wire);
}

static void fail(struct buckets *b, tt_status st)
{
	if (b->status == TT_OK)
		snprintf(b->text, sizeof b->text, "%s", tt_last_error());
	b->status = b->status == TT_OK ? st : b->status;
}

static int place_of(const struct sender *me)
{
	return me->sent * me->buckets->senders + (int)(me - me->buckets->sender);
}

/* "bucket 3 of step 260 (conv4.bias to fc1.weight)": who waits in vain says what for. */
static void note_doing(struct sender *me, int i)
{
	const struct buckets *b = me->buckets;
	const struct sync_host *h = &b->sync->host;
	const char *from = h->name(h->ctx, b->bucket[i].lo);
	const char *to = h->name(h->ctx, b->bucket[i].hi - 1);
	const int one = strcmp(from, to) == 0;

	snprintf(me->doing, sizeof me->doing, "bucket %d of step %lld (%s%s%s)", i,
	         (long long)b->step, from, one ? "" : " to ", one ? "" : to);
	me->end->doing = me->doing;
}

/* Called with the lock held, which is let go while the wire is busy. */
static void send_next(struct sender *me)
{
	struct buckets *b = me->buckets;
	uint64_t before = me->end->sent;
	int i = b->order.bucket[place_of(me)];
	double at[2] = { thread_seconds() };
	tt_status st;

	note_doing(me, i);
	if (b->under_way++ == 0)
		b->since = at[0];
	pthread_mutex_unlock(&b->lock);
	st = send_one(me, i);
	at[1] = thread_seconds();
	trace_span(b->sync->host.trace, TRACE_WIRE, "bucket", i, at);
	pthread_mutex_lock(&b->lock);
	if (--b->under_way == 0)
		b->wire += at[1] - b->since;
	b->bytes += bytes_of(me, i, before);
	if (st == TT_OK)
		me->sent++;
	else
		fail(b, st);
	pthread_cond_signal(&b->done);
}

/* The same. */
static void make_list(struct sender *me)
{
	struct buckets *b = me->buckets;
	tt_status st;

	me->end->doing = "the order of buckets";
	pthread_mutex_unlock(&b->lock);
	st = order_agree(&b->order, me->end);
	pthread_mutex_lock(&b->lock);
	b->due = 0;
	if (st != TT_OK)
		fail(b, st);
	pthread_cond_broadcast(&b->work);
	pthread_cond_signal(&b->done);
}

static int may_send(const struct sender *me)
{
	const struct buckets *b = me->buckets;

	return place_of(me) < b->n && b->ready_lo <= b->bucket[b->order.bucket[place_of(me)]].lo;
}

static void run_sender(void *ctx)
{
	struct sender *me = ctx;
	struct buckets *b = me->buckets;

	thread_prefer_soon();
	thread_set_count(1);                    /* the optimizer runs here: the cores are busy */
	pthread_mutex_lock(&b->lock);
	while (!b->stop) {
		if (b->status == TT_OK && b->due && me == b->sender)
			make_list(me);
		else if (b->status == TT_OK && !b->due && may_send(me))
			send_next(me);
		else
			pthread_cond_wait(&b->work, &b->lock);
	}
	pthread_mutex_unlock(&b->lock);
}

/* ---- the trainer's side ---- */

void buckets_begin(struct buckets *b)
{
	pthread_mutex_lock(&b->lock);
	b->ready_lo = b->count;
	b->step = b->sync->at.step;
	b->taken = 0;
	for (int k = 0; k < b->senders; k++)
		b->sender[k].sent = 0;
	b->noted = 0;
	b->began = thread_seconds();
	b->due = order_due(&b->order);
	if (b->due)
		pthread_cond_broadcast(&b->work);
	pthread_mutex_unlock(&b->lock);
}

/* How many buckets lie above lo, entirely. */
static int whole_above(const struct buckets *b, size_t lo)
{
	return lo ? bucket_at(b, lo - 1) : b->n;
}

/* Called with the lock held. */
static void note_ready(struct buckets *b, size_t lo)
{
	int now = whole_above(b, lo);

	if (!b->due)
		order_ready(&b->order, b->noted, now, thread_seconds() - b->began);
	b->noted = now;
}

void buckets_ready(struct buckets *b, size_t lo)
{
	pthread_mutex_lock(&b->lock);
	b->ready_lo = lo;
	note_ready(b, lo);
	for (int k = 0; !b->due && k < b->senders; k++)
		if (may_send(&b->sender[k])) {
			pthread_cond_broadcast(&b->work);
			break;
		}
	pthread_mutex_unlock(&b->lock);
}

/* Called with the lock held: was the next bucket to be taken sent? */
static int is_there(const struct buckets *b)
{
	return b->sender[b->taken % b->senders].sent > b->taken / b->senders;
}

/* Called with the lock held. */
static void wait_sent(struct buckets *b)
{
	double at[2] = { thread_seconds() };

	if (is_there(b) || b->status != TT_OK)
		return;
	while (!is_there(b) && b->status == TT_OK)
		pthread_cond_wait(&b->done, &b->lock);
	at[1] = thread_seconds();
	b->sync->stats.exposed_seconds += at[1] - at[0];
	trace_span(b->sync->host.trace, TRACE_WAIT, "wait for bucket", b->order.bucket[b->taken], at);
}

static void collect_stats(struct buckets *b)
{
	struct sync_stats *s = &b->sync->stats;

	s->wire_seconds += b->wire;
	s->bytes_sent += b->bytes;
	s->exchanges++;
	order_wire(&b->order, b->wire / b->n);
	b->wire = 0;
	b->bytes = 0;
}

/* Called with the lock held: the next bucket as it was sent. */
static int take(struct buckets *b)
{
	const int i = b->order.bucket[b->taken++];

	if (b->taken == b->n)
		collect_stats(b);
	return i;
}

/* The sum that everybody's factors make, once the last bucket of them is there. */
static tt_status multiply(struct buckets *b, int i, struct buckets_sum *out)
{
	const struct sync_host *h = &b->sync->host;
	const struct bucket *u = &b->bucket[i];
	struct gathered *g = &b->gathered[u->factored];
	double at[2] = { thread_seconds() };
	tt_status st;

	*out = (struct buckets_sum){ u->lo, u->hi, 1 };
	if (++g->taken < g->buckets)
		return TT_OK;
	g->taken = 0;
	for (int r = 0; r < h->comm->size; r++)
		b->factors[r] = g->all + (size_t)r * g->range.n;
	st = h->multiply(h->ctx, u->factored, b->factors, b->products);
	at[1] = thread_seconds();
	trace_span(h->trace, TRACE_COMPUTE, "factors of bucket", i, at);
	*out = (struct buckets_sum){ g->range.lo, g->range.hi, 0 };
	return st;
}

tt_status buckets_next(struct buckets *b, struct buckets_sum *out)
{
	tt_status st;
	char text[ERR_MAX];
	int i = 0;

	*out = (struct buckets_sum){ 0 };
	if (b->taken == b->n)
		return TT_OK;
	pthread_mutex_lock(&b->lock);
	wait_sent(b);
	if ((st = b->status) == TT_OK)
		i = take(b);
	else
		memcpy(text, b->text, sizeof text);
	pthread_mutex_unlock(&b->lock);
	if (st != TT_OK)
		return err_set(st, "%s", text);
	if (b->bucket[i].factored >= 0 && !b->products_shared)
		return multiply(b, i, out);
	*out = (struct buckets_sum){ b->bucket[i].lo, b->bucket[i].hi, b->shared && i >= b->lead };
	return TT_OK;
}

tt_status buckets_wait(struct buckets *b)
{
	struct buckets_sum s;
	tt_status st;

	do
		st = buckets_next(b, &s);
	while (st == TT_OK && s.lo < s.hi);
	return st;
}

int buckets_place(const struct buckets *b) { return b->taken; }
int buckets_count(const struct buckets *b) { return b->n; }
int buckets_lead(const struct buckets *b) { return b->order.lead; }

int buckets_below(const struct buckets *b, size_t hi)
{
	return hi ? b->order.until[bucket_at(b, hi - 1)] : 0;
}

tt_status buckets_gather(const struct buckets *b, float *x)
{
	struct sync *s = b->sync;
	const struct comm_allreduce_opts how = { b->sender[0].how.algorithm, WIRE_F32,
	                                         ((struct collective *)s->own)->scratch };
	tt_status st = TT_OK;

	for (int i = b->lead; b->shared && i < b->n && st == TT_OK; i++) {
		const struct bucket *u = &b->bucket[i];

		if (u->factored < 0 || b->products_shared)
			st = comm_gather_parts(s->host.comm, x + u->lo, u->hi - u->lo, &how);
	}
	return st;
}

/* ---- how large? ---- */

/* All buckets and the last once more, which nothing hides, should take the least time.  Each pays
 * the latencies of the smallest sum twice: where ranks compute meanwhile, who waits is woken later
 * than when it was measured.  Where there was no time to measure those that are likely to be best,
 * none of the smaller ones is trusted; nor are those that hosts would cut into messages of 64 KB
 * and less, which are cheap between hosts that have nothing else to do, and only there. */
static size_t measured_size(const struct comm *c, enum comm_wire w, size_t count)
{
	const size_t largest = comm_measured_size(c);
	const double latency = LATENCIES * comm_seconds(c, 1);
	const size_t worth = c->hosts > 1 ? CHUNK / wire_bytes(w, 1) * (size_t)c->hosts : 1;
	double least = INFINITY, cost;
	size_t pick = worth > UNMEASURED ? worth : UNMEASURED;

	if (largest < UNMEASURED && largest < count)
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
static tt_status choose_size(struct buckets *b)
{
	const int64_t bytes = b->sync->host.opts->bucket_bytes;
	struct comm *c = b->sender[0].end;
	uint64_t size = bytes ? (uint64_t)bytes / sizeof(float)
	                      : measured_size(c, b->sender[0].how.wire, rest(b));
	tt_status st = comm_broadcast(c, 0, &size, sizeof size);

	if (st != TT_OK)
		return st;
	b->size = size < 1 ? 1 : size > rest(b) ? rest(b) : (size_t)size;
	b->shared = b->shared && comm_has_halves(c, &b->sender[0].how);
	b->products_shared = b->shared && b->sync->host.share_products;
	return TT_OK;
}

static void cut_off(struct buckets *b, struct bucket u)
{
	if (b->bucket)
		b->bucket[b->n] = u;
	b->n++;
}

/* Sums are cut from the end of their range on. */
static void cut_sums(struct buckets *b, size_t lo, size_t hi)
{
	while (lo < hi) {
		const size_t next = hi - lo > b->size ? hi - b->size : lo;

		cut_off(b, (struct bucket){ next, hi, -1, 0 });
		hi = next;
	}
}

/* Each takes about as long on the wire as a sum.  The last one has the rest of the range, too.
 * What does not travel is in one. */
static void cut_factors(struct buckets *b, int k)
{
	const struct sync_factored *f = &b->gathered[k].range;
	const size_t size = 2 * b->size / (size_t)b->sync->host.comm->size + 1;
	const size_t pieces = b->products_shared ? 1 : (f->n + size - 1) / size;

	for (size_t i = pieces; i-- > 0;) {
		const size_t from = f->n * i / pieces, to = f->n * (i + 1) / pieces;

		cut_off(b, (struct bucket){ f->lo + from, i + 1 < pieces ? f->lo + to : f->hi, k,
		                            to - from });
	}
	b->gathered[k].buckets = (int)pieces;
}

/* Without room for the buckets they are counted. */
static void cut(struct buckets *b)
{
	size_t hi = rest(b);

	b->n = 0;
	if (b->top)
		cut_off(b, (struct bucket){ hi, b->count, -1, 0 });
	for (int k = b->sync->host.n_factored - 1; k >= 0; k--) {
		cut_sums(b, b->gathered[k].range.hi, hi);
		cut_factors(b, k);
		hi = b->gathered[k].range.lo;
	}
	cut_sums(b, 0, hi);
}

static tt_status make_buckets(struct buckets *b)
{
	const struct sync_host *h = &b->sync->host;
	const size_t ranks = (size_t)h->comm->size;
	size_t work = 0;

	if (!(b->gathered = mem_calloc((size_t)h->n_factored + 1, sizeof *b->gathered)) ||
	    !(b->factors = mem_calloc(ranks, sizeof *b->factors)))
		return TT_ENOMEM;
	for (int k = 0; k < h->n_factored; k++) {
		struct gathered *g = &b->gathered[k];

		g->range = h->factored(h->ctx, k);
		if (!(g->all = mem_alloc_aligned(ranks * g->range.n * sizeof *g->all)))
			return TT_ENOMEM;
		work = g->range.work > work ? g->range.work : work;
	}
	if (work && !(b->products = mem_alloc_aligned(work * sizeof *b->products)))
		return TT_ENOMEM;
	cut(b);
	if (!(b->bucket = mem_calloc((size_t)b->n + 1, sizeof *b->bucket)))
		return TT_ENOMEM;
	cut(b);
	return TT_OK;
}

static tt_status make_room(struct buckets *b)
{
	const struct comm *c = b->sender[0].end;
	size_t largest = b->size > b->top ? b->size : b->top, need;
	tt_status st = order_init(&b->order, b->kind, b->n, b->lead ? b->lead : 1, c->size);

	for (int i = 0; b->products_shared && i < b->n; i++)
		if (b->bucket[i].hi - b->bucket[i].lo > largest)
			largest = b->bucket[i].hi - b->bucket[i].lo;
	need = comm_allreduce_scratch(c, largest);
	for (int k = 0; st == TT_OK && k < b->senders; k++) {
		b->sender[k].how.scratch = mem_alloc_aligned((need + 1) * sizeof(float));
		st = b->sender[k].how.scratch ? TT_OK : TT_ENOMEM;
	}
	b->taken = b->n;                        /* as after a round */
	b->ready_lo = b->count;
	return st;
}

/* ---- life ---- */

static tt_status make_ends(struct buckets *b)
{
	struct comm *c = b->sync->host.comm;
	tt_status st = TT_OK;

	for (; st == TT_OK && b->senders < (c->hosts > 1 ? SENDERS : 1); b->senders++) {
		struct sender *s = &b->sender[b->senders];

		s->buckets = b;
		s->how = collective_how(b->sync->host.opts);
		st = comm_split(c, &s->end);
	}
	return st;
}

static tt_status start_senders(struct buckets *b)
{
	tt_status st = TT_OK;

	for (int k = 0; st == TT_OK && k < b->senders; k++)
		st = thread_start(&b->sender[k].thread, "tutti-sender", run_sender, &b->sender[k]);
	return st;
}

tt_status buckets_open(struct buckets **out, const struct buckets_opts *o)
{
	struct buckets *b = mem_calloc(1, sizeof *b);
	tt_status st;

	if (!b)
		return TT_ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->work, NULL);
	pthread_cond_init(&b->done, NULL);
	b->sync = o->sync;
	b->x = o->x;
	b->count = o->count;
	b->top = o->lead;
	b->lead = b->top > 0;
	b->shared = o->shared;
	b->kind = o->order;
	if ((st = make_ends(b)) != TT_OK || (st = choose_size(b)) != TT_OK ||
	    (st = make_buckets(b)) != TT_OK || (st = make_room(b)) != TT_OK ||
	    (st = start_senders(b)) != TT_OK)
		goto fail;
	*out = b;
	return TT_OK;
fail:
	buckets_close(&b);
	return st;
}

void buckets_close(struct buckets **bp)
{
	struct buckets *b = bp ? *bp : NULL;

	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->stop = 1;
	pthread_cond_broadcast(&b->work);
	pthread_mutex_unlock(&b->lock);
	for (int k = b->senders - 1; k >= 0; k--) {
		thread_join(&b->sender[k].thread);
		comm_close(&b->sender[k].end);
		mem_free(b->sender[k].how.scratch);
	}
	for (int k = 0; b->gathered && k < b->sync->host.n_factored; k++)
		mem_free(b->gathered[k].all);
	mem_free(b->gathered);
	mem_free(b->factors);
	mem_free(b->products);
	mem_free(b->bucket);
	order_release(&b->order);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->work);
	pthread_cond_destroy(&b->done);
	mem_free(b);
	*bp = NULL;
}
