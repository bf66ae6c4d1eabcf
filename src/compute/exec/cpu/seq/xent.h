/* xent.h -- cross-entropy over many rows, as those of all places of sequences, and its gradient. */
#ifndef SEQ_XENT_H
#define SEQ_XENT_H

#include "compute/ir/graph.h"

/* Are there so many numbers that it pays?  Fewer have the definition's bits. */
int    xent_pays(const struct ir_node *n);
size_t xent_scratch(const struct ir_node *n);           /* bytes */

/* weight: of rows, or NULL; loss or prob may be NULL. */
struct xent {
	const float   *logits;
	const int32_t *label;
	const float   *weight;
	float         *loss, *prob;
	double        *scratch;
};
void xent_forward(const struct ir_node *n, const struct xent *a);

/* Of the definition's bits, whatever the size. */
struct xent_dx {
	const float   *prob;
	const int32_t *label;
	const float   *seed, *weight;
	float         *dx;                      /* may be prob */
};
void xent_backward(const struct ir_node *n, const struct xent_dx *a);

#endif
