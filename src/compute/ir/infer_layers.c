/* infer_layers.c -- shape rules of the forward layers. */
#include "compute/ir/infer.h"

#define DESC(ndim, ...) tensor_desc_make(DTYPE_F32, ndim, (const int64_t[]){ __VA_ARGS__ })
#define IS(n, i, ndim, ...) ir_infer_is(n, i, ndim, (const int64_t[]){ __VA_ARGS__ })
#define EPS_DEFAULT 1e-5F

static void default_window(struct ir_attr *a, const int stride[2])
{
	for (int i = 0; i < 2; i++) {
		a->stride[i] = a->stride[i] ? a->stride[i] : stride[i];
		a->dilation[i] = a->dilation[i] ? a->dilation[i] : 1;
	}
	a->groups = a->groups ? a->groups : 1;
}

/* The kernel's size stands in the filter; the attribute may repeat it. */
static tt_status check_filter(struct ir_node *n, const struct tensor_desc *w)
{
	struct ir_attr *a = &n->attr;
	char text[TENSOR_TEXT];

	if (w->ndim != 4)
		return ir_bad(n, TT_ESHAPE, "filter %s must be KxCxHxW", tensor_text(w, text));
	for (int i = 0; i < 2; i++) {
		if (w->dim[2 + i] > INT32_MAX)
			return ir_bad(n, TT_ESHAPE, "filter %s is too large", tensor_text(w, text));
		a->kernel[i] = a->kernel[i] ? a->kernel[i] : (int)w->dim[2 + i];
		if (a->kernel[i] != w->dim[2 + i])
			return ir_bad(n, TT_ESHAPE, "filter %s and kernel %dx%d differ",
			              tensor_text(w, text), a->kernel[0], a->kernel[1]);
	}
	return TT_OK;
}

static tt_status check_groups(struct ir_node *n, const struct tensor_desc *w)
{
	const struct ir_value *x = n->in[0];
	char is[IR_VALUE_TEXT], text[TENSOR_TEXT];
	int groups = n->attr.groups;

	if (groups < 1 || w->dim[0] % groups != 0)
		return ir_bad(n, TT_ESHAPE, "groups %d does not divide the %lld filters", groups,
		              (long long)w->dim[0]);
	if (x->desc.dim[1] / groups != w->dim[1] || x->desc.dim[1] % groups != 0)
		return ir_bad(n, TT_ESHAPE, "input %s has %lld channels, filter %s wants %lld (groups %d)",
		              ir_value_text(x, is), (long long)x->desc.dim[1], tensor_text(w, text),
		              (long long)w->dim[1] * groups, groups);
	return TT_OK;
}

tt_status ir_infer_conv2d(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *w = &n->in[1]->desc;
	int64_t hw[2];
	tt_status st;

	default_window(&n->attr, (const int[]){ 1, 1 });
	if ((st = check_filter(n, w)) != TT_OK)
		return st;
	if ((st = ir_infer_window(n, x, hw)) != TT_OK || (st = check_groups(n, w)) != TT_OK)
		return st;
	if (n->n_in == 3 && (st = IS(n, 2, 1, w->dim[0])) != TT_OK)
		return st;
	out[0] = DESC(4, x->dim[0], w->dim[0], hw[0], hw[1]);
	return TT_OK;
}

tt_status ir_infer_dense(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *w = &n->in[1]->desc;
	char is[IR_VALUE_TEXT], text[TENSOR_TEXT];
	tt_status st;

	if (x->ndim < 2 || w->ndim != 2 || x->dim[x->ndim - 1] != w->dim[1])
		return ir_bad(n, TT_ESHAPE, "input %s does not fit weights %s (out x in)",
		              ir_value_text(n->in[0], is), tensor_text(w, text));
	if (n->n_in == 3 && (st = IS(n, 2, 1, w->dim[0])) != TT_OK)
		return st;
	out[0] = *x;
	out[0].dim[x->ndim - 1] = w->dim[0];
	return TT_OK;
}

/* A window that lies in the padding alone has no maximum and no mean. */
static tt_status infer_pool(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	struct ir_attr *a = &n->attr;
	int64_t hw[2];
	tt_status st;

	a->dilation[0] = a->dilation[1] = 1;
	default_window(a, a->kernel);
	if ((st = ir_infer_window(n, x, hw)) != TT_OK)
		return st;
	for (int i = 0; i < 4; i++)
		if (a->pad[i] >= a->kernel[i % 2])
			return ir_bad(n, TT_EINVAL, "padding %d must be less than the kernel's side %d",
			              a->pad[i], a->kernel[i % 2]);
	out[0] = DESC(4, x->dim[0], x->dim[1], hw[0], hw[1]);
	return TT_OK;
}

tt_status ir_infer_maxpool(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st = infer_pool(n, out);

	if (st != TT_OK)
		return st;
	if (x->dim[2] > INT32_MAX / x->dim[3])
		return ir_bad(n, TT_ESHAPE, "an image of %lldx%lld is too large",
		              (long long)x->dim[2], (long long)x->dim[3]);
	out[1] = out[0];
	out[1].dtype = DTYPE_S32;
	return TT_OK;
}

tt_status ir_infer_avgpool(struct ir_node *n, struct tensor_desc *out)
{
	return infer_pool(n, out);
}

/* x[N,C,...], then four vectors [C]. */
static tt_status infer_norm(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char is[IR_VALUE_TEXT];
	tt_status st;

	n->attr.eps = n->attr.eps != 0 ? n->attr.eps : EPS_DEFAULT;
	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "input %s has no channels", ir_value_text(n->in[0], is));
	if (!(n->attr.eps > 0))
		return ir_bad(n, TT_EINVAL, "eps %g must be above 0", (double)n->attr.eps);
	if (n->attr.act != ACT_NONE && n->attr.act != ACT_RELU)
		return ir_bad(n, TT_EINVAL, "it can hold relu, not %s", ir_act_name(n->attr.act));
	for (int i = 1; i < 5; i++)
		if ((st = IS(n, i, 1, x->dim[1])) != TT_OK)
			return st;
	out[0] = *x;
	return TT_OK;
}

tt_status ir_infer_batchnorm(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	float m = n->attr.momentum;
	tt_status st = infer_norm(n, out);

	if (st != TT_OK)
		return st;
	if (n->in[3]->kind != IR_BUFFER || n->in[4]->kind != IR_BUFFER)
		return ir_bad(n, TT_EINVAL, "running mean and variance are written and must be buffers");
	if (!(m >= 0 && m <= 1))
		return ir_bad(n, TT_EINVAL, "momentum %g must be 0 to 1", (double)m);
	if (tensor_count(x) / x->dim[1] < 2 && !n->attr.ranks)
		return ir_bad(n, TT_ESHAPE, "one value per channel has no variance: "
		              "a batch of 1 cannot be normalised");
	out[1] = out[2] = DESC(1, x->dim[1]);
	return TT_OK;
}

tt_status ir_infer_batchnorm_infer(struct ir_node *n, struct tensor_desc *out)
{
	return infer_norm(n, out);
}

tt_status ir_infer_layernorm(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *gamma = &n->in[1]->desc;
	char is[IR_VALUE_TEXT], text[TENSOR_TEXT];
	struct ir_attr *a = &n->attr;
	int64_t width = 1;

	a->eps = a->eps != 0 ? a->eps : EPS_DEFAULT;
	a->ndim = a->ndim ? a->ndim : 1;
	if (!(a->eps > 0))
		return ir_bad(n, TT_EINVAL, "eps %g must be above 0", (double)a->eps);
	if (a->ndim < 1 || a->ndim >= x->ndim)
		return ir_bad(n, TT_ESHAPE, "the last %d dimensions of input %s leave no batch",
		              a->ndim, ir_value_text(n->in[0], is));
	for (int i = x->ndim - a->ndim; i < x->ndim; i++)
		width *= x->dim[i];
	if (tensor_count(gamma) != width)
		return ir_bad(n, TT_ESHAPE, "input %s normalises %lld values, gamma is %s",
		              ir_value_text(n->in[0], is), (long long)width, tensor_text(gamma, text));
	out[0] = *x;
	out[1] = out[2] = DESC(1, tensor_count(x) / width);
	return ir_infer_same(n, 1, 2);
}

tt_status ir_infer_dropout(struct ir_node *n, struct tensor_desc *out)
{
	if (!(n->attr.p >= 0 && n->attr.p < 1))
		return ir_bad(n, TT_EINVAL, "p %g must be at least 0 and below 1", (double)n->attr.p);
	out[0] = out[1] = n->in[0]->desc;
	out[1].dtype = DTYPE_U8;
	return TT_OK;
}

tt_status ir_infer_act(struct ir_node *n, struct tensor_desc *out)
{
	out[0] = n->in[0]->desc;
	return TT_OK;
}

tt_status ir_infer_softmax(struct ir_node *n, struct tensor_desc *out)
{
	if (n->in[0]->desc.ndim < 1)
		return ir_bad(n, TT_ESHAPE, "a scalar has no classes");
	out[0] = n->in[0]->desc;
	return TT_OK;
}

tt_status ir_infer_add(struct ir_node *n, struct tensor_desc *out)
{
	if (n->attr.act != ACT_NONE && n->attr.act != ACT_RELU)
		return ir_bad(n, TT_EINVAL, "it can hold relu, not %s", ir_act_name(n->attr.act));
	out[0] = n->in[0]->desc;
	return ir_infer_same(n, 0, 1);
}

/* All but the axis agree. */
static int same_but(const struct tensor_desc *a, const struct tensor_desc *b, int axis)
{
	struct tensor_desc c = *b;

	if (a->ndim != b->ndim)
		return 0;
	c.dim[axis] = a->dim[axis];
	return tensor_same(a, &c);
}

tt_status ir_infer_concat(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char a[IR_VALUE_TEXT], b[IR_VALUE_TEXT];
	int axis = n->attr.axis;

	if (axis < 0 || axis >= x->ndim)
		return ir_bad(n, TT_EINVAL, "axis %d: input %s has axes 0 to %d", axis,
		              ir_value_text(n->in[0], a), x->ndim - 1);
	out[0] = *x;
	for (int i = 1; i < n->n_in; i++) {
		const struct tensor_desc *y = &n->in[i]->desc;

		if (!same_but(x, y, axis))
			return ir_bad(n, TT_ESHAPE, "%s and %s differ in more than axis %d",
			              ir_value_text(n->in[0], a), ir_value_text(n->in[i], b), axis);
		if (__builtin_add_overflow(out[0].dim[axis], y->dim[axis], &out[0].dim[axis]))
			return ir_bad(n, TT_ESHAPE, "the sum of the parts is too large");
	}
	return TT_OK;
}

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

tt_status ir_infer_reshape(struct ir_node *n, struct tensor_desc *out)
{
	char is[IR_VALUE_TEXT], text[TENSOR_TEXT];
	tt_status st;

	out[0] = tensor_desc_make(DTYPE_F32, n->attr.ndim, n->attr.dims);
	if ((st = tensor_check(&out[0])) != TT_OK)
		return err_at(st, "%s (%s)", n->name, ir_op_name(n->op));
	if (tensor_count(&out[0]) != tensor_count(&n->in[0]->desc))
		return ir_bad(n, TT_ESHAPE, "input %s cannot become %s: %lld elements, not %lld",
		              ir_value_text(n->in[0], is), tensor_text(&out[0], text),
		              (long long)tensor_count(&n->in[0]->desc),
		              (long long)tensor_count(&out[0]));
	return TT_OK;
}

tt_status ir_infer_embedding(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *index = &n->in[0]->desc, *table = &n->in[1]->desc;
	char a[IR_VALUE_TEXT], b[TENSOR_TEXT];

	if (index->ndim >= TENSOR_MAX_DIMS || table->ndim != 2)
		return ir_bad(n, TT_ESHAPE, "indices %s into table %s: the table must be VxD and the "
		              "indices have at most %d dimensions", ir_value_text(n->in[0], a),
		              tensor_text(table, b), TENSOR_MAX_DIMS - 1);
	out[0] = *index;
	out[0].dtype = DTYPE_F32;
	out[0].dim[out[0].ndim++] = table->dim[1];
	return TT_OK;
}
