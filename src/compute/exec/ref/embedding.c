/* embedding.c -- rows of a table by number. */
#include "compute/exec/ref/kernels.h"

#include <math.h>
#include <string.h>

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
