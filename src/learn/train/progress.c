#include "learn/train/progress.h"

#include <math.h>
#include <stdio.h>

#include "learn/train/tell.h"
#include "learn/train/trainer_own.h"
#include "sys/thread.h"

#define WINDOW_SECONDS 0.25     /* of steps that make one measurement of speed */
#define SMOOTHING 0.3           /* weight of the newest one                    */

/* Once: there may be many. */
static void tell_weightless(struct tt_trainer *t)
{
	char text[120];

	if (t->weightless++)
		return;
	snprintf(text, sizeof text, "all samples of step %lld weigh 0: it teaches nothing, and others "
	         "like it are not told", (long long)learner_steps(t->learner));
	trainer_note(t, text);
}

void trainer_take(struct tt_trainer *t, const struct learner_result *r)
{
	t->stopping = t->stopping || r->stop;
	if (!r->exchanged)
		return;
	if (r->sums.samples && r->sums.weight <= 0)
		tell_weightless(t);
	metrics_join(&t->epoch_sums, &r->sums);
	t->interval.loss += r->sums.loss;
	t->interval.samples += r->sums.samples;
	t->interval.weight += r->sums.weight;
	t->interval.correct += r->sums.correct;
	for (int i = 0; i < METRICS_PARTS; i++)
		t->interval.part[i] += r->sums.part[i];
}

/* A step that makes its program, and measures kernels, is no speed, nor is the first of a size. */
static int is_first_of_size(struct tt_trainer *t, int samples)
{
	struct pace *p = &t->pace;
	const int before = p->programs;

	p->programs = learner_programs(t->learner);
	if (before && p->programs > before)
		return 1;
	for (int i = 0; i < p->sizes; i++)
		if (p->size[i] == samples)
			return 0;
	if (p->sizes == (int)(sizeof p->size / sizeof *p->size))
		return 0;
	p->size[p->sizes++] = samples;
	return 1;
}

static void measure_mean(struct tt_trainer *t, int samples, double seconds)
{
	struct pace *p = &t->pace;

	p->counted += samples;
	p->counted_seconds += seconds;
	if (p->counted_seconds > 0)
		t->progress.mean_samples_per_second = (double)p->counted / p->counted_seconds;
}

/* Smoothed, window by window; the first already shows while it fills. */
static void measure_window(struct tt_trainer *t, int samples, double seconds)
{
	struct pace *p = &t->pace;
	tt_progress *n = &t->progress;
	double rate;

	p->seconds += seconds;
	p->samples += samples;
	if (p->seconds < WINDOW_SECONDS && p->windows)
		return;
	rate = p->seconds > 0 ? (double)p->samples / p->seconds : 0;
	n->samples_per_second = !p->windows ? rate
		: n->samples_per_second + SMOOTHING * (rate - n->samples_per_second);
	if (p->seconds < WINDOW_SECONDS)
		return;
	p->windows++;
	p->seconds = 0;
	p->samples = 0;
}

static void measure_speed(struct tt_trainer *t, int samples)
{
	struct pace *p = &t->pace;
	tt_progress *n = &t->progress;
	const double now = thread_seconds(), seconds = now - p->mark;

	p->mark = now;
	n->train_seconds += seconds;
	n->seconds = now - p->start;
	if (!is_first_of_size(t, samples)) {
		measure_mean(t, samples, seconds);
		measure_window(t, samples, seconds);
	} else if (!p->counted && seconds > 0) {
		n->samples_per_second = n->mean_samples_per_second = samples / seconds;
	}
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

/* The losses of which that of training is the weighted sum. */
static void measure_parts(struct tt_trainer *t)
{
	const struct metrics *m = &t->epoch_sums;

	t->progress.losses = t->model->n_outputs;
	t->progress.loss_name = t->loss_name;
	t->progress.loss_part = t->loss_part;
	for (int i = 0; i < t->model->n_outputs; i++) {
		t->loss_name[i] = t->model->output[i].name;
		t->loss_part[i] = m->weight > 0 ? m->part[i] / m->weight : NAN;
	}
}

double progress_perplexity(const struct tt_trainer *t, double loss)
{
	return nn_is_language(t->model) && nn_loss_is_log(t->model) ? exp(loss) : NAN;
}

void trainer_measure(struct tt_trainer *t, int samples)
{
	tt_progress *n = &t->progress;

	n->step = t->at.step;
	n->epoch = (int)t->at.epoch;
	n->epoch_step = (t->at.consumed + t->opts->batch - 1) / t->opts->batch;
	n->loss = metrics_loss(&t->epoch_sums);
	n->accuracy = metrics_accuracy(&t->epoch_sums);
	n->perplexity = progress_perplexity(t, n->loss);
	measure_parts(t);
	if (samples)
		measure_speed(t, samples);
	trainer_measure_wire(t);
	n->seconds_left = estimate_left(t);
}
