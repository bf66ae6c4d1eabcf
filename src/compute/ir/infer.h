/* infer.h -- the shapes of a node's outputs from those of its inputs.
 *
 * One function per row of ops.def, in infer_layers.c, infer_loss.c and infer_grads.c.  Each
 * checks its inputs and attributes, writes defaults into attributes left zero (stride of a
 * convolution 1, of a pool its kernel) and describes its outputs.  Knows nothing of the graph
 * around the node. */
#ifndef IR_INFER_H
#define IR_INFER_H

#include "compute/ir/graph.h"

#define IR_MAX_OUT 3

struct ir_op_row {
	const char *name;
	int         in_min, in_max, n_out;
};
const struct ir_op_row *ir_op_row(enum ir_op op);

/* Count, element types, then the op's own rule.  Outputs are checked by tensor_check. */
tt_status ir_infer(struct ir_node *n, struct tensor_desc out[IR_MAX_OUT]);

#define OP(NAME, name, imin, imax, n_out, text) \
	tt_status ir_infer_##name(struct ir_node *n, struct tensor_desc *out);
#include "compute/ir/ops.def"
#undef OP

/* For the rules: an error that begins with "conv1 (conv2d): ". */
tt_status ir_bad(const struct ir_node *n, tt_status st, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "64x3x32x32 from input 'x'" or "64x16x8x8 from conv3"; returns buf. */
#define IR_VALUE_TEXT 256
const char *ir_value_text(const struct ir_value *v, char buf[IR_VALUE_TEXT]);

/* Height and width after n's window (kernel, stride, pad, dilation) has slid over x[N,C,H,W]. */
tt_status ir_infer_window(struct ir_node *n, const struct tensor_desc *x, int64_t out[2]);

/* Inputs i and j have the same shape. */
tt_status ir_infer_same(const struct ir_node *n, int i, int j);
/* Input i has this shape. */
tt_status ir_infer_is(const struct ir_node *n, int i, int ndim, const int64_t *dim);

#endif
