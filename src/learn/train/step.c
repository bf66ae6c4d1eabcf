/* step.c -- the path of one training step:
 *
 *   loader_next -> microbatch_run -> (range of gradients final -> optim_apply) ... -> sums
 *
 * One way, no return trips; nothing is allocated after the first step of each batch size.
 * A rank among others takes the way of together.c in the middle. */
#include "learn/train/trainer.h"

#include <math.h>

static void apply_range(void *ctx, size_t lo, size_t hi)
{
	struct tt_trainer *t = ctx;

	if (microbatch_ready(t, lo, hi) && hi > lo && optim_by_range(t->optim))
		optim_apply(t->optim, t->model->params, t->grads, lo, hi);
}

static int64_t steps_per_epoch(const struct tt_trainer *t)
{
	return t->progress.epoch_steps;
}

static double learning_rate(const struct tt_trainer *t)
{
	const struct train_opts *o = t->opts;

	return schedule_lr(&o->schedule, o->optimizer.lr, t->at.step, steps_per_epoch(t),
	                   t->progress.steps, o->batch);
}

tt_status trainer_not_finite(const struct tt_trainer *t, const char *what, int64_t step)
{
	return err_set(TT_ENAN, "%s at step %lld (epoch %lld, learning rate %g); last good checkpoint: "
	               "%s; try a smaller train.optimizer.lr, train.schedule.warmup_epochs or "
	               "train.optimizer.clip_norm", what, (long long)step,
	               (long long)t->at.epoch + 1, t->progress.lr,
	               t->last_good.len ? t->last_good.p : "none");
}

/* The rules that need the whole gradient see it before a parameter is touched. */
static void apply_whole(struct tt_trainer *t)
{
	t->progress.grad_norm = optim_clip(t->optim, t->grads);
	optim_apply(t->optim, t->model->params, t->grads, 0, t->model->param_count);
}

void trainer_add_metrics(const struct tt_trainer *t, struct metrics *m)
{
	const struct batch *b = &t->share.batch;
	struct program *p = t->share.program;

	metrics_add(m, &(struct metrics_batch){
		.loss = *(const float *)program_output(p, OUTPUT_LOSS),
		.logits = program_output(p, OUTPUT_LOGITS), .width = t->target.width,
		.label = b->label, .n = b->n });
}

/* What a piece says. */
static tt_status add_sums(struct tt_trainer *t)
{
	const float loss = *(const float *)program_output(t->share.program, OUTPUT_LOSS);
	int64_t correct = t->epoch_sums.correct;

	if (!isfinite(loss))
		return trainer_not_finite(t, isnan(loss) ? "the loss is not a number"
		                                         : "the loss is infinite", t->at.step + 1);
	trainer_add_metrics(t, &t->epoch_sums);
	t->interval.loss += (double)loss;
	t->interval.samples += t->share.batch.n;
	t->interval.correct += t->epoch_sums.correct - correct;
	return TT_OK;
}

static tt_status step_alone(struct tt_trainer *t, const struct batch *b)
{
	tt_status st;

	optim_begin(t->optim, t->progress.lr, t->at.step + 1);
	st = microbatch_run(t, b, &(struct microbatch_run){
		.samples = b->n_global, .ready = apply_range, .done = add_sums });
	if (st == TT_OK && !optim_by_range(t->optim))
		apply_whole(t);
	return st;
}

/* Measuring kernels for a batch of another size was stopped: the batch is still to be done. */
static tt_status put_back(struct tt_trainer *t)
{
	tt_status st = loader_seek(t->loader, t->at.epoch, t->at.consumed);

	return st == TT_OK ? TT_ESTOPPED : st;
}

tt_status trainer_batch(struct tt_trainer *t, int *more)
{
	struct batch *b;
	tt_status st;

	if ((st = loader_next(t->loader, &b)) != TT_OK)
		return st;
	*more = b != NULL;
	if (!b)
		return TT_OK;
	if ((st = microbatch_compile(t, b->n_global, b->n)) != TT_OK)
		return st == TT_ESTOPPED ? put_back(t) : st;
	t->progress.lr = learning_rate(t);
	t->share = (struct share){ .pieces = microbatch_of(t, b->n_global) };
	if ((st = t->sync ? data_parallel_step(t, b) : step_alone(t, b)) != TT_OK)
		return st;
	t->batch = b;
	t->at.step++;
	t->at.consumed += b->n_global;
	trainer_measure(t, b->n_global);
	return TT_OK;
}
