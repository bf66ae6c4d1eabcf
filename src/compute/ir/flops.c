/* flops.c -- how much arithmetic a node is.
 *
 * Exact for convolutions and matrix products, which is where the time goes; the rest is counted
 * by element, roughly. */
#include "compute/ir/op.h"

double ir_flops(const struct ir_node *n)
{
	const struct ir_op_row *row = ir_op_row(n->op);

	if (row->flops)
		return row->flops(n);
	if (row->per_in > 0)
		return row->per_in * ir_count(n->in[0]);
	return row->per_out * ir_count(n->out[0]);
}
