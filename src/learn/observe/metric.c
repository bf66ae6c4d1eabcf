#include "learn/observe/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/sized.h"

typedef double value_fn(const struct metric_source *s);

static double step_loss(const struct metric_source *s) { return s->loss; }
static double step_accuracy(const struct metric_source *s) { return s->accuracy; }
static double lr(const struct metric_source *s) { return s->now->lr; }
static double grad_norm(const struct metric_source *s) { return s->now->grad_norm; }
static double speed(const struct metric_source *s) { return s->now->samples_per_second; }
static double epoch_loss(const struct metric_source *s) { return s->now->loss; }
static double epoch_accuracy(const struct metric_source *s) { return s->now->accuracy; }
static double valid_loss(const struct metric_source *s) { return s->valid->loss; }
static double valid_accuracy(const struct metric_source *s) { return s->valid->accuracy; }
static double valid_top_k(const struct metric_source *s) { return s->valid->top_k; }

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

/* In the order in which they are written down. */
static const struct row {
	const char   *name;
	enum tt_event event;
	value_fn     *value;
	const char   *unit, *help;
} rows[] = {
	{ "train.loss", TT_EVENT_STEP, step_loss, "", "mean since numbers were last told" },
	{ "train.accuracy", TT_EVENT_STEP, step_accuracy, "",
	  "part of the samples that were right, since numbers were last told" },
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
	{ "valid.loss", TT_EVENT_VALID, valid_loss, "", "mean over the validation data" },
	{ "valid.accuracy", TT_EVENT_VALID, valid_accuracy, "",
	  "part of the validation samples that were right" },
	{ "valid.top_K", TT_EVENT_VALID, valid_top_k, "",
	  "part of them whose K best answers held the right one (train.top_k)" },
};
#define ROWS ((int)(sizeof rows / sizeof *rows))
_Static_assert(sizeof rows / sizeof *rows <= METRICS_MAX, "a metric_set has room for all rows");

/* A K at the end stands for the number of the validation's top-k. */
static const char *name_of(const struct row *r, const struct metric_source *s,
                           struct metric_set *out)
{
	const size_t stem = strlen(r->name) - 1;

	if (r->name[stem] != 'K')
		return r->name;
	snprintf(out->numbered, sizeof out->numbered, "%.*s%d", (int)stem, r->name, s->valid->k);
	return out->numbered;
}

void metric_collect(enum tt_event e, const struct metric_source *s, struct metric_set *out)
{
	out->n = 0;
	for (int i = 0; i < ROWS; i++) {
		double v;

		if (rows[i].event != e || isnan(v = rows[i].value(s)))
			continue;
		out->name[out->n] = name_of(&rows[i], s, out);
		out->value[out->n++] = v;
	}
}

const char *metric_name(const char *full, size_t *split_len)
{
	*split_len = strcspn(full, ".");
	return full[*split_len] ? full + *split_len + 1 : full;
}

/* ---- the public side ---- */

int tt_metric_count(void)
{
	return ROWS;
}

tt_status tt_metric_get(int i, tt_metric *out)
{
	tt_metric m = TT_SIZED(tt_metric);

	if (i < 0 || i >= ROWS)
		return err_set(TT_EINVAL, "metric %d: there are metrics 0 to %d", i, ROWS - 1);
	m.name = rows[i].name;
	m.unit = rows[i].unit;
	m.help = rows[i].help;
	m.event = rows[i].event;
	return sized_give(out, &m, sizeof m, "tt_metric");
}

double tt_observation_value(const tt_observation *o, const char *name)
{
	for (int i = 0; o && name && i < o->metrics; i++)
		if (strcmp(o->name[i], name) == 0)
			return o->value[i];
	return NAN;
}
