/* average.c -- the average of the parameters over the steps (train.ema): who sees it when.
 *
 *   steps    model: parameters         ema: their average
 *   meeting  model: their average      ema: parameters       validated, saved as the model
 *   over     as in a meeting                                 the model that was trained
 *
 * Where ranks stay apart each member has an average of its own, and rank 0 has those of all while
 * they lie in a checkpoint or are about to. */
#include <string.h>

#include "learn/learner/learner_own.h"

/* Nets that are apart, as rank 0 has them before they are dealt out. */
static int is_whole(const struct learner *l)
{
	return l->whole.slot && !l->sync && !learner_rank(l);
}

/* Of member r: its part of what all train, and the same of the average. */
static float *params_of(const struct learner *l, int r)
{
	return l->whole.model->params + (size_t)r * l->opts.model->param_count;
}

static float *average_of(const struct learner *l, int r)
{
	return l->whole.slot(l->whole.ctx, optim_slots(l->optim)) +
	       (size_t)r * l->opts.model->train_count;
}

void average_start(struct learner *l)
{
	const size_t bytes = l->opts.model->train_count * sizeof *l->ema.v;

	average_hide(l);
	if (!l->ema.v || l->steps)
		return;
	for (int r = 0; is_whole(l) && r < learner_world(l); r++)
		memcpy(average_of(l, r), params_of(l, r), bytes);
	memcpy(l->ema.v, l->opts.model->params, bytes);
}

static void swap(struct learner *l)
{
	struct ema member = l->ema;

	for (int r = 0; is_whole(l) && r < learner_world(l); r++) {
		member.v = average_of(l, r);
		ema_swap(&member, params_of(l, r));
	}
	if (!is_whole(l))
		ema_swap(&l->ema, l->opts.model->params);
}

void average_show(struct learner *l)
{
	if (l->ema.v && !l->shown)
		swap(l);
	l->shown = l->ema.v != NULL;
}

void average_hide(struct learner *l)
{
	if (l->shown)
		swap(l);
	l->shown = 0;
}

void average_take(struct learner *l, const float *trained)
{
	const size_t bytes = l->opts.model->train_count * sizeof *trained;

	if (!l->ema.v)
		return;
	if (is_whole(l))
		memcpy(average_of(l, 0), trained, bytes * (size_t)learner_world(l));
	else
		memcpy(l->ema.v, trained, bytes);
	l->shown = 1;
	average_hide(l);
}
