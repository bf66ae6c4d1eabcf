/* sums.c -- what a step says of itself: loss, metrics, who wants to stop, and is it finite? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "learn/learner/learner_own.h"

_Static_assert(NET_OUTPUTS_MAX <= METRICS_PARTS, "metrics have room for the loss of each output");

static float *sums_of(const struct learner *l)
{
	return l->grads + l->opts.model->train_count;
}

static struct metrics measure(const struct learner *l)
{
	const struct target_values *rows = &l->step.rows;
	struct program *p = l->step.program;
	struct metrics m = { .classes = l->target.classes, .k = l->opts.top_k };

	metrics_add(&m, &(struct metrics_batch){
		.loss = *(const float *)program_output(p, OUTPUT_LOSS),
		.logits = program_output(p, OUTPUT_LOGITS), .width = l->target.width,
		.label = rows->label, .n = rows->rows, .weight = rows->weight, .samples = rows->samples });
	for (int i = 0; i < l->opts.model->n_outputs; i++)
		m.part[i] = *(const float *)program_output(p, OUTPUT_PARTS + i);
	return m;
}

void sums_want_stop(struct learner *l, int wants_stop)
{
	sums_of(l)[SUM_STOP] = (float)(wants_stop != 0);
}

static void get_parts(const struct learner *l, const float *s, struct metrics *m)
{
	for (int i = 0; i < l->opts.model->n_outputs; i++)
		m->part[i] = loss_get(s + SUMS + 2 * i);
}

static void set_parts(const struct learner *l, const struct metrics *m, float *s)
{
	for (int i = 0; i < l->opts.model->n_outputs; i++)
		loss_set(s + SUMS + 2 * i, m->part[i]);
}

void sums_go_on(struct learner *l)
{
	const float *s = sums_of(l);

	metrics_clear(&l->mine);
	l->mine.samples = (int64_t)count_get(s + SUM_SAMPLES);
	l->mine.weight = count_get(s + SUM_WEIGHT);
	l->mine.correct = count_get(s + SUM_CORRECT);
	l->mine.in_top = count_get(s + SUM_IN_TOP);
	l->mine.loss = loss_get(s + SUM_LOSS);
	get_parts(l, s, &l->mine);
}

void sums_count(struct learner *l)
{
	float *s = sums_of(l);
	struct metrics m;

	sums_want_stop(l, l->step.at.wants_stop);
	if (!l->step.batch.n)
		return;
	m = measure(l);
	metrics_join(&l->mine, &m);
	count_set(s + SUM_SAMPLES, (double)l->mine.samples);
	count_set(s + SUM_WEIGHT, l->mine.weight);
	count_set(s + SUM_CORRECT, l->mine.correct);
	count_set(s + SUM_IN_TOP, l->mine.in_top);
	loss_set(s + SUM_LOSS, l->mine.loss);
	set_parts(l, &l->mine, s);
	if (l->opts.comm->size > 1)
		sums_go_on(l);          /* with what travels, as after a resume */
	if (!isfinite(m.loss)) {
		s[SUM_BAD] = 1;
		s[SUM_BAD_RANK] = (float)learner_rank(l);
	}
}

static tt_status not_finite(const struct learner *l, int ranks, int rank)
{
	char where[40] = "";

	if (learner_world(l) > 1 && ranks == 1)
		snprintf(where, sizeof where, " on rank %d", rank);
	else if (learner_world(l) > 1)
		snprintf(where, sizeof where, " on %d ranks", ranks);
	if (learner_overweight(l))
		return err_set(TT_ENAN, "the loss is not finite%s at step %lld: its samples weigh %g in "
		               "all, too much for a float: divide all weights by the same number", where,
		               (long long)l->steps + 1, l->step.weight);
	return err_set(TT_ENAN, "the loss is not finite%s at step %lld (epoch %lld, learning rate %g)",
	               where, (long long)l->steps + 1, (long long)l->step.at.epoch + 1,
	               l->step.at.lr);
}

tt_status sums_check(const struct learner *l)
{
	return sums_of(l)[SUM_BAD] > 0 ? not_finite(l, 1, learner_rank(l)) : TT_OK;
}

/* A group of one has exact numbers; among ranks they have travelled as floats. */
static void set_sums(const struct learner *l, const float *s, struct metrics *m)
{
	*m = l->mine;
	m->classes = l->target.classes;
	m->k = l->opts.top_k;
	if (l->opts.comm->size == 1)
		return;
	m->samples = (int64_t)count_get(s + SUM_SAMPLES);
	m->weight = count_get(s + SUM_WEIGHT);
	m->correct = count_get(s + SUM_CORRECT);
	m->in_top = count_get(s + SUM_IN_TOP);
	m->loss = loss_get(s + SUM_LOSS);
	get_parts(l, s, m);
}

tt_status sums_take(struct learner *l, struct learner_result *out)
{
	float *s = sums_of(l);
	const int bad = (int)s[SUM_BAD], rank = (int)s[SUM_BAD_RANK];

	out->exchanged = 1;
	out->stop = out->stop || s[SUM_STOP] > 0;
	set_sums(l, s, &out->sums);
	metrics_clear(&l->mine);
	memset(s, 0, learner_sums(l) * sizeof *s);
	if (!bad)
		return TT_OK;
	(void)sync_flush(l->sync);             /* no sum is under way when ranks part */
	return not_finite(l, bad, rank);
}
