/* update_rules.h -- the update rules as loops over ranges.
 *
 * A rule knows nothing of tensors, threads or schedules: it is given a range of the flat
 * vectors and the step's coefficients.  Private to optim/. */
#ifndef OPTIM_UPDATE_RULES_H
#define OPTIM_UPDATE_RULES_H

#include "optim/options.h"

#define RULE_SLOTS 2

/* The same range of parameters, gradients and slots. */
struct update {
	float       *p;
	const float *g;
	float       *slot[RULE_SLOTS];
	size_t       n;
};

/* What all elements of a step share; computed in double, once, by optim_begin. */
struct coef {
	float lr;
	float decay;                 /* weight decay of this range: 0 where it is left out      */
	float momentum;
	float beta1, rest1;          /* rest = 1 - beta, taken in double as PyTorch does        */
	float beta2, rest2;
	float alpha, rest_alpha;
	float eps;
	float step1;                 /* adam: lr / (1 - beta1^t)                                */
	float fix1, fix2;            /* 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t)                */
	float trust;                 /* lars, lamb: the tensor's ratio                          */
};

struct rule {
	void      (*range)(const struct update *u, const struct coef *c);
	/* Per-tensor rules only: what must run over a block before the ratio is known.  Gives the
	 * block's sums of squares of parameters and of what is compared with them. */
	void      (*block)(const struct update *u, const struct coef *c, double sum[2]);
	/* ... and the ratio from the two norms. */
	double    (*ratio)(const struct optim_opts *o, double param, double other, double decay);
	double      eps;             /* unless the spec says another                            */
	const char *slot[RULE_SLOTS];
};

const struct rule *optim_update(const struct optim_opts *o);

/* Sum of squares in double, in an order that depends on n alone. */
double optim_sum_squares(const float *x, size_t n);
void   optim_scale(float *x, size_t n, float by);

#endif
