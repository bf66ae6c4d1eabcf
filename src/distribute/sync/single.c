/* single.c -- one rank, nobody to stay together with: the optimizer takes each range of gradients
 * as backward makes it.
 *
 * This is what every collective strategy is in a group of one (sync_pick).  It talks to nobody, so
 * it has no thread, measures nothing and needs no memory. */
#include <string.h>

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
	sync_apply_whole(s);
	s->exchanged = 1;
	return TT_OK;
}

static tt_status point(struct sync *s)
{
	s->exchanged = 1;
	return TT_OK;
}

static tt_status all_gather(struct sync *s, const float *mine, size_t n, float *all)
{
	(void)s;
	memcpy(all, mine, n * sizeof *all);
	return TT_OK;
}

const struct strategy sync_single = {
	.name = "single", .help = "one worker: nobody to stay together with",
	.factors = 1, .sync_batchnorm = 1,
	.open = open_single, .begin = begin, .grad_ready = sync_apply_range, .finish = finish,
	.epoch_end = point, .end = point, .all_gather = all_gather, .close = close_single,
};
