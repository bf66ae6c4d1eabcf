/* allreduce.c -- synchronous SGD: gradients are summed over the ranks at every step.
 *
 * Wait-free backpropagation (Zhang et al., Poseidon, 2017): a bucket leaves while backward still
 * makes the next; the optimizer runs on each as it arrives, while later ones are under way. */
#include "dist/sync/bucket.h"
#include "dist/sync/rules.h"

static tt_status open_rule(struct sync *s)
{
	const struct buckets_opts o = {
		.sync = s, .x = s->host.grads, .count = s->host.param_count + s->host.sums,
	};
	struct buckets *b;
	tt_status st = buckets_open(&b, &o);

	if (st == TT_OK)
		s->own = b;
	return st;
}

static tt_status begin(struct sync *s)
{
	s->summed = 1;
	buckets_begin(s->own);
	return TT_OK;
}

static tt_status ready(struct sync *s, size_t lo, size_t hi)
{
	(void)hi;
	buckets_ready(s->own, lo);
	return TT_OK;
}

static tt_status finish(struct sync *s)
{
	const size_t count = s->host.param_count;
	size_t lo, hi;
	tt_status st;

	while ((st = buckets_next(s->own, &lo, &hi)) == TT_OK && lo < hi)
		if (s->host.by_range && lo < count)
			s->host.apply(s->host.ctx, lo, hi < count ? hi : count);
	if (st == TT_OK && !s->host.by_range)
		s->host.apply(s->host.ctx, 0, count);
	s->exchanged = 1;
	return st;
}

/* Nothing waits between two steps. */
static tt_status point(struct sync *s)
{
	s->exchanged = 1;
	return TT_OK;
}

static void close_rule(struct sync *s)
{
	struct buckets *b = s->own;

	buckets_close(&b);
	s->own = NULL;
}

const struct sync_ops sync_allreduce = {
	.name = "allreduce", .help = "gradients are summed at every step",
	.open = open_rule, .begin = begin, .ready = ready, .finish = finish,
	.epoch_end = point, .end = point, .close = close_rule,
};
