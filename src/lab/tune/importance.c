/* How much a parameter alone explains of what the trials came to.
 *
 * Trials are ranked, which no outlier moves and which min and max share.  A parameter's values are
 * cut into bins; what the bins' means differ is the part of the ranks' variance that it explains,
 * less what as many bins would by chance (epsilon squared: Kelley 1935, PNAS 21(9)). */
#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "lab/tune/study.h"

enum { BINS = 8, IN_BIN = 4 };         /* at most, and trials in one at least */

struct seen { double x, rank; };

static int by_x(const void *a, const void *b)
{
	const struct seen *p = a, *q = b;

	if (isnan(p->x) || isnan(q->x))                 /* without a value: last */
		return isnan(p->x) - isnan(q->x);
	return (p->x > q->x) - (p->x < q->x);
}

static int by_first_loss(const void *a, const void *b)
{
	const struct trial *p = *(struct trial *const *)a, *q = *(struct trial *const *)b;

	if (p->loss[0] != q->loss[0])
		return p->loss[0] > q->loss[0] ? 1 : -1;
	return (p->number > q->number) - (p->number < q->number);
}

static int same_x(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

/* Where the bin that begins at i ends: equal values are never parted. */
static int64_t bin_end(const struct param *p, const struct seen *v, int64_t n, int64_t i)
{
	const int64_t most = n / IN_BIN < BINS ? n / IN_BIN : BINS;
	int64_t end = i + 1;

	if (!p->count && !isnan(v[i].x) && most > 1)
		end = (i * most / n + 1) * n / most;
	end = end > i ? end : i + 1;
	while (end > i + 1 && isnan(v[end - 1].x) != isnan(v[i].x))
		end--;
	while (end < n && same_x(v[end].x, v[end - 1].x))
		end++;
	return end;
}

static double explained(const struct param *p, const struct seen *v, int64_t n)
{
	const double mean = 0.5 * (double)(n - 1);
	const double total = (double)n * ((double)n * (double)n - 1) / 12;
	double between = 0, share;
	int64_t bins = 0;

	for (int64_t i = 0, end; i < n; i = end, bins++) {
		double sum = 0;

		end = bin_end(p, v, n, i);
		for (int64_t k = i; k < end; k++)
			sum += v[k].rank - mean;
		between += sum * sum / (double)(end - i);
	}
	if (bins < 2 || bins >= n)
		return 0;
	share = 1 - (1 - between / total) * (double)(n - 1) / (double)(n - bins);
	return share > 0 ? share : 0;
}

tt_status tt_study_importance(tt_study *s, double *share, int n)
{
	struct trial **ranked;
	struct seen *v;
	int64_t trials;

	if (!s || !share)
		return err_null(__func__);
	if (n != s->space->n)
		return err_set(TT_EINVAL, "tt_study_importance: the space has %d parameters, not %d",
		               s->space->n, n);
	ranked = study_ranked(s, &trials);
	if (s->n_objectives > 1 && trials > 1)          /* they are ranked by fronts */
		qsort(ranked, (size_t)trials, sizeof *ranked, by_first_loss);
	if (!(v = mem_alloc(((size_t)trials + 1) * sizeof *v)))
		return err_set(TT_ENOMEM, "importance: no memory for %lld trials", (long long)trials);
	for (int i = 0; i < n; i++) {
		for (int64_t k = 0; k < trials; k++)
			v[k] = (struct seen){ ranked[k]->x[i], (double)k };
		qsort(v, (size_t)trials, sizeof *v, by_x);
		share[i] = trials > 1 ? explained(&s->space->param[i], v, trials) : 0;
	}
	mem_free(v);
	return TT_OK;
}
