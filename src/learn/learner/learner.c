#include "learn/learner/learner.h"

#include <math.h>
#include <string.h>

#include "distribute/coll/coll.h"
#include "base/mem.h"
#include "distribute/coll/wire.h"
#include "distribute/sync/collective.h"
#include "distribute/sync/team.h"
#include "learn/learner/learner_own.h"
#include "learn/learner/microbatch.h"
#include "learn/spec/spec.h"
#include "sys/policy.h"
#include "sys/thread.h"

/* ---- threads ---- */

/* Ranks on one machine share its cores: threads here, processes by what a launcher lets them. */
static int shares_cores(const struct comm *c, int asked)
{
	return c->one_space || asked > 0;
}

int learner_threads(const struct comm *c, int asked)
{
	const int all = policy_threads(asked);

	if (c->size == 1 || !shares_cores(c, asked))
		return all;
	return policy_share(all, c->local, c->locals);
}

/* Where ranks share memory, products are made by the thread that communicates, one alone: it should
 * not take the place of many, on any rank. */
int learner_shares_products(const struct learner *l)
{
	const struct comm *c = l->opts.comm;
	const int one = c->size > 1 && shares_cores(c, l->opts.threads) &&
	                policy_threads(l->opts.threads) <= c->locals;

	return one && sync_shares_products(c, &l->distribute, optim_by_range(l->optim));
}

/* ---- among others ---- */

tt_status learner_check(const struct distribute_opts *d, const struct optim_opts *o,
                        const struct learner_demands *more)
{
	const struct sync_demands all = { .opts = d, .momentum = o->momentum,
	                                  .processes = more->processes,
	                                  .every_steps = more->every_steps };

	return sync_check(sync_strategies[d->strategy], &all);
}

/* Between how many hosts may layers' gradients be left as factors?  1: in the memory of one; 0:
 * none.  Of a share that is computed at once, since factors do not add up.  If asked for, between
 * all ranks. */
static int factor_hosts(const struct learner *l)
{
	const struct distribute_opts *d = &l->distribute;
	const struct comm *c = l->opts.comm;

	if (c->size == 1 || !l->strategy->factors ||
	    microbatch_count(&l->opts, l->opts.batch) > 1 || d->factors == FACTORS_NO ||
	    (d->factors == FACTORS_AUTO && d->deterministic))
		return 0;
	if (d->factors == FACTORS_YES)
		return c->size;
	return c->hosts > 1 ? c->hosts : learner_shares_products(l);
}

static tt_status join_group(struct learner *l)
{
	const struct distribute_opts *d = &l->distribute;
	const int64_t world = learner_world(l);
	const int hosts = factor_hosts(l);

	l->among.norm_ranks = d->sync_batchnorm && world > 1 ? (int)world : 0;
	l->product = device_list_product(&l->opts.engine->devices);
	if (!hosts || !l->product)
		return TT_OK;
	l->among.factors = (struct pass_factors){
		.rows = (l->opts.batch + world - 1) / world, .ranks = (int)world, .hosts = hosts,
		.width = (int)wire_bytes((enum comm_wire)d->wire, 1),
	};
	return nn_factored(l->opts.model, &l->among, &l->factored, &l->n_factored);
}

/* ---- life ---- */

static tt_status make_optim(struct learner *l)
{
	const struct tt_model *m = l->opts.model;
	const struct optim_opts *o = l->opts.optimizer;
	struct optim_tensor *tensor;
	tt_status st;

	if (!m->param_count)
		return err_set(TT_ESPEC, "%s: no layer has parameters: there is nothing to train",
		               m->spec->name);
	if (!(tensor = mem_calloc((size_t)m->n_params, sizeof *tensor)))
		return TT_ENOMEM;
	for (int i = 0; i < m->n_params; i++)
		tensor[i] = (struct optim_tensor){
			.offset = m->param[i].offset, .count = m->param[i].count,
			.decay = m->param[i].role == PARAM_WEIGHT || o->decay_norms,
		};
	st = optim_new(&l->optim, o, tensor, m->n_params);
	mem_free(tensor);
	return st;
}

/* Where other processes of this machine can read them without a copy, if there are any. */
static tt_status make_grads(struct learner *l)
{
	const size_t count = l->opts.model->param_count, bytes = (count + SUMS) * sizeof *l->grads;
	const struct comm *c = l->opts.comm;

	if (c->near && !c->one_space && c->locals > 1 && shm_alloc(&l->shared, bytes) == TT_OK)
		l->grads = l->shared.p;
	else if (!(l->grads = mem_alloc_aligned(bytes)))
		return TT_ENOMEM;
	memset(l->grads, 0, bytes);
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
}

static tt_status build(struct learner *l)
{
	tt_status st;

	l->strategy = sync_pick(&l->distribute, l->opts.comm->size);
	if ((st = make_optim(l)) != TT_OK || (st = join_group(l)) != TT_OK ||
	    (st = make_grads(l)) != TT_OK)
		return st;
	return program_cache_new(&l->programs, &(struct program_cache_opts){
		.engine = l->opts.engine, .model = l->opts.model, .purpose = NN_TRAIN,
		.grads = l->grads, .group = &l->among });
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
	program_cache_free(&l->programs);
	optim_free(&l->optim);
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

tt_status learner_compile(struct learner *l, int64_t samples)
{
	const int64_t world = learner_world(l);
	const int64_t share = (samples - learner_rank(l) + world - 1) / world;

	return share > 0 ? microbatch_compile(l, samples, share) : TT_OK;
}

/* ---- the start ---- */

/* What of the optimizers of nets that stay apart comes together on rank 0 gets its room now. */
static tt_status make_slots(struct learner *l)
{
	const struct learner_whole *w = &l->whole;

	for (int i = 0; w->slot && !learner_rank(l) && i < optim_slots(l->optim); i++)
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
	return sync_host_open(l);
}

void learner_set_whole(struct learner *l, const struct learner_whole *whole)
{
	l->whole = *whole;
	if (!l->sync)
		return;
	l->sync->host.all_params = whole->model->params;
	l->sync->host.all_buffers = whole->model->buffers;
}

/* ---- a step ---- */

static tt_status need(void *ctx, size_t lo, size_t hi)
{
	struct learner *l = ctx;

	return blame_peer(sync_wait_params(l->sync, lo, hi));
}

/* Backward begins: the step before is over, and the optimizer turns to this one. */
static tt_status turn(struct learner *l)
{
	tt_status st = sync_flush(l->sync);

	l->step.turned = 1;
	if (st != TT_OK)
		return st;
	optim_begin(l->optim, l->step.at.lr, l->steps + 1);
	sums_count(l);
	return TT_OK;
}

static void ready(void *ctx, size_t lo, size_t hi)
{
	struct learner *l = ctx;
	struct step *s = &l->step;

	if (!s->turned && s->status == TT_OK)
		s->status = turn(l);
	if (s->status == TT_OK && microbatch_ready(l, lo, hi))
		s->status = sync_grad_ready(l->sync, lo, hi);
}

static tt_status gather(void *ctx, const float *mine, size_t n, float *all)
{
	return sync_all_gather(((struct learner *)ctx)->sync, mine, n, all);
}

/* Where no sample is left for this rank in this batch the others wait for its zeros. */
static tt_status run_share(struct learner *l, const struct batch *b)
{
	const struct microbatch_run run = {
		.samples = l->sync->summed ? b->n_global : b->n, .need = need, .ready = ready,
		.gather = gather,
	};
	tt_status st;

	if (b->n)
		return microbatch_run(l, b, &run);
	if ((st = sync_flush(l->sync)) != TT_OK)
		return blame_peer(st);
	memset(l->grads, 0, l->opts.model->param_count * sizeof *l->grads);
	l->step.part = l->step.parts - 1;
	ready(l, 0, l->opts.model->param_count);
	return l->step.status == TT_OK ? microbatch_run(l, b, &run) : blame_peer(l->step.status);
}

static tt_status take_step(struct learner *l, const struct batch *b, struct learner_result *out)
{
	const struct learner_at *at = &l->step.at;
	tt_status st;

	if ((st = sync_begin(l->sync, &(struct sync_step){ l->steps + 1, at->epoch, b->n,
	                     at->wants_stop })) != TT_OK)
		return blame_peer(st);
	if ((st = learner_blame(l, run_share(l, b))) != TT_OK)
		return st;
	if (!l->sync->summed && (st = sums_check(l)) != TT_OK)
		return st;
	st = blame_peer(sync_finish(l->sync));
	out->stop = l->sync->stop;
	return st == TT_OK && l->sync->exchanged ? sums_take(l, out) : st;
}

tt_status learner_step(struct learner *l, const struct batch *b, const struct learner_at *at,
                       struct learner_result *out)
{
	tt_status st;

	*out = (struct learner_result){ 0 };
	if (b->n_global > l->opts.batch)
		return err_set(TT_EINVAL, "a batch of %d samples, of at most %lld", b->n_global,
		               (long long)l->opts.batch);
	if ((st = microbatch_compile(l, b->n_global, b->n)) != TT_OK)
		return st;
	if (l->opts.steps)
		l->steps = atomic_fetch_add(l->opts.steps, 1);
	l->step = (struct step){ .at = *at, .parts = microbatch_count(&l->opts, b->n_global) };
	if ((st = take_step(l, b, out)) == TT_OK)
		l->steps++;
	return st;
}

int64_t learner_steps(const struct learner *l)
{
	return l->opts.steps ? atomic_load(l->opts.steps) : l->steps;
}

void learner_set_steps(struct learner *l, int64_t steps)
{
	l->steps = steps;
	if (l->opts.steps)
		atomic_store(l->opts.steps, steps);
}

int learner_together(const struct learner *l)
{
	return !l->sync || (!l->opts.team && (l->sync->exchanged || l->sync->alone));
}

double learner_grad_norm(const struct learner *l) { return l->grad_norm; }

/* ---- between steps ---- */

tt_status learner_flush(struct learner *l)
{
	return l->sync ? blame_peer(sync_flush(l->sync)) : TT_OK;
}

tt_status learner_epoch_end(struct learner *l, enum learner_epoch e, int wants_stop,
                            struct learner_result *out)
{
	tt_status st;

	*out = (struct learner_result){ 0 };
	if (!l->sync)
		return TT_OK;
	sums_want_stop(l, wants_stop);
	st = e == EPOCH_LAST ? sync_end(l->sync) : sync_epoch_end(l->sync);
	out->stop = l->sync->stop;
	if (st != TT_OK || !l->sync->exchanged)
		return blame_peer(st);
	return sums_take(l, out);
}

tt_status learner_consolidate(struct learner *l, struct learner_result *out)
{
	const int met = l->sync && l->sync->met;
	tt_status st;

	*out = (struct learner_result){ 0 };
	if (!l->sync)
		return TT_OK;
	if ((st = sync_consolidate(l->sync)) != TT_OK)
		return blame_peer(st);
	/* Who never communicates in between says his numbers now. */
	return l->strategy->apart && !met ? sums_take(l, out) : TT_OK;
}

void learner_resume(struct learner *l)
{
	if (l->sync)
		sync_resume(l->sync);
}

const struct sync_stats *learner_stats(const struct learner *l)
{
	return l->sync ? &l->sync->stats : NULL;
}

int64_t learner_parts(const struct learner *l)
{
	return microbatch_count(&l->opts, l->opts.batch);
}

int learner_classes(const struct learner *l) { return l->target.classes; }

void learner_give_up(struct learner *l, const char *why)
{
	if (l->opts.team)
		team_fail(l->opts.team, why);
	comm_abandon(l->opts.comm, why);
}

tt_status learner_blame(const struct learner *l, tt_status st)
{
	return l->opts.comm->fault.status != TT_OK ? blame_peer(st) : st;
}
