/* flops.c -- how much arithmetic a node is.
 *
 * Exact for convolutions and matrix products, which is where the time goes; the rest is counted
 * by element, roughly. */
#include "compute/ir/graph.h"

static double count(const struct ir_value *v)
{
	return (double)tensor_count(&v->desc);
}

/* Every output of a convolution is a sum over one filter: y[N,K,OH,OW], w[K,...]. */
static double conv_flops(const struct ir_value *y, const struct ir_value *w)
{
	return 2 * count(y) * (count(w) / (double)w->desc.dim[0]);
}

/* Every row of x[rows,C] meets every number of w[K,C]. */
static double dense_flops(const struct ir_value *y, const struct ir_value *w)
{
	return 2 * count(y) * (double)w->desc.dim[1];
}

static double window_flops(const struct ir_node *n, const struct ir_value *y)
{
	return count(y) * n->attr.kernel[0] * n->attr.kernel[1];
}

/* Operations per element of the first output (of the first input, for losses). */
static const double per_element[IR_OP_COUNT] = {
	[IR_BATCHNORM] = 7,    [IR_BATCHNORM_INFER] = 2, [IR_LAYERNORM] = 7,
	[IR_DROPOUT] = 2,      [IR_ACT] = 1,             [IR_SOFTMAX] = 4,
	[IR_ADD] = 1,          [IR_XENT] = 4,            [IR_BCE] = 6,
	[IR_MSE] = 3,          [IR_MAE] = 2,             [IR_HUBER] = 4,
	[IR_BATCHNORM_DX] = 9, [IR_LAYERNORM_DX] = 9,    [IR_DROPOUT_DX] = 2,
	[IR_ACT_DX] = 2,       [IR_SOFTMAX_DX] = 4,      [IR_XENT_DX] = 2,
	[IR_BCE_DX] = 3,       [IR_MSE_DX] = 3,          [IR_MAE_DX] = 2,
	[IR_HUBER_DX] = 3,     [IR_FOLD_BN] = 1,         [IR_MAXPOOL_DX] = 1,
	[IR_BN_DX] = 5,        [IR_MIX_DX] = 4,
};

double ir_flops(const struct ir_node *n)
{
	switch (n->op) {
	case IR_CONV2D:
		return conv_flops(n->out[0], n->in[1]);
	case IR_CONV2D_DX:
		return conv_flops(n->in[0], n->in[1]);
	case IR_CONV2D_DW:
		return conv_flops(n->in[1], n->out[0]);
	case IR_DENSE:
		return dense_flops(n->out[0], n->in[1]);
	case IR_DENSE_DX:
		return dense_flops(n->in[0], n->in[1]);
	case IR_DENSE_DW:
		return dense_flops(n->in[1], n->out[0]);
	case IR_MAXPOOL: case IR_AVGPOOL:
		return window_flops(n, n->out[0]);
	case IR_AVGPOOL_DX:
		return window_flops(n, n->in[0]);
	case IR_MIX:
		return 4 * count(n->out[0]) * n->n_in;
	case IR_SUM:
		return count(n->out[0]) * (n->n_in - 1);
	case IR_EMBEDDING_DW:
		return count(n->in[1]);
	case IR_BN_MOMENTS: case IR_BN_SUMS:
		return 4 * count(n->in[0]);
	case IR_XENT: case IR_BCE: case IR_MSE: case IR_MAE: case IR_HUBER:
		return per_element[n->op] * count(n->in[0]);
	default:
		return per_element[n->op] * count(n->out[0]);
	}
}
