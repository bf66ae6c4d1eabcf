/* packed.c -- see packed.h.
 *
 * Six rows and 64 columns of c fill the registers of AVX-512, six rows and 16 columns those of
 * AVX2.  A panel goes through the cache in pieces that all rows meet. */
#include "compute/exec/cpu/packed.h"

#include <string.h>

#include "compute/exec/cpu/lanes/lanes_square.h"

#define VECS  (PACKED_PANEL / LANES)
#define ROWS  6
#define DEPTH 128               /* of a piece: 32 KB of b */

typedef vec loose __attribute__((aligned(sizeof(float)), may_alias));

int64_t packed_width(int64_t cols)
{
	return (cols + PACKED_PANEL - 1) / PACKED_PANEL * PACKED_PANEL;
}

size_t packed_floats(const struct packed *p)
{
	return (size_t)(packed_width(p->cols) * p->k);
}

struct packed_part packed_all(const struct packed *p)
{
	return (struct packed_part){ 0, p->k, 0, p->cols };
}

void packed_from_rows(const struct packed *p, const float *b, float *to)
{
	for (int64_t col = 0; col < p->cols; col += PACKED_PANEL) {
		const int64_t left = p->cols - col, n = left < PACKED_PANEL ? left : PACKED_PANEL;

		for (int64_t k = 0; k < p->k; k++, to += PACKED_PANEL) {
			memcpy(to, b + k * p->stride + col, (size_t)n * sizeof *to);
			memset(to + n, 0, (size_t)(PACKED_PANEL - n) * sizeof *to);
		}
	}
}

/* Rows k.. of a panel, so few that what is read and written stays in the cache. */
SIMD static void turn(const float *b, int64_t stride, int64_t cols, int64_t rows, float *to)
{
	const int64_t whole = rows == LANES ? cols / LANES * LANES : 0;

	for (int64_t i = 0; i < whole; i += LANES) {
		vec row[LANES];

		square_load(row, b + i * stride, stride);
		square_turn(row);
		square_store(row, to + i, PACKED_PANEL);
	}
	for (int64_t i = whole; i < cols; i++)
		for (int64_t k = 0; k < rows; k++)
			to[k * PACKED_PANEL + i] = b[i * stride + k];
	for (int64_t i = cols; i < PACKED_PANEL; i++)
		for (int64_t k = 0; k < rows; k++)
			to[k * PACKED_PANEL + i] = 0;
}

void packed_from_columns(const struct packed *p, const float *b, float *to)
{
	for (int64_t col = 0; col < p->cols; col += PACKED_PANEL, b += PACKED_PANEL * p->stride) {
		const int64_t left = p->cols - col, n = left < PACKED_PANEL ? left : PACKED_PANEL;

		for (int64_t k = 0; k < p->k; k += LANES, to += LANES * PACKED_PANEL)
			turn(b + k, p->stride, n, p->k - k < LANES ? p->k - k : LANES, to);
		to -= (LANES - p->k % LANES) % LANES * PACKED_PANEL;
	}
}

/* A piece of the product: k steps of the rows from `at` on. */
struct piece {
	const float *const *a;
	int64_t             at, k;
	const float        *b;
	float              *c;
	int64_t             width;
	int                 fresh;
};

INLINE void tile(const struct piece *p, const int rows, const int vecs)
{
	vec sum[ROWS][VECS];

#pragma GCC unroll 8
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
		for (int v = 0; v < vecs; v++)
			sum[i][v] = p->fresh ? (vec){ 0 } : ((const loose *)(p->c + i * p->width))[v];
	for (int64_t k = 0; k < p->k; k++) {
		const loose *b = (const loose *)(p->b + k * PACKED_PANEL);

#pragma GCC unroll 8
		for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
			for (int v = 0; v < vecs; v++)
				sum[i][v] += p->a[i][p->at + k] * b[v];
	}
#pragma GCC unroll 8
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
		for (int v = 0; v < vecs; v++)
			((loose *)(p->c + i * p->width))[v] = sum[i][v];
}

INLINE void tiles(const struct piece *p, int64_t rows, const int vecs)
{
	switch (rows) {
	case 1:  tile(p, 1, vecs); return;
	case 2:  tile(p, 2, vecs); return;
	case 3:  tile(p, 3, vecs); return;
	case 4:  tile(p, 4, vecs); return;
	case 5:  tile(p, 5, vecs); return;
	default: tile(p, 6, vecs); return;
	}
}

SIMD static void piece_wide(const struct piece *p, int64_t rows)
{
	tiles(p, rows, VECS);
}

SIMD static void piece_narrow(const struct piece *p, int64_t rows)
{
	struct piece part = *p;

	for (int v = 0; v < VECS; v++, part.b += LANES, part.c += LANES)
		tiles(&part, rows, 1);
}

static int has_many_registers(void)
{
#ifdef __x86_64__
	return __builtin_cpu_supports("avx512f");
#else
	return 1;
#endif
}

void packed_times(const struct packed *p, const struct packed_part *part,
                  const struct packed_rows *rows, const float *b, float *c)
{
	void (*const run)(const struct piece *, int64_t) =
		has_many_registers() ? piece_wide : piece_narrow;
	const int64_t width = packed_width(part->col_hi - part->col_lo);

	for (int64_t col = part->col_lo; col < part->col_hi; col += PACKED_PANEL)
		for (int64_t k = part->k_lo; k < part->k_hi; k += DEPTH) {
			const int64_t left = part->k_hi - k, depth = left < DEPTH ? left : DEPTH;
			const float *at = b + col * p->k + k * PACKED_PANEL;

			for (int64_t r = 0; r < rows->n; r += ROWS) {
				const struct piece t = { rows->a + r, k - part->k_lo, depth, at,
				                         c + r * width + col - part->col_lo, width,
				                         k == part->k_lo };

				run(&t, rows->n - r < ROWS ? rows->n - r : ROWS);
			}
		}
}
