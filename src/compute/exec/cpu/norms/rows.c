/* rows.c -- see rows.h. */
#include "compute/exec/cpu/norms/rows.h"

#include <math.h>

#include "base/simd.h"
#include "sys/thread.h"

#define TOGETHER 8                      /* rows: an addition takes as long as eight */
#define GRAIN 16384                     /* numbers that are not worth a second thread */

struct job { const struct rows *s; const struct rows_norm *a; };

/* The sums of n rows, each in its order: of x, or of its squares from mean. */
INLINE void sum_rows(const float *x, int64_t width, int n, double sum[TOGETHER])
{
	for (int k = 0; k < n; k++)
		sum[k] = 0;
	for (int64_t i = 0; i < width; i++)
		for (int k = 0; k < n; k++)
			sum[k] += x[k * width + i];
}

INLINE void sum_squares(const float *x, int64_t width, int n, const double mean[TOGETHER],
                        double sum[TOGETHER])
{
	for (int k = 0; k < n; k++)
		sum[k] = 0;
	for (int64_t i = 0; i < width; i++)
		for (int k = 0; k < n; k++) {
			const double e = x[k * width + i] - mean[k];

			sum[k] += e * e;
		}
}

INLINE void row_write(const struct rows_norm *a, const float *x, int64_t width, double mean,
                      double rstd, float *y)
{
	const float *restrict gamma = a->gamma, *restrict beta = a->beta;

	if (beta) {
		IN_PLACE
		for (int64_t i = 0; i < width; i++)
			y[i] = (float)(gamma[i] * (x[i] - mean) * rstd + beta[i]);
	} else {
		IN_PLACE
		for (int64_t i = 0; i < width; i++)
			y[i] = (float)(gamma[i] * x[i] * rstd);
	}
}

/* n rows from r on. */
INLINE void norm_rows(const struct job *j, int64_t r, int n)
{
	const struct rows_norm *a = j->a;
	const int64_t width = j->s->width;
	const float *x = a->x + r * width;
	double mean[TOGETHER] = { 0 }, squares[TOGETHER];

	if (a->beta) {
		sum_rows(x, width, n, mean);
		for (int k = 0; k < n; k++)
			mean[k] /= (double)width;
	}
	sum_squares(x, width, n, mean, squares);
	for (int k = 0; k < n; k++) {
		const double rstd = 1 / sqrt(squares[k] / (double)width + j->s->eps);

		row_write(a, x + k * width, width, mean[k], rstd, a->y + (r + k) * width);
		if (a->mean)
			a->mean[r + k] = (float)mean[k];
		if (a->rstd)
			a->rstd[r + k] = (float)rstd;
	}
}

SIMD static void norm_some(void *ctx, int64_t lo, int64_t hi)
{
	int64_t r = lo;

	for (; r + TOGETHER <= hi; r += TOGETHER)
		norm_rows(ctx, r, TOGETHER);
	for (; r < hi; r++)
		norm_rows(ctx, r, 1);
}

void rows_norm(const struct rows *s, const struct rows_norm *a)
{
	struct job j = { s, a };

	thread_for(s->rows, GRAIN / s->width + TOGETHER, norm_some, &j);
}

/* ---- gradients ---- */

struct dx_job { const struct rows *s; const struct rows_norm_dx *a; };

/* Of n rows from r on: the sums of gamma dy, and of gamma dy xhat. */
struct dots { double mean[TOGETHER], rstd[TOGETHER], sum[TOGETHER], dot[TOGETHER]; };

INLINE void dot_rows(const struct dx_job *j, int64_t r, int n, struct dots *d)
{
	const int64_t width = j->s->width;
	const float *x = j->a->x + r * width, *dy = j->a->dy + r * width;
	const float *restrict gamma = j->a->gamma;

	for (int k = 0; k < n; k++) {
		d->mean[k] = j->a->mean ? j->a->mean[r + k] : 0;
		d->rstd[k] = j->a->rstd[r + k];
		d->sum[k] = d->dot[k] = 0;
	}
	for (int64_t i = 0; i < width; i++)
		for (int k = 0; k < n; k++) {
			const double g = (double)dy[k * width + i] * gamma[i];

			d->sum[k] += g;
			d->dot[k] += g * (x[k * width + i] - d->mean[k]) * d->rstd[k];
		}
}

INLINE void dx_rows(const struct dx_job *j, int64_t r, int n)
{
	const int64_t width = j->s->width;
	const float *restrict gamma = j->a->gamma;
	struct dots d;

	dot_rows(j, r, n, &d);
	for (int k = 0; k < n; k++) {
		const float *x = j->a->x + (r + k) * width, *dy = j->a->dy + (r + k) * width;
		const double mean = d.mean[k], rstd = d.rstd[k], dot = d.dot[k];
		const double sum = j->a->mean ? d.sum[k] : 0;
		float *dx = j->a->dx + (r + k) * width;

		IN_PLACE
		for (int64_t i = 0; i < width; i++) {
			const double xhat = (x[i] - mean) * rstd;

			dx[i] = (float)(rstd * ((double)dy[i] * gamma[i] - (sum + xhat * dot) /
			                        (double)width));
		}
	}
}

SIMD static void dx_some(void *ctx, int64_t lo, int64_t hi)
{
	int64_t r = lo;

	for (; r + TOGETHER <= hi; r += TOGETHER)
		dx_rows(ctx, r, TOGETHER);
	for (; r < hi; r++)
		dx_rows(ctx, r, 1);
}

#define COLUMNS 64                      /* whose sums are made together */

/* n columns from `at` on; n is COLUMNS but for the last ones. */
INLINE void columns_sum(const struct dx_job *j, int64_t at, int64_t n)
{
	double dgamma[COLUMNS] = { 0 }, dbeta[COLUMNS] = { 0 };

	for (int64_t r = 0; r < j->s->rows; r++) {
		const float *x = j->a->x + r * j->s->width + at, *dy = j->a->dy + r * j->s->width + at;
		const double mean = j->a->mean ? j->a->mean[r] : 0, rstd = j->a->rstd[r];

		for (int64_t i = 0; i < n; i++) {
			dgamma[i] += dy[i] * (x[i] - mean) * rstd;
			dbeta[i] += dy[i];
		}
	}
	for (int64_t i = 0; i < n && j->a->dgamma; i++)
		j->a->dgamma[at + i] = (float)dgamma[i];
	for (int64_t i = 0; i < n && j->a->dbeta; i++)
		j->a->dbeta[at + i] = (float)dbeta[i];
}

SIMD static void columns_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct dx_job *j = ctx;

	for (int64_t k = lo; k < hi; k++)
		if ((k + 1) * COLUMNS <= j->s->width)
			columns_sum(j, k * COLUMNS, COLUMNS);
		else
			columns_sum(j, k * COLUMNS, j->s->width - k * COLUMNS);
}

void rows_norm_dx(const struct rows *s, const struct rows_norm_dx *a)
{
	struct dx_job j = { s, a };

	if (a->dgamma || a->dbeta)              /* first: dx may be written over dy */
		thread_for((s->width + COLUMNS - 1) / COLUMNS, 1, columns_some, &j);
	if (a->dx)
		thread_for(s->rows, GRAIN / s->width + TOGETHER, dx_some, &j);
}
