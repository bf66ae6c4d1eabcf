#include "optim/optim.h"

#include <math.h>

/* Factors by epochs count from the start of training, so that "divide by ten at 30, 60 and 80"
 * means those epochs whatever the warm-up. */
static double step_factor(const struct schedule_opts *s, double epoch)
{
	double n = 0;

	for (size_t i = 0; i < s->milestones.n; i++)
		n += epoch >= s->milestones.v[i];
	if (s->step_size > 0)
		n += floor(epoch / s->step_size);
	return pow(s->gamma, n);
}

/* Loshchilov and Hutter, 2017 (SGDR), equation 5: half a wave from the warm-up to the first
 * restart, from there to the next, and from the last to the end. */
static double cosine(const struct schedule_opts *s, double lr, double epoch, double epochs)
{
	double from = s->warmup_epochs, to = epochs;

	for (size_t i = 0; i < s->restarts.n; i++) {
		if (epoch < s->restarts.v[i]) {
			to = fmin(to, s->restarts.v[i]);
		} else {
			from = fmax(from, s->restarts.v[i]);
			lr *= s->restart_scale;
		}
	}
	if (epoch <= from || to <= from)
		return lr;

	double at = fmin((epoch - from) / (to - from), 1);

	return s->min_lr + (lr - s->min_lr) * 0.5 * (1 + cos(M_PI * at));
}

/* Gradual warm-up (Goyal et al. 2017, section 2.2): a constant is added at each iteration.  A rise
 * from nothing begins with the first constant: a step at rate 0 would be none. */
static double warm(const struct schedule_opts *s, int64_t step, int64_t steps_per_epoch)
{
	const double steps = s->warmup_epochs * (double)steps_per_epoch;
	const double done = (double)(s->warmup_from > 0 ? step : step + 1);

	if (done >= steps)
		return 1;
	return s->warmup_from + (1 - s->warmup_from) * done / steps;
}

double schedule_lr(const struct schedule_opts *s, double base_lr, int64_t step,
                   int64_t steps_per_epoch, int64_t steps, int batch)
{
	double lr = s->scale_batch > 0 ? base_lr * batch / s->scale_batch : base_lr;
	double epoch = (double)step / (double)steps_per_epoch;

	switch ((enum schedule_kind)s->kind) {
	case SCHEDULE_CONSTANT:
		break;
	case SCHEDULE_STEP:
		lr *= step_factor(s, epoch);
		break;
	case SCHEDULE_EXPONENTIAL:
		lr *= pow(s->gamma, floor(epoch));
		break;
	case SCHEDULE_COSINE:
		lr = cosine(s, lr, epoch, (double)steps / (double)steps_per_epoch);
		break;
	}
	return lr * warm(s, step, steps_per_epoch);
}
