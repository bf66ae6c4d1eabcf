#include "learn/train/epoch.h"

#include "distribute/coll/coll.h"
#include "learn/train/checkpoint.h"
#include "learn/train/progress.h"
#include "learn/train/tell.h"
#include "learn/train/trainer_own.h"
#include "learn/train/validation.h"
#include "sys/thread.h"

/* An epoch without validation has nothing new to show to who watches validation. */
static int look(struct tt_trainer *t)
{
	const int news = !monitor_valid(&t->watch) || trainer_validates(t);
	int better;

	t->seen.split[MONITOR_TRAINING][SCORE_LOSS] = t->progress.loss;
	t->seen.split[MONITOR_TRAINING][SCORE_ACCURACY] = t->progress.accuracy;
	better = news && monitor_look(&t->watch, &t->seen);
	if (better)
		t->progress.best = t->watch.best;
	return better;
}

/* The state that is saved already stands at the start of the next epoch. */
static void next_epoch(struct tt_trainer *t)
{
	t->at.epoch++;
	t->at.consumed = 0;
	metrics_clear(&t->epoch_sums);
}

int trainer_done(const struct tt_trainer *t)
{
	return t->at.epoch >= t->opts->epochs || (t->at.consumed == 0 && monitor_stop(&t->watch));
}

/* First the best, then the last: a resumed run must not believe in a best file that a crash in
 * between has kept from being written. */
static tt_status keep(struct tt_trainer *t, int better)
{
	int every = t->opts->checkpoint.every_epochs;
	int due = trainer_done(t) || (every > 0 && t->at.epoch % every == 0);
	tt_status st;

	if (!t->saves || !(better || due))
		return TT_OK;
	if ((st = checkpoint_collect(t)) != TT_OK || !t->dir.len)
		return st;
	if (better && (st = checkpoint_save(t, t->best.p)) != TT_OK)
		return st;
	if (!due)
		return TT_OK;
	if ((st = checkpoint_save(t, t->last.p)) != TT_OK)
		return st;
	return checkpoint_save_step(t);
}

static tt_status tell_early_stop(struct tt_trainer *t)
{
	struct str s = {0};
	tt_status st;

	if (!monitor_stop(&t->watch) || t->at.epoch >= t->opts->epochs)
		return TT_OK;
	str_add(&s, "early stop: ");
	monitor_text(&t->watch, &s);
	if ((st = str_status(&s)) == TT_OK)
		trainer_note(t, s.p);
	str_release(&s);
	return st;
}

tt_status trainer_consolidate(struct tt_trainer *t)
{
	struct learner_result r;
	tt_status st = learner_consolidate(t->learner, &r);

	trainer_take(t, &r);
	return trainer_not_finite(t, st);
}

/* Workers that do not wait for one another have heard the same numbers in other portions, which
 * round differently: what is decided by them is decided by rank 0's. */
static tt_status share_sums(struct tt_trainer *t)
{
	t->at.step = learner_steps(t->learner);
	return learner_blame(t->learner, comm_broadcast(t->comm, 0, &t->epoch_sums,
	                                                sizeof t->epoch_sums));
}

/* Sums of all ranks, and perhaps their average.  TT_ESTOPPED: a worker stopped before it came. */
static tt_status end_steps(struct tt_trainer *t, enum learner_epoch e)
{
	struct learner_result r;
	tt_status st = learner_epoch_end(t->learner, e, atomic_load(&t->stop), &r);

	trainer_take(t, &r);
	if (st == TT_OK && t->shared)
		return r.exchanged ? share_sums(t) : TT_ESTOPPED;
	return trainer_not_finite(t, st);
}

static tt_status combine(struct tt_trainer *t)
{
	tt_status st;

	if (t->model->spec->distribute.combine != COMBINE_NET)
		return TT_OK;
	st = ensemble_combine(t->ensemble, t->learner, t->engine, t->train_source);
	return st == TT_OK ? trainer_evaluator(t) : st;
}

/* All members are done: what combines them, and how good is each? */
static tt_status finish_ensemble(struct tt_trainer *t)
{
	struct evaluator_opts o;
	tt_status st;

	if (!t->ensemble)
		return TT_OK;
	o = trainer_evaluator_opts(t);
	if ((st = combine(t)) != TT_OK || (st = ensemble_measure(t->ensemble, &o)) != TT_OK)
		return learner_blame(t->learner, st);
	trainer_measure_wire(t);
	t->progress.members = t->ensemble->n;
	t->progress.member_accuracy = t->ensemble->accuracy;
	return TT_OK;
}

static tt_status leave_epoch(struct tt_trainer *t)
{
	const int last = t->at.epoch + 1 >= t->opts->epochs;
	tt_status st = end_steps(t, last ? EPOCH_LAST : EPOCH_GOES_ON);

	if (st != TT_OK)
		return st;
	if (t->epoch_sums.samples && t->epoch_sums.weight <= 0)
		return err_set(TT_EINVAL, "all %lld samples of data.train weigh 0: there is nothing to "
		               "learn from them", (long long)t->epoch_sums.samples);
	trainer_measure(t, 0);
	if ((st = trainer_consolidate(t)) != TT_OK)
		return st;
	return last ? finish_ensemble(t) : TT_OK;
}

/* After an early stop the model is what all ranks have in common, as after the last epoch. */
static tt_status stop_early(struct tt_trainer *t)
{
	tt_status st = end_steps(t, EPOCH_LAST);

	if (st != TT_OK || (!t->ensemble && !t->opts->ema))
		return st;
	if ((st = trainer_consolidate(t)) != TT_OK || (st = finish_ensemble(t)) != TT_OK)
		return st;
	if (t->dir.len && t->ensemble)
		st = checkpoint_save(t, t->last.p);
	learner_resume(t->learner);
	return st;
}

static tt_status go_on(struct tt_trainer *t)
{
	if (!trainer_done(t))
		return loader_seek(t->loader, t->at.epoch, 0);
	return t->at.epoch >= t->opts->epochs ? TT_OK : stop_early(t);
}

tt_status trainer_epoch_end(struct tt_trainer *t)
{
	int better;
	tt_status st;

	if ((st = leave_epoch(t)) != TT_OK || (st = trainer_validate(t)) != TT_OK)
		return st;
	better = look(t);
	trainer_tell(t, TT_EVENT_EPOCH, &(struct observation){ 0 });
	next_epoch(t);
	t->progress.done = trainer_done(t);
	if ((st = keep(t, better)) != TT_OK || (st = tell_early_stop(t)) != TT_OK)
		return st;
	learner_resume(t->learner);
	st = go_on(t);
	t->pace.mark = thread_seconds();
	return st;
}
