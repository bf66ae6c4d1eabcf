/* median.c -- the median rule (Golovin et al. 2017, Vizier): a trial is stopped if its best so
 * far is worse than the median of the completed trials' running averages up to the same step. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "lab/tune/rows.h"

struct median_opts { int64_t startup, warmup, interval; };

#define T struct median_opts
static const struct option median_options[] = {
	OPT_INT64(T, startup, "5", 1, 1e9, "trials that complete before any is stopped"),
	OPT_INT64(T, warmup, "0", 0, 1e18, "steps of a trial in which it is not stopped"),
	OPT_INT64(T, interval, "1", 1, 1e18, "steps from one look to the next"),
	OPT_END
};
#undef T

/* Mean of what was told up to the step; NAN: nothing was. */
static double average(const struct trial *t, int64_t step)
{
	double sum = 0;
	int n = 0;

	while (n < t->n_points && t->point[n].step <= step)
		sum += t->point[n++].loss;
	return n ? sum / n : NAN;
}

static double best(const struct trial *t)
{
	double low = INFINITY;

	for (int i = 0; i < t->n_points; i++)
		low = t->point[i].loss < low ? t->point[i].loss : low;
	return low;
}

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The middle of v, sorted; of an even number the mean of both. */
static double middle(double *v, int64_t n)
{
	qsort(v, (size_t)n, sizeof *v, ascending);
	if (n % 2 || v[n / 2 - 1] == v[n / 2])
		return v[n / 2];
	return 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

static enum tt_verdict told(struct tt_study *s, struct trial *t)
{
	const struct median_opts *o = s->scheduler_opts;
	enum tt_verdict v = TT_GO_ON;
	int64_t n = 0;
	double *averages;

	if (t->step <= o->warmup || (t->step - o->warmup - 1) % o->interval)
		return TT_GO_ON;
	averages = mem_alloc((size_t)s->count * sizeof *averages);
	for (int64_t i = 0; averages && i < s->count; i++) {
		const double a = average(s->trial[i], t->step);

		if (s->trial[i]->state == TT_TRIAL_COMPLETED && !isnan(a))
			averages[n++] = a;
	}
	if (n >= o->startup && best(t) > middle(averages, n))
		v = TT_STOP;
	mem_free(averages);
	return v;
}

const struct scheduler scheduler_median = {
	.name = "median", .told = told, .options = median_options, .size = sizeof(struct median_opts),
	.help = "stops what is worse than the median of averages at its step (Golovin et al. 2017)",
};
