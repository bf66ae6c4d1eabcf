#include "distribute/sync/travel/send.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "distribute/sync/collective.h"
#include "distribute/sync/trace.h"
#include "sys/thread.h"

/* ---- one bucket ---- */

/* What this rank has sent for it, `before` being what it had sent until then. */
static uint64_t bytes_of(const struct sender *me, const struct bucket *u, uint64_t before)
{
	const struct comm *c = me->end.comm;

	if (!u->way->summed)
		return c->sent - before;
	return collective_bytes(c, before, u->hi - u->lo, me->end.how.wire);
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
	const char *from = h->name(h->ctx, b->cut.bucket[i].lo);
	const char *to = h->name(h->ctx, b->cut.bucket[i].hi - 1);
	const int one = strcmp(from, to) == 0;

	snprintf(me->doing, sizeof me->doing, "bucket %d of step %lld (%s%s%s)", i,
	         (long long)b->step, from, one ? "" : " to ", one ? "" : to);
	me->end.comm->doing = me->doing;
}

/* Called with the lock held, which is let go while the wire is busy. */
static void send_next(struct sender *me)
{
	struct buckets *b = me->buckets;
	uint64_t before = me->end.comm->sent;
	const int i = b->order.bucket[place_of(me)];
	const struct bucket *u = &b->cut.bucket[i];
	double at[2] = { thread_seconds() };
	tt_status st;

	note_doing(me, i);
	if (b->under_way++ == 0)
		b->since = at[0];
	pthread_mutex_unlock(&b->lock);
	st = u->way->send(&b->cut, u, &me->end);
	at[1] = thread_seconds();
	trace_span(b->sync->host.trace, TRACE_WIRE, "bucket", i, at);
	pthread_mutex_lock(&b->lock);
	if (--b->under_way == 0)
		b->wire += at[1] - b->since;
	b->bytes += bytes_of(me, u, before);
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

	me->end.comm->doing = "the order of buckets";
	pthread_mutex_unlock(&b->lock);
	st = order_agree(&b->order, me->end.comm);
	pthread_mutex_lock(&b->lock);
	b->due = 0;
	if (st != TT_OK)
		fail(b, st);
	pthread_cond_broadcast(&b->work);
	pthread_cond_signal(&b->done);
}

int sender_may_send(const struct sender *me)
{
	const struct buckets *b = me->buckets;

	return place_of(me) < b->cut.n &&
	       b->ready_lo <= b->cut.bucket[b->order.bucket[place_of(me)]].lo;
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
		else if (b->status == TT_OK && !b->due && sender_may_send(me))
			send_next(me);
		else
			pthread_cond_wait(&b->work, &b->lock);
	}
	pthread_mutex_unlock(&b->lock);
}

/* ---- life ---- */

tt_status senders_open(struct buckets *b)
{
	struct comm *c = b->sync->host.comm;
	tt_status st = TT_OK;

	for (; st == TT_OK && b->senders < (c->hosts > 1 ? SENDERS : 1); b->senders++) {
		struct sender *s = &b->sender[b->senders];

		s->buckets = b;
		s->end.how = collective_how(b->sync->host.opts);
		st = comm_split(c, &s->end.comm);
	}
	return st;
}

tt_status senders_start(struct buckets *b)
{
	const size_t need = comm_allreduce_scratch(b->sender[0].end.comm, cut_largest(&b->cut));
	tt_status st = TT_OK;

	for (int k = 0; st == TT_OK && k < b->senders; k++) {
		b->sender[k].end.how.scratch = mem_alloc_aligned((need + 1) * sizeof(float));
		st = b->sender[k].end.how.scratch ? TT_OK : TT_ENOMEM;
	}
	for (int k = 0; st == TT_OK && k < b->senders; k++)
		st = thread_start(&b->sender[k].thread, "tutti-sender", run_sender, &b->sender[k]);
	return st;
}

void senders_close(struct buckets *b)
{
	pthread_mutex_lock(&b->lock);
	b->stop = 1;
	pthread_cond_broadcast(&b->work);
	pthread_mutex_unlock(&b->lock);
	for (int k = b->senders - 1; k >= 0; k--) {
		thread_join(&b->sender[k].thread);
		comm_close(&b->sender[k].end.comm);
		mem_free(b->sender[k].end.how.scratch);
	}
}
