/* factors.h -- the gradient of a dense layer's weights as its two factors.
 *
 *   dw[k][c] = sum over ranks and their rows of dy[row][k] x[row][c]
 *
 * Between hosts x and dy of all ranks may be fewer numbers than dw (sufficient factor broadcasting:
 * Xie et al. 2016).  A rank's factors lie as the product reads them, in panels that are a few
 * columns wide; what is left over makes a narrower one:
 *
 *   | head | x: panels [rows][32] | dy: panels [rows][8] |
 *
 * Behind a relu or a dropout half of dy and more is zeros.  These are then neither sent nor
 * multiplied: a mark for each number says whether it is there.
 *
 *   | head | x: panels [rows][32] | marks[k][64 rows to a word] | numbers by k and row |
 *
 * The product adds in the order of ranks and rows, so that its bits depend on the numbers alone,
 * whatever the number of threads; and on whether the processor multiplies and adds in one. */
#ifndef CPU_FACTORS_H
#define CPU_FACTORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct factors { int64_t rows, c, k; };        /* rows: at most, of a rank */

/* The first of a rank's floats; its size is IR_FACTORS_HEAD of them. */
struct factors_head {
	uint32_t floats;                       /* that there are, with these; 0: no rows   */
	uint32_t sparse;                       /* dy has marks                             */
	uint32_t unused[14];
};

size_t factors_count(const struct factors *f); /* floats of a rank, at most */
/* x[n][c] and dy[n][k], n <= rows; rows that are not there are zeros. */
void   factors_pack(const struct factors *f, int64_t n, const float *x, const float *dy, float *to);
/* all[ranks][factors_count] -> dw[k][c].  TT_EINTERNAL: what a rank left cannot be right. */
tt_status factors_multiply(const struct factors *f, const float *all, int ranks, float *dw);
int    factors_fused(void);                    /* in one? */

#endif
