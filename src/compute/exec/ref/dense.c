/* dense.c -- fully connected layers; leading dimensions count as rows. */
#include "compute/exec/ref/kernels.h"

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
