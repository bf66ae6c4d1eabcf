/* step.c -- the path of one training step:
 *
 *   loader_next -> program_run -> (range of gradients final -> optim_apply) ... -> sums
 *
 * One way, no return trips; nothing is allocated after the first step of each batch size.
 * A rank among others takes the way of together.c in the middle. */
#include "learn/train/trainer.h"

#include <math.h>

#include "base/thread.h"
#include "dist/sync/trace.h"

enum { INPUT_X, INPUT_TARGET, INPUT_SEED };
enum { OUTPUT_LOSS, OUTPUT_LOGITS };

static void apply_range(void *ctx, size_t lo, size_t hi)
{
	struct tt_trainer *t = ctx;

	if (hi > lo)
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

void trainer_set_inputs(struct tt_trainer *t, struct program *p, const struct batch *b,
                        const float *seed)
{
	program_set_input(p, INPUT_X, b->x);
	program_set_input(p, INPUT_TARGET, target_of(&t->target, b));
	program_set_input(p, INPUT_SEED, seed);
}

static tt_status run_program(struct tt_trainer *t, struct program *p, const struct batch *b)
{
	int by_range = optim_by_range(t->optim);
	const float seed = 1.0f / (float)b->n_global;
	const struct program_run run = {
		.seed = (uint64_t)t->opts->seed, .step = (uint64_t)t->at.step, .sample_stride = 1,
		.ready = by_range ? apply_range : NULL, .ctx = t,
	};
	double at[2] = { thread_seconds() };
	const float *loss;
	tt_status st;

	optim_begin(t->optim, t->progress.lr, t->at.step + 1);
	trainer_set_inputs(t, p, b, &seed);
	st = program_run(p, &run);
	at[1] = thread_seconds();
	trace_span(t->trace, TRACE_COMPUTE, "step", t->at.step + 1, at);
	if (st != TT_OK)
		return st;
	loss = program_output(p, OUTPUT_LOSS);
	if (!isfinite(*loss))
		return trainer_not_finite(t, isnan(*loss) ? "the loss is not a number"
		                                          : "the loss is infinite",
		                          t->at.step + 1);
	if (!by_range)
		apply_whole(t);
	return TT_OK;
}

void trainer_add_metrics(const struct tt_trainer *t, struct metrics *m, struct program *p,
                         const struct batch *b)
{
	metrics_add(m, &(struct metrics_batch){
		.loss = *(const float *)program_output(p, OUTPUT_LOSS),
		.logits = program_output(p, OUTPUT_LOGITS), .width = t->target.width,
		.label = b->label, .n = b->n });
}

static void add_sums(struct tt_trainer *t, struct program *p, const struct batch *b)
{
	int64_t correct = t->epoch_sums.correct;

	trainer_add_metrics(t, &t->epoch_sums, p, b);
	t->interval.loss += (double)*(const float *)program_output(p, OUTPUT_LOSS);
	t->interval.samples += b->n;
	t->interval.correct += t->epoch_sums.correct - correct;
}

static tt_status step_alone(struct tt_trainer *t, struct program *p, const struct batch *b)
{
	tt_status st = run_program(t, p, b);

	if (st == TT_OK)
		add_sums(t, p, b);
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
	struct program *p = NULL;
	struct batch *b;
	tt_status st;

	if ((st = loader_next(t->loader, &b)) != TT_OK)
		return st;
	*more = b != NULL;
	if (!b)
		return TT_OK;
	if (b->n && (st = programs_get(t->programs, b->n, &p)) != TT_OK)
		return st == TT_ESTOPPED ? put_back(t) : st;
	t->progress.lr = learning_rate(t);
	if ((st = t->sync ? together_step(t, p, b) : step_alone(t, p, b)) != TT_OK)
		return st;
	t->batch = b;
	t->at.step++;
	t->at.consumed += b->n_global;
	trainer_measure(t, b->n_global);
	return TT_OK;
}
