/* Two threads of a rank meet here: the trainer's, which says what is ready and waits, and the
 * sender, which owns `end` and the buckets under way.
 *
 * Lock order: one mutex; it guards every field of struct buckets below "guarded".  The numbers of a
 * bucket belong to the trainer until `ready_lo` passes its lower end, then to the sender until
 * `sent` passes its place, then to the trainer again.  The order belongs to the sender from the
 * beginning of a round that is due for a new list until its first bucket was sent, and does not
 * change at other times; of its times, the sender notes those of the wire, the trainer the others,
 * but none in such a round. */
#include "dist/sync/bucket.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "dist/sync/trace.h"

#define LATENCIES  2            /* of the smallest sum, paid by each bucket */
#define UNMEASURED (1 << 18)

/* Floats in a bucket that are worth a thought. */
static const size_t sizes[] = { 1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20,
                                1 << 22 };
enum { SIZES = sizeof sizes / sizeof *sizes };

struct buckets {
	struct sync     *sync;
	float           *x;
	size_t           count, size;       /* of x, of a bucket                               */
	size_t           top;               /* floats that lead                                */
	int              n;                 /* buckets                                         */
	enum order_kind  kind;
	struct order     order;
	struct comm     *end;               /* the sender's                                    */
	struct comm_allreduce_opts how;
	struct thread   *sender;
	char             doing[80];
	int              taken;             /* the trainer's: buckets handed out this round,   */
	int              noted;             /* buckets that have become ready in it            */
	double           began;             /* and when the first did                          */

	pthread_mutex_t  lock;
	pthread_cond_t   work, done;
	/* guarded */
	size_t           ready_lo;
	int64_t          step;
	int              sent, stop;
	int              due;               /* this round begins with a new list */
	double           wire;              /* seconds, bytes since they were last asked for   */
	uint64_t         bytes;
	tt_status        status;            /* sticky */
	char             text[ERR_MAX];
};

/* ---- one bucket ---- */

static size_t low_end(const struct buckets *b, int i)
{
	size_t above = b->size * (size_t)(i + 1);

	return above < b->count ? b->count - above : 0;
}

static size_t high_end(const struct buckets *b, int i)
{
	return b->count - b->size * (size_t)i;
}

/* The bucket that holds x[at]. */
static int bucket_at(const struct buckets *b, size_t at)
{
	return (int)((b->count - 1 - at) / b->size);
}

static tt_status send_one(struct buckets *b, int i)
{
	size_t lo = low_end(b, i), hi = high_end(b, i);

	return comm_allreduce(b->end, b->x + lo, hi - lo, &b->how);
}

/* Where time goes: into the trace, the sums, and the times by which the order is made. */
static void note_sent(struct buckets *b, int i, uint64_t before, const double at[2])
{
	trace_span(b->sync->host.trace, TRACE_WIRE, "bucket", i, at);
	b->wire += at[1] - at[0];
	b->bytes += sync_bytes(b->end, before, high_end(b, i) - low_end(b, i), b->how.wire);
	if (i + 1 < b->n)                       /* the last one may be shorter */
		order_wire(&b->order, at[1] - at[0]);
}

static void fail(struct buckets *b, tt_status st)
{
	b->status = st;
	snprintf(b->text, sizeof b->text, "%s", tt_last_error());
}

/* Called with the lock held, which is let go while the wire is busy. */
static void send_next(struct buckets *b)
{
	uint64_t before = b->end->sent;
	int i = b->order.bucket[b->sent];
	double at[2];
	tt_status st;

	snprintf(b->doing, sizeof b->doing, "bucket %d of step %lld", i, (long long)b->step);
	b->end->doing = b->doing;
	pthread_mutex_unlock(&b->lock);
	at[0] = thread_seconds();
	st = send_one(b, i);
	at[1] = thread_seconds();
	pthread_mutex_lock(&b->lock);
	note_sent(b, i, before, at);
	if (st == TT_OK)
		b->sent++;
	else
		fail(b, st);
	pthread_cond_signal(&b->done);
}

/* The same. */
static void make_list(struct buckets *b)
{
	tt_status st;

	b->end->doing = "the order of buckets";
	pthread_mutex_unlock(&b->lock);
	st = order_agree(&b->order, b->end);
	pthread_mutex_lock(&b->lock);
	b->due = 0;
	if (st != TT_OK)
		fail(b, st);
	pthread_cond_signal(&b->done);
}

static int may_send(const struct buckets *b)
{
	return b->sent < b->n && b->ready_lo <= low_end(b, b->order.bucket[b->sent]);
}

static void run_sender(void *ctx)
{
	struct buckets *b = ctx;

	thread_prefer_soon();
	pthread_mutex_lock(&b->lock);
	while (!b->stop) {
		if (b->status == TT_OK && b->due)
			make_list(b);
		else if (b->status == TT_OK && may_send(b))
			send_next(b);
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
	b->sent = 0;
	b->taken = 0;
	b->noted = 0;
	b->began = thread_seconds();
	b->due = order_due(&b->order);
	if (b->due)
		pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
}

/* How many buckets lie above lo, entirely. */
static int whole_above(const struct buckets *b, size_t lo)
{
	return lo ? (int)((b->count - lo) / b->size) : b->n;
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
	if (!b->due && may_send(b))
		pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
}

/* Called with the lock held. */
static void wait_sent(struct buckets *b)
{
	double at[2] = { thread_seconds() };

	if (b->sent > b->taken || b->status != TT_OK)
		return;
	while (b->sent <= b->taken && b->status == TT_OK)
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
	b->wire = 0;
	b->bytes = 0;
}

/* Called with the lock held: the next bucket as it was sent. */
static void take(struct buckets *b, size_t *lo, size_t *hi)
{
	int i = b->order.bucket[b->taken++];

	*lo = low_end(b, i);
	*hi = high_end(b, i);
	if (b->taken == b->n)
		collect_stats(b);
}

tt_status buckets_next(struct buckets *b, size_t *lo, size_t *hi)
{
	tt_status st;
	char text[ERR_MAX];

	*lo = *hi = 0;
	if (b->taken == b->n)
		return TT_OK;
	pthread_mutex_lock(&b->lock);
	wait_sent(b);
	if ((st = b->status) == TT_OK)
		take(b, lo, hi);
	else
		memcpy(text, b->text, sizeof text);
	pthread_mutex_unlock(&b->lock);
	return st == TT_OK ? TT_OK : err_set(st, "%s", text);
}

tt_status buckets_wait(struct buckets *b)
{
	size_t lo, hi;
	tt_status st;

	do
		st = buckets_next(b, &lo, &hi);
	while (st == TT_OK && lo < hi);
	return st;
}

int buckets_place(const struct buckets *b) { return b->taken; }
int buckets_count(const struct buckets *b) { return b->n; }
int buckets_lead(const struct buckets *b) { return b->order.lead; }

int buckets_below(const struct buckets *b, size_t hi)
{
	return hi ? b->order.until[bucket_at(b, hi - 1)] : 0;
}

/* ---- how large? ---- */

/* All buckets and the last once more, which nothing hides, should take the least time.  Each pays
 * the latencies of the smallest sum twice: where ranks compute meanwhile, who waits is woken later
 * than when it was measured.  Where there was no time to measure those that are likely to be best,
 * none of the smaller ones is trusted. */
static size_t measured_size(const struct comm *c, size_t count)
{
	const size_t largest = comm_measured_size(c);
	const double latency = LATENCIES * comm_seconds(c, 1);
	double least = INFINITY, cost;
	size_t pick = UNMEASURED;

	if (largest < UNMEASURED && largest < count)
		return UNMEASURED;
	for (int k = 0; k < SIZES && sizes[k] < count && sizes[k] <= largest; k++) {
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
	uint64_t size = bytes ? (uint64_t)bytes / sizeof(float) : measured_size(b->end, b->count);
	tt_status st = comm_broadcast(b->end, 0, &size, sizeof size);

	if (st != TT_OK)
		return st;
	b->size = size < 1 ? 1 : size > b->count ? b->count : (size_t)size;
	b->n = (int)((b->count + b->size - 1) / b->size);
	return TT_OK;
}

static tt_status make_room(struct buckets *b)
{
	const int lead = b->top ? (int)((b->top + b->size - 1) / b->size) : 1;
	size_t need = comm_allreduce_scratch(b->end, b->size);
	tt_status st = order_init(&b->order, b->kind, b->n, lead, b->end->size);

	if (st != TT_OK)
		return st;
	b->taken = b->sent = b->n;
	b->how.scratch = mem_alloc_aligned((need + 1) * sizeof(float));
	return b->how.scratch ? TT_OK : TT_ENOMEM;
}

/* ---- life ---- */

static tt_status make_end(struct buckets *b)
{
	struct comm *c = b->sync->host.comm;
	const struct distribute_opts *o = b->sync->host.opts;

	b->how.algorithm = o->deterministic ? ALGO_ORDERED : (enum comm_algorithm)o->algorithm;
	b->how.wire = (enum comm_wire)o->wire;
	return comm_split(c, &b->end);
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
	b->kind = o->order;
	if ((st = make_end(b)) != TT_OK || (st = choose_size(b)) != TT_OK ||
	    (st = make_room(b)) != TT_OK ||
	    (st = thread_start(&b->sender, "tutti-sender", run_sender, b)) != TT_OK)
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
	pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
	thread_join(&b->sender);
	comm_close(&b->end);
	mem_free(b->how.scratch);
	order_release(&b->order);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->work);
	pthread_cond_destroy(&b->done);
	mem_free(b);
	*bp = NULL;
}
