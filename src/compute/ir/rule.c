/* rule.c -- what the shape rules share: windows, comparisons, messages. */
#include "compute/ir/op.h"

#include <stdarg.h>
#include <stdio.h>

tt_status ir_bad(const struct ir_node *n, tt_status st, const char *fmt, ...)
{
	char text[ERR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_set(st, "%s (%s): %s", n->name, ir_op_name(n->op), text);
}

static const char *const kind_words[] = {
	[IR_TEMP] = "", [IR_INPUT] = "input ", [IR_PARAM] = "parameter ", [IR_BUFFER] = "buffer ",
};

const char *ir_value_text(const struct ir_value *v, char buf[IR_VALUE_TEXT])
{
	const char *quote = v->kind == IR_TEMP ? "" : "'";
	char shape[TENSOR_TEXT];

	snprintf(buf, IR_VALUE_TEXT, "%s from %s%s%.100s%s", tensor_text(&v->desc, shape),
	         kind_words[v->kind], quote, v->name, quote);
	return buf;
}

/* Larger windows are mistakes, and sums of these stay far from overflow. */
#define WINDOW_MAX 65536

static tt_status check_window(const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;

	for (int i = 0; i < 2; i++) {
		if (a->kernel[i] < 1 || a->kernel[i] > WINDOW_MAX)
			return ir_bad(n, TT_EINVAL, "kernel %dx%d: each side must be 1 to %d",
			              a->kernel[0], a->kernel[1], WINDOW_MAX);
		if (a->stride[i] < 1 || a->stride[i] > WINDOW_MAX)
			return ir_bad(n, TT_EINVAL, "stride %dx%d: each must be 1 to %d",
			              a->stride[0], a->stride[1], WINDOW_MAX);
		if (a->dilation[i] < 1 || a->dilation[i] > WINDOW_MAX)
			return ir_bad(n, TT_EINVAL, "dilation %dx%d: each must be 1 to %d",
			              a->dilation[0], a->dilation[1], WINDOW_MAX);
	}
	for (int i = 0; i < 4; i++)
		if (a->pad[i] < 0 || a->pad[i] > WINDOW_MAX)
			return ir_bad(n, TT_EINVAL, "padding %d must be 0 to %d", a->pad[i], WINDOW_MAX);
	return TT_OK;
}

/* The arithmetic of Dumoulin and Visin, "A guide to convolution arithmetic" (2016), 2.4, with
 * dilation: whole steps only, what is left at the end is not read. */
tt_status ir_infer_window(struct ir_node *n, const struct tensor_desc *x, int64_t out[2])
{
	const struct ir_attr *a = &n->attr;
	char text[TENSOR_TEXT];
	tt_status st;

	if (x->ndim != 4)
		return ir_bad(n, TT_ESHAPE, "input %s must be NxCxHxW", tensor_text(x, text));
	if ((st = check_window(n)) != TT_OK)
		return st;
	for (int i = 0; i < 2; i++) {
		int64_t reach = (int64_t)a->dilation[i] * (a->kernel[i] - 1) + 1;
		int64_t side = x->dim[2 + i] + a->pad[i] + a->pad[i + 2];

		if (side < reach)
			return ir_bad(n, TT_ESHAPE,
			              "a %dx%d window (dilation %dx%d) does not fit into input %s "
			              "(padding %d,%d,%d,%d)", a->kernel[0], a->kernel[1],
			              a->dilation[0], a->dilation[1], tensor_text(x, text),
			              a->pad[0], a->pad[1], a->pad[2], a->pad[3]);
		out[i] = (side - reach) / a->stride[i] + 1;
	}
	return TT_OK;
}

void ir_infer_window_default(struct ir_attr *a, const int stride[2])
{
	for (int i = 0; i < 2; i++) {
		a->stride[i] = a->stride[i] ? a->stride[i] : stride[i];
		a->dilation[i] = a->dilation[i] ? a->dilation[i] : 1;
	}
	a->groups = a->groups ? a->groups : 1;
}

tt_status ir_infer_window_dy(struct ir_node *n, int dy, const struct tensor_desc *x,
                             int64_t channels)
{
	int64_t hw[2];
	tt_status st = ir_infer_window(n, x, hw);

	return st != TT_OK ? st : IS(n, dy, 4, x->dim[0], channels, hw[0], hw[1]);
}

tt_status ir_infer_attr(const struct ir_node *n, struct tensor_desc *out)
{
	struct tensor_desc d = tensor_desc_make(DTYPE_F32, n->attr.ndim, n->attr.dims);
	tt_status st = tensor_check(&d);

	if (st != TT_OK)
		return err_at(st, "%s (%s)", n->name, ir_op_name(n->op));
	*out = d;
	return TT_OK;
}

tt_status ir_infer_same(const struct ir_node *n, int i, int j)
{
	char a[IR_VALUE_TEXT], b[IR_VALUE_TEXT];

	if (tensor_same(&n->in[i]->desc, &n->in[j]->desc))
		return TT_OK;
	return ir_bad(n, TT_ESHAPE, "%s and %s differ", ir_value_text(n->in[i], a),
	              ir_value_text(n->in[j], b));
}

tt_status ir_infer_is(const struct ir_node *n, int i, int ndim, const int64_t *dim)
{
	struct tensor_desc want = tensor_desc_make(n->in[i]->desc.dtype, ndim, dim);
	char is[IR_VALUE_TEXT], text[TENSOR_TEXT];

	if (tensor_same(&n->in[i]->desc, &want))
		return TT_OK;
	return ir_bad(n, TT_ESHAPE, "%s should be %s", ir_value_text(n->in[i], is),
	              tensor_text(&want, text));
}

tt_status ir_infer_axis(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char text[IR_VALUE_TEXT];

	if (n->attr.axis >= 0 && n->attr.axis < x->ndim)
		return TT_OK;
	return ir_bad(n, TT_EINVAL, "axis %d: input %s has axes 0 to %d", n->attr.axis,
	              ir_value_text(n->in[0], text), x->ndim - 1);
}
