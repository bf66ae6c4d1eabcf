/* op/index.c -- parts of a table by number. */
#include "compute/ir/op.h"

#include <math.h>
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
static int64_t index_at(const struct ref_args *a, int64_t i, int64_t V)
{
	double v = ref_in(a, 0)->dtype == DTYPE_S32 ? (double)((const int32_t *)a->in[0])[i]
	                                            : (double)((const float *)a->in[0])[i];

	return v >= 0 && v < (double)V ? (int64_t)v : -1;
}

/* index[N,T], table[V,D] -> y[N,T,D]; an index that names no row gives NaN */
void ref_embedding(const struct ref_args *a)
{
	int64_t V = ref_in(a, 1)->dim[0], D = ref_in(a, 1)->dim[1];
	int64_t n = tensor_count(ref_in(a, 0));
	const float *table = a->in[1];
	float *y = a->out[0];

	for (int64_t i = 0; i < n; i++) {
		int64_t row = index_at(a, i, V);

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
		int64_t row = index_at(a, i, V);

		for (int64_t d = 0; d < D && row >= 0; d++)
			dtable[row * D + d] += dy[i * D + d];
	}
}
