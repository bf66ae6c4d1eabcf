#include "learn/train/validation.h"

#include <math.h>
#include <string.h>

#include "learn/train/progress.h"
#include "learn/train/tell.h"
#include "learn/train/trainer_own.h"
#include "sys/thread.h"

/* As many as in training are computed at once, of all workers together. */
static int batch_of(const struct tt_trainer *t)
{
	const int parts = (int)learner_parts(t->learner);

	return t->opts->eval_batch ? t->opts->eval_batch : (t->opts->batch + parts - 1) / parts;
}

static int is_auto(const char *monitor)
{
	return strcmp(monitor, "auto") == 0;
}

static const char *monitor_of(const struct tt_trainer *t)
{
	return is_auto(t->opts->monitor) ? t->opts->early_stop.monitor : t->opts->monitor;
}

/* A name that is none has no bit here; trainer_init_monitor says so. */
static uint64_t row_of(const struct tt_trainer *t, const char *name)
{
	const int row = scores_find(name, t->opts->top_k);

	return row < 0 ? 0 : (uint64_t)1 << row;
}

static uint64_t wanted_rows(const struct tt_trainer *t)
{
	const struct node *list = t->opts->metrics;
	uint64_t rows = row_of(t, monitor_of(t));

	for (const struct node *c = list ? list->child : NULL; c; c = c->next)
		if (c->kind == NODE_TEXT)
			rows |= row_of(t, c->text);
	return rows;
}

static tt_status check_metric(const struct node *n, const struct scores_what *w)
{
	const char *name;
	tt_status st = node_text(n, &name);
	int row;

	if (st != TT_OK)
		return st;
	if ((row = scores_find(name, w->k)) < 0)
		return node_err(n, TT_ESPEC, "'%.60s' is no number of a validation; "
		                "`tutti help metrics` lists them", name);
	return scores_check_row(row, w, "train.metrics");
}

static tt_status check_metrics(const struct tt_trainer *t)
{
	const struct node *list = t->opts->metrics;
	tt_status st = TT_OK;

	if (node_absent(list) || !t->evaluator)
		return TT_OK;
	if (list->kind != NODE_LIST)
		return node_err(list, TT_ESPEC, "train.metrics is a list, such as [roc_auc, log_loss]");
	for (const struct node *c = list->child; c && st == TT_OK; c = c->next)
		st = check_metric(c, &evaluator_scores(t->evaluator)->what);
	return st;
}

tt_status trainer_init_monitor(struct tt_trainer *t)
{
	const struct early_stop_opts *e = &t->opts->early_stop;
	const struct monitor_has has = {
		t->epoch_sums.classes, t->evaluator ? &evaluator_scores(t->evaluator)->what : NULL };
	tt_status st;

	if (!is_auto(e->monitor) && strcmp(monitor_of(t), e->monitor) != 0)
		return err_set(TT_ESPEC, "train.monitor is '%.60s', train.early_stop.monitor is '%.60s': "
		               "leave the latter out", t->opts->monitor, e->monitor);
	monitor_forget(&t->seen);
	if ((st = monitor_init(&t->watch, monitor_of(t), &has)) != TT_OK)
		return st;
	t->watch.patience = e->patience;
	t->watch.min_delta = e->min_delta;
	return check_metrics(t);
}

struct evaluator_opts trainer_evaluator_opts(const struct tt_trainer *t)
{
	return (struct evaluator_opts){
		.engine = t->engine, .model = t->model, .source = t->valid_source, .batch = batch_of(t),
		.top_k = t->opts->top_k, .rows = wanted_rows(t),
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

static void see(struct tt_trainer *t, const struct scores *s)
{
	double *seen = t->seen.split[MONITOR_VALIDATION];

	for (int i = 0; i < score_row_count; i++)
		seen[i] = s->what.rows >> i & 1 ? score_rows[i].value(s) : NAN;
	if (monitor_is_special(&t->watch))
		t->progress.watched = seen[t->watch.row];
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
	see(t, evaluator_scores(t->evaluator));
	t->progress.valid_loss = m.loss;
	t->progress.valid_accuracy = m.accuracy;
	t->progress.valid_perplexity = progress_perplexity(t, m.loss);
	trainer_tell(t, TT_EVENT_VALID,
	             &(struct observation){ .valid = evaluator_scores(t->evaluator) });
	return TT_OK;
}
