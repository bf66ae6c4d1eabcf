/* ops.c -- the table of operations and their names. */
#include "compute/ir/infer.h"

static const struct ir_op_row rows[IR_OP_COUNT] = {
#define OP(NAME, word, imin, imax, out, text) [IR_##NAME] = { #word, imin, imax, out },
#include "compute/ir/ops.def"
#undef OP
};

static const char *const acts[] = {
	[ACT_NONE] = "none", [ACT_RELU] = "relu", [ACT_LEAKY_RELU] = "leaky_relu",
	[ACT_ELU] = "elu", [ACT_GELU] = "gelu", [ACT_SILU] = "silu",
	[ACT_SIGMOID] = "sigmoid", [ACT_TANH] = "tanh",
};

const struct ir_op_row *ir_op_row(enum ir_op op)
{
	return &rows[op];
}

const char *ir_op_name(enum ir_op op)
{
	return rows[op].name;
}

const char *ir_act_name(enum ir_act a)
{
	return acts[a];
}
