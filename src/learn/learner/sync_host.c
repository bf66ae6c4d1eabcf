/* sync_host.c -- what a strategy asks of a learner: apply the optimizer, make products of factors,
 * show its state. */
#include "base/mem.h"
#include "learn/learner/learner_own.h"

static float *slot_of(void *ctx, int i)
{
	struct learner *l = ctx;
	const char *name;

	return i < optim_slots(l->optim) ? optim_slot(l->optim, i, &name) : l->ema.v;
}

static float *all_slot_of(void *ctx, int i)
{
	const struct learner_whole *w = &((struct learner *)ctx)->whole;

	return w->slot ? w->slot(w->ctx, i) : NULL;
}

static void average_in(void *ctx, const float *x, size_t lo, size_t hi, int64_t steps)
{
	ema_take(&((struct learner *)ctx)->ema, x, lo, hi, steps);
}

/* The optimizer has changed this range. */
static void follow(const struct learner *l, size_t lo, size_t hi)
{
	if (l->ema.v && !l->strategy->own_average)
		ema_take(&l->ema, l->opts.model->params, lo, hi, 1);
}

static void apply(void *ctx, size_t lo, size_t hi)
{
	struct learner *l = ctx;

	if (!optim_by_range(l->optim))
		l->grad_norm = optim_clip(l->optim, l->grads);
	optim_apply(l->optim, l->opts.model->params, l->grads, lo, hi);
	follow(l, lo, hi);
}

/* ---- products of factors ---- */

/* Floats of a row of the weights. */
static size_t row_of(const struct factors *f) { return (size_t)(f->c * f->taps); }

/* Those of all the rows that a rank's part of them touches. */
static size_t part_of(const struct factors *f, int ranks)
{
	return (size_t)(f->k / ranks + 2 * PRODUCT_ROWS + 2) * row_of(f);
}

/* A part of the product lies behind the room for making it. */
static struct sync_factored factored(void *ctx, int i)
{
	const struct learner *l = ctx;
	const struct nn_factored *nf = &l->factored[i];
	const struct factors *f = &nf->factors;
	const size_t part = learner_shares_products(l) ? part_of(f, learner_world(l)) : 0;

	return (struct sync_factored){ nf->at, nf->at + (size_t)ir_factors_weights(f),
	                               (size_t)ir_factors_floats(f), l->product->work(f) + part };
}

static tt_status multiply(void *ctx, int i, const float *const *all, float *work)
{
	const struct learner *l = ctx;
	const struct nn_factored *f = &l->factored[i];
	const struct product p = {
		.factors = &f->factors, .all = all, .ranks = learner_world(l),
		.rows = { 0, f->factors.k }, .work = work, .dw = l->grads + f->at,
	};

	return l->product->multiply(&p);
}

static tt_status apply_product(void *ctx, int i, const float *const *all, size_t lo, size_t hi,
                               float *work)
{
	const struct learner *l = ctx;
	const struct nn_factored *nf = &l->factored[i];
	const struct factors *f = &nf->factors;
	const size_t block = row_of(f) * PRODUCT_ROWS, first = (lo - nf->at) / block;
	const int64_t end = (int64_t)((hi - nf->at + block - 1) / block) * PRODUCT_ROWS;
	const struct product p = {
		.factors = f, .all = all, .ranks = learner_world(l),
		.rows = { (int64_t)first * PRODUCT_ROWS, end < f->k ? end : f->k },
		.work = work, .dw = work + l->product->work(f),
	};
	tt_status st = l->product->multiply(&p);

	if (st != TT_OK)
		return st;
	optim_apply_part(l->optim, l->opts.model->params, p.dw + (lo - nf->at - first * block), lo,
	                 hi);
	follow(l, lo, hi);
	return TT_OK;
}

/* ---- life ---- */

static const char *name_at(void *ctx, size_t at)
{
	const struct tt_model *m = ((struct learner *)ctx)->opts.model;

	for (int i = 0; at < m->train_count && i < m->n_params; i++)
		if (at - m->param[i].offset < m->param[i].count)       /* unsigned: below is far above */
			return m->param[i].name;
	return "loss and samples";
}

tt_status sync_host_open(struct learner *l)
{
	struct tt_model *m = l->opts.model, *whole = l->whole.model ? l->whole.model : m;
	const struct sync_host h = {
		.strategy = l->strategy, .comm = l->opts.comm, .team = l->opts.team,
		.worker = l->opts.comm->rank, .opts = &l->distribute,
		.params = m->params, .grads = l->grads, .buffers = m->buffers,
		.param_count = m->train_count, .buffer_count = m->live_count,
		.sums = learner_sums(l),
		.frozen_params = m->param_count - m->train_count,
		.frozen_buffers = m->buffer_count - m->live_count,
		.by_range = optim_by_range(l->optim), .apply = apply, .ctx = l,
		.n_factored = l->n_factored, .factored = factored, .multiply = multiply,
		.share_products = learner_shares_products(l), .apply_product = apply_product,
		.slots = optim_slots(l->optim), .averaged = l->ema.v != NULL, .slot = slot_of,
		.average_in = average_in, .trace = l->opts.trace, .name = name_at,
		.all_params = whole->params, .all_buffers = whole->buffers, .all_slot = all_slot_of,
	};

	return blame_peer(sync_open(&l->sync, &h));
}
