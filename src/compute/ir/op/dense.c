/* op/dense.c -- fully connected layers; leading dimensions count as rows. */
#include "compute/ir/op.h"

#include "compute/ir/factors.h"

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

tt_status ir_grad_dense(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	const enum ir_op dw = n->attr.rows ? IR_FACTORS : IR_DENSE_DW;

	return ir_grad_linear(b, n, dy, (struct ir_linear){ IR_DENSE_DX, dw });
}

/* Every row of x[rows,C] meets every number of w[K,C]. */
static double dense_flops(const struct ir_value *y, const struct ir_value *w)
{
	return 2 * ir_count(y) * (double)w->desc.dim[1];
}

double ir_flops_dense(const struct ir_node *n)
{
	return dense_flops(n->out[0], n->in[1]);
}

double ir_flops_dense_dx(const struct ir_node *n)
{
	return dense_flops(n->in[0], n->in[1]);
}

double ir_flops_dense_dw(const struct ir_node *n)
{
	return dense_flops(n->in[1], n->out[0]);
}

/* x[R,C], w[K,C], b[K]? -> y[R,K] */
void ref_dense(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	int64_t K = ref_in(a, 1)->dim[0], C = ref_in(a, 1)->dim[1];
	int64_t R = tensor_count(ref_in(a, 0)) / C;
	const float *x = a->in[0], *w = a->in[1], *b = a->node->n_in > 2 ? a->in[2] : NULL;
	float *y = a->out[0];

	for (int64_t r = 0; r < R; r++)
		for (int64_t k = 0; k < K; k++) {
			double sum = b ? b[k] : 0;

			for (int64_t c = 0; c < C; c++)
				sum += (double)x[r * C + c] * w[k * C + c];
			y[r * K + k] = (float)ref_act_value(t->act, t->alpha, sum);
		}
}

/* dy[R,K], w[K,C] -> dx[R,C] */
void ref_dense_dx(const struct ref_args *a)
{
	int64_t K = ref_in(a, 1)->dim[0], C = ref_in(a, 1)->dim[1];
	int64_t R = tensor_count(ref_in(a, 0)) / K;
	const float *dy = a->in[0], *w = a->in[1];
	float *dx = a->out[0];

	for (int64_t r = 0; r < R; r++)
		for (int64_t c = 0; c < C; c++) {
			double sum = 0;

			for (int64_t k = 0; k < K; k++)
				sum += (double)dy[r * K + k] * w[k * C + c];
			dx[r * C + c] = (float)sum;
		}
}

/* x[R,C], dy[R,K] -> dw[K,C] */
static void dense_dw(const struct ref_args *a, int64_t K, int64_t C)
{
	int64_t R = tensor_count(ref_in(a, 1)) / K;
	const float *x = a->in[0], *dy = a->in[1];
	float *dw = a->out[0];

	for (int64_t k = 0; k < K; k++)
		for (int64_t c = 0; c < C; c++) {
			double sum = 0;

			for (int64_t r = 0; r < R; r++)
				sum += (double)dy[r * K + k] * x[r * C + c];
			dw[k * C + c] = (float)sum;
		}
}

/* dy[R,K] -> db[K] */
static void dense_db(const struct ref_args *a, int64_t K)
{
	int64_t R = tensor_count(ref_in(a, 1)) / K;
	const float *dy = a->in[1];
	float *db = a->out[1];

	for (int64_t k = 0; k < K; k++) {
		double sum = 0;

		for (int64_t r = 0; r < R; r++)
			sum += dy[r * K + k];
		db[k] = (float)sum;
	}
}

/* x[R,C], dy[R,K] -> dw[K,C], db[K] */
void ref_dense_dw(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0), *dy = ref_in(a, 1);
	int64_t C = x->dim[x->ndim - 1], K = dy->dim[dy->ndim - 1];

	if (a->out[0])
		dense_dw(a, K, C);
	if (a->out[1])
		dense_db(a, K);
}
