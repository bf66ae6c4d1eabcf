/* gates.h -- what one step of a recurrence does with one sequence's numbers. */
#ifndef CPU_GATES_H
#define CPU_GATES_H

#include "compute/ir/graph.h"

struct gates_at {
	const struct ir_node *node;
	const void *const    *in;
	void *const          *out;          /* NULL: not wanted                                    */
	int64_t               n;            /* numbers of a state                                  */
	int64_t               sequence;
	int64_t               place, before;    /* rows of [N*T]: of this step, of the one before it,
	                                         * or -1: it is the first, from h0 and c0           */
	const float          *h0, *c0;          /* [N][n] or NULL: zeros                            */
	float                *h, *c;            /* states, or gradients of them: moved on           */
	float                *product;          /* forward: w h, which may be overwritten           */
};

/* Backward leaves in h what goes past the gates. */
typedef void gates_fn(const struct gates_at *g);
gates_fn *gates_of(const struct ir_node *n);

#endif
