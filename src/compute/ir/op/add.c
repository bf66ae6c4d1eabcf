/* op/add.c -- sums and products, element by element; a number added to each channel. */
#include "compute/ir/op.h"

tt_status ir_infer_add(struct ir_node *n, struct tensor_desc *out)
{
	if (n->attr.act != ACT_NONE && n->attr.act != ACT_RELU)
		return ir_bad(n, TT_EINVAL, "it can hold relu, not %s", ir_act_name(n->attr.act));
	out[0] = n->in[0]->desc;
	return ir_infer_same(n, 0, 1);
}

tt_status ir_infer_sum(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st;

	for (int i = 1; i < n->n_in; i++)
		if ((st = ir_infer_same(n, 0, i)) != TT_OK)
			return st;
	out[0] = n->in[0]->desc;
	return TT_OK;
}

tt_status ir_infer_multiply(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = n->in[0]->desc;
	return ir_infer_same(n, 0, 1);
}

tt_status ir_infer_bias(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char is[IR_VALUE_TEXT];

	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "input %s has no channels", ir_value_text(n->in[0], is));
	out[0] = *x;
	return IS(n, 1, 1, x->dim[1]);
}

tt_status ir_grad_bias(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	const unsigned all = (1u << dy->desc.ndim) - 1;
	const struct ir_attr sum = { .reduce = REDUCE_SUM, .axes = all & ~2u };
	tt_status st = ir_give(b, n->in[0], dy);

	if (st != TT_OK || !n->in[1]->wants_grad)
		return st;
	return ir_give_out(b, n->in[1], GRAD_EMIT(b, n, IR_REDUCE, &sum, dy), 0);
}

/* Each factor gets the other times dy. */
tt_status ir_grad_multiply(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	tt_status st = TT_OK;

	for (int i = 0; i < 2 && st == TT_OK; i++)
		if (n->in[i]->wants_grad)
			st = ir_give_out(b, n->in[i],
			                 GRAD_EMIT(b, n, IR_MULTIPLY, NULL, dy, n->in[!i]), 0);
	return st;
}

/* Every addend gets the whole gradient. */
tt_status ir_grad_add(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	tt_status st = TT_OK;

	if (!(dy = ir_before_act(b, n, dy)))
		return GRAD_FAILED;
	for (int i = 0; i < n->n_in && st == TT_OK; i++)
		st = ir_give(b, n->in[i], dy);
	return st;
}

tt_status ir_grad_sum(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return ir_grad_add(b, n, dy);
}

double ir_flops_sum(const struct ir_node *n)
{
	return ir_count(n->out[0]) * (n->n_in - 1);
}

void ref_add(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	const float *x = a->in[0], *z = a->in[1];
	float *y = a->out[0];
	int64_t n = tensor_count(ref_in(a, 0));

	for (int64_t i = 0; i < n; i++)
		y[i] = (float)ref_act_value(t->act, t->alpha, x[i] + z[i]);
}

/* In f32 and in the order of the inputs: the sum of a value's gradients is part of the result
 * that must come out bit by bit on every device. */
void ref_sum(const struct ref_args *a)
{
	float *y = a->out[0];
	int64_t n = tensor_count(ref_in(a, 0));

	for (int64_t i = 0; i < n; i++) {
		float s = ((const float *)a->in[0])[i];

		for (int k = 1; k < a->node->n_in; k++)
			s += ((const float *)a->in[k])[i];
		y[i] = s;
	}
}

void ref_multiply(const struct ref_args *a)
{
	const float *x = a->in[0], *z = a->in[1];
	float *y = a->out[0];
	int64_t n = tensor_count(ref_in(a, 0));

	for (int64_t i = 0; i < n; i++)
		y[i] = x[i] * z[i];
}

/* x[N,C,..], b[C] -> y */
void ref_bias(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0);
	const float *from = a->in[0], *b = a->in[1];
	float *y = a->out[0];

	for (int64_t i = 0; i < tensor_count(x); i++)
		y[i] = from[i] + b[i / ref_inner(x, 1) % x->dim[1]];
}
