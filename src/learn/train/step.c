#include "learn/train/step.h"

#include "learn/train/progress.h"
#include "learn/train/tell.h"
#include "learn/train/trainer_own.h"

static double rate_of(const struct tt_trainer *t, double base)
{
	const struct train_opts *o = t->opts;

	return schedule_lr(&o->schedule, base, t->at.step, t->progress.epoch_steps,
	                   t->progress.steps, o->batch);
}

/* A schedule is a straight line over the rate that it begins with. */
static struct optim_rates learning_rates(const struct tt_trainer *t)
{
	const double plus = rate_of(t, 0);

	return (struct optim_rates){ rate_of(t, t->opts->optimizer.lr), rate_of(t, 1) - plus, plus };
}

/* Measuring kernels for a batch of another size was stopped: the batch is still to be done. */
static tt_status put_back(struct tt_trainer *t)
{
	tt_status st = loader_seek(t->loader, t->at.epoch, t->at.consumed);

	return st == TT_OK ? TT_ESTOPPED : st;
}

static const struct batch *weighed(struct tt_trainer *t, const struct batch *b)
{
	return t->class_weights ? class_weights_take(t->class_weights, b) : b;
}

tt_status trainer_batch(struct tt_trainer *t, int *more)
{
	struct learner_at at = { .epoch = t->at.epoch, .wants_stop = atomic_load(&t->stop) };
	struct optim_rates rates;
	struct learner_result r;
	struct batch *b;
	tt_status st;

	if ((st = loader_next(t->loader, &b)) != TT_OK)
		return st;
	*more = b != NULL;
	if (!b)
		return TT_OK;
	t->at.step = learner_steps(t->learner);
	rates = learning_rates(t);
	at.lr = t->progress.lr = rates.lr;
	at.rates = &rates;
	st = learner_step(t->learner, weighed(t, b), &at, &r);
	trainer_take(t, &r);
	if (st != TT_OK)
		return st == TT_ESTOPPED ? put_back(t) : trainer_not_finite(t, st);
	t->batch = b;
	t->at.step = learner_steps(t->learner);
	t->at.consumed = b->position + b->n_global;
	t->progress.grad_norm = learner_grad_norm(t->learner);
	/* Of workers that do not wait for one another, those of all that were heard of meanwhile. */
	trainer_measure(t, t->shared ? (int)r.sums.samples : b->n_global);
	return TT_OK;
}
