/* life.c -- a learner is made, started and freed. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "learn/learner/learner_own.h"
#include "learn/learner/microbatch.h"
#include "learn/spec/spec.h"

static tt_status make_optim(struct learner *l)
{
	const struct tt_model *m = l->opts.model;
	const struct optim_opts *o = l->opts.optimizer;
	struct optim_tensor *tensor;
	int n = 0;
	tt_status st;

	if (!m->param_count)
		return err_set(TT_ESPEC, "%s: no layer has parameters: there is nothing to train",
		               m->spec->name);
	if (!m->train_count)
		return err_set(TT_ESPEC, "%s: train.freeze names all parameters: there is nothing to train",
		               m->spec->name);
	if (!(tensor = mem_calloc((size_t)m->n_params, sizeof *tensor)))
		return TT_ENOMEM;
	for (int i = 0; i < m->n_params; i++)
		if (!m->param[i].frozen)
			tensor[n++] = (struct optim_tensor){
				.offset = m->param[i].offset, .count = m->param[i].count,
				.decay = m->param[i].role == PARAM_WEIGHT || o->decay_norms,
				.name = m->param[i].name,
			};
	st = optim_new(&l->optim, o, tensor, n);
	mem_free(tensor);
	return st;
}

/* Where other processes of this machine can read them without a copy, if there are any. */
static tt_status make_grads(struct learner *l)
{
	const size_t count = l->opts.model->train_count;
	const size_t bytes = (count + learner_sums(l)) * sizeof *l->grads;
	const struct comm *c = l->opts.comm;

	if (c->near && !c->one_space && c->locals > 1 && shm_alloc(&l->shared, bytes) == TT_OK)
		l->grads = l->shared.p;
	else if (!(l->grads = mem_alloc_aligned(bytes)))
		return TT_ENOMEM;
	memset(l->grads, 0, bytes);
	if (!(l->weighed = mem_calloc((size_t)c->size, WEIGH_SAYS * sizeof *l->weighed)))
		return TT_ENOMEM;
	if (microbatch_count(&l->opts, l->opts.batch) > 1 &&
	    !(l->held = mem_alloc_aligned(count * sizeof *l->held)))
		return TT_ENOMEM;
	return TT_OK;
}

static void free_grads(struct learner *l)
{
	if (l->shared.p)
		shm_free(&l->shared);
	else
		mem_free(l->grads);
	mem_free(l->held);
	mem_free(l->weighed);
}

static tt_status make_programs(struct learner *l)
{
	return program_cache_new(&l->programs, &(struct program_cache_opts){
		.engine = l->opts.engine, .model = l->opts.model, .purpose = NN_TRAIN,
		.grads = l->grads, .group = &l->among, .carry = l->opts.carry });
}

static tt_status build(struct learner *l)
{
	tt_status st;

	l->strategy = sync_pick(&l->distribute, l->opts.comm->size);
	if ((st = make_optim(l)) != TT_OK || (st = group_join(l)) != TT_OK ||
	    (st = make_grads(l)) != TT_OK ||
	    (st = ema_init(&l->ema, l->opts.model->train_count, l->opts.ema)) != TT_OK ||
	    (st = carried_init(l)) != TT_OK)
		return st;
	return make_programs(l);
}

tt_status learner_new(struct learner **out, const struct learner_opts *o)
{
	struct learner *l = mem_calloc(1, sizeof *l);
	tt_status st;

	if (!l)
		return TT_ENOMEM;
	l->opts = *o;
	l->distribute = *o->distribute;
	l->grad_norm = NAN;
	l->inputs.model = o->model;
	if ((st = build(l)) == TT_OK)
		*out = l;
	else
		learner_free(&l);
	return st;
}

void learner_leave(struct learner *l)
{
	if (l)
		sync_close(&l->sync);
}

void learner_free(struct learner **lp)
{
	struct learner *l = lp ? *lp : NULL;

	if (!l)
		return;
	learner_leave(l);
	own_release(&l->own);
	carry_release(&l->carry);
	mem_free(l->carried);
	program_cache_free(&l->programs);
	optim_free(&l->optim);
	ema_release(&l->ema);
	program_inputs_release(&l->inputs);
	target_release(&l->target);
	free_grads(l);
	mem_free(l->factored);
	mem_free(l);
	*lp = NULL;
}

tt_status learner_fit(struct learner *l, const tt_source_info *info)
{
	struct target made;
	tt_status st = target_init(&made, l->opts.model, info, (int)l->opts.batch);

	if (st != TT_OK)
		return st;
	target_release(&l->target);
	l->target = made;
	return TT_OK;
}

/* Programs that were compiled before are for samples without weights: nobody will run them. */
tt_status learner_set_weights(struct learner *l, enum learner_weights w)
{
	l->weights = w;
	if (w != WEIGHTS_YES)
		return TT_OK;
	program_cache_free(&l->programs);
	return make_programs(l);
}

int learner_programs(const struct learner *l)
{
	return program_cache_count(l->programs);
}

tt_status learner_compile(struct learner *l, int64_t samples)
{
	const int64_t world = learner_world(l);
	const int64_t share = (samples - learner_rank(l) + world - 1) / world;

	if (share <= 0 || nn_has_sequences(l->opts.model))
		return TT_OK;                   /* nobody knows how long they will be */
	return microbatch_compile(l, &(struct microbatch_want){
		samples, share, l->weights == WEIGHTS_YES, 0 });
}

/* ---- the start ---- */

/* The optimizer's state, and the average. */
static int vectors(const struct learner *l)
{
	return optim_slots(l->optim) + (l->ema.v != NULL);
}

/* What of the optimizers of nets that stay apart comes together on rank 0 gets its room now. */
static tt_status make_slots(struct learner *l)
{
	const struct learner_whole *w = &l->whole;

	for (int i = 0; w->slot && !learner_rank(l) && i < vectors(l); i++)
		if (!w->slot(w->ctx, i))
			return TT_ENOMEM;
	return TT_OK;
}

tt_status learner_start(struct learner *l)
{
	tt_status st;

	l->opts.comm->doing = "the start";
	if ((st = make_slots(l)) != TT_OK)
		return st;
	average_start(l);
	if ((st = sync_host_open(l)) != TT_OK)
		return st;
	st = blame_peer(sync_deal_own(l->sync, &l->own));
	own_release(&l->own);
	if (st == TT_OK)
		sums_go_on(l);
	return st == TT_OK ? carried_deal(l) : st;
}

void learner_set_whole(struct learner *l, const struct learner_whole *whole)
{
	l->whole = *whole;
	if (!l->sync)
		return;
	l->sync->host.all_params = whole->model->params;
	l->sync->host.all_buffers = whole->model->buffers;
}
