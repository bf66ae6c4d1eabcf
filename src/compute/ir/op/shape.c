/* op/shape.c -- numbers move and stay the same. */
#include "compute/ir/op.h"

#include <string.h>

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
	tt_status st = ir_infer_axis(n);

	if (st != TT_OK)
		return st;
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

tt_status ir_infer_pad(struct ir_node *n, struct tensor_desc *out)
{
	const struct ir_attr *a = &n->attr;
	tt_status st = ir_infer_axis(n);
	char is[IR_VALUE_TEXT];

	if (st != TT_OK)
		return st;
	out[0] = n->in[0]->desc;
	if (a->start < 0 || a->size < a->start || out[0].dim[a->axis] > a->size - a->start)
		return ir_bad(n, TT_ESHAPE, "%s from %lld on along axis %d is not inside %lld elements",
		              ir_value_text(n->in[0], is), (long long)a->start, a->axis,
		              (long long)a->size);
	out[0].dim[a->axis] = a->size;
	return TT_OK;
}

tt_status ir_infer_split(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	const int parts = n->attr.parts, axis = n->attr.axis;
	tt_status st = ir_infer_axis(n);
	char is[IR_VALUE_TEXT];

	if (st != TT_OK)
		return st;
	if (x->dim[axis] % parts != 0)
		return ir_bad(n, TT_ESHAPE, "axis %d of %s cannot be split into %d parts", axis,
		              ir_value_text(n->in[0], is), parts);
	for (int i = 0; i < parts; i++) {
		out[i] = *x;
		out[i].dim[axis] /= parts;
	}
	return TT_OK;
}

tt_status ir_infer_reshape(struct ir_node *n, struct tensor_desc *out)
{
	char is[IR_VALUE_TEXT], text[TENSOR_TEXT];
	tt_status st;

	out[0] = tensor_desc_make(n->in[0]->desc.dtype, n->attr.ndim, n->attr.dims);
	if ((st = tensor_check(&out[0])) != TT_OK)
		return err_at(st, "%s (%s)", n->name, ir_op_name(n->op));
	if (tensor_count(&out[0]) != tensor_count(&n->in[0]->desc))
		return ir_bad(n, TT_ESHAPE, "input %s cannot become %s: %lld elements, not %lld",
		              ir_value_text(n->in[0], is), tensor_text(&out[0], text),
		              (long long)tensor_count(&n->in[0]->desc),
		              (long long)tensor_count(&out[0]));
	return TT_OK;
}

tt_status ir_infer_fill(struct ir_node *n, struct tensor_desc *out)
{
	return ir_infer_attr(n, out);
}

tt_status ir_grad_concat(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = { .axis = n->attr.axis };
	tt_status st;

	for (int i = 0; i < n->n_in; i++) {
		struct ir_value *x = n->in[i];

		a.size = x->desc.dim[a.axis];
		if (x->wants_grad &&
		    (st = ir_give_out(b, x, GRAD_EMIT(b, n, IR_SLICE, &a, dy), 0)) != TT_OK)
			return st;
		a.start += a.size;
	}
	return TT_OK;
}

tt_status ir_grad_slice(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = n->attr;

	a.alpha = 0;
	a.size = n->in[0]->desc.dim[a.axis];
	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_PAD, &a, dy), 0);
}

tt_status ir_grad_pad(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = n->attr;

	a.size = n->in[0]->desc.dim[a.axis];
	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_SLICE, &a, dy), 0);
}

tt_status ir_grad_split(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	const struct ir_attr along = { .axis = n->attr.axis };
	struct ir_value *part[IR_MAX_OUT + 1] = { NULL };

	(void)dy;
	for (int i = 0; i < n->n_out; i++)
		if (!(part[i] = ir_grad_of(b, n, i)))
			return GRAD_FAILED;
	return ir_give_out(b, n->in[0], ir_grad_emit(b, n, IR_CONCAT, &along, part), 0);
}

tt_status ir_grad_reshape(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = ir_grad_attr(n, n->in[0]);

	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_RESHAPE, &a, dy), 0);
}

/* Bytes of one step along `axis`, and of all of it. */
static size_t axis_bytes(const struct tensor_desc *t, int axis)
{
	return (size_t)ref_inner(t, axis) * dtype_size(t->dtype);
}

/* x0, x1, ... -> y along attr.axis: row after row, each input gives its piece */
void ref_concat(const struct ref_args *a)
{
	int axis = a->node->attr.axis;
	const struct tensor_desc *y = ref_out(a, 0);
	int64_t rows = tensor_count(y) / (y->dim[axis] * ref_inner(y, axis));
	char *to = a->out[0];

	for (int64_t r = 0; r < rows; r++)
		for (int i = 0; i < a->node->n_in; i++) {
			size_t n = axis_bytes(ref_in(a, i), axis) * (size_t)ref_in(a, i)->dim[axis];

			memcpy(to, (const char *)a->in[i] + (size_t)r * n, n);
			to += n;
		}
}

/* x -> y = x[.., start : start+size, ..] along attr.axis */
void ref_slice(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	const struct tensor_desc *x = ref_in(a, 0);
	size_t step = axis_bytes(x, t->axis), row = step * (size_t)x->dim[t->axis];
	size_t n = step * (size_t)t->size;
	int64_t rows = (int64_t)(tensor_bytes(x) / row);

	for (int64_t r = 0; r < rows; r++)
		memcpy((char *)a->out[0] + (size_t)r * n,
		       (const char *)a->in[0] + (size_t)r * row + step * (size_t)t->start, n);
}

/* x -> y: attr.alpha, but x from attr.start on along attr.axis */
void ref_pad(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	const struct tensor_desc *x = ref_in(a, 0);
	size_t step = axis_bytes(x, t->axis), n = step * (size_t)x->dim[t->axis];
	size_t row = step * (size_t)t->size;
	int64_t rows = (int64_t)(tensor_bytes(x) / n);

	ref_fill(a);
	for (int64_t r = 0; r < rows; r++)
		memcpy((char *)a->out[0] + (size_t)r * row + step * (size_t)t->start,
		       (const char *)a->in[0] + (size_t)r * n, n);
}

/* x -> y0, y1, ..., its equal parts along attr.axis */
void ref_split(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0);
	const int axis = a->node->attr.axis, parts = a->node->n_out;
	size_t n = axis_bytes(x, axis) * (size_t)(x->dim[axis] / parts);
	int64_t pieces = (int64_t)(tensor_bytes(x) / n);

	for (int64_t i = 0; i < pieces; i++)
		if (a->out[i % parts])
			memcpy((char *)a->out[i % parts] + (size_t)(i / parts) * n,
			       (const char *)a->in[0] + (size_t)i * n, n);
}

void ref_reshape(const struct ref_args *a)
{
	memcpy(a->out[0], a->in[0], tensor_bytes(ref_in(a, 0)));
}

void ref_fill(const struct ref_args *a)
{
	float *y = a->out[0];
	int64_t n = tensor_count(ref_out(a, 0));

	for (int64_t i = 0; i < n; i++)
		y[i] = a->node->attr.alpha;
}
