#include "learn/train/progress.h"

#include <math.h>

#include "learn/train/trainer_own.h"
#include "sys/thread.h"

#define WINDOW_SECONDS 0.25     /* of steps that make one measurement of speed */
#define SMOOTHING 0.3           /* weight of the newest one                    */

void trainer_take(struct tt_trainer *t, const struct learner_result *r)
{
	t->stopping = t->stopping || r->stop;
	if (!r->exchanged)
		return;
	metrics_join(&t->epoch_sums, &r->sums);
	t->interval.loss += r->sums.loss;
	t->interval.samples += r->sums.samples;
	t->interval.correct += r->sums.correct;
}

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
