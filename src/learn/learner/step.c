/* step.c -- one optimizer step, and what lies between steps. */
#include <string.h>

#include "base/mem.h"
#include "learn/learner/learner_own.h"
#include "learn/learner/microbatch.h"

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
	if (l->step.at.rates)
		optim_begin_rates(l->optim, l->step.at.rates, l->steps + 1);
	else
		optim_begin(l->optim, l->step.at.lr, l->steps + 1);
	ema_begin(&l->ema, l->steps + 1);
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
		.need = need, .ready = ready, .gather = gather,
	};
	tt_status st;

	if (b->n)
		return microbatch_run(l, b, &run);
	if ((st = sync_flush(l->sync)) != TT_OK)
		return blame_peer(st);
	memset(l->grads, 0, l->opts.model->train_count * sizeof *l->grads);
	l->step.part = l->step.parts - 1;
	ready(l, 0, l->opts.model->train_count);
	return l->step.status == TT_OK ? microbatch_run(l, b, &run) : blame_peer(l->step.status);
}

static tt_status take_step(struct learner *l, const struct batch *b, struct learner_result *out)
{
	const struct learner_at *at = &l->step.at;
	tt_status st;

	if ((st = sync_begin(l->sync, &(struct sync_step){
		.step = l->steps + 1, .epoch = at->epoch, .samples = b->n, .weight = weigh_mine(l, b),
		.wants_stop = at->wants_stop })) != TT_OK)
		return blame_peer(st);
	if ((st = weigh_step(l, b)) != TT_OK || (st = learner_blame(l, run_share(l, b))) != TT_OK)
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
	if (b->data.weight && l->weights == WEIGHTS_NO && learner_world(l) > 1)
		return err_set(TT_EINVAL, "the batch has sample weights, and no worker's had any in the "
		               "first step: a group weighs samples from then on, or not at all");
	l->inputs.at_least = program_inputs_length(l->opts.model, &b->data);
	if ((st = microbatch_compile(l, &(struct microbatch_want){
		b->n_global, b->n, b->data.weight != NULL, l->inputs.at_least })) != TT_OK)
		return st;
	average_hide(l);
	l->over = 0;
	if (b->begins)
		carry_clear(&l->carry);
	l->goes_on = l->opts.carry;
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
	l->over = e == EPOCH_LAST && st == TT_OK && !out->stop;
	l->goes_on = l->goes_on && (st != TT_OK || out->stop);
	if (st != TT_OK || !l->sync->exchanged)
		return blame_peer(st);
	return sums_take(l, out);
}

/* Nets that stay apart are shown as they are collected. */
static tt_status meet(struct learner *l)
{
	average_hide(l);
	if (l->strategy->apart)
		average_show(l);
	return blame_peer(sync_consolidate(l->sync));
}

tt_status learner_consolidate(struct learner *l, struct learner_result *out)
{
	tt_status st;

	*out = (struct learner_result){ 0 };
	if (l->sync && l->sync->met)
		return TT_OK;
	if (l->sync && (st = meet(l)) != TT_OK)
		return st;
	average_show(l);
	return l->sync && l->sync->exchanged ? sums_take(l, out) : TT_OK;
}

void learner_resume(struct learner *l)
{
	average_hide(l);
	if (l->sync)
		sync_resume(l->sync);
	if (l->over)
		average_show(l);
	own_release(&l->own);
	mem_free(l->carried);
	l->carried = NULL;
}

const struct sync_stats *learner_stats(const struct learner *l)
{
	return l->sync ? &l->sync->stats : NULL;
}

int learner_classes(const struct learner *l) { return l->target.classes; }
