/* op/axes.c -- dimensions put in another order, added or taken away. */
#include "compute/ir/op.h"

#include <math.h>
#include <string.h>

static void strides_of(const struct tensor_desc *x, int64_t stride[TENSOR_MAX_DIMS])
{
	for (int i = 0; i < x->ndim; i++)
		stride[i] = ref_inner(x, i);
}

/* Where element i of a tensor with y's shape lies, if so many elements are between neighbours. */
static int64_t place(const struct tensor_desc *y, const int64_t *stride, int64_t i)
{
	int64_t at = 0;

	for (int d = y->ndim - 1; d >= 0; d--) {
		at += i % y->dim[d] * stride[d];
		i /= y->dim[d];
	}
	return at;
}

/* ---- transpose ---- */

/* Without an order: the dimensions backwards. */
static void default_order(const struct tensor_desc *x, int perm[TENSOR_MAX_DIMS])
{
	for (int i = 0; i < x->ndim; i++)
		if (perm[i])
			return;
	for (int i = 0; i < x->ndim; i++)
		perm[i] = x->ndim - 1 - i;
}

tt_status ir_infer_transpose(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	int *perm = n->attr.perm, seen = 0;
	char text[IR_VALUE_TEXT];

	default_order(x, perm);
	out[0] = *x;
	for (int i = 0; i < x->ndim; i++) {
		if (perm[i] < 0 || perm[i] >= x->ndim || seen >> perm[i] & 1)
			return ir_bad(n, TT_EINVAL, "%d,%d,%d,%d,%d is no order of the %d dimensions of %s",
			              perm[0], perm[1], perm[2], perm[3], perm[4], x->ndim,
			              ir_value_text(n->in[0], text));
		seen |= 1 << perm[i];
		out[0].dim[i] = x->dim[perm[i]];
	}
	return TT_OK;
}

tt_status ir_grad_transpose(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr back = { .axis = 0 };

	for (int i = 0; i < dy->desc.ndim; i++)
		back.perm[n->attr.perm[i]] = i;
	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_TRANSPOSE, &back, dy), 0);
}

void ref_transpose(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0), *y = ref_out(a, 0);
	const size_t size = dtype_size(x->dtype);
	const int64_t count = tensor_count(y);
	int64_t stride[TENSOR_MAX_DIMS], of_y[TENSOR_MAX_DIMS] = { 0 };

	strides_of(x, stride);
	for (int i = 0; i < y->ndim; i++)
		of_y[i] = stride[a->node->attr.perm[i]];
	for (int64_t i = 0; i < count; i++)
		memcpy((char *)a->out[0] + (size_t)i * size,
		       (const char *)a->in[0] + (size_t)place(y, of_y, i) * size, size);
}

/* ---- broadcast ---- */

tt_status ir_infer_broadcast(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char is[IR_VALUE_TEXT], want[TENSOR_TEXT];
	tt_status st = ir_infer_attr(n, out);
	int fits = st == TT_OK && x->ndim <= out->ndim;

	for (int i = 0; i < x->ndim && fits; i++)
		fits = x->dim[i] == 1 || x->dim[i] == out->dim[out->ndim - x->ndim + i];
	if (st == TT_OK && !fits)
		return ir_bad(n, TT_ESHAPE, "%s cannot be repeated to %s",
		              ir_value_text(n->in[0], is), tensor_text(out, want));
	return st;
}

tt_status ir_grad_broadcast(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return ir_give_reduced(b, n, n->in[0], dy);
}

/* Dimensions of 1, or missing in front, are repeated. */
void ref_broadcast(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0), *y = ref_out(a, 0);
	const int64_t count = tensor_count(y);
	int64_t stride[TENSOR_MAX_DIMS] = { 0 };
	const float *from = a->in[0];
	float *to = a->out[0];

	for (int i = 0; i < x->ndim; i++)
		stride[y->ndim - x->ndim + i] = x->dim[i] == 1 ? 0 : ref_inner(x, i);
	for (int64_t i = 0; i < count; i++)
		to[i] = from[place(y, stride, i)];
}

/* ---- reduce ---- */

/* x's shape with the reduced dimensions as 1, or the other ones. */
static struct tensor_desc part_of(const struct tensor_desc *x, unsigned axes)
{
	struct tensor_desc d = *x;

	for (int i = 0; i < d.ndim; i++)
		if (axes >> i & 1)
			d.dim[i] = 1;
	return d;
}

static unsigned axes_of(const struct ir_attr *a, const struct tensor_desc *x)
{
	return a->axes ? a->axes : (1u << x->ndim) - 1;
}

/* The shape of what is left: at least one dimension. */
static struct tensor_desc left_of(const struct ir_attr *a, const struct tensor_desc *x)
{
	const unsigned axes = axes_of(a, x);
	struct tensor_desc d = part_of(x, axes);
	int n = 0;

	if (a->keep)
		return d;
	for (int i = 0; i < x->ndim; i++)
		if (!(axes >> i & 1))
			d.dim[n++] = x->dim[i];
	if (n == 0)
		d.dim[n++] = 1;
	return tensor_desc_make(DTYPE_F32, n, d.dim);
}

tt_status ir_infer_reduce(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char text[IR_VALUE_TEXT];

	if ((unsigned)n->attr.reduce > REDUCE_MAX)
		return ir_bad(n, TT_EINVAL, "there is no reduction number %d", (int)n->attr.reduce);
	if (x->ndim < 1 || n->attr.axes >> x->ndim)
		return ir_bad(n, TT_EINVAL, "axes 0x%x: %s has %d dimensions", n->attr.axes,
		              ir_value_text(n->in[0], text), x->ndim);
	out[0] = left_of(&n->attr, x);
	return TT_OK;
}

tt_status ir_infer_reduce_max_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	const struct tensor_desc left = left_of(&n->attr, x);
	tt_status st = ir_infer_is(n, 1, left.ndim, left.dim);

	out[0] = *x;
	return st == TT_OK ? ir_infer_same(n, 1, 2) : st;
}

/* dy / how many numbers each is the mean of */
static struct ir_value *share(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = ir_grad_attr(n, dy);
	struct ir_node *fill, *d;

	a.alpha = (float)(ir_count(n->out[0]) / ir_count(n->in[0]));
	if (!(fill = GRAD_EMIT(b, n, IR_FILL, &a, NULL)) ||
	    !(d = GRAD_EMIT(b, n, IR_MULTIPLY, NULL, dy, fill->out[0])))
		return NULL;
	return d->out[0];
}

tt_status ir_grad_reduce(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *x = n->in[0];
	const struct tensor_desc kept = part_of(&x->desc, axes_of(&n->attr, &x->desc));
	struct ir_attr to = ir_grad_attr(n, x), as = { .ndim = kept.ndim };
	struct ir_node *d;

	if (n->attr.reduce == REDUCE_MAX)
		return ir_give_out(b, x, GRAD_EMIT(b, n, IR_REDUCE_MAX_DX, &n->attr, x, n->out[0], dy), 0);
	if (n->attr.reduce == REDUCE_MEAN && !(dy = share(b, n, dy)))
		return GRAD_FAILED;
	memcpy(as.dims, kept.dim, sizeof as.dims);
	if (!(d = GRAD_EMIT(b, n, IR_RESHAPE, &as, dy)))
		return GRAD_FAILED;
	return ir_give_out(b, x, GRAD_EMIT(b, n, IR_BROADCAST, &to, d->out[0]), 0);
}

/* The numbers of x that become one: `gone` counts them, from `at`. */
struct heap { const float *x; struct tensor_desc gone; int64_t stride[TENSOR_MAX_DIMS], n, at; };

static double heap_number(const struct heap *h, int64_t i)
{
	return h->x[h->at + place(&h->gone, h->stride, i)];
}

static double heap_sum(const struct heap *h)
{
	double sum = 0;

	for (int64_t i = 0; i < h->n; i++)
		sum += heap_number(h, i);
	return sum;
}

static double heap_mean(const struct heap *h)
{
	return heap_sum(h) / (double)h->n;
}

/* A NaN is the largest. */
static double heap_max(const struct heap *h)
{
	double max = heap_number(h, 0);

	for (int64_t i = 1; i < h->n; i++) {
		const double v = heap_number(h, i);

		if (v > max || isnan(v))
			max = v;
	}
	return max;
}

static struct heap heap_of(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0);
	struct heap h = { .x = a->in[0], .gone = part_of(x, ~axes_of(&a->node->attr, x)) };

	strides_of(x, h.stride);
	h.n = tensor_count(&h.gone);
	return h;
}

/* x -> y */
void ref_reduce(const struct ref_args *a)
{
	static double (*const of[])(const struct heap *) = {
		[REDUCE_SUM] = heap_sum, [REDUCE_MEAN] = heap_mean, [REDUCE_MAX] = heap_max,
	};
	const struct tensor_desc *x = ref_in(a, 0);
	const struct tensor_desc kept = part_of(x, axes_of(&a->node->attr, x));
	const int64_t count = tensor_count(ref_out(a, 0));
	struct heap h = heap_of(a);
	float *y = a->out[0];

	for (int64_t i = 0; i < count; i++) {
		h.at = place(&kept, h.stride, i);
		y[i] = (float)of[a->node->attr.reduce](&h);
	}
}

/* x, y, dy -> dx: equal maxima share; where a NaN was largest, the slope is none. */
void ref_reduce_max_dx(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0);
	const struct tensor_desc kept = part_of(x, axes_of(&a->node->attr, x));
	const int64_t count = tensor_count(ref_in(a, 1));
	const float *y = a->in[1], *dy = a->in[2];
	struct heap h = heap_of(a);
	float *dx = a->out[0];

	for (int64_t i = 0; i < count; i++) {
		double equal = 0;

		h.at = place(&kept, h.stride, i);
		for (int64_t k = 0; k < h.n; k++)
			equal += heap_number(&h, k) == (double)y[i];
		for (int64_t k = 0; k < h.n; k++)
			dx[h.at + place(&h.gone, h.stride, k)] =
				(float)((double)dy[i] * (heap_number(&h, k) == (double)y[i]) / equal);
	}
}
