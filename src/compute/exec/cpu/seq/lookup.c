/* lookup.c -- see lookup.h.  Sums are shared out among threads by rows of the table: each row gets
 * its parts in their order. */
#include "compute/exec/cpu/seq/lookup.h"

#include <math.h>
#include <string.h>

#include "base/simd.h"
#include "sys/thread.h"

#define GRAIN 16384                     /* numbers that are not worth a second thread */

struct job {
	const int32_t *whole;           /* indices: one of the two */
	const float   *any;
	int64_t        count, rows, width;
	const float   *from;
	float         *to;
};

static struct job job_of(const struct ir_node *n, const void *index,
                         const struct tensor_desc *table)
{
	const int whole = n->in[0]->desc.dtype == DTYPE_S32;

	return (struct job){ .whole = whole ? index : NULL, .any = whole ? NULL : index,
	                     .count = tensor_count(&n->in[0]->desc), .rows = table->dim[0],
	                     .width = table->dim[1] };
}

/* The i-th index, or -1 if it names no row. */
static int64_t row_at(const struct job *j, int64_t i)
{
	const double v = j->whole ? (double)j->whole[i] : (double)j->any[i];

	return v >= 0 && v < (double)j->rows && v == floor(v) ? (int64_t)v : -1;
}

static void copy_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const size_t bytes = (size_t)j->width * sizeof *j->to;

	for (int64_t i = lo; i < hi; i++) {
		const int64_t row = row_at(j, i);
		float *y = j->to + i * j->width;

		if (row >= 0)
			memcpy(y, j->from + row * j->width, bytes);
		for (int64_t d = 0; d < j->width && row < 0; d++)
			y[d] = NAN;
	}
}

void lookup_rows(const struct ir_node *n, const void *index, const float *table, float *y)
{
	struct job j = job_of(n, index, &n->in[1]->desc);

	j.from = table;
	j.to = y;
	thread_for(j.count, GRAIN / j.width + 1, copy_some, &j);
}

SIMD static void add(const float *restrict from, float *restrict to, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		to[i] += from[i];
}

/* Rows lo.. of the table. */
static void sum_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;

	memset(j->to + lo * j->width, 0, (size_t)((hi - lo) * j->width) * sizeof *j->to);
	for (int64_t i = 0; i < j->count; i++) {
		const int64_t row = row_at(j, i);

		if (row >= lo && row < hi)
			add(j->from + i * j->width, j->to + row * j->width, j->width);
	}
}

void lookup_sums(const struct ir_node *n, const void *index, const float *dy, float *dtable)
{
	struct job j = job_of(n, index, &n->out[0]->desc);

	j.from = dy;
	j.to = dtable;
	thread_for(j.rows, GRAIN / j.width + 1, sum_some, &j);
}
