/* allreduce.c -- synchronous SGD: gradients are summed over the ranks at every step.
 *
 * Wait-free backpropagation (Zhang et al., Poseidon, 2017): a bucket leaves while backward still
 * makes the next.  The optimizer runs on each as it arrives, and the next forward pass starts on
 * the first layers while the sums of the last ones are under way (order.h): a step is over when the
 * numbers behind the gradients are known, and its tail is taken in as parameters are needed.
 *
 *   compute  | forward k | backward k |forward k+1| ...
 *   wire             |  0  |  1  |  5  |  4  |  3  |  2  |
 *   optimizer                          5  4 3  2  as forward k+1 needs them
 *
 * Each rank optimizes a part of each bucket and hands out the parameters that this makes (ZeRO's
 * first stage: Rajbhandari et al. 2020): as many bytes as sums for all, and an Nth of the work.
 * An optimizer that must see the whole gradient first (clipping, LARS, LAMB) waits for all of it,
 * on all ranks; sums of 16 bits, in a certain order, or by algorithms without halves are for all,
 * too.
 *
 * Of a layer's gradient everybody's factors may travel instead, where these are fewer numbers
 * (Poseidon): each rank makes the sum of them, and applies all of it. */
#include "distribute/coll/coll.h"
#include "distribute/sync/travel/bucket.h"
#include "distribute/sync/collective.h"
#include "distribute/sync/registry.h"

struct allreduce {
	struct collective base;
	struct buckets   *buckets;
};

static struct buckets *buckets_of(const struct sync *s)
{
	return ((const struct allreduce *)s->own)->buckets;
}

static int overlaps_forward(const struct sync *s)
{
	return s->host.opts->overlap == OVERLAP_FORWARD && s->host.by_range;
}

static tt_status open_allreduce(struct sync *s)
{
	const struct buckets_opts o = {
		.sync = s, .x = s->host.grads, .count = s->host.param_count + s->host.sums,
		.lead = s->host.sums, .order = overlaps_forward(s) ? ORDER_LEARNT : ORDER_FIXED,
		.shared = s->host.opts->shard_optimizer && s->host.by_range,
	};
	tt_status st = collective_open(s, sizeof(struct allreduce));

	return st == TT_OK ? buckets_open(&((struct allreduce *)s->own)->buckets, &o) : st;
}

static tt_status begin(struct sync *s)
{
	collective_begin(s);
	s->summed = 1;
	return TT_OK;
}

/* Take the sums of this round until its `place`, and apply them if nobody has. */
static tt_status take_until(struct sync *s, int place)
{
	struct buckets_sum b;
	tt_status st = TT_OK;

	while (buckets_place(buckets_of(s)) < place && (st = buckets_next(buckets_of(s), &b)) == TT_OK)
		if (s->host.by_range && !b.applied && b.hi <= s->host.param_count)
			s->host.apply(s->host.ctx, b.lo, b.hi);
	return st;
}

/* What lies below lo was needed before.  All ranges are needed before backward begins, so this is
 * always about the step before. */
static tt_status wait_params(struct sync *s, size_t lo, size_t hi)
{
	(void)lo;
	return take_until(s, buckets_below(buckets_of(s), hi));
}

static tt_status flush(struct sync *s)
{
	return take_until(s, buckets_count(buckets_of(s)));
}

/* Ranges come from the end of the vector: one that ends there is the first of a step. */
static tt_status grad_ready(struct sync *s, size_t lo, size_t hi)
{
	if (hi == s->host.param_count)
		buckets_begin(buckets_of(s));
	if (s->host.opts->overlap != OVERLAP_NONE || lo == 0)
		buckets_ready(buckets_of(s), lo);
	return TT_OK;
}

static tt_status finish(struct sync *s)
{
	tt_status st = overlaps_forward(s) ? take_until(s, buckets_lead(buckets_of(s))) : flush(s);

	if (st == TT_OK && !s->host.by_range)
		s->host.apply(s->host.ctx, 0, s->host.param_count);
	s->exchanged = 1;
	return st;
}

/* Who saves now has the optimizer's whole state, and all see the average. */
static tt_status consolidate(struct sync *s)
{
	tt_status st = collective_consolidate(s);

	for (int i = 0; i < sync_vectors(&s->host) && st == TT_OK; i++)
		st = buckets_gather(buckets_of(s), s->host.slot(s->host.ctx, i));
	/* Who shows the average puts it where the parameters are: nobody may be reading there. */
	return st == TT_OK && s->host.averaged ? comm_barrier(s->host.comm) : st;
}

static void close_allreduce(struct sync *s)
{
	struct allreduce *a = s->own;

	if (a)
		buckets_close(&a->buckets);
	collective_close(s);
}

const struct strategy sync_allreduce = {
	.name = "allreduce", .help = "gradients are summed at every step",
	.collective = 1, .factors = 1, .sync_batchnorm = 1,
	.open = open_allreduce, .begin = begin, .wait_params = wait_params, .flush = flush,
	.grad_ready = grad_ready, .finish = finish, .epoch_end = collective_end,
	.end = collective_end, .consolidate = consolidate, .resume = collective_resume,
	.own = collective_own, .all_gather = collective_all_gather, .close = close_allreduce,
};
