/* cmaes.c -- the covariance matrix adaptation evolution strategy (Hansen 2016, with active
 * weights).
 *
 *   x ~ mean + sigma N(0, C)  in the unit cube of all parameters that are numbers and always there
 *
 * A generation is the first popsize trials of it that have ended; trials that are asked for
 * meanwhile are drawn from the same distribution, so nobody waits.  A failed trial is the
 * worst of its generation.  Words and conditional parameters are drawn at random. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lab/tune/rows.h"
#include "lab/tune/samplers/symmetric.h"

struct cmaes_opts { int popsize; double sigma; };

#define T struct cmaes_opts
static const struct option cmaes_options[] = {
	OPT_INT   (T, popsize, "0", 0, 100000, "trials of a generation; 0: 4 + 3 ln(parameters)"),
	OPT_DOUBLE(T, sigma, "0.16666666666666666", 1e-6, 10,
	           "width of the first generation, in widths of the ranges"),
	OPT_END
};
#undef T

#define REDRAWS 100
#define MOST    200             /* parameters: matrices of their square */

struct cmaes {
	int      n, pop, mu;            /* dimensions                                 */
	int     *param;                 /* [n] which parameter a dimension is         */
	double  *mean, *path_s, *path_c, *C, *B, *D;    /* C = B diag(D^2) B'         */
	double  *weight;                /* [pop], those below zero for the worst      */
	double   sigma, mu_eff, c_s, d_s, c_c, c_1, c_mu, chi, weight_sum;
	int64_t  generation;
	struct trial **ended;           /* [pop] of this generation                   */
	int      n_ended;
	double  *y, *work;              /* [pop, n], [n]                              */
};

/* ---- constants ---- */

static void set_weights(struct cmaes *c)
{
	double plus = 0, minus = 0, sum = 0, squares = 0, n_sum = 0, n_squares = 0, mu_minus, alpha;
	const double n = c->n;

	for (int i = 0; i < c->pop; i++) {
		c->weight[i] = log((c->pop + 1) / 2.0) - log(i + 1);
		if (i < c->mu) {
			sum += c->weight[i];
			squares += c->weight[i] * c->weight[i];
		} else {
			n_sum += c->weight[i];
			n_squares += c->weight[i] * c->weight[i];
		}
		plus += c->weight[i] > 0 ? c->weight[i] : 0;
		minus -= c->weight[i] < 0 ? c->weight[i] : 0;
	}
	c->mu_eff = sum * sum / squares;
	mu_minus = n_squares > 0 ? n_sum * n_sum / n_squares : 0;
	c->c_1 = 2 / ((n + 1.3) * (n + 1.3) + c->mu_eff);
	c->c_mu = fmin(1 - c->c_1 - 1e-8, 2 * (c->mu_eff - 2 + 1 / c->mu_eff) /
	               ((n + 2) * (n + 2) + c->mu_eff));
	alpha = fmin(1 + c->c_1 / c->c_mu, 1 + 2 * mu_minus / (c->mu_eff + 2));
	alpha = fmin(alpha, (1 - c->c_1 - c->c_mu) / (n * c->c_mu));
	c->weight_sum = 0;
	for (int i = 0; i < c->pop; i++) {
		c->weight[i] *= c->weight[i] >= 0 ? 1 / plus : alpha / minus;
		c->weight_sum += c->weight[i];
	}
}

static void set_constants(struct cmaes *c)
{
	const double n = c->n, m = c->mu_eff;

	c->c_s = (m + 2) / (n + m + 5);
	c->d_s = 1 + 2 * fmax(0, sqrt((m - 1) / (n + 1)) - 1) + c->c_s;
	c->c_c = (4 + m / n) / (n + 4 + 2 * m / n);
	c->chi = sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
}

static int numeric(const struct param *p)
{
	return p->kind != TT_PARAM_CATEGORICAL && p->when.parent < 0 && param_cells(p) != 1;
}

static tt_status allocate(struct tt_study *s, struct cmaes *c)
{
	const size_t n = (size_t)c->n, pop = (size_t)c->pop;
	double *v = arena_alloc(&s->arena, (5 * n + 2 * n * n + pop + pop * n) * sizeof *v);

	c->ended = arena_alloc(&s->arena, pop * sizeof *c->ended);
	if (!v || !c->ended)
		return TT_ENOMEM;
	c->mean = v;
	c->path_s = v + n;
	c->path_c = v + 2 * n;
	c->D = v + 3 * n;
	c->work = v + 4 * n;
	c->C = v + 5 * n;
	c->B = c->C + n * n;
	c->weight = c->B + n * n;
	c->y = c->weight + pop;
	return TT_OK;
}

static tt_status open(struct tt_study *s)
{
	const struct cmaes_opts *o = s->sampler_opts;
	struct cmaes *c = arena_alloc(&s->arena, sizeof *c);

	if (!c || !(c->param = arena_alloc(&s->arena, (size_t)s->space->n * sizeof *c->param)))
		return TT_ENOMEM;
	for (int i = 0; i < s->space->n; i++)
		if (numeric(&s->space->param[i]))
			c->param[c->n++] = i;
	s->sampler_state = c;
	if (c->n == 0)
		return err_set(TT_EINVAL, "sampler cmaes needs a parameter that is a number");
	if (c->n > MOST)
		return err_set(TT_EINVAL, "sampler cmaes knows %d numbers, there are %d", MOST, c->n);
	c->pop = o->popsize ? o->popsize : 4 + (int)floor(3 * log(c->n));
	c->pop = c->pop < 4 ? 4 : c->pop;
	c->mu = c->pop / 2;
	if (allocate(s, c) != TT_OK)
		return TT_ENOMEM;
	for (int i = 0; i < c->n; i++) {
		c->mean[i] = 0.5;
		c->D[i] = c->C[i * c->n + i] = c->B[i * c->n + i] = 1;
	}
	c->sigma = o->sigma;
	set_weights(c);
	set_constants(c);
	return TT_OK;
}

/* ---- drawn ---- */

/* y = B D z; whether mean + sigma y is in the cube. */
static int draw(const struct cmaes *c, struct rng *r, double *u)
{
	const int n = c->n;
	int inside = 1;

	for (int k = 0; k < n; k++)
		c->work[k] = c->D[k] * rng_normal(r);
	for (int i = 0; i < n; i++) {
		double y = 0;

		for (int k = 0; k < n; k++)
			y += c->B[i * n + k] * c->work[k];
		u[i] = c->mean[i] + c->sigma * y;
		inside &= u[i] >= 0 && u[i] <= 1;
	}
	return inside;
}

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	struct cmaes *c = s->sampler_state;
	double *u = c->y;               /* free between generations' ends */
	struct rng r;

	*what = TT_ASK_NEW;
	study_rng(s, t, &r);
	for (int i = 0; i < REDRAWS && !draw(c, &r, u); i++)
		;
	for (int i = 0; i < c->n; i++)
		t->x[c->param[i]] = param_at(&s->space->param[c->param[i]], u[i]);
	t->slot = c->generation;
	study_fill(s, t, &r);
	return TT_OK;
}

/* ---- learnt ---- */

static int better(const struct tt_study *s, const struct trial *a, const struct trial *b)
{
	const int bad_a = !study_counts(a), bad_b = !study_counts(b);

	if (bad_a || bad_b)
		return bad_a - bad_b;
	return study_compare(s, a, b);
}

static void sort(const struct tt_study *s, struct cmaes *c)
{
	for (int i = 1; i < c->pop; i++)
		for (int k = i; k > 0 && better(s, c->ended[k], c->ended[k - 1]) < 0; k--) {
			struct trial *t = c->ended[k];

			c->ended[k] = c->ended[k - 1];
			c->ended[k - 1] = t;
		}
}

/* work = C^-1/2 v = B D^-1 B' v; answers its squared length. */
static double whiten(const struct cmaes *c, const double *v, double *work)
{
	const int n = c->n;
	double length = 0;

	memset(work, 0, (size_t)n * sizeof *work);
	for (int k = 0; k < n; k++) {
		double z = 0;

		for (int i = 0; i < n; i++)
			z += c->B[i * n + k] * v[i];
		z /= c->D[k];
		length += z * z;
		for (int i = 0; i < n; i++)
			work[i] += c->B[i * n + k] * z;
	}
	return length;
}

/* Moves the mean; step = the weighted sum of the better half. */
static void move(const struct tt_study *s, struct cmaes *c, double *step)
{
	for (int i = 0; i < c->n; i++) {
		const struct param *p = &s->space->param[c->param[i]];

		step[i] = 0;
		for (int k = 0; k < c->pop; k++) {
			const double u = param_unit(p, c->ended[k]->x[c->param[i]]);

			c->y[k * c->n + i] = (u - c->mean[i]) / c->sigma;
			step[i] += k < c->mu ? c->weight[k] * c->y[k * c->n + i] : 0;
		}
	}
	for (int i = 0; i < c->n; i++)
		c->mean[i] += c->sigma * step[i];
}

/* Both paths and sigma; answers 1 if the path is not too long for C to learn from it. */
static int walk(struct cmaes *c, const double *step)
{
	const double a = sqrt(c->c_s * (2 - c->c_s) * c->mu_eff);
	const double b = sqrt(c->c_c * (2 - c->c_c) * c->mu_eff);
	double length = 0;
	int short_enough;

	whiten(c, step, c->work);
	for (int i = 0; i < c->n; i++) {
		c->path_s[i] = (1 - c->c_s) * c->path_s[i] + a * c->work[i];
		length += c->path_s[i] * c->path_s[i];
	}
	length = sqrt(length);
	c->sigma = fmin(c->sigma * exp(c->c_s / c->d_s * (length / c->chi - 1)), 1e6);
	short_enough = length / sqrt(1 - pow(1 - c->c_s, 2.0 * (double)(c->generation + 1))) <
	               (1.4 + 2 / (c->n + 1.0)) * c->chi;
	for (int i = 0; i < c->n; i++)
		c->path_c[i] = (1 - c->c_c) * c->path_c[i] + (short_enough ? b * step[i] : 0);
	return short_enough;
}

static void adapt(struct cmaes *c, int short_enough)
{
	const double lost = short_enough ? 0 : c->c_c * (2 - c->c_c);
	const double keep = 1 + c->c_1 * lost - c->c_1 - c->c_mu * c->weight_sum;
	const int n = c->n;

	for (int i = 0; i < n * n; i++)
		c->C[i] = keep * c->C[i] + c->c_1 * c->path_c[i / n] * c->path_c[i % n];
	for (int k = 0; k < c->pop; k++) {
		const double *y = c->y + k * n;
		double w = c->weight[k];

		if (w < 0)
			w *= n / (whiten(c, y, c->work) + 1e-8);
		for (int i = 0; i < n * n; i++)
			c->C[i] += c->c_mu * w * y[i / n] * y[i % n];
	}
}

static void decompose(struct cmaes *c)
{
	symmetric_eigen(c->C, c->n, c->B, c->D);
	for (int i = 0; i < c->n; i++)
		c->D[i] = sqrt(c->D[i] < 1e-14 ? 1e-14 : c->D[i]);
}

static tt_status seen(struct tt_study *s, struct trial *t)
{
	struct cmaes *c = s->sampler_state;
	double *step;

	if (t->slot != c->generation)
		return TT_OK;
	c->ended[c->n_ended++] = t;
	if (c->n_ended < c->pop)
		return TT_OK;
	step = mem_alloc((size_t)c->n * sizeof *step);
	if (!step)
		return TT_ENOMEM;
	sort(s, c);
	move(s, c, step);
	adapt(c, walk(c, step));
	decompose(c);
	mem_free(step);
	c->n_ended = 0;
	c->generation++;
	return TT_OK;
}

const struct sampler sampler_cmaes = {
	.name = "cmaes", .open = open, .ask = ask, .seen = seen, .options = cmaes_options,
	.size = sizeof(struct cmaes_opts),
	.help = "a normal distribution that learns from each generation (Hansen 2016)",
};
