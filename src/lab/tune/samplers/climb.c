#include "lab/tune/samplers/climb.h"

#include <math.h>
#include <nlopt.h>
#include <string.h>

#include "base/mem.h"

#define TOLERANCE 1e-5

struct seen { const struct climb *c; double *best, value, *slope; };

/* NLopt may end with an error of rounding: the best place is kept here. */
static double look(unsigned n, const double *x, double *slope, void *ctx)
{
	struct seen *s = ctx;
	const double v = s->c->f(s->c->ctx, x, slope ? slope : s->slope);

	if (v > s->value) {
		s->value = v;
		memcpy(s->best, x, n * sizeof *x);
	}
	return isfinite(v) ? v : -1e30;
}

static int prepare(nlopt_opt o, const struct climb *c, struct seen *s)
{
	return nlopt_set_max_objective(o, look, s) >= 0 && nlopt_set_lower_bounds(o, c->lo) >= 0 &&
	       nlopt_set_upper_bounds(o, c->hi) >= 0 && nlopt_set_ftol_rel(o, TOLERANCE) >= 0 &&
	       nlopt_set_maxeval(o, c->evaluations) >= 0;
}

tt_status climb(const struct climb *c, double *x, double *value)
{
	const size_t n = (size_t)c->n;
	double *work = mem_alloc(3 * n * sizeof *work);
	struct seen s = { c, work, -INFINITY, work + n };
	nlopt_opt o = work ? nlopt_create(NLOPT_LD_LBFGS, (unsigned)n) : NULL;
	tt_status st = TT_OK;
	double end;

	if (!work || !o || !prepare(o, c, &s)) {
		st = err_set(TT_ENOMEM, "out of memory: NLopt for %d numbers", c->n);
	} else {
		memcpy(work, x, n * sizeof *x);
		memcpy(work + 2 * n, x, n * sizeof *x);
		nlopt_optimize(o, work + 2 * n, &end);
		memcpy(x, s.best, n * sizeof *x);
		*value = s.value;
	}
	if (o)
		nlopt_destroy(o);
	mem_free(work);
	return st;
}
