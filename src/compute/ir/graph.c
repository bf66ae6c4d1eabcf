/* graph.c -- build a graph: values, nodes, their order. */
#include "compute/ir/graph.h"

#include "base/hash.h"
#include "base/mem.h"
#include "compute/ir/edit.h"
#include "compute/ir/op.h"

tt_status ir_graph_new(struct ir_graph **out)
{
	struct ir_graph *g = mem_calloc(1, sizeof *g);

	if (!g)
		return TT_ENOMEM;
	*out = g;
	return TT_OK;
}

void ir_graph_free(struct ir_graph **g)
{
	if (!*g)
		return;
	mem_free((*g)->value);
	arena_release(&(*g)->arena);
	mem_free(*g);
	*g = NULL;
}

static tt_status reserve_values(struct ir_graph *g, int more)
{
	struct ir_value **table;
	int cap = g->cap_values ? g->cap_values : 64;

	while (cap < g->n_values + more)
		cap *= 2;
	if (cap == g->cap_values)
		return TT_OK;
	table = mem_realloc(g->value, (size_t)cap * sizeof *table);
	if (!table)
		return TT_ENOMEM;
	g->value = table;
	g->cap_values = cap;
	return TT_OK;
}

/* Room in the table must have been reserved. */
static struct ir_value *add_value(struct ir_graph *g, enum ir_kind kind, const char *name,
                                  const struct tensor_desc *d)
{
	struct ir_value *v = arena_alloc(&g->arena, sizeof *v);

	if (!v)
		return NULL;
	v->kind = kind;
	v->name = name;
	v->desc = *d;
	v->id = g->n_values;
	g->value[g->n_values++] = v;
	return v;
}

/* A value that comes from outside. */
static struct ir_value *add_leaf(struct ir_graph *g, enum ir_kind kind, const char *name,
                                 const struct tensor_desc *d)
{
	struct ir_value *v;
	char *copy;

	if (tensor_check(d) != TT_OK) {
		err_at(TT_ESHAPE, "%s", name);
		return NULL;
	}
	if (ir_find(g, name)) {
		err_set(TT_EINVAL, "the graph has two inputs or parameters named '%s'", name);
		return NULL;
	}
	if (reserve_values(g, 1) != TT_OK)
		return NULL;
	copy = arena_strdup(&g->arena, name);
	v = copy ? add_value(g, kind, copy, d) : NULL;
	if (v)
		v->hash = hash_text(name);
	return v;
}

struct ir_value *ir_input(struct ir_graph *g, const char *name, const struct tensor_desc *d)
{
	struct ir_value *v = add_leaf(g, IR_INPUT, name, d);

	if (v)
		v->index = g->n_inputs++;
	return v;
}

/* A value in a flat vector of `*total` elements, which grows to hold it. */
static struct ir_value *add_stored(struct ir_graph *g, enum ir_kind kind, const char *name,
                                   const struct tensor_desc *d, size_t offset)
{
	size_t *total = kind == IR_PARAM ? &g->param_count : &g->buffer_count;
	struct ir_value *v = add_leaf(g, kind, name, d);
	size_t end;

	if (!v)
		return NULL;
	if (__builtin_add_overflow(offset, (size_t)tensor_count(d), &end)) {
		err_set(TT_ESHAPE, "%s: offset %zu is outside any memory", name, offset);
		return NULL;
	}
	v->offset = offset;
	v->wants_grad = kind == IR_PARAM;
	if (*total < end)
		*total = end;
	return v;
}

struct ir_value *ir_param(struct ir_graph *g, const char *name, const struct tensor_desc *d,
                          size_t offset)
{
	return add_stored(g, IR_PARAM, name, d, offset);
}

void ir_freeze(struct ir_value *param)
{
	param->wants_grad = 0;
}

struct ir_value *ir_buffer(struct ir_graph *g, const char *name, const struct tensor_desc *d,
                           size_t offset)
{
	return add_stored(g, IR_BUFFER, name, d, offset);
}

static struct ir_node *new_node(struct ir_graph *g, enum ir_op op, const char *name,
                                const struct ir_attr *attr)
{
	struct ir_node *n = arena_alloc(&g->arena, sizeof *n);

	if (!n)
		return NULL;
	n->op = op;
	n->name = arena_strdup(&g->arena, name ? name : ir_op_name(op));
	if (attr)
		n->attr = *attr;
	return n->name ? n : NULL;
}

static tt_status set_inputs(struct ir_graph *g, struct ir_node *n, struct ir_value *const *in,
                            int n_in)
{
	const struct ir_op_row *row = ir_op_row(n->op);

	if (n_in < row->in_min || n_in > row->in_max)
		return ir_bad(n, TT_EINVAL, "%d inputs given, it takes %d to %d", n_in, row->in_min,
		              row->in_max);
	n->in = arena_alloc(&g->arena, (size_t)(n_in + 1) * sizeof n->in[0]);
	if (!n->in)
		return TT_ENOMEM;
	for (int i = 0; i < n_in; i++)
		n->in[i] = in[i];
	n->n_in = n_in;
	return TT_OK;
}

static void link_last(struct ir_graph *g, struct ir_node *n)
{
	n->id = g->n_nodes++;
	n->prev = g->last;
	if (g->last)
		g->last->next = n;
	else
		g->first = n;
	g->last = n;
}

/* The outputs that the op's row calls differentiable carry a gradient: the others are what a layer
 * keeps for its backward step (masks, means), or probabilities. */
static void mark_wanted(struct ir_node *n)
{
	unsigned grads = ir_op_row(n->op)->grads;
	int wants = 0;

	for (int i = 0; i < n->n_in; i++)
		wants |= n->in[i]->wants_grad;
	for (int i = 0; i < n->n_out; i++)
		n->out[i]->wants_grad = wants && grads >> i & 1;
}

static tt_status add_outputs(struct ir_graph *g, struct ir_node *n)
{
	struct tensor_desc out[IR_MAX_OUT] = {{0}};
	tt_status st;

	if ((st = ir_infer(n, out)) != TT_OK)
		return st;
	if ((st = reserve_values(g, ir_op_outputs(n))) != TT_OK)
		return st;
	for (int i = 0; i < ir_op_outputs(n); i++) {
		struct ir_value *v = add_value(g, IR_TEMP, n->name, &out[i]);

		if (!v) {
			g->n_values -= n->n_out;      /* as if it had never been tried */
			return TT_ENOMEM;
		}
		v->maker = n;
		v->index = i;
		n->out[n->n_out++] = v;
	}
	return TT_OK;
}

struct ir_node *ir_emit(struct ir_graph *g, enum ir_op op, const char *name,
                        struct ir_value *const *in, int n_in, const struct ir_attr *attr)
{
	struct ir_node *n;

	for (int i = 0; i < n_in; i++)
		if (!in[i])
			return NULL;      /* the call that should have made it has said why */
	n = new_node(g, op, name, attr);
	if (!n || set_inputs(g, n, in, n_in) != TT_OK || add_outputs(g, n) != TT_OK)
		return NULL;
	mark_wanted(n);
	link_last(g, n);
	return n;
}

void ir_output(struct ir_graph *g, struct ir_value *v)
{
	if (!v->output)
		v->output = ++g->n_outputs;
}
