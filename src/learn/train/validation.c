#include "learn/train/validation.h"

#include "learn/train/tell.h"
#include "learn/train/trainer_own.h"
#include "sys/thread.h"

/* As many as in training are computed at once, of all workers together. */
static int batch_of(const struct tt_trainer *t)
{
	const int parts = (int)learner_parts(t->learner);

	return t->opts->eval_batch ? t->opts->eval_batch : (t->opts->batch + parts - 1) / parts;
}

struct evaluator_opts trainer_evaluator_opts(const struct tt_trainer *t)
{
	return (struct evaluator_opts){
		.engine = t->engine, .model = t->model, .source = t->valid_source, .batch = batch_of(t),
		.top_k = t->opts->top_k,
	};
}

tt_status trainer_evaluator(struct tt_trainer *t)
{
	struct evaluator_opts o = trainer_evaluator_opts(t);
	tt_status st;

	evaluator_free(&t->evaluator);
	if (!t->valid_source)
		return TT_OK;
	o.model = trainer_whole(t);
	o.stop = trainer_world(t) > 1 ? NULL : &t->stop;
	o.comm = t->comm;
	st = evaluator_new(&t->evaluator, &o);
	return st == TT_OK ? TT_OK : err_at(st, "data.valid");
}

/* There is always one after the last epoch. */
int trainer_validates(const struct tt_trainer *t)
{
	int64_t done = t->at.epoch + 1;

	return t->evaluator && (done % t->opts->valid_every == 0 || done >= t->opts->epochs);
}

tt_status trainer_validate(struct tt_trainer *t)
{
	double start = thread_seconds();
	tt_metrics m;
	tt_status st;

	if (!trainer_validates(t))
		return TT_OK;
	if ((st = evaluator_run(t->evaluator, &m)) != TT_OK)
		return learner_blame(t->learner, st);
	t->pace.valid_seconds = thread_seconds() - start;
	t->progress.valid_loss = m.loss;
	t->progress.valid_accuracy = m.accuracy;
	trainer_tell(t, TT_EVENT_VALID,
	             &(struct observation){ .valid = evaluator_scores(t->evaluator) });
	return TT_OK;
}
