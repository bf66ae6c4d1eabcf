/* checkpoint.c -- a run as it stands, to a checkpoint and back.
 *
 *   conv1.weight ...              the model, as any tool can read it
 *   tutti.optim.exp_avg ...       the optimizer's slots, flat, in the order of the parameters
 *   tutti.worker.easgd.params ... what each worker has of its own, a row for each
 *   metadata: tutti.step ...      one number per row of the table below
 *             tutti.leases        what is left of an epoch, where workers lease batches
 *             tutti.losses        of nets with several: sums of each, in the epoch and since
 *                                 numbers were last written down
 *             tutti.monitor       what its best is a number of
 *             tutti.members       of an ensemble; tutti.combined: is a net behind them?
 *
 * Nothing of the day or the machine is in it: the same run gives the same bytes. */
#include "learn/train/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "distribute/coll/coll.h"
#include "learn/ckpt/ckpt.h"
#include "learn/observe/run_dir.h"
#include "learn/observe/run_lock.h"
#include "learn/spec/save.h"
#include "learn/spec/scaling.h"
#include "learn/train/progress.h"
#include "learn/train/rest.h"
#include "learn/train/scaling.h"
#include "learn/train/tell.h"
#include "learn/train/trainer_own.h"
#include "learn/train/validation.h"

#define META_MEMBERS "tutti.members"
#define META_COMBINED "tutti.combined"
#define META_MONITOR "tutti.monitor"
#define META_LEASES "tutti.leases"
#define META_LOSSES "tutti.losses"

/* The numbers of a run's place. */
struct state {
	int64_t step, epoch, consumed, seed, batch, waited;
	int64_t samples, interval_samples;
	double  correct, in_top, interval_correct;
	double  loss_sum, interval_loss, best, train_loss, train_accuracy, valid_loss, valid_accuracy;
	double  weight, interval_weight;     /* where samples have weights; else NAN: the samples */
	double  best_tie, lowest_loss;       /* of the monitor; NAN before it has looked          */
	double  train_samples;               /* that the training data hold; NAN: it does not say */
	double  part[METRICS_PARTS], interval_part[METRICS_PARTS];   /* see META_LOSSES           */
};

enum number_kind { NUMBER_INT, NUMBER_COUNT, NUMBER_SIZE, NUMBER_DOUBLE, NUMBER_SUM,
                   NUMBER_IF_KNOWN };
#define INT_ROW(f)    { "tutti." #f, NUMBER_INT, offsetof(struct state, f) }
#define COUNT_ROW(f)  { "tutti." #f, NUMBER_COUNT, offsetof(struct state, f) }
#define SIZE_ROW(f)   { "tutti." #f, NUMBER_SIZE, offsetof(struct state, f) }
#define DOUBLE_ROW(f) { "tutti." #f, NUMBER_DOUBLE, offsetof(struct state, f) }
#define SUM_ROW(f)    { "tutti." #f, NUMBER_SUM, offsetof(struct state, f) }
#define KNOWN_ROW(f) { "tutti." #f, NUMBER_IF_KNOWN, offsetof(struct state, f) }
static const struct { const char *key; enum number_kind kind; size_t offset; } row[] = {
	COUNT_ROW(step), COUNT_ROW(epoch), COUNT_ROW(consumed), INT_ROW(seed), SIZE_ROW(batch),
	COUNT_ROW(waited), COUNT_ROW(samples), SUM_ROW(correct), SUM_ROW(in_top),
	COUNT_ROW(interval_samples), SUM_ROW(interval_correct),
	DOUBLE_ROW(loss_sum), DOUBLE_ROW(interval_loss), DOUBLE_ROW(best), DOUBLE_ROW(train_loss),
	DOUBLE_ROW(train_accuracy), DOUBLE_ROW(valid_loss), DOUBLE_ROW(valid_accuracy),
	KNOWN_ROW(weight), KNOWN_ROW(interval_weight), KNOWN_ROW(best_tie), KNOWN_ROW(lowest_loss),
	KNOWN_ROW(train_samples),
};
#define ROWS ((int)(sizeof row / sizeof *row))

/* What so many samples weigh, if it is not one each. */
static double if_weighted(double weight, int64_t samples)
{
	return weight == (double)samples ? NAN : weight;
}

static double weight_or(double weight, int64_t samples)
{
	return isnan(weight) ? (double)samples : weight;
}

static struct state state_of(const struct tt_trainer *t)
{
	struct state s = {
		.step = t->at.step, .epoch = t->at.epoch, .consumed = t->at.consumed,
		.seed = t->opts->seed, .batch = t->opts->batch, .waited = t->watch.waited,
		.samples = t->epoch_sums.samples, .correct = t->epoch_sums.correct,
		.in_top = t->epoch_sums.in_top, .loss_sum = t->epoch_sums.loss,
		.interval_samples = t->interval.samples, .interval_correct = t->interval.correct,
		.interval_loss = t->interval.loss, .best = t->watch.best,
		.train_loss = t->progress.loss, .train_accuracy = t->progress.accuracy,
		.valid_loss = t->progress.valid_loss, .valid_accuracy = t->progress.valid_accuracy,
		.weight = if_weighted(t->epoch_sums.weight, t->epoch_sums.samples),
		.interval_weight = if_weighted(t->interval.weight, t->interval.samples),
		.best_tie = t->watch.tie, .lowest_loss = t->watch.low,
		.train_samples = (double)tt_source_describe(t->train_source)->count,
	};

	memcpy(s.part, t->epoch_sums.part, sizeof s.part);
	memcpy(s.interval_part, t->interval.part, sizeof s.interval_part);
	return s;
}

/* Nothing is left to train: an epoch's end was the last. */
static int is_over(const struct tt_trainer *t, const struct state *s)
{
	const int patience = t->opts->early_stop.patience;

	return s->epoch >= t->opts->epochs ||
	       (s->consumed == 0 && patience > 0 && s->waited >= patience);
}

static void set_state(struct tt_trainer *t, const struct state *s)
{
	t->at = (struct place){ s->step, s->epoch, s->consumed };
	learner_set_steps(t->learner, s->step);
	t->resumed = s->step;
	t->watch.waited = (int)s->waited;
	t->watch.best = t->progress.best = s->best;
	t->watch.tie = s->best_tie;
	t->watch.low = s->lowest_loss;
	t->epoch_sums.samples = s->samples;
	t->epoch_sums.correct = s->correct;
	t->epoch_sums.in_top = s->in_top;
	t->epoch_sums.loss = s->loss_sum;
	t->epoch_sums.weight = weight_or(s->weight, s->samples);
	t->interval = (struct interval){
		.samples = s->interval_samples, .loss = s->interval_loss, .correct = s->interval_correct,
		.weight = weight_or(s->interval_weight, s->interval_samples) };
	memcpy(t->epoch_sums.part, s->part, sizeof s->part);
	memcpy(t->interval.part, s->interval_part, sizeof s->interval_part);
	trainer_measure(t, 0);
	t->progress.loss = s->train_loss;
	t->progress.accuracy = s->train_accuracy;
	t->progress.valid_loss = s->valid_loss;
	t->progress.valid_accuracy = s->valid_accuracy;
	t->progress.perplexity = progress_perplexity(t, s->train_loss);
	t->progress.valid_perplexity = progress_perplexity(t, s->valid_loss);
	t->progress.done = is_over(t, s);
}

tt_status checkpoint_share_place(struct tt_trainer *t)
{
	struct state s = state_of(t);
	tt_status st = comm_broadcast(t->comm, 0, &s, sizeof s);

	if (st == TT_OK && t->comm->rank)
		set_state(t, &s);
	return st;
}

/* ---- out ---- */

tt_status checkpoint_collect(struct tt_trainer *t)
{
	tt_status st = learner_collect(t->learner);

	return st == TT_OK && t->shared ? learner_blame(t->learner, rest_collect(t)) : st;
}

static tt_status add_numbers(const struct state *state, struct model_rows *s, struct str text[ROWS])
{
	tt_status st;

	for (int i = 0; i < ROWS; i++) {
		const char *at = (const char *)state + row[i].offset;

		if (row[i].kind == NUMBER_IF_KNOWN && isnan(*(const double *)at))
			continue;               /* no word of it */
		if (row[i].kind < NUMBER_DOUBLE)
			str_addf(&text[i], "%lld", (long long)*(const int64_t *)at);
		else
			str_add_number(&text[i], *(const double *)at);
		if ((st = str_status(&text[i])) != TT_OK)
			return st;
		s->meta[s->n_meta++] = (struct ckpt_meta){ row[i].key, text[i].p };
	}
	return TT_OK;
}

static tt_status add_losses(const struct tt_trainer *t, const struct state *state,
                            struct model_rows *s, struct str *text)
{
	tt_status st;

	if (!t->model->n_outputs)
		return TT_OK;
	for (int i = 0; i < t->model->n_outputs; i++) {
		str_add(text, i ? " " : "");
		str_add_number(text, state->part[i]);
		str_add(text, " ");
		str_add_number(text, state->interval_part[i]);
	}
	if ((st = str_status(text)) == TT_OK)
		s->meta[s->n_meta++] = (struct ckpt_meta){ META_LOSSES, text->p };
	return st;
}

/* A finite loss does not promise finite parameters after the step: what is saved must be good. */
static tt_status check_finite(const struct tt_trainer *t)
{
	struct not_finite f;

	if (!nn_not_finite(trainer_whole(t), &f))
		return TT_OK;
	return trainer_not_finite(t, err_set(TT_ENAN, "a number of '%s' is not finite at step %lld "
	                          "(epoch %lld, learning rate %g)", f.name, (long long)t->at.step,
	                          (long long)t->at.epoch + 1, t->progress.lr));
}

static tt_status write_state(struct tt_trainer *t, const char *path)
{
	struct state state = state_of(t);
	struct learner_rows rows = {0};
	struct str text[ROWS] = {{0}}, rest = {0}, losses = {0};
	char members[16], combined[16];
	struct model_rows s;
	tt_status st;

	if ((st = model_rows_init(&s, trainer_whole(t), LEARNER_ROWS + ROWS + 5)) != TT_OK)
		return st;
	if (t->ensemble) {
		snprintf(members, sizeof members, "%d", t->ensemble->n);
		snprintf(combined, sizeof combined, "%d", t->ensemble->combined);
		s.meta[s.n_meta++] = (struct ckpt_meta){ META_MEMBERS, members };
		s.meta[s.n_meta++] = (struct ckpt_meta){ META_COMBINED, combined };
	}
	s.meta[s.n_meta++] = (struct ckpt_meta){ META_MONITOR, t->watch.name };
	if ((st = rest_write(t, &rest)) == TT_OK && rest.len)
		s.meta[s.n_meta++] = (struct ckpt_meta){ META_LEASES, rest.p };
	if (st == TT_OK && (st = learner_add_rows(t->learner, &rows, &s)) == TT_OK &&
	    (st = add_numbers(&state, &s, text)) == TT_OK &&
	    (st = add_losses(t, &state, &s, &losses)) == TT_OK)
		st = ckpt_write(path, s.tensor, s.n_tensors, s.meta, s.n_meta);
	learner_rows_release(&rows);
	str_release(&rest);
	str_release(&losses);
	for (int i = 0; i < ROWS; i++)
		str_release(&text[i]);
	model_rows_release(&s);
	return st;
}

static tt_status remember(struct tt_trainer *t, const char *path)
{
	t->last_good.len = 0;
	str_add(&t->last_good, path);
	return str_status(&t->last_good);
}

tt_status checkpoint_save(struct tt_trainer *t, const char *path)
{
	tt_status st;

	if ((st = run_lock_check(t->lock)) != TT_OK || (st = check_finite(t)) != TT_OK ||
	    (st = write_state(t, path)) != TT_OK ||
	    (st = remember(t, path)) != TT_OK)
		return st;
	trainer_tell(t, TT_EVENT_CHECKPOINT, &(struct observation){ .seen.text = path });
	return TT_OK;
}

/* ---- numbered files ---- */

tt_status checkpoint_save_step(struct tt_trainer *t)
{
	const int keep = t->opts->checkpoint.keep;
	struct str path = {0};
	tt_status st;

	if (keep <= 0)
		return TT_OK;
	if ((st = run_dir_step_path(&path, t->dir.p, t->at.step)) == TT_OK &&
	    (st = checkpoint_save(t, path.p)) == TT_OK)
		st = run_dir_keep_steps(t->dir.p, keep);
	str_release(&path);
	return st;
}

/* ---- in ---- */

static int read_number(const char *text, enum number_kind kind, void *out)
{
	char *end;

	if (kind < NUMBER_DOUBLE) {
		long long v = strtoll(text, &end, 10);

		if (end == text || *end || (kind != NUMBER_INT && (v < 0 || v > STEPS_MAX)) ||
		    (kind == NUMBER_SIZE && v == 0))
			return 0;
		*(int64_t *)out = v;
		return 1;
	}
	if (strcmp(text, "null") == 0 && kind == NUMBER_DOUBLE) {
		*(double *)out = NAN;
		return 1;
	}
	return str_to_double(text, out) &&
	       (kind == NUMBER_DOUBLE || (*(double *)out >= 0 && isfinite(*(double *)out)));
}

static tt_status read_state(const struct ckpt *c, const char *path, struct state *s)
{
	for (int i = 0; i < ROWS; i++) {
		const char *text = ckpt_meta(c, row[i].key);

		if (!text && row[i].kind == NUMBER_IF_KNOWN) {
			*(double *)((char *)s + row[i].offset) = NAN;
			continue;
		}
		if (!text)
			return err_set(TT_EFORMAT, "%s: has no '%s': it holds a model, but not the state of "
			               "a training to resume", path, row[i].key);
		if (!read_number(text, row[i].kind, (char *)s + row[i].offset))
			return err_set(TT_EFORMAT, "%s: '%s' is '%.40s', not a number", path, row[i].key, text);
	}
	return TT_OK;
}

static int words_in(const char *text)
{
	int n = *text != '\0';

	for (; *text; text++)
		n += *text == ' ';
	return n;
}

/* Sums of losses, two for each output.  If it was written with more or fewer none are known. */
static tt_status read_losses(const struct tt_trainer *t, const struct ckpt *c, const char *path,
                             struct state *s)
{
	const char *text = ckpt_meta(c, META_LOSSES);
	const int want = 2 * t->model->n_outputs;

	memset(s->part, 0, sizeof s->part);
	memset(s->interval_part, 0, sizeof s->interval_part);
	if (!text || words_in(text) != want)
		return TT_OK;
	for (int i = 0; i < want; i++) {
		const int n = (int)strcspn(text, " ");
		char one[40];
		double v;

		snprintf(one, sizeof one, "%.*s", n, text);
		text += n + (text[n] == ' ');
		if (!str_to_double(one, &v) || !isfinite(v))
			return err_set(TT_EFORMAT, "%s: '" META_LOSSES "' is no list of %d numbers", path,
			               want);
		*(i % 2 ? &s->interval_part[i / 2] : &s->part[i / 2]) = v;
	}
	return TT_OK;
}

static tt_status check_state(const struct tt_trainer *t, const struct state *s, const char *path)
{
	int64_t count = tt_source_describe(t->train_source)->count;

	if (s->step < 0 || s->epoch < 0 || s->epoch > INT32_MAX || s->waited < 0 ||
	    s->waited > INT32_MAX || s->samples < 0)
		return err_set(TT_EFORMAT, "%s: step %lld, epoch %lld is no place in a training", path,
		               (long long)s->step, (long long)s->epoch);
	if (s->consumed < 0 || s->consumed > count)
		return err_set(TT_EFORMAT, "%s: stands at sample %lld of an epoch, but the training data "
		               "holds %lld: was it other data?", path, (long long)s->consumed,
		               (long long)count);
	return TT_OK;
}

/* Members go on as they are: as many workers as there were. */
static tt_status check_members(const struct tt_trainer *t, const struct ckpt *c, const char *path)
{
	const char *text = ckpt_meta(c, META_MEMBERS);
	const int has = text ? atoi(text) : 0, want = t->ensemble ? t->ensemble->n : 0;

	if (has == want)
		return TT_OK;
	if (has)
		return err_set(TT_ESPEC, "%s: holds an ensemble of %d models: resume with "
		               "distribute.strategy: ensemble and %d workers", path, has, has);
	return err_set(TT_ESPEC, "%s: holds one model, not an ensemble of %d", path, want);
}

/* The data are those that the checkpoint was trained on, with classes and features in the same
 * order. */
static tt_status check_data(const struct tt_trainer *t, const struct ckpt *c, const char *path)
{
	const char *json = ckpt_meta(c, MODEL_META_SIGNATURE);
	struct view_plan plan = {0};
	struct signature *s;
	tt_status st;

	if (!json)
		return TT_OK;                   /* version 0.1 did not say */
	if ((st = signature_read(&s, t->model, json, path)) != TT_OK)
		return st;
	if ((st = signature_match(s, tt_model_signature(t->model)->data, &plan)) != TT_OK)
		st = err_at(st, "%s", path);
	else if (plan.changes)
		st = err_set(TT_ESHAPE, "%s: its model knows the features or classes of data.train in "
		             "another order: it can be used on them, but the run cannot go on", path);
	schema_release(&plan.schema);
	signature_free(&s);
	return st;
}

/* May it be the net's?  That of another is refused when its tensors are looked for. */
static int may_be_of(const struct signature *s, const tt_model *m)
{
	const int classes = s->data.view.classes;

	return s->view.known && (!classes || m->outputs == 1 || classes == m->outputs);
}

tt_status checkpoint_learn_names(struct tt_trainer *t, const char *path)
{
	struct signature *s = NULL;
	struct ckpt *c = NULL;
	const char *json;
	tt_status st;

	if ((st = ckpt_open(&c, path)) == TT_OK && (json = ckpt_meta(c, MODEL_META_SIGNATURE)))
		st = signature_read(&s, t->model, json, path);
	if (st != TT_ENOMEM)
		st = TT_OK;
	if (st == TT_OK && s && may_be_of(s, t->model))
		st = nn_bind(t->model, &s->data.view);
	if (st == TT_OK && s && s->view.means && model_wants_scaling(t->model))
		st = scaling_set(t, &(struct scaling){
			{ s->view.mean, (size_t)s->view.means }, { s->view.std, (size_t)s->view.stds } });
	signature_free(&s);
	ckpt_close(&c);
	return st;
}

/* The net that combines the members belongs to the end: who goes on makes another. */
static tt_status load_model(struct tt_trainer *t, const struct ckpt *c, const char *path,
                            const struct state *s)
{
	const char *combined = ckpt_meta(c, META_COMBINED);
	char of[256];
	tt_status st;

	if ((st = check_data(t, c, path)) != TT_OK)
		return st;
	if (t->ensemble && combined && strcmp(combined, "1") == 0 && is_over(t, s) &&
	    ((st = ensemble_add_combiner(t->ensemble, t->learner)) != TT_OK ||
	     (st = trainer_evaluator(t)) != TT_OK))
		return st;
	if ((st = model_load_tensors(trainer_whole(t), c, path)) != TT_OK)
		return st;
	snprintf(of, sizeof of, "%.200s: ", path);
	return nn_check_finite(trainer_whole(t), of);
}

static const char *const another = ": the result will not be that of one unbroken run";

/* A seed, a batch or data of its own make this another run from here on: allowed, but not in
 * silence. */
static tt_status note_changes(struct tt_trainer *t, const struct state *s, const char *path)
{
	const double count = (double)tt_source_describe(t->train_source)->count;

	if (s->seed != t->opts->seed || s->batch != t->opts->batch)
		str_addf(&t->note, "%s was written with train.seed %lld and train.batch %lld, this spec "
		         "says %lld and %d%s", path, (long long)s->seed, (long long)s->batch,
		         (long long)t->opts->seed, t->opts->batch, another);
	if (!isnan(s->train_samples) && s->train_samples != count)
		str_addf(&t->note, "%s%s was trained on %.0f samples, data.train holds %.0f now%s",
		         t->note.len ? "; " : "", path, s->train_samples, count, another);
	return str_status(&t->note);
}

/* What was the best of one number says nothing of another. */
static tt_status heed_monitor(struct tt_trainer *t, const struct ckpt *c, struct state *s)
{
	const char *before = ckpt_meta(c, META_MONITOR);

	if (!before || strcmp(before, t->watch.name) == 0)
		return TT_OK;
	s->waited = 0;
	s->best = s->best_tie = s->lowest_loss = NAN;
	str_addf(&t->note, "%strain.monitor was %.40s and is %s: the best epoch is looked for anew",
	         t->note.len ? "; " : "", before, t->watch.name);
	return str_status(&t->note);
}

tt_status checkpoint_load(struct tt_trainer *t, const char *path)
{
	struct learner_slots slots;
	struct state s = {0};
	struct ckpt *c = NULL;
	tt_status st;

	if ((st = ckpt_open(&c, path)) != TT_OK)
		return st;
	/* All is checked before anything is changed. */
	if ((st = model_check_format(c, path)) != TT_OK ||
	    (st = check_members(t, c, path)) != TT_OK || (st = read_state(c, path, &s)) != TT_OK ||
	    (st = read_losses(t, c, path, &s)) != TT_OK ||
	    (st = check_state(t, &s, path)) != TT_OK ||
	    (st = learner_find_slots(t->learner, c, path, &slots)) != TT_OK ||
	    (st = note_changes(t, &s, path)) != TT_OK || (st = heed_monitor(t, c, &s)) != TT_OK ||
	    (st = learner_take_own(t->learner, c, path, &t->note)) != TT_OK ||
	    (st = learner_take_carried(t->learner, c, &(struct learner_place){
		path, s.consumed })) != TT_OK ||
	    (st = remember(t, path)) != TT_OK || (st = load_model(t, c, path, &s)) != TT_OK)
		goto out;
	if ((st = learner_take_slots(t->learner, &slots)) != TT_OK)
		goto out;
	set_state(t, &s);
	if (t->shared && s.batch == t->opts->batch && ckpt_meta(c, META_LEASES))
		st = rest_read(t, ckpt_meta(c, META_LEASES), path);
out:
	ckpt_close(&c);
	return st;
}
