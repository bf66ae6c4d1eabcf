#include "compute/exec/cpu/factors.h"

#include <string.h>

#include "base/simd.h"
#include "base/thread.h"

#define WIDE   32               /* columns in a panel of x: with TALL, sums for all registers */
#define TALL   8                /* of dy                                                      */
#define FLOPS  ((int64_t)1 << 20)       /* worth another thread */

size_t factors_count(const struct factors *f)
{
	return (size_t)(f->rows * (f->c + f->k));
}

/* ---- packing ---- */

/* from[n][columns] in panels of `width`. */
static void pack(const struct factors *f, int64_t n, const float *from, int64_t columns,
                 int64_t width, float *to)
{
	for (int64_t c = 0; c < columns; c += width) {
		const int64_t w = columns - c < width ? columns - c : width;

		for (int64_t r = 0; r < n; r++)
			memcpy(to + r * w, from + r * columns + c, (size_t)w * sizeof *to);
		memset(to + n * w, 0, (size_t)((f->rows - n) * w) * sizeof *to);
		to += f->rows * w;
	}
}

void factors_pack(const struct factors *f, int64_t n, const float *x, const float *dy, float *to)
{
	pack(f, n, x, f->c, WIDE, to);
	pack(f, n, dy, f->k, TALL, to + f->rows * f->c);
}

/* ---- the product ---- */

struct product {
	struct factors f;
	int64_t        step;            /* from one rank's factors to the next one's */
	int            ranks;
	const float   *all;
	float         *dw;
};

SIMD static void tile(const struct product *p, const float *x, const float *d, float *dw)
{
	float sum[TALL][WIDE] = { { 0 } };

	for (int r = 0; r < p->ranks; r++, x += p->step, d += p->step)
		for (int64_t n = 0; n < p->f.rows; n++)
#pragma GCC unroll 8
			for (int i = 0; i < TALL; i++)
				for (int j = 0; j < WIDE; j++)
					sum[i][j] += d[n * TALL + i] * x[n * WIDE + j];
	for (int i = 0; i < TALL; i++)
		memcpy(dw + i * p->f.c, sum[i], sizeof sum[i]);
}

/* The same of panels of other widths. */
SIMD static void edge(const struct product *p, const float *x, int64_t wide, const float *d,
                      int64_t tall, float *dw)
{
	for (int64_t i = 0; i < tall; i++) {
		float sum[WIDE] = { 0 };

		for (int r = 0; r < p->ranks; r++)
			for (int64_t n = 0; n < p->f.rows; n++)
				for (int64_t j = 0; j < wide; j++)
					sum[j] += d[r * p->step + n * tall + i] * x[r * p->step + n * wide + j];
		memcpy(dw + i * p->f.c, sum, (size_t)wide * sizeof *sum);
	}
}

static void panels(void *ctx, int64_t lo, int64_t hi)
{
	const struct product *p = ctx;
	const float *dy = p->all + p->f.rows * p->f.c;

	for (int64_t c = lo * WIDE; c < p->f.c && c < hi * WIDE; c += WIDE) {
		const int64_t wide = p->f.c - c < WIDE ? p->f.c - c : WIDE;
		const float *x = p->all + p->f.rows * c;

		for (int64_t k = 0; k < p->f.k; k += TALL) {
			const int64_t tall = p->f.k - k < TALL ? p->f.k - k : TALL;
			const float *d = dy + p->f.rows * k;
			float *dw = p->dw + k * p->f.c + c;

			if (wide == WIDE && tall == TALL)
				tile(p, x, d, dw);
			else
				edge(p, x, wide, d, tall, dw);
		}
	}
}

void factors_multiply(const struct factors *f, const float *all, int ranks, float *dw)
{
	struct product p = { *f, (int64_t)factors_count(f), ranks, all, dw };
	const int64_t each = 2 * ranks * f->rows * f->k * WIDE;

	thread_for((f->c + WIDE - 1) / WIDE, 1 + FLOPS / (each + 1), panels, &p);
}

/* Rounded, the product of the second rank is what the first has taken away. */
int factors_fused(void)
{
	static const float all[4] = { 1, -1 - 0x1p-11f, 1 + 0x1p-12f, 1 + 0x1p-12f };
	float left;

	factors_multiply(&(struct factors){ 1, 1, 1 }, all, 2, &left);
	return left != 0;
}
