#include "optim/update_rules.h"

#include <math.h>

#include "base/simd.h"

/* Each loop is one pass over memory: every vector is read once, and written once where it
 * changes.  The formulas are those of torch.optim 1.13, in its order of operations. */

SIMD static void sgd(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p;
	const float *restrict g = u->g;
	const float lr = c->lr, decay = c->decay;

	for (size_t i = 0; i < u->n; i++)
		p[i] -= lr * (g[i] + decay * p[i]);
}

/* Form (a) of momentum: u = m u + g, w -= lr u.  A change of lr acts at once and needs no
 * correction of the buffer.  The first step is u = g, since the buffer starts at zero. */
SIMD static void sgd_momentum(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p, *restrict m = u->slot[0];
	const float *restrict g = u->g;
	const float lr = c->lr, decay = c->decay, momentum = c->momentum;
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++) {
		float v = momentum * m[i] + (g[i] + decay * p[i]);

		m[i] = v;
		p[i] -= lr * v;
	}
}

SIMD static void sgd_nesterov(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p, *restrict m = u->slot[0];
	const float *restrict g = u->g;
	const float lr = c->lr, decay = c->decay, momentum = c->momentum;
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++) {
		float d = g[i] + decay * p[i];
		float v = momentum * m[i] + d;

		m[i] = v;
		p[i] -= lr * (d + momentum * v);
	}
}

/* Kingma and Ba, 2015; decay is added to the gradient. */
SIMD static void adam(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p, *restrict m = u->slot[0], *restrict v = u->slot[1];
	const float *restrict g = u->g;
	const struct coef k = *c;
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++) {
		float d = g[i] + k.decay * p[i];

		m[i] = k.beta1 * m[i] + k.rest1 * d;
		v[i] = k.beta2 * v[i] + k.rest2 * d * d;
		p[i] -= k.step1 * m[i] / (sqrtf(v[i]) * k.fix2 + k.eps);
	}
}

/* Loshchilov and Hutter, 2019: decay acts on the parameter itself. */
SIMD static void adamw(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p, *restrict m = u->slot[0], *restrict v = u->slot[1];
	const float *restrict g = u->g;
	const struct coef k = *c;
	const float keep = (float)(1 - (double)k.lr * k.decay);
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++) {
		float d = g[i];

		m[i] = k.beta1 * m[i] + k.rest1 * d;
		v[i] = k.beta2 * v[i] + k.rest2 * d * d;
		p[i] = p[i] * keep - k.step1 * m[i] / (sqrtf(v[i]) * k.fix2 + k.eps);
	}
}

/* Duchi, Hazan and Singer, 2011. */
SIMD static void adagrad(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p, *restrict s = u->slot[0];
	const float *restrict g = u->g;
	const struct coef k = *c;
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++) {
		float d = g[i] + k.decay * p[i];

		s[i] += d * d;
		p[i] -= k.lr * (d / (sqrtf(s[i]) + k.eps));
	}
}

/* Tieleman and Hinton, 2012. */
SIMD static void rmsprop(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p, *restrict s = u->slot[0];
	const float *restrict g = u->g;
	const struct coef k = *c;
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++) {
		float d = g[i] + k.decay * p[i];

		s[i] = k.alpha * s[i] + k.rest_alpha * d * d;
		p[i] -= k.lr * (d / (sqrtf(s[i]) + k.eps));
	}
}

SIMD static void rmsprop_momentum(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p, *restrict s = u->slot[0], *restrict m = u->slot[1];
	const float *restrict g = u->g;
	const struct coef k = *c;
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++) {
		float d = g[i] + k.decay * p[i];

		s[i] = k.alpha * s[i] + k.rest_alpha * d * d;
		m[i] = k.momentum * m[i] + d / (sqrtf(s[i]) + k.eps);
		p[i] -= k.lr * m[i];
	}
}

/* LARS (You, Gitman and Ginsburg, 2017, eq. 6) with the momentum of form (a), so that warm-up
 * needs no correction: the ratio scales what enters the buffer, lr what leaves it. */
SIMD static void lars(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p, *restrict m = u->slot[0];
	const float *restrict g = u->g;
	const struct coef k = *c;
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++) {
		float v = k.momentum * m[i] + k.trust * (g[i] + k.decay * p[i]);

		m[i] = v;
		p[i] -= k.lr * v;
	}
}

static void lars_block(const struct update *u, const struct coef *c, double sum[2])
{
	(void)c;
	sum[0] = optim_sum_squares(u->p, u->n);
	sum[1] = optim_sum_squares(u->g, u->n);
}

static double lars_ratio(const struct optim_opts *o, double param, double grad, double decay)
{
	double below = grad + decay * param;

	return param > 0 && below > 0 ? o->trust * param / below : 1;
}

/* LAMB (You et al., 2020, algorithm 2): Adam's direction, decay added to it, scaled so that
 * its norm is the parameter's. */
static inline __attribute__((always_inline)) /* also into the clones of SIMD */
float lamb_direction(float p, float m, float v, const struct coef *k)
{
	return k->fix1 * m / (sqrtf(v) * k->fix2 + k->eps) + k->decay * p;
}

SIMD static void lamb(const struct update *u, const struct coef *c)
{
	float *restrict p = u->p;
	const float *restrict m = u->slot[0], *restrict v = u->slot[1];
	const struct coef k = *c;
	const float by = k.lr * k.trust;
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++)
		p[i] -= by * lamb_direction(p[i], m[i], v[i], &k);
}

#define LANES 8         /* independent sums, so that the compiler may keep them in one vector */

static double sum_lanes(const double lane[LANES])
{
	double s = 0;

	for (int j = 0; j < LANES; j++)
		s += lane[j];
	return s;
}

SIMD static void lamb_moments(const struct update *u, const struct coef *c)
{
	float *restrict m = u->slot[0], *restrict v = u->slot[1];
	const float *restrict g = u->g;
	const struct coef k = *c;
	const size_t n = u->n;

	for (size_t i = 0; i < n; i++) {
		m[i] = k.beta1 * m[i] + k.rest1 * g[i];
		v[i] = k.beta2 * v[i] + k.rest2 * g[i] * g[i];
	}
}

SIMD static double lamb_direction_squares(const struct update *u, const struct coef *c)
{
	const float *restrict p = u->p, *restrict m = u->slot[0], *restrict v = u->slot[1];
	const struct coef k = *c;
	double lane[LANES] = { 0 };
	size_t n = u->n, whole = n - n % LANES;

	for (size_t i = 0; i < whole; i += LANES)
		for (size_t j = i; j < i + LANES; j++) {
			float d = lamb_direction(p[j], m[j], v[j], &k);

			lane[j - i] += (double)d * d;
		}
	for (size_t i = whole; i < n; i++) {
		float d = lamb_direction(p[i], m[i], v[i], &k);

		lane[i - whole] += (double)d * d;
	}
	return sum_lanes(lane);
}

static void lamb_block(const struct update *u, const struct coef *c, double sum[2])
{
	lamb_moments(u, c);
	sum[0] = optim_sum_squares(u->p, u->n);
	sum[1] = lamb_direction_squares(u, c);
}

static double lamb_ratio(const struct optim_opts *o, double param, double direction, double decay)
{
	(void)o, (void)decay;
	return param > 0 && direction > 0 ? param / direction : 1;
}

SIMD double optim_sum_squares(const float *x, size_t n)
{
	double lane[LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t j = 0; j < LANES; j++)
			lane[j] += (double)x[i + j] * x[i + j];
	for (size_t j = 0; i + j < n; j++)
		lane[j] += (double)x[i + j] * x[i + j];
	return sum_lanes(lane);
}

SIMD void optim_scale(float *x, size_t n, float by)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= by;
}

/* ---- the table ---- */

/* A special row stands before the general one of its kind: the first that fits counts. */
enum when { WITH_NESTEROV, WITH_MOMENTUM, ALWAYS };
static const struct { enum optim_kind kind; enum when when; struct rule rule; } row[] = {
	{ OPTIM_SGD, WITH_NESTEROV, { .range = sgd_nesterov, .slot = { "momentum_buffer" } } },
	{ OPTIM_SGD, WITH_MOMENTUM, { .range = sgd_momentum, .slot = { "momentum_buffer" } } },
	{ OPTIM_SGD, ALWAYS, { .range = sgd } },
	{ OPTIM_ADAM, ALWAYS, { .range = adam, .eps = 1e-8, .slot = { "exp_avg", "exp_avg_sq" } } },
	{ OPTIM_ADAMW, ALWAYS, { .range = adamw, .eps = 1e-8, .slot = { "exp_avg", "exp_avg_sq" } } },
	{ OPTIM_ADAGRAD, ALWAYS, { .range = adagrad, .eps = 1e-10, .slot = { "sum" } } },
	{ OPTIM_RMSPROP, WITH_MOMENTUM, { .range = rmsprop_momentum, .eps = 1e-8,
	                                  .slot = { "square_avg", "momentum_buffer" } } },
	{ OPTIM_RMSPROP, ALWAYS, { .range = rmsprop, .eps = 1e-8, .slot = { "square_avg" } } },
	{ OPTIM_LARS, ALWAYS, { .range = lars, .block = lars_block, .ratio = lars_ratio,
	                        .slot = { "momentum_buffer" } } },
	{ OPTIM_LAMB, ALWAYS, { .range = lamb, .block = lamb_block, .ratio = lamb_ratio, .eps = 1e-6,
	                        .slot = { "exp_avg", "exp_avg_sq" } } },
};

const struct rule *optim_update(const struct optim_opts *o)
{
	const enum when has = o->momentum == 0 ? ALWAYS : o->nesterov ? WITH_NESTEROV : WITH_MOMENTUM;

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if ((int)row[i].kind == o->kind && row[i].when >= has)
			return &row[i].rule;
	return NULL;
}
