/* kernels.h -- what the reference kernels share: their names and the activations. */
#ifndef REF_KERNELS_H
#define REF_KERNELS_H

#include "compute/exec/ref/ref.h"

#define OP(NAME, name, imin, imax, out, text) void ref_##name(const struct ref_args *a);
#include "compute/ir/ops.def"
#undef OP

double ref_act_value(enum ir_act act, double alpha, double x);
/* The slope at a point given by its input x ... */
double ref_act_slope(enum ir_act act, double alpha, double x);
/* ... or by its output y; not defined for gelu and silu, which are not monotonous: NaN. */
double ref_act_slope_y(enum ir_act act, double alpha, double y);

/* log(sum(exp(x))) of x[n] */
double ref_log_sum_exp(const float *x, int64_t n);

static inline const struct tensor_desc *ref_in(const struct ref_args *a, int i)
{
	return &a->node->in[i]->desc;
}

static inline const struct tensor_desc *ref_out(const struct ref_args *a, int i)
{
	return &a->node->out[i]->desc;
}

/* Elements behind dimension d: the distance of neighbours along it. */
static inline int64_t ref_inner(const struct tensor_desc *t, int d)
{
	int64_t n = 1;

	for (int i = d + 1; i < t->ndim; i++)
		n *= t->dim[i];
	return n;
}

#endif
