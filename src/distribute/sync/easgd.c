/* easgd.c -- elastic averaging (Zhang, Choromanska, LeCun, 2015), synchronous: springs between each
 * rank's parameters x and a centre c that all ranks hold:
 *
 *   every `period` steps, from the OLD x and c:   d = alpha (x - c)
 *                                                 x <- x - eta g(x) - d       c <- c + sum of all d
 *
 * What springs take from the one they give to the other: the sum of all x and c stays.  The
 * sum of d travels while the gradient is computed.  EAMSGD: the gradient is taken where momentum is
 * about to carry x,  v <- delta v - eta g(x + delta v),  x <- x + v.
 *
 * The centre is the model: it is what is validated and saved, and what an average over the steps
 * is of.  A run that goes on with another
 * number of ranks starts them all from it. */
#include <string.h>

#include "base/mem.h"
#include "distribute/sync/travel/bucket.h"
#include "distribute/sync/collective.h"
#include "distribute/sync/own.h"
#include "distribute/sync/registry.h"

struct easgd {
	struct collective base;
	struct buckets *buckets;         /* over `sum`                           */
	float          *centre, *pull;   /* pull: d of this rank                 */
	float          *sum;             /* of all d                             */
	float          *old, *v;         /* eamsgd: x before the step, momentum  */
	float           alpha, delta;
	int             talking;         /* this step has an exchange            */
};

static float *vector(const struct sync *s)
{
	float *x = mem_alloc_aligned(s->host.param_count * sizeof *x);

	if (x)
		memset(x, 0, s->host.param_count * sizeof *x);
	return x;
}

static tt_status open_easgd(struct sync *s)
{
	const struct sync_host *h = &s->host;
	tt_status st = collective_open(s, sizeof(struct easgd));
	struct easgd *e = s->own;

	if (st != TT_OK)
		return st;
	e->alpha = (float)(h->opts->alpha > 0 ? h->opts->alpha : 0.9 / h->comm->size);
	if (!(e->centre = vector(s)) || !(e->pull = vector(s)) || !(e->sum = vector(s)))
		return TT_ENOMEM;
	memcpy(e->centre, h->params, h->param_count * sizeof *e->centre);
	return buckets_open(&e->buckets, &(struct buckets_opts){
		.sync = s, .x = e->sum, .count = h->param_count });
}

static tt_status open_eamsgd(struct sync *s)
{
	tt_status st = open_easgd(s);
	struct easgd *e = s->own;

	if (st != TT_OK)
		return st;
	e->delta = (float)s->host.opts->delta;
	return (e->old = vector(s)) && (e->v = vector(s)) ? TT_OK : TT_ENOMEM;
}

static void close_easgd(struct sync *s)
{
	struct easgd *e = s->own;

	if (e) {
		buckets_close(&e->buckets);
		mem_free(e->centre);
		mem_free(e->pull);
		mem_free(e->sum);
		mem_free(e->old);
		mem_free(e->v);
	}
	collective_close(s);
}

/* ---- steps ---- */

static void start_exchange(struct sync *s)
{
	struct easgd *e = s->own;
	const float *x = s->host.params;

	for (size_t i = 0; i < s->host.param_count; i++)
		e->pull[i] = e->sum[i] = e->alpha * (x[i] - e->centre[i]);
	buckets_begin(e->buckets);
	buckets_ready(e->buckets, 0);
}

static void look_ahead(struct sync *s)
{
	struct easgd *e = s->own;
	float *x = s->host.params;

	memcpy(e->old, x, s->host.param_count * sizeof *x);
	for (size_t i = 0; i < s->host.param_count; i++)
		x[i] += e->delta * e->v[i];
}

static tt_status begin(struct sync *s)
{
	struct easgd *e = s->own;
	const int period = s->host.opts->period;

	collective_begin(s);
	s->summed = 0;
	e->talking = period && s->at.step % period == 0;
	if (e->talking)
		start_exchange(s);
	if (e->v && s->at.samples)
		look_ahead(s);
	return TT_OK;
}

static tt_status finish_exchange(struct sync *s)
{
	struct easgd *e = s->own;
	float *x = s->host.params;
	tt_status st = buckets_wait(e->buckets);

	if (st != TT_OK)
		return st;
	for (size_t i = 0; i < s->host.param_count; i++) {
		x[i] -= e->pull[i];
		e->centre[i] += e->sum[i];
	}
	return collective_sums(s);
}

static tt_status finish(struct sync *s)
{
	struct easgd *e = s->own;
	tt_status st;

	sync_apply_whole(s);
	for (size_t i = 0; e->v && s->at.samples && i < s->host.param_count; i++)
		e->v[i] = s->host.params[i] - e->old[i];
	if (e->talking && (st = finish_exchange(s)) != TT_OK)
		return st;
	sync_average_in(s, e->centre);
	return TT_OK;
}

/* ---- points ---- */

static tt_status end(struct sync *s)
{
	struct easgd *e = s->own;

	memcpy(s->host.params, e->centre, s->host.param_count * sizeof *e->centre);
	return collective_end(s);
}

static void swap(struct sync *s)
{
	struct easgd *e = s->own;
	float *x = s->host.params;

	for (size_t i = 0; i < s->host.param_count; i++) {
		float t = x[i];

		x[i] = e->centre[i];
		e->centre[i] = t;
	}
}

static tt_status consolidate(struct sync *s)
{
	tt_status st = collective_consolidate(s);

	if (st == TT_OK)
		swap(s);
	return st;
}

static void resume(struct sync *s)
{
	swap(s);
	collective_resume(s);
}

/* All but the centre; where that is shown it has the place of x. */
static void own(struct sync *s, struct own_list *l)
{
	struct easgd *e = s->own;

	collective_own(s, l);
	own_add(l, (struct own_part){ "params", OWN_FLOATS, s->host.param_count,
	                              s->met ? e->centre : s->host.params, 1 });
	own_add(l, (struct own_part){ "momentum", OWN_FLOATS, s->host.param_count, e->v, 1 });
	own_add_slots(l, s, 1);
}

const struct strategy sync_easgd = {
	.name = "easgd", .help = "springs between each worker and a centre",
	.collective = 1, .needs_period = 1, .own_average = 1,
	.open = open_easgd, .begin = begin, .grad_ready = sync_apply_range, .finish = finish,
	.epoch_end = collective_end, .end = end, .consolidate = consolidate, .resume = resume,
	.own = own, .close = close_easgd,
};

const struct strategy sync_eamsgd = {
	.name = "eamsgd", .help = "easgd with Nesterov's momentum",
	.collective = 1, .needs_period = 1, .own_momentum = 1, .own_average = 1,
	.open = open_eamsgd, .begin = begin, .grad_ready = sync_apply_range, .finish = finish,
	.epoch_end = collective_end, .end = end, .consolidate = consolidate, .resume = resume,
	.own = own, .close = close_easgd,
};
