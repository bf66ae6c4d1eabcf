/* infer_loss.c -- shape rules of the losses and of their gradients. */
#include "compute/ir/infer.h"

#define DESC(ndim, ...) tensor_desc_make(DTYPE_F32, ndim, (const int64_t[]){ __VA_ARGS__ })
#define IS(n, i, ndim, ...) ir_infer_is(n, i, ndim, (const int64_t[]){ __VA_ARGS__ })

static tt_status check_classes(struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char is[IR_VALUE_TEXT];

	if (x->ndim != 2)
		return ir_bad(n, TT_ESHAPE, "input %s must be samples x classes",
		              ir_value_text(n->in[0], is));
	if (!(n->attr.smoothing >= 0 && n->attr.smoothing < 1))
		return ir_bad(n, TT_EINVAL, "smoothing %g must be at least 0 and below 1",
		              (double)n->attr.smoothing);
	return IS(n, 1, 1, x->dim[0]);
}

tt_status ir_infer_xent(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = DESC(1, 1);
	out[1] = n->in[0]->desc;
	return check_classes(n);
}

tt_status ir_infer_xent_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_classes(n);

	out[0] = n->in[0]->desc;
	return st != TT_OK ? st : IS(n, 2, 1, 1);
}

/* y and target alike, the first dimension counts the samples. */
static tt_status check_pair(struct ir_node *n)
{
	char is[IR_VALUE_TEXT];

	if (n->in[0]->desc.ndim < 1)
		return ir_bad(n, TT_ESHAPE, "input %s has no samples", ir_value_text(n->in[0], is));
	return ir_infer_same(n, 0, 1);
}

static tt_status check_delta(struct ir_node *n)
{
	n->attr.delta = n->attr.delta != 0 ? n->attr.delta : 1;
	if (!(n->attr.delta > 0))
		return ir_bad(n, TT_EINVAL, "delta %g must be above 0", (double)n->attr.delta);
	return TT_OK;
}

static tt_status infer_loss(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = DESC(1, 1);
	return check_pair(n);
}

static tt_status infer_loss_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_pair(n);

	out[0] = n->in[0]->desc;
	return st != TT_OK ? st : IS(n, 2, 1, 1);
}

tt_status ir_infer_bce(struct ir_node *n, struct tensor_desc *out)
{
	return infer_loss(n, out);
}

tt_status ir_infer_mse(struct ir_node *n, struct tensor_desc *out)
{
	return infer_loss(n, out);
}

tt_status ir_infer_mae(struct ir_node *n, struct tensor_desc *out)
{
	return infer_loss(n, out);
}

tt_status ir_infer_huber(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_delta(n);

	return st != TT_OK ? st : infer_loss(n, out);
}

tt_status ir_infer_bce_dx(struct ir_node *n, struct tensor_desc *out)
{
	return infer_loss_dx(n, out);
}

tt_status ir_infer_mse_dx(struct ir_node *n, struct tensor_desc *out)
{
	return infer_loss_dx(n, out);
}

tt_status ir_infer_mae_dx(struct ir_node *n, struct tensor_desc *out)
{
	return infer_loss_dx(n, out);
}

tt_status ir_infer_huber_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_delta(n);

	return st != TT_OK ? st : infer_loss_dx(n, out);
}
