/* shape.c -- numbers move and stay the same. */
#include "compute/exec/ref/kernels.h"

#include <string.h>

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
