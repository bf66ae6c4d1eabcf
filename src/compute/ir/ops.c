/* ops.c -- the table of operations, and the names of what they take. */
#include "compute/ir/op.h"

#define GRAD_NONE(name)  .grads = 1
#define GRAD_FIRST(name) .grads = 1, .grad = ir_grad_##name
#define GRAD_TWO(name)   .grads = 3, .grad = ir_grad_##name
#define GRAD_THREE(name) .grads = 7, .grad = ir_grad_##name
#define GRAD_EACH(name)  .grads = ~0u, .grad = ir_grad_##name
#define COST_OUT(name, k)  .per_out = k
#define COST_IN(name, k)   .per_in = k
#define COST_RULE(name, k) .flops = ir_flops_##name

#define SPEED_TIMED 1
#define SPEED_SAME  0

static const struct ir_op_row rows[IR_OP_COUNT] = {
#define OP(NAME, word, imin, imax, out, letters, gradient, cost, per, text) [IR_##NAME] = { \
	.name = #word, .in_min = imin, .in_max = imax, .n_out = out, .types = letters, \
	.infer = ir_infer_##word, GRAD_##gradient(word), COST_##cost(word, per) },
#include "compute/ir/ops.def"
#undef OP
};

const struct ir_attr_row ir_attr_rows[] = {
#define ATTR(type, field, what, speed, text) \
	{ #field, offsetof(struct ir_attr, field), 1, ATTR_##what, SPEED_##speed },
#define ATTRS(type, field, n, what, speed, text) \
	{ #field, offsetof(struct ir_attr, field), n, ATTR_##what, SPEED_##speed },
#include "compute/ir/attrs.def"
#undef ATTR
#undef ATTRS
	{ NULL, 0, 0, ATTR_INT, 0 },
};

static const char *const acts[] = {
	[ACT_NONE] = "none", [ACT_RELU] = "relu", [ACT_LEAKY_RELU] = "leaky_relu",
	[ACT_ELU] = "elu", [ACT_GELU] = "gelu", [ACT_SILU] = "silu",
	[ACT_SIGMOID] = "sigmoid", [ACT_TANH] = "tanh", [ACT_RELU6] = "relu6",
	[ACT_HARDSWISH] = "hardswish", [ACT_HARDSIGMOID] = "hardsigmoid",
};

const struct ir_op_row *ir_op_row(enum ir_op op)
{
	return &rows[op];
}

int ir_op_outputs(const struct ir_node *n)
{
	return rows[n->op].n_out ? rows[n->op].n_out : n->attr.parts;
}

const char *ir_op_name(enum ir_op op)
{
	return rows[op].name;
}

const char *ir_act_name(enum ir_act a)
{
	return acts[a];
}
