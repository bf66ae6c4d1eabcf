/* average.c -- local SGD: each rank goes its own way for `period` steps, then all take the average.
 *
 * Averages are weighted by the samples that each rank has seen since the last (Stich, "Local SGD
 * converges fast and communicates little", 2019; post-local start: Lin et al., "Don't use large
 * mini-batches, use local SGD", 2020).  Period 0 is one average at the very end (Zinkevich et al.,
 * 2010).  With a period there is an exchange at the end of each epoch too, so that a checkpoint
 * of an epoch's end is the whole truth. */
#include <string.h>

#include "base/mem.h"
#include "distribute/sync/travel/bucket.h"
#include "distribute/sync/collective.h"
#include "distribute/sync/own.h"
#include "distribute/sync/registry.h"

struct average {
	struct collective base;
	struct buckets *buckets;         /* NULL unless the start is all-reduce */
	float          *mine;            /* this rank's parameters during a meeting */
	float          *mean;            /* and its average over the steps, if it has one */
	/* Since the last exchange, samples by their weights; numbers of own.h. */
	struct { double samples, steps; } since;
};

static tt_status open_average(struct sync *s)
{
	const struct sync_host *h = &s->host;
	tt_status st = collective_open(s, sizeof(struct average));
	struct average *a = s->own;

	if (st != TT_OK)
		return st;
	s->alone = h->opts->period == 0;
	if (!(a->mine = mem_alloc_aligned(h->param_count * sizeof *a->mine)))
		return TT_ENOMEM;
	if (h->averaged && !(a->mean = mem_alloc_aligned(h->param_count * sizeof *a->mean)))
		return TT_ENOMEM;
	if (h->opts->post_local > 0)
		st = buckets_open(&a->buckets, &(struct buckets_opts){
			.sync = s, .x = h->grads, .count = h->param_count + h->sums, .lead = h->sums });
	return st;
}

static void close_average(struct sync *s)
{
	struct average *a = s->own;

	if (a) {
		buckets_close(&a->buckets);
		mem_free(a->mine);
		mem_free(a->mean);
	}
	collective_close(s);
}

/* ---- averages ---- */

static tt_status average_vector(struct sync *s, float *x, float share)
{
	for (size_t i = 0; i < s->host.param_count; i++)
		x[i] *= share;
	return collective_sum(s, x, s->host.param_count);
}

/* With the average over the steps: of several ranks it is the average of theirs. */
static tt_status average_params(struct sync *s, float share)
{
	float *mean = sync_ema(&s->host);
	tt_status st = average_vector(s, s->host.params, share);

	return st == TT_OK && mean ? average_vector(s, mean, share) : st;
}

static tt_status average_slots(struct sync *s, float share)
{
	const struct sync_host *h = &s->host;
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < h->slots; i++) {
		float *slot = h->slot(h->ctx, i);

		if (h->opts->optimizer_state == STATE_RESET)
			memset(slot, 0, h->param_count * sizeof *slot);
		if (h->opts->optimizer_state == STATE_AVERAGE)
			st = average_vector(s, slot, share);
	}
	return st;
}

static tt_status exchange(struct sync *s)
{
	struct average *a = s->own;
	float share;
	tt_status st;

	s->host.comm->doing = "an average of parameters";
	if ((st = collective_share(s, a->since.samples, &share)) != TT_OK ||
	    (st = average_params(s, share)) != TT_OK ||
	    (st = average_slots(s, share)) != TT_OK)
		return st;
	a->since.samples = a->since.steps = 0;
	return collective_sums(s);
}

/* ---- steps ---- */

static tt_status begin(struct sync *s)
{
	struct average *a = s->own;

	collective_begin(s);
	s->summed = s->at.epoch < s->host.opts->post_local;
	if (s->summed)
		buckets_begin(a->buckets);
	return TT_OK;
}

static tt_status grad_ready(struct sync *s, size_t lo, size_t hi)
{
	struct average *a = s->own;

	if (!s->summed)
		return sync_apply_range(s, lo, hi);
	buckets_ready(a->buckets, lo);
	return TT_OK;
}

static tt_status finish_summed(struct sync *s)
{
	struct average *a = s->own;
	tt_status st = buckets_wait(a->buckets);

	if (st == TT_OK)
		s->host.apply(s->host.ctx, 0, s->host.param_count);
	s->exchanged = 1;
	return st;
}

static tt_status finish(struct sync *s)
{
	struct average *a = s->own;
	const int period = s->host.opts->period;

	if (s->summed)
		return finish_summed(s);
	sync_apply_whole(s);
	a->since.samples += s->at.weight;
	a->since.steps++;
	return period && a->since.steps >= period ? exchange(s) : collective_hear(s);
}

static tt_status epoch_end(struct sync *s)
{
	const struct average *a = s->own;
	tt_status st = collective_settle(s);

	if (st != TT_OK)
		return st;
	return s->host.opts->period && a->since.steps > 0 ? exchange(s) : collective_sums(s);
}

static tt_status end(struct sync *s)
{
	const struct average *a = s->own;
	tt_status st = collective_settle(s);

	if (st != TT_OK)
		return st;
	return a->since.steps > 0 ? exchange(s) : collective_sums(s);
}

/* ---- what all have in common ---- */

static tt_status consolidate(struct sync *s)
{
	struct average *a = s->own;
	float share;
	tt_status st = collective_consolidate(s);

	if (st != TT_OK)
		return st;
	memcpy(a->mine, s->host.params, s->host.param_count * sizeof *a->mine);
	if (a->mean)
		memcpy(a->mean, sync_ema(&s->host), s->host.param_count * sizeof *a->mean);
	if (a->since.steps <= 0)
		return TT_OK;
	if ((st = collective_share(s, a->since.samples, &share)) != TT_OK)
		return st;
	return average_params(s, share);
}

static void resume(struct sync *s)
{
	struct average *a = s->own;

	memcpy(s->host.params, a->mine, s->host.param_count * sizeof *a->mine);
	if (a->mean)
		memcpy(sync_ema(&s->host), a->mean, s->host.param_count * sizeof *a->mean);
	collective_resume(s);
}

/* Between exchanges all is a rank's own, and momentum always if nobody averages it. */
static void own(struct sync *s, struct own_list *l)
{
	struct average *a = s->own;
	const int away = a->since.steps > 0;

	collective_own(s, l);
	own_add(l, (struct own_part){ "params", OWN_FLOATS, s->host.param_count,
	                              s->met ? a->mine : s->host.params, away });
	own_add(l, (struct own_part){ "ema", OWN_FLOATS, s->host.param_count,
	                              s->met ? a->mean : sync_ema(&s->host), away });
	own_add_slots(l, s, away || s->host.opts->optimizer_state == STATE_KEEP);
	own_add(l, (struct own_part){ "since", OWN_NUMBERS, 2, &a->since, away });
}

const struct strategy sync_average = {
	.name = "average", .help = "each worker alone for `period` steps, then the average",
	.collective = 1,
	.open = open_average, .begin = begin, .grad_ready = grad_ready, .finish = finish,
	.epoch_end = epoch_end, .end = end, .consolidate = consolidate, .resume = resume,
	.all_gather = collective_all_gather, .own = own, .close = close_average,
};
