/* print.c -- a graph as text, a line a node.
 *
 *   input x 64x3x32x32
 *   param conv1.weight 16x3x3x3 at 0
 *   %5 = conv2d conv1 (x, conv1.weight) 64x16x32x32 kernel=3,3 stride=1,1 pad=1,1,1,1 act=relu
 *
 * "*" marks a node made by ir_backward. */
#include "compute/ir/graph.h"

#include <string.h>

static void print_name(const struct ir_value *v, struct str *out)
{
	if (v->kind == IR_TEMP)
		str_addf(out, "%%%d", v->id);
	else
		str_add(out, v->name);
}

static void print_leaf(const struct ir_value *v, struct str *out)
{
	static const char *const words[] = { [IR_INPUT] = "input", [IR_PARAM] = "param",
	                                     [IR_BUFFER] = "buffer" };
	char shape[TENSOR_TEXT];

	str_addf(out, "%s %s %s", words[v->kind], v->name, tensor_text(&v->desc, shape));
	if (v->desc.dtype != DTYPE_F32)
		str_addf(out, " %s", dtype_name(v->desc.dtype));
	if (v->kind != IR_INPUT)
		str_addf(out, " at %zu", v->offset);
	if (v->grad)
		str_addf(out, " grad %%%d", v->grad->id);
	str_add(out, "\n");
}

static int is_zero(const struct ir_attr_row *row, const char *field)
{
	static const struct ir_attr none;

	return memcmp(field, (const char *)&none + row->offset,
	              (size_t)row->count * (row->kind == ATTR_I64 ? 8 : 4)) == 0;
}

static void print_field(const struct ir_attr_row *row, const char *field, struct str *out)
{
	for (int i = 0; i < row->count; i++) {
		str_add(out, i ? "," : "");
		if (row->offset == offsetof(struct ir_attr, act))
			str_add(out, ir_act_name(*(const enum ir_act *)(const void *)field));
		else if (row->kind == ATTR_INT)
			str_addf(out, "%d", ((const int *)(const void *)field)[i]);
		else if (row->kind == ATTR_I64)
			str_addf(out, "%lld", (long long)((const int64_t *)(const void *)field)[i]);
		else
			str_addf(out, "%g", (double)((const float *)(const void *)field)[i]);
	}
}

/* Attributes that are not zero: all, or those that the speed may depend on. */
enum which { ALL, TIMED };

static void print_attr(const struct ir_attr *a, enum which which, struct str *out)
{
	for (const struct ir_attr_row *row = ir_attr_rows; row->name; row++) {
		const char *field = (const char *)a + row->offset;

		if ((which == TIMED && !row->timed) || is_zero(row, field))
			continue;
		str_addf(out, " %s=", row->name);
		print_field(row, field, out);
	}
}

void ir_attr_key(const struct ir_attr *a, struct str *out)
{
	print_attr(a, TIMED, out);
}

static void print_node(const struct ir_node *n, struct str *out)
{
	char shape[TENSOR_TEXT];

	for (int i = 0; i < n->n_out; i++)
		str_addf(out, "%s%%%d", i ? ", " : "", n->out[i]->id);
	str_addf(out, " =%s %s %s (", n->backward ? "*" : "", ir_op_name(n->op), n->name);
	for (int i = 0; i < n->n_in; i++) {
		str_add(out, i ? ", " : "");
		print_name(n->in[i], out);
	}
	str_addf(out, ") %s", tensor_text(&n->out[0]->desc, shape));
	print_attr(&n->attr, ALL, out);
	if (n->out[0]->output)
		str_addf(out, " -> output %d", n->out[0]->output);
	str_add(out, "\n");
}

void ir_print(const struct ir_graph *g, struct str *out)
{
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i] && g->value[i]->kind != IR_TEMP)
			print_leaf(g->value[i], out);
	for (const struct ir_node *n = g->first; n; n = n->next)
		print_node(n, out);
}
