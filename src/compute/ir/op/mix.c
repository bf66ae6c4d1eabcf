/* op/mix.c -- what several nets say on average.
 *
 * Probabilities are averaged, not scores, and all of it in logarithms: a class that every net finds
 * impossible keeps a finite score. */
#include "compute/ir/op.h"

#include <math.h>

tt_status ir_infer_mix(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st;

	if ((unsigned)n->attr.mix > MIX_SIGMOID)
		return ir_bad(n, TT_EINVAL, "there is no mixture number %d", (int)n->attr.mix);
	if (n->attr.mix == MIX_SOFTMAX && n->in[0]->desc.ndim < 1)
		return ir_bad(n, TT_ESHAPE, "a scalar has no classes");
	for (int i = 1; i < n->n_in; i++)
		if ((st = ir_infer_same(n, 0, i)) != TT_OK)
			return st;
	out[0] = n->in[0]->desc;
	return TT_OK;
}

tt_status ir_infer_mix_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st;

	if (n->attr.size < 1 || (unsigned)n->attr.mix > MIX_SIGMOID)
		return ir_bad(n, TT_EINVAL, "one of %lld mixed", (long long)n->attr.size);
	if ((st = ir_infer_same(n, 0, 1)) != TT_OK)
		return st;
	out[0] = n->in[0]->desc;
	return ir_infer_same(n, 0, 2);
}

tt_status ir_grad_mix(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = { .mix = n->attr.mix, .size = n->n_in };
	tt_status st = TT_OK;

	for (int i = 0; i < n->n_in && st == TT_OK; i++)
		if (n->in[i]->wants_grad)
			st = ir_give_out(b, n->in[i],
			                 GRAD_EMIT(b, n, IR_MIX_DX, &a, n->in[i], n->out[0], dy), 0);
	return st;
}

double ir_flops_mix(const struct ir_node *n)
{
	return 4 * ir_count(n->out[0]) * n->n_in;
}

/* The rows over which probabilities sum to one. */
static int64_t row_width(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0);

	return a->node->attr.mix == MIX_SOFTMAX ? x->dim[x->ndim - 1] : 1;
}

/* log sum exp of x[0], x[stride] ... */
static double log_sum(const double *x, int n)
{
	double top = x[0], sum = 0;

	for (int i = 1; i < n; i++)
		top = fmax(top, x[i]);
	for (int i = 0; i < n; i++)
		sum += exp(x[i] - top);
	return top + log(sum);
}

/* log of the sigmoid */
static double log_yes(double x)
{
	return x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x));
}

#define MIX_MAX 64                   /* in_max of ops.def */

static void mix_values(const struct ref_args *a)
{
	float *y = a->out[0];

	for (int64_t e = 0; e < tensor_count(ref_out(a, 0)); e++) {
		double sum = 0;

		for (int i = 0; i < a->node->n_in; i++)
			sum += ((const float *)a->in[i])[e];
		y[e] = (float)(sum / a->node->n_in);
	}
}

static void mix_sigmoid(const struct ref_args *a)
{
	const int n = a->node->n_in;
	float *y = a->out[0];

	for (int64_t e = 0; e < tensor_count(ref_out(a, 0)); e++) {
		double yes[MIX_MAX] = { 0 }, no[MIX_MAX] = { 0 };

		for (int i = 0; i < n; i++) {
			yes[i] = log_yes(((const float *)a->in[i])[e]);
			no[i] = log_yes(-(double)((const float *)a->in[i])[e]);
		}
		y[e] = (float)(log_sum(yes, n) - log_sum(no, n));
	}
}

static void mix_softmax(const struct ref_args *a)
{
	const int n = a->node->n_in;
	const int64_t width = row_width(a);

	for (int64_t r = 0; r < tensor_count(ref_out(a, 0)); r += width) {
		float *y = (float *)a->out[0] + r;
		double norm[MIX_MAX] = { 0 }, p[MIX_MAX] = { 0 };

		for (int i = 0; i < n; i++)
			norm[i] = ref_log_sum_exp((const float *)a->in[i] + r, width);
		for (int64_t c = 0; c < width; c++) {
			for (int i = 0; i < n; i++)
				p[i] = ((const float *)a->in[i])[r + c] - norm[i];
			y[c] = (float)(log_sum(p, n) - log(n));
		}
	}
}

/* x0, x1, ... -> y */
void ref_mix(const struct ref_args *a)
{
	static void (*const of[])(const struct ref_args *) = {
		[MIX_VALUES] = mix_values, [MIX_SOFTMAX] = mix_softmax, [MIX_SIGMOID] = mix_sigmoid,
	};

	of[a->node->attr.mix](a);
}

/* r: how much of y's probability is x's; dx = r dy - p sum(r dy) */
static void softmax_row(const struct ref_args *a, int64_t at, int64_t width)
{
	const float *x = (const float *)a->in[0] + at, *y = (const float *)a->in[1] + at;
	const float *dy = (const float *)a->in[2] + at;
	const double norm = ref_log_sum_exp(x, width), n = (double)a->node->attr.size;
	float *dx = (float *)a->out[0] + at;
	double sum = 0;

	for (int64_t c = 0; c < width; c++)
		sum += exp(x[c] - norm - y[c]) / n * dy[c];
	for (int64_t c = 0; c < width; c++)
		dx[c] = (float)(exp(x[c] - norm - y[c]) / n * dy[c] - exp(x[c] - norm) * sum);
}

/* x, y, dy -> dx */
void ref_mix_dx(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	const float *x = a->in[0], *y = a->in[1], *dy = a->in[2];
	const int64_t count = tensor_count(ref_out(a, 0)), width = row_width(a);
	float *dx = a->out[0];

	if (t->mix == MIX_SOFTMAX) {
		for (int64_t r = 0; r < count; r += width)
			softmax_row(a, r, width);
		return;
	}
	for (int64_t e = 0; e < count; e++) {
		double slope = 1;

		if (t->mix == MIX_SIGMOID)
			slope = exp(log_yes(x[e]) - log_yes(y[e]) + log_yes(-(double)x[e]) -
			            log_yes(-(double)y[e]));
		dx[e] = (float)(dy[e] * slope / (double)t->size);
	}
}
