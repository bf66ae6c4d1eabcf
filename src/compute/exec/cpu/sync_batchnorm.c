/* sync_batchnorm.c -- see sync_batchnorm.h.
 *
 * A chunk is small enough to stay in the first cache while it is read twice: for its mean, then for
 * deviations from that; chunks are joined in double (Chan, Golub and LeVeque, 1983).  So one pass
 * over memory is as exact as two. */
#include "compute/exec/cpu/sync_batchnorm.h"

#include <string.h>

#include "base/simd.h"
#include "sys/thread.h"

#define B 16
#define BLOCKED_CHUNK 256            /* points of 16 channels: 16 KiB */
#define PLAIN_CHUNK 4096             /* points of one                 */

/* Mean and squares of so many values. */
struct moments { double n, mean, squares; };

static void join(struct moments *m, double n, double mean, double squares)
{
	const double apart = mean - m->mean, all = m->n + n;

	m->mean += apart * n / all;
	m->squares += squares + apart * apart * m->n * n / all;
	m->n = all;
}

/* ---- chunks ---- */

SIMD static void moments_blocked(const float *restrict x, int64_t points, float mean[restrict B],
                                 float squares[restrict B])
{
	float sum[B] = { 0 };

	for (int64_t p = 0; p < points; p++)
		for (int l = 0; l < B; l++)
			sum[l] += x[p * B + l];
	for (int l = 0; l < B; l++) {
		mean[l] = sum[l] / (float)points;
		squares[l] = 0;
	}
	for (int64_t p = 0; p < points; p++)
		for (int l = 0; l < B; l++)
			squares[l] += (x[p * B + l] - mean[l]) * (x[p * B + l] - mean[l]);
}

/* Lanes are points here: as many sums side by side, added up at the end. */
SIMD static void moments_plain(const float *restrict x, int64_t points, float *mean, float *squares)
{
	float sum[B] = { 0 }, square[B] = { 0 }, total = 0;
	int64_t p = 0;

	for (; p + B <= points; p += B)
		for (int l = 0; l < B; l++)
			sum[l] += x[p + l];
	for (; p < points; p++)
		total += x[p];
	for (int l = 0; l < B; l++)
		total += sum[l];
	*mean = total / (float)points;
	for (p = 0; p + B <= points; p += B)
		for (int l = 0; l < B; l++)
			square[l] += (x[p + l] - *mean) * (x[p + l] - *mean);
	for (total = 0; p < points; p++)
		total += (x[p] - *mean) * (x[p] - *mean);
	for (int l = 0; l < B; l++)
		total += square[l];
	*squares = total;
}

SIMD static void sums_blocked(const float *restrict x, const float *restrict dy, int64_t points,
                              const float mean[restrict B], float sum[restrict 2 * B])
{
	float plain[B] = { 0 }, dot[B] = { 0 };

	for (int64_t p = 0; p < points; p++)
		for (int l = 0; l < B; l++) {
			plain[l] += dy[p * B + l];
			dot[l] += dy[p * B + l] * (x[p * B + l] - mean[l]);
		}
	memcpy(sum, plain, sizeof plain);
	memcpy(sum + B, dot, sizeof dot);
}

SIMD static void sums_plain(const float *restrict x, const float *restrict dy, int64_t points,
                            float mean, float sum[restrict 2])
{
	float plain[B] = { 0 }, dot[B] = { 0 };
	int64_t p = 0;

	sum[0] = sum[1] = 0;
	for (; p + B <= points; p += B)
		for (int l = 0; l < B; l++) {
			plain[l] += dy[p + l];
			dot[l] += dy[p + l] * (x[p + l] - mean);
		}
	for (; p < points; p++) {
		sum[0] += dy[p];
		sum[1] += dy[p] * (x[p] - mean);
	}
	for (int l = 0; l < B; l++) {
		sum[0] += plain[l];
		sum[1] += dot[l];
	}
}

/* ---- channels, or blocks of 16 ---- */

static int64_t chunk_of(const struct sync_batchnorm *s)
{
	return s->block == B ? BLOCKED_CHUNK : PLAIN_CHUNK;
}

/* Where the points of a channel (or block) of sample i begin. */
static int64_t start_of(const struct sync_batchnorm *s, int64_t i, int64_t channel)
{
	return (i * (s->c / s->block) + channel) * s->points * s->block;
}

struct moments_job { const struct sync_batchnorm *s; const float *x; float *mean, *squares; };

static void find_moments(void *ctx, int64_t lo, int64_t hi)
{
	const struct moments_job *j = ctx;
	const struct sync_batchnorm *s = j->s;
	const int64_t chunk = chunk_of(s), b = s->block;

	for (int64_t c = lo; c < hi; c++) {
		struct moments m[B] = { { 0 } };
		float mean[B], squares[B];

		for (int64_t i = 0; i < s->n; i++)
			for (int64_t p = 0; p < s->points; p += chunk) {
				const float *x = j->x + start_of(s, i, c) + p * b;
				int64_t n = s->points - p < chunk ? s->points - p : chunk;

				if (b == B)
					moments_blocked(x, n, mean, squares);
				else
					moments_plain(x, n, mean, squares);
				for (int l = 0; l < b; l++)
					join(&m[l], (double)n, mean[l], squares[l]);
			}
		for (int l = 0; l < b; l++) {
			j->mean[c * b + l] = (float)m[l].mean;
			j->squares[c * b + l] = (float)m[l].squares;
		}
	}
}

void sync_batchnorm_moments(const struct sync_batchnorm *s, const float *x, float *mean,
							float *squares)
{
	struct moments_job j = { s, x, mean, squares };

	thread_for(s->c / s->block, 1, find_moments, &j);
}

struct sums_job { const struct sync_batchnorm *s; const struct norm_sums *a; };

static void find_sums(void *ctx, int64_t lo, int64_t hi)
{
	const struct sums_job *j = ctx;
	const struct sync_batchnorm *s = j->s;
	const int64_t chunk = chunk_of(s), b = s->block;

	for (int64_t c = lo; c < hi; c++) {
		double total[2 * B] = { 0 };
		float sum[2 * B];

		for (int64_t i = 0; i < s->n; i++)
			for (int64_t p = 0; p < s->points; p += chunk) {
				const int64_t at = start_of(s, i, c) + p * b;
				int64_t n = s->points - p < chunk ? s->points - p : chunk;

				if (b == B)
					sums_blocked(j->a->x + at, j->a->dy + at, n, j->a->mean + c * B, sum);
				else
					sums_plain(j->a->x + at, j->a->dy + at, n, j->a->mean[c], sum);
				for (int l = 0; l < 2 * b; l++)
					total[l] += sum[l];
			}
		for (int l = 0; l < b; l++) {
			j->a->dbeta[c * b + l] = (float)total[l];
			j->a->dgamma[c * b + l] = (float)(total[b + l] * j->a->rstd[c * b + l]);
		}
	}
}

void sync_batchnorm_sums(const struct sync_batchnorm *s, const struct norm_sums *a)
{
	struct sums_job j = { s, a };

	thread_for(s->c / s->block, 1, find_sums, &j);
}

/* ---- gradient ---- */

SIMD static void dx_blocked(const struct norm_dx *a, int64_t at, int64_t c, int64_t points)
{
	const float *x = a->x + at, *dy = a->dy + at;
	float *dx = a->dx + at, mean[B], scale[B], shift[B], slope[B];

	memcpy(mean, a->mean + c * B, sizeof mean);
	memcpy(scale, a->scale + c * B, sizeof scale);
	memcpy(shift, a->shift + c * B, sizeof shift);
	memcpy(slope, a->slope + c * B, sizeof slope);
	for (int64_t p = 0; p < points; p++)
		for (int l = 0; l < B; l++)
			dx[p * B + l] = scale[l] * (dy[p * B + l] - shift[l] -
			                            (x[p * B + l] - mean[l]) * slope[l]);
}

SIMD static void dx_plain(const struct norm_dx *a, int64_t at, int64_t c, int64_t points)
{
	const float *x = a->x + at, *dy = a->dy + at;
	const float mean = a->mean[c], scale = a->scale[c], shift = a->shift[c], slope = a->slope[c];
	float *dx = a->dx + at;

	for (int64_t p = 0; p < points; p++)
		dx[p] = scale * (dy[p] - shift - (x[p] - mean) * slope);
}

struct dx_job { const struct sync_batchnorm *s; const struct norm_dx *a; };

static void find_dx(void *ctx, int64_t lo, int64_t hi)
{
	const struct dx_job *j = ctx;
	const int64_t channels = j->s->c / j->s->block;

	for (int64_t k = lo; k < hi; k++) {
		const int64_t at = start_of(j->s, k / channels, k % channels);

		if (j->s->block == B)
			dx_blocked(j->a, at, k % channels, j->s->points);
		else
			dx_plain(j->a, at, k % channels, j->s->points);
	}
}

void sync_batchnorm_dx(const struct sync_batchnorm *s, const struct norm_dx *a)
{
	struct dx_job j = { s, a };

	thread_for(s->n * (s->c / s->block), 8, find_dx, &j);
}
