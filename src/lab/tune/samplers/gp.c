/* gp.c -- Bayesian optimisation: a Gaussian process of the losses, and where the log of the
 * expected improvement is greatest (Jones 1998; logEI: Ament et al. 2023).
 *
 *   k(a, b) = s^2 (1 + r + r^2 / 3) exp(-r),  r^2 = 5 sum_i w_i (a_i - b_i)^2     (Matern 5/2, ARD)
 *
 * in the unit cube of all parameters; of words w_i counts whether they differ, and a parameter
 * that is not there lies in the middle.  Losses are standardised.  w, s^2 and the noise are
 * those of the greatest posterior, with Optuna's priors.  Running trials are taken for as good
 * as the process believes (Ginsbourger 2010), so that two that run together are not alike. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lab/tune/rows.h"
#include "lab/tune/samplers/climb.h"
#include "lab/tune/samplers/symmetric.h"

#define TRIALS_MOST 400         /* the best and the youngest of more: a step costs their cube */
#define NOISE_LEAST 1e-6
#define SAMPLED     1024        /* places that are looked at before the climb */
#define CLIMBS      6

struct gp_opts { int64_t startup; int refit; };

#define T struct gp_opts
static const struct option gp_options[] = {
	OPT_INT64(T, startup, "10", 2, 1e9, "trials that are random at first"),
	OPT_INT  (T, refit, "1", 1, 1000, "trials from one fit of the widths to the next"),
	OPT_END
};
#undef T

struct gp {
	const tt_space *space;
	int      d, n;                  /* parameters, trials                             */
	double  *x;                     /* [n, d] in the unit cube; of words which        */
	double  *y;                     /* [n] standardised                               */
	double  *theta;                 /* [d + 2] logs of w, s^2, noise; the study's     */
	double  *L, *alpha;             /* [n, n], [n]                                    */
	double  *work;                  /* [n, n + 2]                                     */
	double   best;                  /* least y of those that ended                    */
};

/* ---- kernel ---- */

static int is_word(const struct gp *g, int i)
{
	return g->space->param[i].kind == TT_PARAM_CATEGORICAL;
}

static double apart(const struct gp *g, int i, double a, double b)
{
	return is_word(g, i) ? a != b : (a - b) * (a - b);
}

static double kernel(const struct gp *g, const double *w, const double *a, const double *b)
{
	double r = 0;

	for (int i = 0; i < g->d; i++)
		r += w[i] * apart(g, i, a[i], b[i]);
	r = sqrt(5 * r);
	return (1 + r + r * r / 3) * exp(-r);
}

/* K + noise into L, factored.  0: it cannot be. */
static int factor(const struct gp *g, const double *w, double scale, double noise)
{
	for (int a = 0; a < g->n; a++)
		for (int b = 0; b <= a; b++)
			g->L[a * g->n + b] = scale * kernel(g, w, g->x + a * g->d, g->x + b * g->d) +
			                     (a == b ? noise : 0);
	return symmetric_factor(g->L, g->n);
}

/* ---- the fit ---- */

/* Optuna's: w ~ Gamma(2, 1) or so and repelled from 0, s^2 ~ Gamma(2, 1), noise ~ Gamma(1.1,
 * 30). */
static double log_prior(const double *theta, int d, double *slope)
{
	const double scale = exp(theta[d]), noise = exp(theta[d + 1]);
	double sum = 0;

	for (int i = 0; i < d; i++) {
		const double w = exp(theta[i]);

		sum -= 0.1 / w + 0.1 * w;
		slope[i] = 0.1 / w - 0.1 * w;
	}
	sum += log(scale) - scale + 0.1 * log(noise) - 30 * noise;
	slope[d] = 1 - scale;
	slope[d + 1] = 0.1 - 30 * noise;
	return sum;
}

/* K^-1 into the work space, from L. */
static void invert(const struct gp *g)
{
	for (int k = 0; k < g->n; k++) {
		double *e = g->work + k * g->n;

		memset(e, 0, (size_t)g->n * sizeof *e);
		e[k] = 1;
		symmetric_forward(g->L, g->n, e);
		symmetric_backward(g->L, g->n, e);
	}
}

/* slope += 1/2 tr((alpha alpha' - K^-1) dK / dtheta) */
static void add_slopes(const struct gp *g, const double *w, double scale, double *slope)
{
	for (int a = 0; a < g->n; a++)
		for (int b = 0; b < a; b++) {
			const double *p = g->x + a * g->d, *q = g->x + b * g->d;
			const double m = g->alpha[a] * g->alpha[b] - g->work[a * g->n + b];
			double r = 0, f, e;

			for (int i = 0; i < g->d; i++)
				r += w[i] * apart(g, i, p[i], q[i]);
			r = sqrt(5 * r);
			e = exp(-r);
			slope[g->d] += m * scale * (1 + r + r * r / 3) * e;
			f = m * scale * -5.0 / 6 * (1 + r) * e;
			for (int i = 0; i < g->d; i++)
				slope[i] += f * w[i] * apart(g, i, p[i], q[i]);
		}
}

/* The log of the posterior, to be climbed. */
static double posterior(void *ctx, const double *theta, double *slope)
{
	struct gp *g = ctx;
	const int d = g->d, n = g->n;
	const double scale = exp(theta[d]), noise = exp(theta[d + 1]);
	double *w = g->work + n * n;    /* d numbers */
	double value, trace = 0;

	for (int i = 0; i < d; i++)
		w[i] = exp(theta[i]);
	value = log_prior(theta, d, slope);
	if (!factor(g, w, scale, noise))
		return -INFINITY;
	memcpy(g->alpha, g->y, (size_t)n * sizeof *g->alpha);
	symmetric_forward(g->L, n, g->alpha);
	for (int i = 0; i < n; i++)
		value -= 0.5 * g->alpha[i] * g->alpha[i] + log(g->L[i * n + i]);
	symmetric_backward(g->L, n, g->alpha);
	invert(g);
	add_slopes(g, w, scale, slope);
	for (int i = 0; i < n; i++) {
		const double m = g->alpha[i] * g->alpha[i] - g->work[i * n + i];

		trace += m;
	}
	slope[d] += 0.5 * scale * trace;
	slope[d + 1] += 0.5 * noise * trace;
	return value;
}

static tt_status fit(struct gp *g)
{
	const int n = g->d + 2;
	double lo[n], hi[n], from[n];   /* at most SPACE_PARAMS */
	double best = -INFINITY;
	struct climb c = { posterior, g, n, lo, hi, 60 };

	for (int i = 0; i < n; i++) {
		lo[i] = log(1e-3);
		hi[i] = log(1e4);
	}
	lo[n - 2] = log(1e-2);
	hi[n - 2] = log(1e2);
	lo[n - 1] = log(NOISE_LEAST);
	hi[n - 1] = log(1.0);
	for (int start = 0; start < 2; start++) {       /* where the last fit ended, and anew */
		double value;

		for (int i = 0; i < n; i++)
			from[i] = start == 0 ? g->theta[i] : i < g->d ? 0 : i == g->d ? 0 : log(1e-4);
		if (climb(&c, from, &value) != TT_OK)
			return TT_ENOMEM;
		if (value > best) {
			best = value;
			memcpy(g->theta, from, sizeof from);
		}
	}
	return TT_OK;
}

/* ---- the acquisition ---- */

/* log(z Phi(z) + phi(z)), exact for z far below zero. */
static double log_ei(double z)
{
	const double phi = exp(-0.5 * z * z) * 0.3989422804014327;
	double t;

	if (z > -1)
		return log(phi + z * 0.5 * erfc(-z * M_SQRT1_2));
	if (z < -25)
		return -0.5 * z * z - 0.9189385332046727 - 2 * log(-z);
	t = 0.5 * erfc(-z * M_SQRT1_2);
	return log(phi + z * t > 1e-300 ? phi + z * t : 1e-300);
}

static double ei(void *ctx, const double *u, double *slope)
{
	struct gp *g = ctx;
	const int d = g->d, n = g->n;
	const double scale = exp(g->theta[d]);
	double *w = g->work, *k = w + d, *v = k + n, *dk = v + n;
	double mean = 0, var = scale, sd, z, value, s_mean, s_sd, ratio;

	for (int i = 0; i < d; i++)
		w[i] = exp(g->theta[i]);
	for (int a = 0; a < n; a++) {
		double r = 0;

		for (int i = 0; i < d; i++)
			r += w[i] * apart(g, i, u[i], g->x[a * d + i]);
		r = sqrt(5 * r);
		k[a] = scale * (1 + r + r * r / 3) * exp(-r);
		dk[a] = scale * -5.0 / 3 * (1 + r) * exp(-r);
		mean += k[a] * g->alpha[a];
	}
	memcpy(v, k, (size_t)n * sizeof *v);
	symmetric_forward(g->L, n, v);
	for (int a = 0; a < n; a++)
		var -= v[a] * v[a];
	sd = sqrt(var > 1e-12 ? var : 1e-12);
	z = (g->best - mean) / sd;
	value = log_ei(z) + log(sd);
	if (!slope)
		return value;
	/* d log(sd h(z)): h' = Phi */
	ratio = exp(log(0.5 * erfc(-z * M_SQRT1_2) + 1e-300) - log_ei(z));
	s_mean = -ratio / sd;
	s_sd = (1 - ratio * z) / sd;
	symmetric_backward(g->L, n, v);
	for (int i = 0; i < d; i++) {
		double m = 0, q = 0;

		for (int a = 0; a < n && !is_word(g, i); a++) {
			const double one = dk[a] * w[i] * (u[i] - g->x[a * d + i]);

			m += one * g->alpha[a];
			q += one * v[a];
		}
		slope[i] = s_mean * m - s_sd * (var > 1e-12 ? q / sd : 0);
	}
	return value;
}

static double unit(const struct param *p, double x)
{
	return isnan(x) ? 0.5 : p->kind == TT_PARAM_CATEGORICAL ? x : param_unit(p, x);
}

struct places { double *u, *value; };

/* What the parameters' values make of u: single values have a place each. */
static void settle(const struct gp *g, double *u, double *x)
{
	for (int i = 0; i < g->d; i++) {
		const struct param *p = &g->space->param[i];

		x[i] = NAN;
		if (space_has(g->space, i, x))
			x[i] = is_word(g, i) ? u[i] : param_at(p, u[i]);
		u[i] = unit(p, x[i]);
	}
}

/* Places at random all over, and around the best trial. */
static void scatter(const struct gp *g, const double *near, struct rng *r, double *u)
{
	const int local = near && rng_below(r, 4) == 0;

	for (int i = 0; i < g->d; i++) {
		const struct param *p = &g->space->param[i];

		u[i] = is_word(g, i) ? rng_below(r, (uint32_t)p->count) : rng_uniform(r);
		if (local && is_word(g, i))
			u[i] = rng_below(r, 4) ? near[i] : u[i];
		else if (local)
			u[i] = fmin(1, fmax(0, near[i] + 0.1 * rng_normal(r)));
	}
}

/* The CLIMBS best of SAMPLED are climbed from; x: the best of what comes out. */
static tt_status search(struct gp *g, const double *near, struct rng *r, double *x)
{
	const int d = g->d;
	double top[CLIMBS], lo[d], hi[d], u[d], try_x[d];
	double *from = mem_alloc((size_t)CLIMBS * (size_t)d * sizeof *from);
	struct climb c = { ei, g, d, lo, hi, 40 };
	double best = -INFINITY;
	tt_status st = TT_OK;
	int n = 0;

	if (!from)
		return TT_ENOMEM;
	for (int s = 0; s < SAMPLED; s++) {
		double value;
		int k;

		scatter(g, near, r, u);
		settle(g, u, try_x);
		value = ei(g, u, NULL);
		if (n == CLIMBS && !(value > top[n - 1]))
			continue;
		k = n < CLIMBS ? n++ : n - 1;
		for (; k > 0 && top[k - 1] < value; k--) {
			top[k] = top[k - 1];
			memcpy(from + k * d, from + (k - 1) * d, (size_t)d * sizeof *from);
		}
		top[k] = value;
		memcpy(from + k * d, u, (size_t)d * sizeof *from);
	}
	for (int k = 0; st == TT_OK && k < n; k++) {
		double *at = from + k * d, value;

		for (int i = 0; i < d; i++) {
			lo[i] = is_word(g, i) ? at[i] : 0;
			hi[i] = is_word(g, i) ? at[i] : 1;
		}
		st = climb(&c, at, &value);
		settle(g, at, try_x);
		value = ei(g, at, NULL);
		if (k == 0 || value > best) {
			best = value;
			memcpy(x, try_x, (size_t)d * sizeof *x);
		}
	}
	mem_free(from);
	return st;
}

/* ---- trials become numbers ---- */

static int is_used(const struct trial *t)
{
	return study_counts(t) && isfinite(t->loss[0]);
}

/* Those that ended, standardised; the worst is not let run away (a net that blew up). */
static void standardise(struct gp *g)
{
	double mean = 0, var = 0;

	for (int i = 0; i < g->n; i++)
		mean += g->y[i] / g->n;
	for (int i = 0; i < g->n; i++)
		var += (g->y[i] - mean) * (g->y[i] - mean) / g->n;
	g->best = INFINITY;
	for (int i = 0; i < g->n; i++) {
		g->y[i] = (g->y[i] - mean) / (var > 0 ? sqrt(var) : 1);
		g->best = fmin(g->best, g->y[i]);
	}
}

static void add(struct gp *g, const struct trial *t, double y)
{
	for (int i = 0; i < g->d; i++)
		g->x[g->n * g->d + i] = unit(&g->space->param[i], t->x[i]);
	g->y[g->n++] = y;
}

/* A running trial is believed to come out as the process says now. */
static void believe(struct gp *g, const struct trial *t)
{
	const double *w = g->work;
	double u[g->d], mean = 0;

	for (int i = 0; i < g->d; i++) {
		u[i] = unit(&g->space->param[i], t->x[i]);
		g->work[i] = exp(g->theta[i]);
	}
	for (int a = 0; a < g->n; a++)
		mean += exp(g->theta[g->d]) * kernel(g, w, u, g->x + a * g->d) * g->alpha[a];
	add(g, t, mean);
}

static int refactor(struct gp *g)
{
	double w[g->d];

	for (int i = 0; i < g->d; i++)
		w[i] = exp(g->theta[i]);
	if (!factor(g, w, exp(g->theta[g->d]), exp(g->theta[g->d + 1]) + NOISE_LEAST))
		return 0;
	memcpy(g->alpha, g->y, (size_t)g->n * sizeof *g->alpha);
	symmetric_forward(g->L, g->n, g->alpha);
	symmetric_backward(g->L, g->n, g->alpha);
	return 1;
}

static tt_status reserve(struct gp *g, struct arena *a, int64_t most)
{
	const size_t n = (size_t)most, d = (size_t)g->d;

	g->x = arena_alloc(a, n * d * sizeof *g->x);
	g->y = arena_alloc(a, n * sizeof *g->y);
	g->alpha = arena_alloc(a, n * sizeof *g->alpha);
	g->L = arena_alloc(a, n * n * sizeof *g->L);
	g->work = arena_alloc(a, (n * n + 3 * n + d) * sizeof *g->work);
	return g->x && g->y && g->alpha && g->L && g->work ? TT_OK : TT_ENOMEM;
}

/* The best half of TRIALS_MOST, and then the youngest. */
static void choose(struct gp *g, struct trial **ranked, int64_t n)
{
	const int64_t top = n <= TRIALS_MOST ? n : TRIALS_MOST / 2;
	int64_t last = 0;

	for (int64_t i = 0; i < top; i++)
		if (is_used(ranked[i]))
			add(g, ranked[i], ranked[i]->loss[0]);
	for (int64_t i = top; i < n; i++)
		last = ranked[i]->number > last ? ranked[i]->number : last;
	for (int64_t i = top; i < n && g->n < TRIALS_MOST; i++)
		if (is_used(ranked[i]) && ranked[i]->number > last - TRIALS_MOST / 2)
			add(g, ranked[i], ranked[i]->loss[0]);
}

static tt_status suggest(struct tt_study *s, struct trial *t, struct rng *r, struct arena *a)
{
	const struct gp_opts *o = s->sampler_opts;
	struct gp g = { .space = s->space, .d = s->space->n, .theta = s->sampler_state };
	int64_t n, running = 0;
	struct trial **ranked = study_ranked(s, &n);
	double near[g.d];
	tt_status st;

	for (int64_t i = 0; i < s->count; i++)
		running += s->trial[i]->state == TT_TRIAL_RUNNING;
	running = running > 64 ? 64 : running;
	if ((st = reserve(&g, a, (n < TRIALS_MOST ? n : TRIALS_MOST) + running + 1)) != TT_OK)
		return st;
	choose(&g, ranked, n);
	if (g.n < 2) {
		study_fill(s, t, r);
		return TT_OK;
	}
	memcpy(near, g.x, sizeof near);
	standardise(&g);
	if (t->number % o->refit == 0 && (st = fit(&g)) != TT_OK)
		return st;
	if (!refactor(&g)) {
		study_fill(s, t, r);
		return TT_OK;
	}
	for (int64_t i = s->count - 1; i >= 0 && running > 0; i--)
		if (s->trial[i]->state == TT_TRIAL_RUNNING) {
			believe(&g, s->trial[i]);
			running--;
			if (!refactor(&g))
				g.n--, refactor(&g);
		}
	return search(&g, near, r, t->x);
}

static tt_status open(struct tt_study *s)
{
	double *theta = arena_alloc(&s->arena, ((size_t)s->space->n + 2) * sizeof *theta);

	if (!theta)
		return TT_ENOMEM;
	theta[s->space->n + 1] = log(1e-4);
	s->sampler_state = theta;
	return TT_OK;
}

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	const struct gp_opts *o = s->sampler_opts;
	struct arena a = {0};
	int64_t used = 0;
	struct rng r;
	tt_status st;

	*what = TT_ASK_NEW;
	study_rng(s, t, &r);
	for (int64_t i = 0; i < s->count; i++)
		used += is_used(s->trial[i]);
	if (used < o->startup) {
		study_fill(s, t, &r);
		return TT_OK;
	}
	st = suggest(s, t, &r, &a);
	arena_release(&a);
	return st;
}

const struct sampler sampler_gp = {
	.name = "gp", .open = open, .ask = ask, .single = 1, .options = gp_options,
	.size = sizeof(struct gp_opts),
	.help = "a Gaussian process, and where improvement is expected most (Jones 1998)",
};
