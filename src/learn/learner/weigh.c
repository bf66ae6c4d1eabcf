/* weigh.c -- what the samples of a step weigh: gradients are divided by that.
 *
 * Samples without weights weigh 1: then it is their number, which all ranks know, and nobody asks.
 * Where a net answers at each place of a sequence, a sample weighs as many as count.
 * Of a batch with weights that all ranks compute together each says what its share weighs, and all
 * add up in the order of ranks: one small message before the first kernel. */
#include <float.h>

#include "learn/learner/learner_own.h"

int learner_overweight(const struct learner *l)
{
	return metrics_overweight(l->step.weight);
}

double weigh_mine(const struct learner *l, const struct batch *b)
{
	return target_weigh(&l->target, b);
}

/* What a rank says: whether it has weights, and their sum in two floats, which hold 48 bits. */
enum { SAY_WEIGHTED, SAY_SUM, SAY_REST };

static tt_status ask_all(struct learner *l, const struct batch *b)
{
	const double sum = weigh_mine(l, b);
	const float high = (float)sum, mine[WEIGH_SAYS] = { b->data.weight != NULL, high,
	                                              (float)(sum - (double)high) };
	const float *all = l->weighed;
	int weighted = 0;
	tt_status st = sync_all_gather(l->sync, mine, WEIGH_SAYS, l->weighed);

	if (st != TT_OK)
		return blame_peer(st);
	l->step.weight = 0;
	for (int r = 0; r < learner_world(l); r++, all += WEIGH_SAYS) {
		weighted |= all[SAY_WEIGHTED] != 0;
		l->step.weight += (double)all[SAY_SUM] + (double)all[SAY_REST];
	}
	if (l->weights == WEIGHTS_ASK)
		l->weights = weighted ? WEIGHTS_YES : WEIGHTS_NO;
	return TT_OK;
}

tt_status weigh_step(struct learner *l, const struct batch *b)
{
	const int together = l->sync->summed && learner_world(l) > 1;

	if (together && (l->weights != WEIGHTS_NO || nn_counts_places(l->opts.model)))
		return ask_all(l, b);
	l->step.weight = together ? b->n_global : weigh_mine(l, b);
	return TT_OK;
}
