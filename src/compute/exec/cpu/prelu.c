#include "compute/exec/cpu/prelu.h"

#include "base/simd.h"
#include "sys/thread.h"

#define LANES 16

/* The slopes of a block of channels: one in all lanes, or one in each. */
static void load_slopes(const struct prelu *s, const float *w, int64_t c, float slope[LANES])
{
	for (int l = 0; l < LANES; l++)
		slope[l] = s->shared ? w[0] : w[c * s->block + (s->block > 1 ? l : 0)];
}

/* y = z above zero of x, slope * z below. */
SIMD static void run(const float *x, const float *z, const float slope[LANES], float *y, int64_t n)
{
	int64_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		IN_PLACE
		for (int l = 0; l < LANES; l++) {
			const float below = z[i + l] * slope[l];

			y[i + l] = x[i + l] > 0 ? z[i + l] : below;
		}
	}
	for (; i < n; i++)
		y[i] = x[i] > 0 ? z[i] : z[i] * slope[0];
}

struct job { const struct prelu *s; const float *x, *z, *w; float *y; };

static void some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const int64_t n = j->s->points * j->s->block, blocks = j->s->c / j->s->block;
	float slope[LANES];

	for (int64_t i = lo; i < hi; i++) {
		load_slopes(j->s, j->w, i % blocks, slope);
		run(j->x + i * n, j->z + i * n, slope, j->y + i * n, n);
	}
}

static void apply(const struct prelu *s, struct job *j)
{
	j->s = s;
	thread_for(s->n * (s->c / s->block), 8, some, j);
}

void prelu_forward(const struct prelu *s, const float *x, const float *w, float *y)
{
	apply(s, &(struct job){ .x = x, .z = x, .w = w, .y = y });
}

/* The sums of x dy where x is not above zero, by lanes, are added to total. */
SIMD static void dot_below(const float *x, const float *dy, int64_t n, double total[LANES])
{
	float sum[LANES] = { 0 };
	int64_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int l = 0; l < LANES; l++) {
			const float part = x[i + l] * dy[i + l];

			sum[l] += x[i + l] > 0 ? 0 : part;
		}
	for (; i < n; i++)
		sum[0] += x[i] > 0 ? 0 : x[i] * dy[i];
	for (int l = 0; l < LANES; l++)
		total[l] += sum[l];
}

struct dw_job { const struct prelu *s; const struct prelu_dx *a; };

#define CHUNK 4096                      /* numbers that are added in single floats */

/* Blocks of channels lo..hi. */
static void dw_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct dw_job *j = ctx;
	const struct prelu *s = j->s;
	const int64_t n = s->points * s->block, blocks = s->c / s->block;

	for (int64_t c = lo; c < hi; c++) {
		double total[LANES] = { 0 };

		for (int64_t i = 0; i < s->n; i++)
			for (int64_t at = 0; at < n; at += CHUNK)
				dot_below(j->a->x + (i * blocks + c) * n + at,
				          j->a->dy + (i * blocks + c) * n + at,
				          n - at < CHUNK ? n - at : CHUNK, total);
		for (int l = 1; l < LANES && s->block == 1; l++)
			total[0] += total[l];
		for (int l = 0; l < s->block; l++)
			j->a->work[c * s->block + l] = (float)total[l];
	}
}

void prelu_dx(const struct prelu *s, const struct prelu_dx *a)
{
	struct dw_job j = { s, a };
	double all = 0;

	if (a->dw) {                            /* first: dx may be written over dy */
		thread_for(s->c / s->block, 1, dw_some, &j);
		for (int64_t c = 0; c < s->c; c++) {
			all += a->work[c];
			a->dw[s->shared ? 0 : c] = s->shared ? (float)all : a->work[c];
		}
	}
	if (a->dx)
		apply(s, &(struct job){ .x = a->x, .z = a->dy, .w = a->w, .y = a->dx });
}
