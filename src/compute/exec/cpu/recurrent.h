/* recurrent.h -- RNN, LSTM, GRU and their gradients on f32.
 *
 * A step is a product with weights that were packed once, then its gates, in one pass over them.
 * Sequences are taken longest first, so that those which have a step to go are side by side.
 * Threads share out sequences, not steps: they meet at the end alone. */
#ifndef CPU_RECURRENT_H
#define CPU_RECURRENT_H

#include "compute/ir/graph.h"

/* Floats of the weights as its steps read them, and how they get there from w[gates*H][H]. */
size_t recurrent_weights(const struct ir_node *n);
void   recurrent_pack(const struct ir_node *n, const float *w, float *to);

size_t recurrent_scratch(const struct ir_node *n);      /* bytes */

/* in, out: as the op has them; those of out that the steps need whether somebody wants them or not
 * (recurrent_needs) are there.  A wrong length is told by *status. */
struct recurrent {
	const struct ir_node *node;
	const void *const    *in;
	void *const          *out;
	const float          *weights;      /* packed */
	void                 *scratch;
	tt_status            *status;
};
int  recurrent_needs(const struct ir_node *n, int output);
void recurrent_run(const struct recurrent *r);

#endif
