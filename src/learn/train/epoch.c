/* epoch.c -- what happens between steps: numbers, validation, the best, checkpoints. */
#include "learn/train/trainer.h"

#include <math.h>

#include "sys/thread.h"

#define WINDOW_SECONDS 0.25     /* of steps that make one measurement of speed */
#define SMOOTHING 0.3           /* weight of the newest one                    */

/* ---- numbers ---- */

static void measure_speed(struct tt_trainer *t, int samples)
{
	struct pace *p = &t->pace;
	tt_progress *n = &t->progress;
	double now = thread_seconds(), rate;

	p->seconds += now - p->mark;
	n->train_seconds += now - p->mark;
	p->samples += samples;
	p->mark = now;
	n->seconds = now - p->start;
	if (p->seconds < WINDOW_SECONDS && p->windows)
		return;
	rate = p->seconds > 0 ? (double)p->samples / p->seconds : 0;
	/* The first window already shows while it fills. */
	n->samples_per_second = !p->windows ? rate
		: n->samples_per_second + SMOOTHING * (rate - n->samples_per_second);
	if (p->seconds < WINDOW_SECONDS)
		return;
	p->windows++;
	p->seconds = 0;
	p->samples = 0;
}

static double estimate_left(const struct tt_trainer *t)
{
	const tt_progress *n = &t->progress;
	double samples = (double)(n->steps - t->at.step) * t->opts->batch;
	double epochs = (double)(n->epochs - t->at.epoch);
	double validations = t->evaluator ? epochs / t->opts->valid_every : 0;

	if (n->samples_per_second <= 0)
		return NAN;
	return samples / n->samples_per_second + validations * t->pace.valid_seconds;
}

void trainer_measure_wire(struct tt_trainer *t)
{
	const struct sync_stats *s = learner_stats(t->learner);

	if (!s || trainer_world(t) == 1)
		return;
	t->progress.wire_seconds = s->wire_seconds;
	t->progress.exposed_seconds = s->exposed_seconds;
	t->progress.bytes_sent = (int64_t)s->bytes_sent;
}

void trainer_measure(struct tt_trainer *t, int samples)
{
	tt_progress *n = &t->progress;

	n->step = t->at.step;
	n->epoch = (int)t->at.epoch;
	n->epoch_step = (t->at.consumed + t->opts->batch - 1) / t->opts->batch;
	n->loss = metrics_loss(&t->epoch_sums);
	n->accuracy = metrics_accuracy(&t->epoch_sums);
	if (samples)
		measure_speed(t, samples);
	trainer_measure_wire(t);
	n->seconds_left = estimate_left(t);
}

/* ---- the end of an epoch ---- */

/* There is always one after the last epoch. */
static int validates(const struct tt_trainer *t)
{
	int64_t done = t->at.epoch + 1;

	return t->evaluator && (done % t->opts->valid_every == 0 || done >= t->opts->epochs);
}

static tt_status validate(struct tt_trainer *t)
{
	double start = thread_seconds();
	tt_metrics m;
	tt_status st;

	if (!validates(t))
		return TT_OK;
	if ((st = evaluator_run(t->evaluator, &m)) != TT_OK)
		return learner_blame(t->learner, st);
	t->pace.valid_seconds = thread_seconds() - start;
	t->progress.valid_loss = m.loss;
	t->progress.valid_accuracy = m.accuracy;
	return trainer_tell(t, TT_EVENT_VALID, &(struct observation){ .valid = &m });
}

/* An epoch without validation has nothing new to show to who watches validation. */
static int look(struct tt_trainer *t)
{
	int better =
		(!monitor_valid(&t->watch) || validates(t)) && monitor_look(&t->watch, &t->progress);

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

/* First the best, then the last: a resumed run must not believe in a best file that a crash in
 * between has kept from being written. */
static tt_status keep(struct tt_trainer *t, int better)
{
	int every = t->opts->checkpoint.every_epochs;
	tt_status st;

	if (!t->dir.len)
		return TT_OK;
	if (better && (st = checkpoint_save(t, t->best.p)) != TT_OK)
		return st;
	if (!trainer_done(t) && (every <= 0 || t->at.epoch % every != 0))
		return TT_OK;
	if ((st = checkpoint_save(t, t->last.p)) != TT_OK)
		return st;
	return checkpoint_save_step(t);
}

int trainer_done(const struct tt_trainer *t)
{
	return t->at.epoch >= t->opts->epochs || (t->at.consumed == 0 && monitor_stop(&t->watch));
}

static tt_status tell_early_stop(struct tt_trainer *t)
{
	struct str s = {0};
	tt_status st;

	if (!monitor_stop(&t->watch) || t->at.epoch >= t->opts->epochs)
		return TT_OK;
	str_addf(&s, "early stop: %s has not improved on %.6g for %d looks", monitor_name(&t->watch),
	         t->watch.best, t->watch.waited);
	if ((st = str_status(&s)) == TT_OK)
		st = trainer_note(t, s.p);
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

static tt_status leave_epoch(struct tt_trainer *t)
{
	const int last = t->at.epoch + 1 >= t->opts->epochs;
	tt_status st = end_steps(t, last ? EPOCH_LAST : EPOCH_GOES_ON);

	if (st != TT_OK)
		return st;
	trainer_measure(t, 0);
	if ((st = trainer_consolidate(t)) != TT_OK)
		return st;
	return last ? ensemble_finish(t) : TT_OK;
}

/* After an early stop the model is what all ranks have in common, as after the last epoch. */
static tt_status stop_early(struct tt_trainer *t)
{
	tt_status st = end_steps(t, EPOCH_LAST);

	if (st != TT_OK || !t->ensemble)
		return st;
	if ((st = trainer_consolidate(t)) != TT_OK || (st = ensemble_finish(t)) != TT_OK)
		return st;
	if (t->dir.len)
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

	if ((st = leave_epoch(t)) != TT_OK || (st = validate(t)) != TT_OK)
		return st;
	better = look(t);
	if ((st = trainer_tell(t, TT_EVENT_EPOCH, &(struct observation){ 0 })) != TT_OK)
		return st;
	next_epoch(t);
	if ((st = keep(t, better)) != TT_OK || (st = tell_early_stop(t)) != TT_OK)
		return st;
	learner_resume(t->learner);
	st = go_on(t);
	t->pace.mark = thread_seconds();
	return st;
}
