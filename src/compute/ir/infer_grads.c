/* infer_grads.c -- shape rules of the gradient operations and of what passes make.
 *
 * These nodes are made by ir_backward and by passes, from nodes that have been checked: the
 * rules here are what ir_verify holds them to. */
#include "compute/ir/factors.h"
#include "compute/ir/infer.h"

#define DESC(ndim, ...) tensor_desc_make(DTYPE_F32, ndim, (const int64_t[]){ __VA_ARGS__ })
#define IS(n, i, ndim, ...) ir_infer_is(n, i, ndim, (const int64_t[]){ __VA_ARGS__ })

static struct tensor_desc attr_desc(const struct ir_node *n)
{
	return tensor_desc_make(DTYPE_F32, n->attr.ndim, n->attr.dims);
}

static tt_status check_attr_desc(const struct ir_node *n, struct tensor_desc *out)
{
	struct tensor_desc d = attr_desc(n);
	tt_status st = tensor_check(&d);

	if (st != TT_OK)
		return err_at(st, "%s (%s)", n->name, ir_op_name(n->op));
	*out = d;
	return TT_OK;
}

/* dy belongs to a window over an x of this shape that makes `channels`. */
static tt_status check_window_dy(struct ir_node *n, int dy, const struct tensor_desc *x,
                                 int64_t channels)
{
	int64_t hw[2];
	tt_status st = ir_infer_window(n, x, hw);

	return st != TT_OK ? st : IS(n, dy, 4, x->dim[0], channels, hw[0], hw[1]);
}

static tt_status check_conv_groups(const struct ir_node *n, int64_t in, int64_t out)
{
	int groups = n->attr.groups;

	if (groups < 1 || in % groups != 0 || out % groups != 0)
		return ir_bad(n, TT_ESHAPE, "groups %d does not divide %lld and %lld channels",
		              groups, (long long)in, (long long)out);
	return TT_OK;
}

tt_status ir_infer_conv2d_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct ir_attr *a = &n->attr;
	int64_t K = n->in[1]->desc.dim[0];
	tt_status st;

	if ((st = check_attr_desc(n, out)) != TT_OK)
		return st;
	if ((st = check_conv_groups(n, out->dim[1], K)) != TT_OK)
		return st;
	if ((st = IS(n, 1, 4, K, out->dim[1] / a->groups, a->kernel[0], a->kernel[1])) != TT_OK)
		return st;
	return check_window_dy(n, 0, out, K);
}

tt_status ir_infer_conv2d_dw(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *dy = &n->in[1]->desc;
	const struct ir_attr *a = &n->attr;
	tt_status st;

	if (dy->ndim != 4)
		return ir_bad(n, TT_ESHAPE, "the gradient must be NxKxHxW");
	if ((st = check_window_dy(n, 1, x, dy->dim[1])) != TT_OK)
		return st;
	if ((st = check_conv_groups(n, x->dim[1], dy->dim[1])) != TT_OK)
		return st;
	out[0] = DESC(4, dy->dim[1], x->dim[1] / a->groups, a->kernel[0], a->kernel[1]);
	out[1] = DESC(1, dy->dim[1]);
	return TT_OK;
}

tt_status ir_infer_dense_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *dy = &n->in[0]->desc, *w = &n->in[1]->desc;

	if (dy->ndim < 2 || w->ndim != 2 || dy->dim[dy->ndim - 1] != w->dim[0])
		return ir_bad(n, TT_ESHAPE, "the gradient does not fit the weights");
	out[0] = *dy;
	out[0].dim[dy->ndim - 1] = w->dim[1];
	return TT_OK;
}

tt_status ir_infer_dense_dw(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *dy = &n->in[1]->desc;
	struct tensor_desc rows = *dy;

	if (x->ndim < 2 || dy->ndim != x->ndim)
		return ir_bad(n, TT_ESHAPE, "input and gradient have different dimensions");
	rows.dim[x->ndim - 1] = x->dim[x->ndim - 1];
	if (!tensor_same(x, &rows))
		return ir_bad(n, TT_ESHAPE, "input and gradient have different rows");
	out[0] = DESC(2, dy->dim[x->ndim - 1], x->dim[x->ndim - 1]);
	out[1] = DESC(1, dy->dim[x->ndim - 1]);
	return TT_OK;
}

tt_status ir_infer_factors(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *dy = &n->in[1]->desc;
	tt_status st = x->ndim == 4 ? ir_infer_conv2d_dw(n, out) : ir_infer_dense_dw(n, out);
	struct factors f;

	if (st != TT_OK)
		return st;
	if (!ir_factors(&n->attr, x, dy, n->attr.rows, &f))
		return ir_bad(n, TT_ESHAPE, "such a gradient has no factors");
	if (n->attr.rows < x->dim[0])
		return ir_bad(n, TT_ESHAPE, "the factors have less room than rows");
	if (n->attr.rows > tensor_count(&out[0]) || ir_factors_floats(&f) > tensor_count(&out[0]))
		return ir_bad(n, TT_ESHAPE, "the factors are larger than the gradient");
	return TT_OK;
}

tt_status ir_infer_maxpool_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *dy = &n->in[0]->desc;
	tt_status st = check_attr_desc(n, out);

	if (st != TT_OK || (st = check_window_dy(n, 0, out, out->dim[1])) != TT_OK)
		return st;
	return ir_infer_is(n, 1, dy->ndim, dy->dim);
}

tt_status ir_infer_avgpool_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_attr_desc(n, out);

	return st != TT_OK ? st : check_window_dy(n, 0, out, out->dim[1]);
}

tt_status ir_infer_batchnorm_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st;

	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "the input has no channels");
	if (n->attr.act != ACT_NONE && n->attr.act != ACT_RELU)
		return ir_bad(n, TT_EINVAL, "it can hold relu, not %s", ir_act_name(n->attr.act));
	if ((st = ir_infer_same(n, 0, 1)) != TT_OK || (st = ir_infer_same(n, 0, 2)) != TT_OK)
		return st;
	for (int i = 3; i < 7; i++)
		if ((st = IS(n, i, 1, x->dim[1])) != TT_OK)
			return st;
	out[0] = *x;
	out[1] = out[2] = DESC(1, x->dim[1]);
	return TT_OK;
}

tt_status ir_infer_layernorm_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *gamma = &n->in[2]->desc;
	int64_t rows = tensor_count(x) / tensor_count(gamma);
	tt_status st;

	if ((st = ir_infer_same(n, 0, 1)) != TT_OK)
		return st;
	if (rows * tensor_count(gamma) != tensor_count(x))
		return ir_bad(n, TT_ESHAPE, "gamma does not divide the input");
	if ((st = IS(n, 3, 1, rows)) != TT_OK || (st = IS(n, 4, 1, rows)) != TT_OK)
		return st;
	out[0] = *x;
	out[1] = out[2] = *gamma;
	return TT_OK;
}

tt_status ir_infer_dropout_dx(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = n->in[0]->desc;
	return ir_infer_is(n, 1, out[0].ndim, out[0].dim);
}

tt_status ir_infer_act_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = TT_OK;

	out[0] = n->in[0]->desc;
	for (int i = 1; i < n->n_in && st == TT_OK; i++)
		st = ir_infer_same(n, 0, i);
	return st;
}

tt_status ir_infer_softmax_dx(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = n->in[1]->desc;
	return ir_infer_same(n, 0, 1);
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

tt_status ir_infer_slice(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	const struct ir_attr *a = &n->attr;
	char is[IR_VALUE_TEXT];

	if (a->axis < 0 || a->axis >= x->ndim || a->start < 0 || a->size < 1 ||
	    a->size > x->dim[a->axis] || a->start > x->dim[a->axis] - a->size)
		return ir_bad(n, TT_ESHAPE, "%lld elements from %lld on along axis %d are not inside %s",
		              (long long)a->size, (long long)a->start, a->axis,
		              ir_value_text(n->in[0], is));
	out[0] = *x;
	out[0].dim[a->axis] = a->size;
	return TT_OK;
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

tt_status ir_infer_embedding_dw(struct ir_node *n, struct tensor_desc *out)
{
	struct tensor_desc dy = n->in[0]->desc;
	tt_status st = check_attr_desc(n, out);

	if (st != TT_OK)
		return st;
	if (out->ndim != 2 || dy.ndim >= TENSOR_MAX_DIMS)
		return ir_bad(n, TT_ESHAPE, "the table must be VxD");
	dy.dim[dy.ndim++] = out->dim[1];
	return ir_infer_is(n, 1, dy.ndim, dy.dim);
}

tt_status ir_infer_fold_bn(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *w = &n->in[0]->desc;
	tt_status st;

	if (w->ndim < 1)
		return ir_bad(n, TT_ESHAPE, "the filter has no channels");
	for (int i = 1; i < 6; i++)
		if ((st = IS(n, i, 1, w->dim[0])) != TT_OK)
			return st;
	out[0] = *w;
	out[1] = DESC(1, w->dim[0]);
	return TT_OK;
}

tt_status ir_infer_fill(struct ir_node *n, struct tensor_desc *out)
{
	return check_attr_desc(n, out);
}

tt_status ir_infer_bn_moments(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;

	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "the input has no channels");
	out[0] = DESC(1, 1 + 2 * x->dim[1]);
	return TT_OK;
}

#define RANKS_MAX 65536

tt_status ir_infer_all_gather(struct ir_node *n, struct tensor_desc *out)
{
	int64_t width = 0;

	if (n->attr.ranks < 1 || n->attr.ranks > RANKS_MAX)
		return ir_bad(n, TT_EINVAL, "a group of %d ranks", n->attr.ranks);
	for (int i = 0; i < n->n_in; i++) {
		if (n->in[i]->desc.ndim != 1)
			return ir_bad(n, TT_ESHAPE, "input %d must be a list of numbers", i);
		width += n->in[i]->desc.dim[0];
	}
	out[0] = DESC(2, n->attr.ranks, width);
	return TT_OK;
}

tt_status ir_infer_bn_join(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *g = &n->in[0]->desc;
	int64_t c = g->ndim == 2 ? (g->dim[1] - 1) / 2 : 0;
	tt_status st;

	if (c < 1 || g->dim[1] != 1 + 2 * c)
		return ir_bad(n, TT_ESHAPE, "moments are [ranks, 1 + 2 channels]");
	if (n->in[1]->kind != IR_BUFFER || n->in[2]->kind != IR_BUFFER)
		return ir_bad(n, TT_EINVAL, "running mean and variance are written and must be buffers");
	if ((st = IS(n, 1, 1, c)) != TT_OK || (st = IS(n, 2, 1, c)) != TT_OK)
		return st;
	out[0] = out[1] = DESC(1, c);
	out[2] = DESC(1, 1);
	return TT_OK;
}

tt_status ir_infer_bn_sums(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st;

	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "the input has no channels");
	if ((st = ir_infer_same(n, 0, 1)) != TT_OK || (st = IS(n, 2, 1, x->dim[1])) != TT_OK ||
	    (st = IS(n, 3, 1, x->dim[1])) != TT_OK)
		return st;
	out[0] = out[1] = DESC(1, x->dim[1]);
	return TT_OK;
}

tt_status ir_infer_bn_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *g = &n->in[6]->desc;
	tt_status st;

	if (x->ndim < 2 || g->ndim != 2)
		return ir_bad(n, TT_ESHAPE, "the input has no channels, or the sums no ranks");
	if ((st = ir_infer_same(n, 0, 1)) != TT_OK || (st = IS(n, 5, 1, 1)) != TT_OK ||
	    (st = IS(n, 6, 2, g->dim[0], 2 * x->dim[1])) != TT_OK)
		return st;
	for (int i = 2; i < 5; i++)
		if ((st = IS(n, i, 1, x->dim[1])) != TT_OK)
			return st;
	out[0] = *x;
	return TT_OK;
}
