/* grad.c -- what the gradient rules of ir/op share. */
#include "compute/ir/backward.h"

#include "compute/ir/op.h"

/* Append a node that belongs to layer n; `in` ends with NULL. */
struct ir_node *ir_grad_emit(struct ir_backward *b, const struct ir_node *n, enum ir_op op,
                             const struct ir_attr *attr, struct ir_value *const *in)
{
	struct ir_node *d;
	int n_in = 0;

	while (in[n_in])
		n_in++;
	d = ir_emit(b->g, op, n->name, in, n_in, attr);
	if (!d)
		return NULL;
	d->backward = 1;
	for (int i = 0; i < d->n_out; i++)
		d->out[i]->wants_grad = 0;
	return d;
}

/* Output i of the node becomes a part of v's gradient. */
tt_status ir_give(struct ir_backward *b, struct ir_value *v, struct ir_value *grad)
{
	struct ir_part *p;

	if (!v->wants_grad)
		return TT_OK;
	p = arena_alloc(&b->scratch, sizeof *p);
	if (!p)
		return TT_ENOMEM;
	p->grad = grad;
	if (b->last[v->id])
		b->last[v->id]->next = p;
	else
		b->first[v->id] = p;
	b->last[v->id] = p;
	return TT_OK;
}

tt_status ir_give_out(struct ir_backward *b, struct ir_value *v, const struct ir_node *d, int i)
{
	return d ? ir_give(b, v, d->out[i]) : GRAD_FAILED;
}

tt_status ir_give_reduced(struct ir_backward *b, const struct ir_node *n, struct ir_value *v,
                          struct ir_value *grad)
{
	struct ir_attr sum = { .reduce = REDUCE_SUM, .keep = 1 }, shape = ir_grad_attr(n, v);
	const int more = grad ? grad->desc.ndim - v->desc.ndim : 0;
	struct ir_node *d;

	if (!grad)
		return GRAD_FAILED;
	for (int i = 0; i < grad->desc.ndim; i++)
		if (grad->desc.dim[i] > 1 && (i < more || v->desc.dim[i - more] == 1))
			sum.axes |= 1u << i;
	if (sum.axes) {
		if (!(d = GRAD_EMIT(b, n, IR_REDUCE, &sum, grad)))
			return GRAD_FAILED;
		grad = d->out[0];
	}
	if (more) {
		if (!(d = GRAD_EMIT(b, n, IR_RESHAPE, &shape, grad)))
			return GRAD_FAILED;
		grad = d->out[0];
	}
	return ir_give(b, v, grad);
}

/* Of several outputs some may be read by nobody, who then gives nothing. */
struct ir_value *ir_grad_of(struct ir_backward *b, const struct ir_node *n, int i)
{
	struct ir_attr zeros = ir_grad_attr(n, n->out[i]);
	struct ir_node *fill;

	if (n->out[i]->grad)
		return n->out[i]->grad;
	zeros.alpha = 0;
	fill = GRAD_EMIT(b, n, IR_FILL, &zeros, NULL);
	return fill ? fill->out[0] : NULL;
}

/* The layer's attributes for its gradient nodes: linear, with the shape of x. */
struct ir_attr ir_grad_attr(const struct ir_node *n, const struct ir_value *x)
{
	struct ir_attr a = n->attr;

	a.act = ACT_NONE;
	a.ndim = x->desc.ndim;
	for (int i = 0; i < TENSOR_MAX_DIMS; i++)
		a.dims[i] = i < x->desc.ndim ? x->desc.dim[i] : 0;
	return a;
}

/* Can the slope be told from the output?  gelu, silu and hardswish fall before they rise; a leaky
 * relu with a negative slope does as well. */
int ir_slope_from_y(const struct ir_attr *a)
{
	switch (a->act) {
	case ACT_RELU: case ACT_SIGMOID: case ACT_TANH: case ACT_RELU6: case ACT_HARDSIGMOID:
		return 1;
	case ACT_LEAKY_RELU: case ACT_ELU:
		return a->alpha > 0;
	default:
		return 0;
	}
}

/* The gradient in front of an activation that the layer holds itself; NULL on error. */
struct ir_value *ir_before_act(struct ir_backward *b, const struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = n->attr;
	struct ir_node *d;

	if (a.act == ACT_NONE)
		return dy;
	if (!ir_slope_from_y(&a)) {
		ir_bad(n, TT_ESUPPORT, "%s must be a layer of its own when training",
		       ir_act_name(a.act));
		return NULL;
	}
	a.use_y = 1;
	d = GRAD_EMIT(b, n, IR_ACT_DX, &a, n->out[0], dy);
	return d ? d->out[0] : NULL;
}

/* Weights at rest: the bias alone, whose gradient is dy over all but the channels, which of dense
 * layers lie last. */
static tt_status give_bias(struct ir_backward *b, const struct ir_node *n, struct ir_value *bias,
                           struct ir_value *dy)
{
	const int channels = n->op == IR_DENSE ? dy->desc.ndim - 1 : 1;
	struct ir_attr sum = { .reduce = REDUCE_SUM };

	for (int i = 0; i < dy->desc.ndim; i++)
		sum.axes |= i == channels ? 0 : 1u << i;
	return ir_give_out(b, bias, GRAD_EMIT(b, n, IR_REDUCE, &sum, dy), 0);
}

tt_status ir_grad_linear(struct ir_backward *b, struct ir_node *n, struct ir_value *dy,
                         struct ir_linear op)
{
	struct ir_value *x = n->in[0], *w = n->in[1], *bias = n->n_in > 2 ? n->in[2] : NULL;
	struct ir_attr a = ir_grad_attr(n, x);
	struct ir_node *d;
	tt_status st;

	if (!(dy = ir_before_act(b, n, dy)))
		return n->attr.act == ACT_NONE || ir_slope_from_y(&n->attr) ? GRAD_FAILED : TT_ESUPPORT;
	if (x->wants_grad &&
	    (st = ir_give_out(b, x, GRAD_EMIT(b, n, op.dx, &a, dy, w), 0)) != TT_OK)
		return st;
	if (!w->wants_grad && bias && bias->wants_grad)
		return give_bias(b, n, bias, dy);
	if (!w->wants_grad)
		return TT_OK;
	d = GRAD_EMIT(b, n, op.dw, &a, x, dy);
	if ((st = ir_give_out(b, w, d, 0)) != TT_OK)
		return st;
	return bias ? ir_give_out(b, bias, d, 1) : TT_OK;
}
