/* The trainer's side: it says what is ready, and takes what was sent in the order of the list.  The
 * other side, and who may touch what: send.h. */
#include "distribute/sync/travel/bucket.h"

#include <string.h>

#include "distribute/coll/coll.h"
#include "base/mem.h"
#include "distribute/sync/collective.h"
#include "distribute/sync/trace.h"
#include "distribute/sync/travel/send.h"
#include "sys/thread.h"

/* ---- a round ---- */

void buckets_begin(struct buckets *b)
{
	pthread_mutex_lock(&b->lock);
	b->ready_lo = b->cut.count;
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
	return lo ? cut_at(&b->cut, lo - 1) : b->cut.n;
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
		if (sender_may_send(&b->sender[k])) {
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
	order_wire(&b->order, b->wire / b->cut.n);
	b->wire = 0;
	b->bytes = 0;
}

/* Called with the lock held: the next bucket as it was sent. */
static int take(struct buckets *b)
{
	const int i = b->order.bucket[b->taken++];

	if (b->taken == b->cut.n)
		collect_stats(b);
	return i;
}

tt_status buckets_next(struct buckets *b, struct buckets_sum *out)
{
	struct bucket *u;
	tt_status st;
	char text[ERR_MAX];
	int i = 0;

	*out = (struct buckets_sum){ 0 };
	if (b->taken == b->cut.n)
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
	u = &b->cut.bucket[i];
	if (u->way->take)
		return u->way->take(&b->cut, u, out);
	*out = (struct buckets_sum){ u->lo, u->hi, u->way->in_parts };
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
int buckets_count(const struct buckets *b) { return b->cut.n; }
int buckets_lead(const struct buckets *b) { return b->order.lead; }

int buckets_below(const struct buckets *b, size_t hi)
{
	return hi ? b->order.until[cut_at(&b->cut, hi - 1)] : 0;
}

tt_status buckets_gather(const struct buckets *b, float *x)
{
	struct sync *s = b->sync;
	const struct comm_allreduce_opts how = { b->sender[0].end.how.algorithm, WIRE_F32,
	                                         ((struct collective *)s->own)->scratch };
	tt_status st = TT_OK;

	for (int i = 0; i < b->cut.n && st == TT_OK; i++) {
		const struct bucket *u = &b->cut.bucket[i];

		if (u->way->in_parts)
			st = comm_gather_parts(s->host.comm, x + u->lo, u->hi - u->lo, &how);
	}
	return st;
}

/* ---- life ---- */

static tt_status make_order(struct buckets *b, enum order_kind kind)
{
	const int lead = b->cut.lead ? b->cut.lead : 1;

	b->taken = b->cut.n;                    /* as after a round */
	b->ready_lo = b->cut.count;
	return order_init(&b->order, kind, b->cut.n, lead, b->sync->host.comm->size);
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
	if ((st = senders_open(b)) != TT_OK ||
	    (st = cut_make(&b->cut, o, &b->sender[0].end)) != TT_OK ||
	    (st = make_order(b, o->order)) != TT_OK || (st = senders_start(b)) != TT_OK)
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
	senders_close(b);
	cut_release(&b->cut);
	order_release(&b->order);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->work);
	pthread_cond_destroy(&b->done);
	mem_free(b);
	*bp = NULL;
}
