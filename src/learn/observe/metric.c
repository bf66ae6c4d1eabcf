#include "learn/observe/metric.h"

#include <math.h>
#include <string.h>

#include "base/sized.h"

typedef double value_fn(const struct metric_source *s);

static double step_loss(const struct metric_source *s) { return s->loss; }
static double step_accuracy(const struct metric_source *s) { return s->accuracy; }
/* Of a language model, which alone has one in its progress. */
static double step_perplexity(const struct metric_source *s)
{
	return isnan(s->now->perplexity) ? NAN : exp(s->loss);
}

static double lr(const struct metric_source *s) { return s->now->lr; }
static double grad_norm(const struct metric_source *s) { return s->now->grad_norm; }
static double speed(const struct metric_source *s) { return s->now->samples_per_second; }
static double epoch_loss(const struct metric_source *s) { return s->now->loss; }
static double epoch_perplexity(const struct metric_source *s) { return s->now->perplexity; }
static double epoch_accuracy(const struct metric_source *s) { return s->now->accuracy; }

/* ---- between workers: per step, since numbers were last told ---- */

static double per_step(const struct metric_source *s, double now, double then)
{
	const int64_t steps = s->now->step - s->then->step;

	return s->now->workers > 1 && steps > 0 ? (now - then) / (double)steps : NAN;
}

static double wire(const struct metric_source *s)
{
	return 1e3 * per_step(s, s->now->wire_seconds, s->then->wire_seconds);
}

static double waiting(const struct metric_source *s)
{
	return 1e3 * per_step(s, s->now->exposed_seconds, s->then->exposed_seconds);
}

static double efficiency(const struct metric_source *s)
{
	const double waited = s->now->exposed_seconds - s->then->exposed_seconds;

	if (isnan(per_step(s, 0, 0)))
		return NAN;
	return 1 - waited / (s->now->train_seconds - s->then->train_seconds);
}

static double bytes_sent(const struct metric_source *s)
{
	return per_step(s, (double)s->now->bytes_sent, (double)s->then->bytes_sent);
}

/* In the order in which they are written down; those of a validation are score_rows. */
static const struct row {
	const char   *name;
	enum tt_event event;
	value_fn     *value;
	const char   *unit, *help;
} rows[] = {
	{ "train.loss", TT_EVENT_STEP, step_loss, "", "mean since numbers were last told" },
	{ "train.accuracy", TT_EVENT_STEP, step_accuracy, "",
	  "part of the samples that were right, since numbers were last told" },
	{ "train.perplexity", TT_EVENT_STEP, step_perplexity, "",
	  "of a language model: exp of train.loss" },
	{ "train.lr", TT_EVENT_STEP, lr, "", "learning rate of the last step" },
	{ "train.grad_norm", TT_EVENT_STEP, grad_norm, "",
	  "length of the last step's gradient, where clipping measures it" },
	{ "train.samples_per_second", TT_EVENT_STEP, speed, "samples/s",
	  "of all workers together, smoothed, without validation and checkpoints" },
	{ "workers.wire_ms", TT_EVENT_STEP, wire, "ms/step", "the first worker was talking to others" },
	{ "workers.waiting_ms", TT_EVENT_STEP, waiting, "ms/step",
	  "it did nothing but wait for them" },
	{ "workers.efficiency", TT_EVENT_STEP, efficiency, "",
	  "part of the time in steps in which it did not wait" },
	{ "workers.bytes_sent", TT_EVENT_STEP, bytes_sent, "bytes/step", "by the first worker" },
	{ "epoch.loss", TT_EVENT_EPOCH, epoch_loss, "", "mean over the epoch" },
	{ "epoch.accuracy", TT_EVENT_EPOCH, epoch_accuracy, "",
	  "part of the epoch's samples that were right" },
	{ "epoch.perplexity", TT_EVENT_EPOCH, epoch_perplexity, "",
	  "of a language model: exp of the mean loss over the epoch" },
};
#define ROWS ((int)(sizeof rows / sizeof *rows))
_Static_assert(sizeof rows / sizeof *rows + NET_OUTPUTS_MAX <= METRICS_MAX &&
               SCORES_MAX <= METRICS_MAX, "a metric_set has room for all rows of an event");

static void add(struct metric_set *out, const char *name, double value)
{
	if (isnan(value))
		return;
	out->name[out->n] = name;
	out->value[out->n++] = value;
}

/* The name of a row with a K is the one that is not static. */
static void collect_scores(const struct scores *v, struct metric_set *out)
{
	for (int i = 0; i < score_row_count; i++) {
		const struct score_row *r = &score_rows[i];

		if (!(v->what.rows >> i & 1))
			continue;
		if (i == SCORE_TOP_K)
			scores_name(r, v->what.k, out->numbered, sizeof out->numbered);
		add(out, i == SCORE_TOP_K ? out->numbered : r->name, r->value(v));
	}
}

void metric_collect(enum tt_event e, const struct metric_source *s, struct metric_set *out)
{
	out->n = 0;
	if (e == TT_EVENT_VALID)
		collect_scores(s->valid, out);
	for (int i = 0; i < ROWS; i++)
		if (rows[i].event == e)
			add(out, rows[i].name, rows[i].value(s));
	for (int i = 0; e == TT_EVENT_STEP && s->parts && i < s->parts->n; i++)
		add(out, s->parts->output[i].metric, s->parts->mean[i]);
}

const char *metric_name(const char *full, size_t *split_len)
{
	*split_len = strcspn(full, ".");
	return full[*split_len] ? full + *split_len + 1 : full;
}

/* ---- the public side ---- */

int tt_metric_count(void)
{
	return ROWS + score_row_count;
}

static void set_row(tt_metric *m, const struct row *r)
{
	m->name = r->name;
	m->unit = r->unit;
	m->help = r->help;
	m->event = r->event;
}

static void set_score(tt_metric *m, const struct score_row *r)
{
	m->name = r->name;
	m->unit = "";
	m->help = r->help;
	m->event = TT_EVENT_VALID;
	m->better = r->better;
}

tt_status tt_metric_get(int i, tt_metric *out)
{
	tt_metric m = TT_SIZED(tt_metric);

	if (i < 0 || i >= tt_metric_count())
		return err_set(TT_EINVAL, "metric %d: there are metrics 0 to %d", i, tt_metric_count() - 1);
	if (i < ROWS)
		set_row(&m, &rows[i]);
	else
		set_score(&m, &score_rows[i - ROWS]);
	return sized_give(out, &m, sizeof m, "tt_metric");
}

double tt_observation_value(const tt_observation *o, const char *name)
{
	for (int i = 0; o && name && i < o->metrics; i++)
		if (strcmp(o->name[i], name) == 0)
			return o->value[i];
	return NAN;
}
