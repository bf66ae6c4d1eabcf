/* run.c -- steps in a row, and how a run ends. */
#include "learn/train/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "learn/train/checkpoint.h"
#include "learn/train/epoch.h"
#include "learn/train/join.h"
#include "learn/train/step.h"
#include "learn/train/tell.h"
#include "learn/train/trainer_own.h"
#include "sys/affinity.h"
#include "sys/policy.h"
#include "sys/thread.h"

/* Numbers are written down every so many steps and at the end of each epoch. */
static void tell_step(struct tt_trainer *t, int64_t step_of_epoch)
{
	int every = t->opts->tensorboard.every_steps;
	struct interval *i = &t->interval;
	struct observation w = {
		.due = i->samples > 0 && ((every > 0 && t->at.step % every == 0) ||
		                          step_of_epoch == t->progress.epoch_steps),
		.loss = i->loss / i->weight,
		.accuracy = t->epoch_sums.classes ? i->correct / i->weight : NAN,
		.parts = { .output = t->model->output, .n = t->model->n_outputs },
	};

	for (int k = 0; k < w.parts.n; k++)
		w.parts.mean[k] = i->part[k] / i->weight;
	if (w.due)
		*i = (struct interval){ 0 };
	trainer_tell(t, TT_EVENT_STEP, &w);
}

/* ---- steps ---- */

/* What of the data is no sample, in one line. */
static tt_status tell_text(struct tt_trainer *t, const char *key, const char *what,
                           const char *text)
{
	struct str note = {0};
	tt_status st;

	if (!text)
		return TT_OK;
	str_addf(&note, "%s: %s%s", key, what, text);
	if ((st = str_status(&note)) == TT_OK)
		trainer_note(t, note.p);
	str_release(&note);
	return st;
}

static tt_status tell_left_out(struct tt_trainer *t, const char *key, const tt_source *source)
{
	const tt_source_info *info = source ? tt_source_describe(source) : NULL;
	tt_status st;

	if (!info)
		return TT_OK;
	st = tell_text(t, key, "left out: ", info->left_out);
	return st == TT_OK ? tell_text(t, key, "", info->unseen) : st;
}

/* Allowed, but it may be a slip, and an epoch is one step then. */
static tt_status tell_large_batch(struct tt_trainer *t)
{
	const int64_t count = tt_source_describe(t->train_source)->count;
	struct str note = {0};
	tt_status st;

	if (t->opts->batch <= count)
		return TT_OK;
	str_addf(&note, "train.batch %d is larger than the %lld samples of data.train: each step takes "
	         "them all", t->opts->batch, (long long)count);
	if ((st = str_status(&note)) == TT_OK)
		trainer_note(t, note.p);
	str_release(&note);
	return st;
}

/* The order is another one than without. */
static tt_status tell_buckets(struct tt_trainer *t)
{
	const struct loader_padding p = loader_padding(t->loader);
	struct str note = {0};
	tt_status st;

	if (!p.batches)
		return TT_OK;
	str_addf(&note, "data.buckets: the samples of %d batches at a time are sorted by length: %.0f "
	         "%% of a batch are padding, which were %.0f %%", p.batches, 100 * p.sorted,
	         100 * p.shuffled);
	if ((st = str_status(&note)) == TT_OK)
		trainer_note(t, note.p);
	str_release(&note);
	return st;
}

static tt_status start(struct tt_trainer *t)
{
	tt_status st;

	if (t->started)
		return TT_OK;
	if ((st = trainer_join(t)) != TT_OK)
		return st;
	t->started = 1;
	t->pace.start = t->pace.mark = thread_seconds();
	trainer_tell(t, TT_EVENT_START, &(struct observation){ 0 });
	if (t->note.len)
		trainer_note(t, t->note.p);
	if ((st = tell_left_out(t, "data.train", t->train_source)) != TT_OK ||
	    (st = tell_left_out(t, "data.valid", t->valid_source)) != TT_OK ||
	    (st = tell_large_batch(t)) != TT_OK || (st = tell_buckets(t)) != TT_OK)
		return st;
	return trainer_trouble(t);
}

static tt_status save_by_steps(struct tt_trainer *t)
{
	int every = t->opts->checkpoint.every_steps;
	tt_status st;

	if (!t->saves || every <= 0)
		return TT_OK;
	/* Between two exchanges ranks may be far apart: wait for the next, if there is one. */
	t->save_due = t->save_due || t->at.step % every == 0;
	if (!t->save_due || !learner_together(t->learner))
		return TT_OK;
	t->save_due = 0;
	if ((st = trainer_consolidate(t)) != TT_OK || (st = checkpoint_collect(t)) != TT_OK)
		return st;
	if (t->dir.len && (st = checkpoint_save(t, t->last.p)) == TT_OK)
		st = checkpoint_save_step(t);
	learner_resume(t->learner);
	t->pace.mark = thread_seconds();
	return st;
}

/* The program around us may have lost patience: the same as tt_trainer_stop. */
static void heed_policy(struct tt_trainer *t)
{
	if (policy_interrupted())
		tt_trainer_stop(t);
}

/* Other workers have leased what was left of the epoch. */
static tt_status rest_is_taken(struct tt_trainer *t)
{
	if (!t->shared)
		return err_set(TT_EINTERNAL, "epoch %lld ended after %lld samples",
		               (long long)t->at.epoch + 1, (long long)t->at.consumed);
	t->at.consumed = tt_source_describe(t->train_source)->count;
	return TT_OK;
}

/* A run is resumed between two steps, perhaps after the last of an epoch: then the epoch's end is
 * what comes first. */
static tt_status one_step(struct tt_trainer *t, int *more)
{
	int got = 0;
	tt_status st;

	*more = 0;
	affinity_look(&t->stay);
	if (trainer_done(t))
		return TT_OK;
	if (t->at.consumed < tt_source_describe(t->train_source)->count) {
		if ((st = trainer_batch(t, &got)) != TT_OK)
			return st;
		if (!got && (st = rest_is_taken(t)) != TT_OK)
			return st;
		if (got)
			tell_step(t, t->progress.epoch_step);
		if (got && (st = save_by_steps(t)) != TT_OK)
			return st;
	}
	if (t->at.consumed >= tt_source_describe(t->train_source)->count && !trainer_stopping(t) &&
	    (st = trainer_epoch_end(t)) != TT_OK)
		return st;
	*more = !trainer_done(t);
	heed_policy(t);
	return trainer_trouble(t);
}

/* ---- the end ---- */

static tt_status end(struct tt_trainer *t, tt_status st)
{
	struct observation w = { .seen.status = st };
	char reason[ERR_MAX];
	tt_status told, written;

	if (t->ended)
		return st;
	/* After an observer's error the training stands between two steps, and can go on. */
	t->ended = st != TT_ESTOPPED && t->trouble.status == TT_OK;
	t->trouble.status = TT_OK;
	/* Observers may fail as well; what ended the run is what the caller should read. */
	snprintf(reason, sizeof reason, "%s", st == TT_OK ? "finished" : tt_last_error());
	w.seen.text = reason;
	trainer_tell(t, TT_EVENT_END, &w);
	told = trainer_trouble(t);
	if (t->trace_path.len && (written = trainer_write_trace(t, st)) != TT_OK && told == TT_OK)
		told = written;
	return st == TT_OK ? told : err_set(st, "%s", reason);
}

static tt_status stopped(struct tt_trainer *t)
{
	tt_status st = trainer_consolidate(t);

	if (st == TT_OK && t->saves)
		st = checkpoint_collect(t);
	if (st == TT_OK && t->dir.len)
		st = checkpoint_save(t, t->last.p);
	learner_resume(t->learner);
	atomic_store(&t->stop, 0);
	t->stopping = 0;
	if (st == TT_OK)
		st = trainer_trouble(t);
	return st == TT_OK ? err_set(TT_ESTOPPED, "stopped on request after step %lld",
	                             (long long)t->at.step) : st;
}

/* Rank 0's thread is the caller's, which gets back the cores it had. */
static void enter(struct tt_trainer *t)
{
	t->running = 1;
	engine_enter(t->engine);
	heed_policy(t);
	if (t->group)
		local_workers_stay(t->group, 0, &t->stay);
}

static void leave(struct tt_trainer *t)
{
	t->running = 0;
	if (t->group)
		affinity_leave(&t->stay);
}

/* A fork copies the trainer without its threads. */
static tt_status check_process(const struct tt_trainer *t)
{
	if (t->process == getpid())
		return TT_OK;
	return err_set(TT_ESUPPORT, "this trainer belongs to process %d, from which this one was "
	               "forked: make a new one", (int)t->process);
}

tt_status tt_trainer_observe(tt_trainer *t, const tt_observer *o)
{
	if (!t || !o)
		return err_null(__func__);
	return observers_add_stranger(&t->observers, o);
}

tt_status tt_trainer_step(tt_trainer *t, int *more)
{
	return tt_trainer_steps(t, 1, more);
}

/* Workers that do not wait for one another step until rank 0 has done its n. */
static void tell_steps(struct tt_trainer *t, int64_t n)
{
	if (t->shared)
		local_workers_command(t->group, GROUP_RUN);
	else
		local_workers_steps(t->group, n);
}

/* The caller may look at the parameters. */
static tt_status settle(struct tt_trainer *t, int more)
{
	tt_status st = TT_OK;

	if (!t->shared)
		return learner_flush(t->learner);
	if (more && (st = trainer_consolidate(t)) == TT_OK)
		learner_resume(t->learner);
	return st;
}

tt_status tt_trainer_steps(tt_trainer *t, int64_t n, int *more)
{
	tt_status st;

	if (!t || !more)
		return err_null(__func__);
	*more = 1;
	if (n < 1)
		return err_set(TT_EINVAL, "%lld steps: there is at least one", (long long)n);
	if ((st = check_process(t)) != TT_OK)
		return st;
	enter(t);
	if (t->group)
		tell_steps(t, n);
	st = start(t);
	for (int64_t i = 0; i < n && st == TT_OK && *more; i++)
		st = trainer_stopping(t) ? TT_ESTOPPED : one_step(t, more);
	if (st == TT_OK)
		st = settle(t, *more);
	if (st == TT_ESTOPPED)
		st = stopped(t);
	st = trainer_part(t, st);
	leave(t);
	return st != TT_OK || !*more ? end(t, st) : st;
}

tt_status tt_trainer_run(tt_trainer *t)
{
	int more = 1;
	tt_status st;

	if (!t)
		return err_null(__func__);
	if ((st = check_process(t)) != TT_OK)
		return st;
	enter(t);
	if (t->group)
		local_workers_command(t->group, GROUP_RUN);
	st = start(t);
	while (st == TT_OK && more && !trainer_stopping(t))
		st = one_step(t, &more);
	if (st == TT_ESTOPPED || (st == TT_OK && more))
		st = stopped(t);
	st = trainer_part(t, st);
	leave(t);
	return end(t, st);
}

void tt_trainer_stop(tt_trainer *t)
{
	if (t)
		atomic_store(&t->stop, 1);
}

const tt_progress *tt_trainer_progress(const tt_trainer *t)
{
	return t ? &t->progress : NULL;
}

tt_status tt_trainer_checkpoint(tt_trainer *t, const char *path)
{
	tt_status st;

	if (!t)
		return err_null(__func__);
	if ((st = check_process(t)) != TT_OK)
		return st;
	if (trainer_world(t) > 1 && t->running)
		return err_set(TT_EINVAL, "%s: workers are all over the place within a step: write a "
		               "checkpoint between steps, or by train.checkpoint", path);
	if (t->group)
		local_workers_command(t->group, GROUP_MEET);
	if ((st = trainer_consolidate(t)) == TT_OK)
		st = checkpoint_collect(t);
	if (st == TT_OK && path)
		st = checkpoint_save(t, path);
	learner_resume(t->learner);
	st = trainer_part(t, st == TT_OK ? trainer_trouble(t) : st);
	t->trouble.status = TT_OK;
	return st;
}

tt_status run_obey(void *trainer, enum local_workers_command c, int64_t steps)
{
	int more;

	switch (c) {
	case GROUP_STEPS: return tt_trainer_steps(trainer, steps, &more);
	case GROUP_RUN:  return tt_trainer_run(trainer);
	case GROUP_MEET: return tt_trainer_checkpoint(trainer, NULL);
	case GROUP_QUIT: break;
	}
	return TT_OK;
}
