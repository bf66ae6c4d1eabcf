/* rows.h -- what becomes of each operation in ONNX.  Private to this folder, and to its test. */
#ifndef ONNX_OUT_ROWS_H
#define ONNX_OUT_ROWS_H

#include "compute/ir/graph.h"

struct emitter;

/* A function that emits it, or why there is none. */
struct out_row {
	tt_status  (*emit)(struct emitter *e, const struct ir_node *n);
	const char *why_not;
};
extern const struct out_row onnx_out_rows[IR_OP_COUNT];

#endif
