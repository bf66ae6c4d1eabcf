/* ref.h -- the definition of every operation, in plain C.
 *
 * Slow on purpose: loops over indices, double accumulators where sums are long, no blocking.
 * All tensors are plain row-major.  Every faster kernel is tested against these. */
#ifndef REF_REF_H
#define REF_REF_H

#include "compute/exec/run.h"
#include "compute/ir/graph.h"

struct ref_args {
	const struct ir_node     *node;
	const void *const        *in;      /* node->n_in pointers; absent optional ones are not there */
	void *const              *out;     /* node->n_out pointers; NULL: nobody wants that one       */
	const struct run_context *run;
};

typedef void (*ref_fn)(const struct ref_args *a);
extern const ref_fn ref_kernel[IR_OP_COUNT];

#endif
