/* factors.h -- the gradient of a layer's weights as its two factors, x and dy (ir/factors.h).
 *
 * Between hosts these of all ranks may be fewer numbers than the gradient (sufficient factor
 * broadcasting: Xie et al. 2016).  A rank's factors lie as the product reads them, a row for each
 * place of each sample, in panels that are a few channels wide; what is left over makes a narrower
 * one:
 *
 *   | head | x: panels [rows][32] | dy: panels [rows][8] |
 *
 * Behind a relu, a max pooling or a dropout half of dy and more is zeros.  These are then neither
 * sent nor multiplied: a mark for each number says whether it is there.
 *
 *   | head | x: panels [rows][32] | marks[64 rows][k], a word each | numbers by mark |
 *
 * The product adds in the order of ranks, samples and places, so that its bits depend on the
 * numbers alone, whatever the number of threads; and on whether the processor multiplies and adds
 * in one. */
#ifndef CPU_FACTORS_H
#define CPU_FACTORS_H

#include <stdint.h>

#include "compute/exec/host/product.h"

/* The first of a rank's floats; its size is IR_FACTORS_HEAD of them. */
struct factors_head {
	uint32_t floats;                       /* that there are, with these; 0: no samples */
	uint32_t sparse;                       /* dy has marks                              */
	uint32_t unused[14];
};

/* x[n][c][places] and dy[n][k][places], n <= rows; samples that are not there are zeros. */
void factors_pack(const struct factors *f, int64_t n, const float *x, const float *dy, float *to);
/* Of what factors_pack leaves. */
extern const struct product_ops factors_product;

#endif
