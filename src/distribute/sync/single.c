/* single.c -- one rank, nobody to stay together with: the optimizer takes each range of gradients
 * as backward makes it.
 *
 * This is what every collective strategy is in a group of one (sync_pick).  It talks to nobody, so
 * it has no thread, measures nothing and needs no memory. */
#include "distribute/sync/registry.h"

static tt_status open_single(struct sync *s)
{
	(void)s;
	return TT_OK;
}

static void close_single(struct sync *s) { (void)s; }

static tt_status begin(struct sync *s)
{
	s->summed = 1;
	return TT_OK;
}

static tt_status finish(struct sync *s)
{
	if (!s->host.by_range)
		s->host.apply(s->host.ctx, 0, s->host.param_count);
	s->exchanged = 1;
	return TT_OK;
}

static tt_status point(struct sync *s)
{
	s->exchanged = 1;
	return TT_OK;
}

const struct sync_ops sync_single = {
	.name = "single", .help = "one worker: nobody to stay together with",
	.open = open_single, .begin = begin, .ready = sync_apply_range, .finish = finish,
	.epoch_end = point, .end = point, .close = close_single,
};
