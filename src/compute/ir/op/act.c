/* op/act.c -- activations, prelu, softmax, dropout (its kernel depends on the run: exec/ref). */
#include "compute/ir/op.h"

#include <math.h>

tt_status ir_infer_act(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = n->in[0]->desc;
	return TT_OK;
}

tt_status ir_infer_act_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = TT_OK;

	out[0] = n->in[0]->desc;
	for (int i = 1; i < n->n_in && st == TT_OK; i++)
		st = ir_infer_same(n, 0, i);
	return st;
}

/* A slope for each channel, or one for all. */
static tt_status infer_slope(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc, *w = &n->in[1]->desc;
	char is[IR_VALUE_TEXT], slope[IR_VALUE_TEXT];

	if (x->ndim < 1 || w->ndim != 1 ||
	    (w->dim[0] != 1 && (x->ndim < 2 || w->dim[0] != x->dim[1])))
		return ir_bad(n, TT_ESHAPE, "slopes %s are neither one nor one for each channel of %s",
		              ir_value_text(n->in[1], slope), ir_value_text(n->in[0], is));
	return TT_OK;
}

tt_status ir_infer_prelu(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = n->in[0]->desc;
	return infer_slope(n);
}

tt_status ir_infer_prelu_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = infer_slope(n);

	out[0] = n->in[0]->desc;
	out[1] = n->in[1]->desc;
	return st == TT_OK ? ir_infer_same(n, 0, 2) : st;
}

tt_status ir_infer_softmax(struct ir_node *n, struct tensor_desc *out)
{
	if (n->in[0]->desc.ndim < 1)
		return ir_bad(n, TT_ESHAPE, "a scalar has no classes");
	out[0] = n->in[0]->desc;
	return TT_OK;
}

tt_status ir_infer_softmax_dx(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = n->in[1]->desc;
	return ir_infer_same(n, 0, 1);
}

tt_status ir_infer_dropout(struct ir_node *n, struct tensor_desc *out)
{
	if (!(n->attr.p >= 0 && n->attr.p < 1))
		return ir_bad(n, TT_EINVAL, "p %g must be at least 0 and below 1", (double)n->attr.p);
	out[0] = out[1] = n->in[0]->desc;
	out[1].dtype = DTYPE_U8;
	return TT_OK;
}

tt_status ir_infer_dropout_dx(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = n->in[0]->desc;
	return ir_infer_is(n, 1, out[0].ndim, out[0].dim);
}

tt_status ir_grad_act(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = n->attr;

	if (a.act == ACT_NONE)
		return ir_give(b, n->in[0], dy);
	a.use_y = ir_slope_from_y(&a);
	return ir_give_out(b, n->in[0],
	                GRAD_EMIT(b, n, IR_ACT_DX, &a, a.use_y ? n->out[0] : n->in[0], dy), 0);
}

tt_status ir_grad_prelu(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_node *d = GRAD_EMIT(b, n, IR_PRELU_DX, NULL, n->in[0], n->in[1], dy);
	tt_status st = ir_give_out(b, n->in[0], d, 0);

	return st == TT_OK ? ir_give_out(b, n->in[1], d, 1) : st;
}

tt_status ir_grad_softmax(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_SOFTMAX_DX, &n->attr, n->out[0], dy), 0);
}

tt_status ir_grad_dropout(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_DROPOUT_DX, &n->attr, dy, n->out[1]), 0);
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* Distribution function of the normal distribution. */
static double normal_cdf(double x)
{
	return 0.5 * erfc(-x * M_SQRT1_2);
}

static double normal_pdf(double x)
{
	return exp(-0.5 * x * x) * 0.5 * M_2_SQRTPI * M_SQRT1_2;
}

double ref_act_value(enum ir_act act, double alpha, double x)
{
	switch (act) {
	case ACT_NONE:       return x;
	case ACT_RELU:       return x < 0 ? 0 : x;             /* NaN stays NaN */
	case ACT_LEAKY_RELU: return x < 0 ? alpha * x : x;
	case ACT_ELU:        return x < 0 ? alpha * expm1(x) : x;
	case ACT_GELU:       return x * normal_cdf(x);
	case ACT_SILU:       return x * sigmoid(x);
	case ACT_SIGMOID:    return sigmoid(x);
	case ACT_TANH:       return tanh(x);
	case ACT_RELU6:      return x < 0 ? 0 : x > 6 ? 6 : x;
	case ACT_HARDSWISH:  return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6;
	case ACT_HARDSIGMOID: return x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5;
	}
	return NAN;
}

double ref_act_slope(enum ir_act act, double alpha, double x)
{
	double s;

	switch (act) {
	case ACT_NONE:       return 1;
	case ACT_RELU:       return !(x <= 0);                 /* as of NaN */
	case ACT_LEAKY_RELU: return x > 0 ? 1 : alpha;
	case ACT_ELU:        return x > 0 ? 1 : alpha * exp(x);
	case ACT_GELU:       return normal_cdf(x) + x * normal_pdf(x);
	case ACT_SILU:       s = sigmoid(x); return s * (1 + x * (1 - s));
	case ACT_SIGMOID:    s = sigmoid(x); return s * (1 - s);
	case ACT_TANH:       s = tanh(x); return 1 - s * s;
	case ACT_RELU6:      return !(x <= 0 || x >= 6);
	case ACT_HARDSWISH:  return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5;
	case ACT_HARDSIGMOID: return x <= -3 || x >= 3 ? 0 : 1 / 6.0;
	}
	return NAN;
}

double ref_act_slope_y(enum ir_act act, double alpha, double y)
{
	switch (act) {
	case ACT_NONE:       return 1;
	case ACT_RELU:       return !(y <= 0);
	case ACT_LEAKY_RELU: return y > 0 ? 1 : alpha;
	case ACT_ELU:        return y > 0 ? 1 : y + alpha;
	case ACT_SIGMOID:    return y * (1 - y);
	case ACT_TANH:       return 1 - y * y;
	case ACT_RELU6:      return !(y <= 0 || y >= 6);
	case ACT_HARDSIGMOID: return y <= 0 || y >= 1 ? 0 : 1 / 6.0;
	default:             return NAN;
	}
}

void ref_act(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	const float *x = a->in[0];
	float *y = a->out[0];
	int64_t n = tensor_count(ref_in(a, 0));

	for (int64_t i = 0; i < n; i++)
		y[i] = (float)ref_act_value(t->act, t->alpha, x[i]);
}

void ref_act_dx(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	const float *z = a->in[0];
	float *dx = a->out[0];
	int64_t n = tensor_count(ref_in(a, 0));

	for (int64_t i = 0; i < n; i++) {
		double slope = t->use_y ? ref_act_slope_y(t->act, t->alpha, z[i])
		                        : ref_act_slope(t->act, t->alpha, z[i]);
		float dy = ((const float *)a->in[1])[i];

		for (int k = 2; k < a->node->n_in; k++)
			dy += ((const float *)a->in[k])[i];
		/* A relu that is closed lets nothing through, not even a NaN. */
		dx[i] = t->act == ACT_RELU && slope == 0 ? 0 : (float)(dy * slope);
	}
}

/* Which slope belongs to element i. */
static int64_t slope_at(const struct ref_args *a, int64_t i)
{
	const struct tensor_desc *x = ref_in(a, 0);
	const int64_t slopes = tensor_count(ref_in(a, 1));

	return slopes == 1 ? 0 : i / ref_inner(x, 1) % slopes;
}

/* x, w -> y */
void ref_prelu(const struct ref_args *a)
{
	const float *x = a->in[0], *w = a->in[1];
	float *y = a->out[0];

	for (int64_t i = 0; i < tensor_count(ref_in(a, 0)); i++)
		y[i] = x[i] > 0 ? x[i] : x[i] * w[slope_at(a, i)];
}

/* x, w, dy -> dx, dw */
void ref_prelu_dx(const struct ref_args *a)
{
	const int64_t n = tensor_count(ref_in(a, 0)), slopes = tensor_count(ref_in(a, 1));
	const float *x = a->in[0], *w = a->in[1], *dy = a->in[2];
	float *dx = a->out[0], *dw = a->out[1];

	for (int64_t i = 0; i < n && dx; i++)
		dx[i] = x[i] > 0 ? dy[i] : dy[i] * w[slope_at(a, i)];
	for (int64_t k = 0; k < slopes && dw; k++) {
		double sum = 0;

		for (int64_t i = 0; i < n; i++)
			if (slope_at(a, i) == k && !(x[i] > 0))
				sum += (double)x[i] * dy[i];
		dw[k] = (float)sum;
	}
}

/* x[.., M] -> y[.., M] */
void ref_softmax(const struct ref_args *a)
{
	const struct tensor_desc *d = ref_in(a, 0);
	int64_t M = d->dim[d->ndim - 1], rows = tensor_count(d) / M;
	const float *x = a->in[0];
	float *y = a->out[0];

	for (int64_t r = 0; r < rows; r++, x += M, y += M) {
		double max = x[0], sum = 0;

		for (int64_t j = 1; j < M; j++)
			max = fmax(max, x[j]);
		for (int64_t j = 0; j < M; j++)
			sum += exp(x[j] - max);
		for (int64_t j = 0; j < M; j++)
			y[j] = (float)(exp(x[j] - max) / sum);
	}
}

/* y[.., M], dy[.., M] -> dx = y * (dy - sum(y * dy)) */
void ref_softmax_dx(const struct ref_args *a)
{
	const struct tensor_desc *d = ref_in(a, 0);
	int64_t M = d->dim[d->ndim - 1], rows = tensor_count(d) / M;
	const float *y = a->in[0], *dy = a->in[1];
	float *dx = a->out[0];

	for (int64_t r = 0; r < rows; r++, y += M, dy += M, dx += M) {
		double dot = 0;

		for (int64_t j = 0; j < M; j++)
			dot += (double)y[j] * dy[j];
		for (int64_t j = 0; j < M; j++)
			dx[j] = (float)(y[j] * (dy[j] - dot));
	}
}
