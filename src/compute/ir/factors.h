/* factors.h -- layers whose weights' gradient is a product of two factors, and what these are.
 *
 *   dw[k][c][tap] = sum over samples n and places p of dy[n][k][p] x[n][c][from(tap, p)]
 *
 * A dense layer has one place and one tap.  A convolution over so few places that its input and
 * its gradient are fewer numbers than its weights has them, too. */
#ifndef IR_FACTORS_H
#define IR_FACTORS_H

#include "compute/ir/graph.h"

#define IR_FACTORS_HEAD  16             /* floats in front of a rank's two factors */
#define IR_FACTORS_PAIRS 256            /* of places and taps, at most             */

struct factors {
	int64_t     rows, c, k;         /* samples of a rank, at most; channels of x and of dy */
	int         x, y, taps;         /* places of x, of dy; weights between two channels    */
	signed char from[IR_FACTORS_PAIRS];     /* [taps][y] of x's places; -1: outside        */
};

/* Of a layer with x and y of these shapes, dense or a convolution with attributes a: 0: it has no
 * such factors.  The places of dy divide 64. */
int     ir_factors(const struct ir_attr *a, const struct tensor_desc *x,
                   const struct tensor_desc *y, int64_t rows, struct factors *f);
int     ir_layer_factors(const struct ir_node *layer, int64_t rows, struct factors *f);
int64_t ir_factors_floats(const struct factors *f);     /* of a rank, at most, with the head */
int64_t ir_factors_weights(const struct factors *f);
double  ir_factors_flops(const struct factors *f);      /* of the product of one rank's      */

#endif
