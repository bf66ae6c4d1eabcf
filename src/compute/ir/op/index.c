/* op/index.c -- parts of a table by number. */
#include "compute/ir/op.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

tt_status ir_infer_embedding_dw(struct ir_node *n, struct tensor_desc *out)
{
	struct tensor_desc dy = n->in[0]->desc;
	tt_status st = ir_infer_attr(n, out);

	if (st != TT_OK)
		return st;
	if (out->ndim != 2 || dy.ndim >= TENSOR_MAX_DIMS)
		return ir_bad(n, TT_ESHAPE, "the table must be VxD");
	dy.dim[dy.ndim++] = out->dim[1];
	return ir_infer_is(n, 1, dy.ndim, dy.dim);
}

tt_status ir_grad_embedding(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = ir_grad_attr(n, n->in[1]);

	return ir_give_out(b, n->in[1], GRAD_EMIT(b, n, IR_EMBEDDING_DW, &a, n->in[0], dy), 0);
}

double ir_flops_embedding_dw(const struct ir_node *n)
{
	return ir_count(n->in[1]);
}

/* The i-th index, or -1 if it names no row of V. */
static int64_t row_at(const struct ref_args *a, int64_t i, int64_t V)
{
	double v = ref_in(a, 0)->dtype == DTYPE_S32 ? (double)((const int32_t *)a->in[0])[i]
	                                            : (double)((const float *)a->in[0])[i];

	return v >= 0 && v < (double)V && v == floor(v) ? (int64_t)v : -1;
}

/* index[N,T], table[V,D] -> y[N,T,D]; an index that names no row gives NaN */
void ref_embedding(const struct ref_args *a)
{
	int64_t V = ref_in(a, 1)->dim[0], D = ref_in(a, 1)->dim[1];
	int64_t n = tensor_count(ref_in(a, 0));
	const float *table = a->in[1];
	float *y = a->out[0];

	for (int64_t i = 0; i < n; i++) {
		int64_t row = row_at(a, i, V);

		for (int64_t d = 0; d < D; d++)
			y[i * D + d] = row < 0 ? NAN : table[row * D + d];
	}
}

/* index[N,T], dy[N,T,D] -> dtable[V,D] */
void ref_embedding_dw(const struct ref_args *a)
{
	int64_t V = ref_out(a, 0)->dim[0], D = ref_out(a, 0)->dim[1];
	int64_t n = tensor_count(ref_in(a, 0));
	const float *dy = a->in[1];
	float *dtable = a->out[0];

	memset(dtable, 0, tensor_bytes(ref_out(a, 0)));
	for (int64_t i = 0; i < n; i++) {
		int64_t row = row_at(a, i, V);

		for (int64_t d = 0; d < D && row >= 0; d++)
			dtable[row * D + d] += dy[i * D + d];
	}
}

/* ---- index: along any axis, by whole numbers ---- */

tt_status ir_infer_index(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *index = &n->in[1]->desc;
	char a[IR_VALUE_TEXT], b[IR_VALUE_TEXT];
	const int axis = n->attr.axis;
	tt_status st = ir_infer_axis(n);
	int at = axis;

	if (st != TT_OK)
		return st;
	if (x->ndim - 1 + index->ndim > TENSOR_MAX_DIMS)
		return ir_bad(n, TT_ESHAPE, "indices %s into %s make more than %d dimensions",
		              ir_value_text(n->in[1], b), ir_value_text(n->in[0], a),
		              TENSOR_MAX_DIMS);
	out[0] = *x;
	for (int i = 0; i < index->ndim; i++)
		out[0].dim[at++] = index->dim[i];
	for (int i = axis + 1; i < x->ndim; i++)
		out[0].dim[at++] = x->dim[i];
	out[0].ndim = at;
	return TT_OK;
}

tt_status ir_infer_index_dx(struct ir_node *n, struct tensor_desc *out)
{
	struct ir_value x = { .kind = IR_TEMP, .name = n->name }, *in[] = { &x, n->in[0] };
	struct ir_node forward = { .op = IR_INDEX, .name = n->name, .attr = n->attr, .in = in };
	struct tensor_desc dy;
	tt_status st = ir_infer_attr(n, &x.desc);

	if (st != TT_OK || (st = ir_infer_index(&forward, &dy)) != TT_OK)
		return st;
	out[0] = x.desc;
	return ir_infer_is(n, 1, dy.ndim, dy.dim);
}

tt_status ir_grad_index(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = ir_grad_attr(n, n->in[0]);

	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_INDEX_DX, &a, n->in[1], dy), 0);
}

double ir_flops_index_dx(const struct ir_node *n)
{
	return ir_count(n->in[1]);
}

/* "2,3": where element i lies. */
static const char *place_text(const struct tensor_desc *d, int64_t i, char buf[TENSOR_TEXT])
{
	size_t used = 0;

	buf[0] = '\0';
	for (int k = 0; k < d->ndim && used < TENSOR_TEXT; k++)
		used += (size_t)snprintf(buf + used, TENSOR_TEXT - used, "%s%lld", k ? "," : "",
		                         (long long)(i / ref_inner(d, k) % d->dim[k]));
	return buf;
}

/* Are all of input `which` places of a dimension of n?  Negative ones count from its end. */
static int indices_are_good(const struct ref_args *a, int which, int64_t n)
{
	const struct tensor_desc *d = ref_in(a, which);
	const int32_t *index = a->in[which];
	const int64_t count = tensor_count(d);
	char text[TENSOR_TEXT];

	for (int64_t i = 0; i < count; i++)
		if (index[i] < -n || index[i] >= n) {
			*a->status = ir_bad(a->node, TT_EINVAL, "index %d at place [%s] is not in %lld to %lld",
			                    index[i], place_text(d, i, text), (long long)-n,
			                    (long long)n - 1);
			return 0;
		}
	return 1;
}

/* x[.., A, ..], index -> y: for each index the part of x with this number along the axis */
void ref_index(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0);
	const int axis = a->node->attr.axis;
	const int64_t n = x->dim[axis], inner = ref_inner(x, axis), count = tensor_count(ref_in(a, 1));
	const int64_t outer = tensor_count(x) / (n * inner);
	const int32_t *index = a->in[1];
	const float *from = a->in[0];
	float *to = a->out[0];

	if (!indices_are_good(a, 1, n))
		return;
	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i < count; i++, to += inner)
			memcpy(to, from + (o * n + index[i] + (index[i] < 0 ? n : 0)) * inner,
			       (size_t)inner * sizeof *to);
}

/* index, dy -> dx: each part of dy is added where it came from, in their order */
void ref_index_dx(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_out(a, 0);
	const int axis = a->node->attr.axis;
	const int64_t n = x->dim[axis], inner = ref_inner(x, axis), count = tensor_count(ref_in(a, 0));
	const int64_t outer = tensor_count(x) / (n * inner);
	const int32_t *index = a->in[0];
	const float *dy = a->in[1];

	if (!indices_are_good(a, 0, n))
		return;
	memset(a->out[0], 0, tensor_bytes(x));
	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i < count; i++, dy += inner) {
			float *dx = (float *)a->out[0] +
			            (o * n + index[i] + (index[i] < 0 ? n : 0)) * inner;

			for (int64_t k = 0; k < inner; k++)
				dx[k] += dy[k];
		}
}
