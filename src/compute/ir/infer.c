/* infer.c -- the shapes of outputs: types of the inputs, count, then the rule of the op. */
#include "compute/ir/op.h"

#include <string.h>

#include "compute/ir/op/loss.h"

/* The letter of ops.def for input i: the last one goes on. */
static char type_of(const struct ir_node *n, int i)
{
	const char *types = ir_op_row(n->op)->types;
	int last = (int)strlen(types) - 1;

	return types[i < last ? i : last];
}

static int takes(char type, enum dtype is)
{
	switch (type) {
	case 'f': return is == DTYPE_F32;
	case 'i': return is == DTYPE_S32;
	case 'n': return is == DTYPE_S32 || is == DTYPE_F32;
	case 'u': return is == DTYPE_U8;
	case 's': return is == DTYPE_F32 || is == DTYPE_S32;
	default:  return 1;
	}
}

static enum dtype wanted(char type)
{
	return type == 'u' ? DTYPE_U8 : type == 'f' || type == 's' ? DTYPE_F32 : DTYPE_S32;
}

static tt_status check_dtypes(const struct ir_node *n)
{
	char text[IR_VALUE_TEXT];

	for (int i = 0; i < n->n_in; i++) {
		enum dtype is = n->in[i]->desc.dtype;
		char type = type_of(n, i);

		if (!takes(type, is))
			return ir_bad(n, TT_ESHAPE, "%s is %s, input %d must be %s",
			              ir_value_text(n->in[i], text), dtype_name(is), i,
			              dtype_name(wanted(type)));
	}
	return TT_OK;
}

tt_status ir_infer(struct ir_node *n, struct tensor_desc out[IR_MAX_OUT])
{
	tt_status st;

	if ((unsigned)n->attr.act >= ACT_COUNT)
		return ir_bad(n, TT_EINVAL, "there is no activation number %d", (int)n->attr.act);
	if (ir_op_outputs(n) < 1 || ir_op_outputs(n) > IR_MAX_OUT)
		return ir_bad(n, TT_EINVAL, "%d parts: 1 to %d are possible", n->attr.parts, IR_MAX_OUT);
	if ((st = check_dtypes(n)) != TT_OK || (st = ir_op_row(n->op)->infer(n, out)) != TT_OK)
		return st;
	for (int i = 0; i < ir_op_outputs(n); i++)
		if ((st = tensor_check(&out[i])) != TT_OK)
			return err_at(st, "%s (%s)", n->name, ir_op_name(n->op));
	return TT_OK;
}

/* An op that is not named here is measured and tested with zeros, which are always valid. */
int64_t ir_index_limit(const struct ir_node *n, int i)
{
	const struct ir_attr *a = &n->attr;

	if (type_of(n, i) == 's')       /* lengths: every place of a sequence, and none */
		return n->in[i]->desc.dtype == DTYPE_S32 ? n->in[0]->desc.dim[1] + 1 : 0;
	if (type_of(n, i) != 'i' && type_of(n, i) != 'n')
		return 0;
	switch (n->op) {
	case IR_XENT: case IR_XENT_DX:
		return n->in[0]->desc.dim[1];
	case IR_CTC:
		return n->in[0]->desc.dim[2];
	case IR_EMBEDDING:
		return n->in[1]->desc.dim[0];
	case IR_EMBEDDING_DW:
		return a->dims[0];
	case IR_INDEX:
		return n->in[0]->desc.dim[a->axis];
	case IR_INDEX_DX:
		return a->dims[a->axis];
	default:
		return 1;
	}
}

size_t ir_scratch(const struct ir_node *n)
{
	return n->op == IR_CTC ? ctc_scratch(n) : 0;
}
