/* ema.h -- an exponential moving average of the parameters over the steps of a training.
 *
 * As PyTorch's swa_utils.AveragedModel with get_ema_multi_avg_fn: after the first step it is what
 * the parameters are, after each further one
 *
 *   average <- average + (1 - decay) (parameters - average)
 *
 * Like an optimizer's slots it is a flat vector with the parameters' offsets, and is taken further
 * range by range, by whoever has just changed that range. */
#ifndef OPTIM_EMA_H
#define OPTIM_EMA_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ema {
	float  *v;                   /* [count]; NULL: none is kept                              */
	size_t  count;
	double  decay;
	int     first;               /* of the steps                                             */
};

/* decay 0: none is kept. */
tt_status ema_init(struct ema *e, size_t count, double decay);
void      ema_release(struct ema *e);
/* Begin step `t` (from 1). */
void      ema_begin(struct ema *e, int64_t t);
/* params[lo..hi) are what `steps` steps have made of them: 1, but where others step meanwhile.
 * From several threads, on ranges that do not overlap. */
void      ema_take(const struct ema *e, const float *params, size_t lo, size_t hi, int64_t steps);
/* The average and the parameters change places. */
void      ema_swap(const struct ema *e, float *params);

#endif
