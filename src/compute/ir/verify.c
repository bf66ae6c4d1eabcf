/* verify.c -- the grammar of graphs.
 *
 * The rules, one function each: the node list is sound; every value stands in the table under its
 * id; every node reads only what was made before it and is the one maker of its outputs; shapes are
 * those that the op's rule gives; inputs and outputs are numbered without gaps; parameters do not
 * overlap in the flat vector and neither share nor misshape their gradients. */
#include "compute/ir/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compute/ir/op.h"

#define BROKEN(n, ...) ir_bad(n, TT_EINTERNAL, __VA_ARGS__)

static tt_status check_list(const struct ir_graph *g)
{
	const struct ir_node *prev = NULL;
	int n = 0;

	for (const struct ir_node *k = g->first; k; prev = k, k = k->next, n++) {
		if (k->prev != prev)
			return BROKEN(k, "the node list is torn in front of it");
		if (k->id != n)
			return BROKEN(k, "it is node %d but stands at place %d", k->id, n);
	}
	if (g->last != prev || g->n_nodes != n)
		return err_set(TT_EINTERNAL, "graph: %d nodes counted, %d listed", g->n_nodes, n);
	return TT_OK;
}

static tt_status check_table(const struct ir_graph *g)
{
	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];

		if (!v)
			return err_set(TT_EINTERNAL, "graph: value %d is missing", i);
		if (v->id != i)
			return err_set(TT_EINTERNAL, "graph: value %d of %s stands at place %d",
			               v->id, v->name, i);
		if (tensor_check(&v->desc) != TT_OK)
			return err_at(TT_EINTERNAL, "value %d of %s", i, v->name);
		if (v->kind == IR_TEMP && !v->maker)
			return err_set(TT_EINTERNAL, "graph: nobody makes value %d of %s", i, v->name);
	}
	return TT_OK;
}

static int in_table(const struct ir_graph *g, const struct ir_value *v)
{
	return v->id >= 0 && v->id < g->n_values && g->value[v->id] == v;
}

/* Node ids are places by now, so "before" is a comparison. */
static tt_status check_inputs(const struct ir_graph *g, const struct ir_node *n)
{
	const struct ir_op_row *row = ir_op_row(n->op);

	if (n->n_in < row->in_min || n->n_in > row->in_max)
		return BROKEN(n, "it has %d inputs, %d to %d are allowed", n->n_in, row->in_min,
		              row->in_max);
	for (int i = 0; i < n->n_in; i++) {
		const struct ir_value *v = n->in[i];

		if (!v || !in_table(g, v))
			return BROKEN(n, "input %d is not a value of this graph", i);
		if (v->kind == IR_TEMP && v->maker->id >= n->id)
			return BROKEN(n, "input %d is read before %s makes it", i, v->name);
	}
	return TT_OK;
}

static tt_status check_outputs(const struct ir_graph *g, const struct ir_node *n)
{
	if (n->n_out != ir_op_outputs(n))
		return BROKEN(n, "it has %d outputs, not %d", n->n_out, ir_op_outputs(n));
	for (int i = 0; i < n->n_out; i++) {
		const struct ir_value *v = n->out[i];

		if (!v || !in_table(g, v))
			return BROKEN(n, "output %d is not a value of this graph", i);
		if (v->kind != IR_TEMP || v->maker != n || v->index != i)
			return BROKEN(n, "output %d has another maker", i);
	}
	return TT_OK;
}

static tt_status check_shapes(const struct ir_node *n)
{
	struct tensor_desc out[IR_MAX_OUT] = {{0}};
	char is[TENSOR_TEXT], want[TENSOR_TEXT];
	struct ir_node copy = *n;      /* the rule writes defaults into attributes */

	if (ir_infer(&copy, out) != TT_OK)
		return err_at(TT_EINTERNAL, "verify");
	for (int i = 0; i < n->n_out; i++)
		if (!tensor_same(&out[i], &n->out[i]->desc))
			return BROKEN(n, "output %d is %s, its rule says %s", i,
			              tensor_text(&n->out[i]->desc, is), tensor_text(&out[i], want));
	return TT_OK;
}

static tt_status check_nodes(const struct ir_graph *g)
{
	tt_status st;

	for (const struct ir_node *n = g->first; n; n = n->next)
		if ((st = check_inputs(g, n)) != TT_OK || (st = check_outputs(g, n)) != TT_OK ||
		    (st = check_shapes(n)) != TT_OK)
			return st;
	return TT_OK;
}

/* Makers are in the list: every TEMP is an output of the node in its place. */
static tt_status check_makers(const struct ir_graph *g)
{
	int made = 0, temps = 0;

	for (const struct ir_node *n = g->first; n; n = n->next)
		made += n->n_out;
	for (int i = 0; i < g->n_values; i++)
		temps += g->value[i]->kind == IR_TEMP;
	if (made != temps)
		return err_set(TT_EINTERNAL, "graph: %d values, %d of them made by nodes", temps, made);
	return TT_OK;
}

/* Each number 0 .. n-1 belongs to one value. */
static tt_status check_numbers(const struct ir_graph *g)
{
	int inputs = 0, outputs = 0;

	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];

		inputs += v->kind == IR_INPUT;
		outputs += v->output != 0;
		if (v->kind == IR_INPUT && (v->index < 0 || v->index >= g->n_inputs))
			return err_set(TT_EINTERNAL, "input '%s' has number %d of %d", v->name,
			               v->index, g->n_inputs);
		if (v->output < 0 || v->output > g->n_outputs)
			return err_set(TT_EINTERNAL, "%s is output %d of %d", v->name, v->output,
			               g->n_outputs);
		for (int j = 0; j < i && (v->kind == IR_INPUT || v->output); j++) {
			const struct ir_value *w = g->value[j];

			if (v->kind == IR_INPUT && w->kind == IR_INPUT && v->index == w->index)
				return err_set(TT_EINTERNAL, "inputs '%s' and '%s' are both number %d",
				               w->name, v->name, v->index);
			if (v->output && v->output == w->output)
				return err_set(TT_EINTERNAL, "%s and %s are both output %d", w->name,
				               v->name, v->output);
		}
	}
	if (inputs != g->n_inputs || outputs != g->n_outputs)
		return err_set(TT_EINTERNAL, "graph: %d inputs and %d outputs counted, %d and %d there",
		               g->n_inputs, g->n_outputs, inputs, outputs);
	return TT_OK;
}

static size_t end_of(const struct ir_value *v)
{
	return v->offset + (size_t)tensor_count(&v->desc);
}

static int is_stored(const struct ir_value *v)
{
	return v->kind == IR_PARAM || v->kind == IR_BUFFER;
}

static tt_status check_end(const struct ir_graph *g, const struct ir_value *v)
{
	const size_t total = v->kind == IR_PARAM ? g->param_count : g->buffer_count;

	if (end_of(v) > total)
		return err_set(TT_EINTERNAL, "'%s' ends at %zu, its vector at %zu", v->name, end_of(v),
		               total);
	return TT_OK;
}

/* ---- what no two of them may have in common: neighbours in some order ---- */

typedef const struct ir_value *stored;

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const stored *)a)->name, (*(const stored *)b)->name);
}

static int by_place(const void *a, const void *b)
{
	const stored v = *(const stored *)a, w = *(const stored *)b;

	return v->kind != w->kind ? (v->kind > w->kind) - (v->kind < w->kind)
	                          : (v->offset > w->offset) - (v->offset < w->offset);
}

static int by_grad(const void *a, const void *b)
{
	const uintptr_t v = (uintptr_t)(*(const stored *)a)->grad;
	const uintptr_t w = (uintptr_t)(*(const stored *)b)->grad;

	return (v > w) - (v < w);
}

static tt_status check_names(stored v, stored w)
{
	if (strcmp(v->name, w->name) == 0)
		return err_set(TT_EINTERNAL, "two parameters are named '%s'", v->name);
	return TT_OK;
}

static tt_status check_places(stored v, stored w)
{
	if (v->kind == w->kind && v->offset < end_of(w) && w->offset < end_of(v))
		return err_set(TT_EINTERNAL, "'%s' and '%s' overlap at %zu", v->name, w->name,
		               w->offset);
	return TT_OK;
}

static tt_status check_grads(stored v, stored w)
{
	if (v->grad && v->grad == w->grad && v->kind == IR_PARAM && w->kind == IR_PARAM)
		return err_set(TT_EINTERNAL, "'%s' and '%s' share a gradient", v->name, w->name);
	return TT_OK;
}

static tt_status check_pairs(stored *all, size_t n)
{
	static const struct {
		int       (*order)(const void *, const void *);
		tt_status (*check)(stored v, stored w);
	} rules[] = { { by_name, check_names }, { by_place, check_places }, { by_grad, check_grads } };
	tt_status st = TT_OK;

	for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
		qsort(all, n, sizeof *all, rules[r].order);
		for (size_t i = 1; i < n && st == TT_OK; i++)
			st = rules[r].check(all[i - 1], all[i]);
	}
	return st;
}

static tt_status check_grad(const struct ir_graph *g, const struct ir_value *v)
{
	if (!in_table(g, v->grad))
		return err_set(TT_EINTERNAL, "the gradient of %s is not in the graph", v->name);
	if (!tensor_same(&v->desc, &v->grad->desc))
		return err_set(TT_EINTERNAL, "%s and its gradient have different shapes", v->name);
	if (v->kind == IR_PARAM && v->grad->kind != IR_TEMP)
		return err_set(TT_EINTERNAL, "nobody computes the gradient of '%s'", v->name);
	return TT_OK;
}

static tt_status check_values(const struct ir_graph *g)
{
	stored *all = mem_alloc(((size_t)g->n_values + 1) * sizeof *all);
	tt_status st = all ? TT_OK : TT_ENOMEM;
	size_t n = 0;

	for (int i = 0; i < g->n_values && st == TT_OK; i++) {
		const struct ir_value *v = g->value[i];

		if (is_stored(v)) {
			all[n++] = v;
			st = check_end(g, v);
		}
		if (st == TT_OK && v->grad)
			st = check_grad(g, v);
	}
	if (st == TT_OK)
		st = check_pairs(all, n);
	mem_free(all);
	return st;
}

tt_status ir_verify(const struct ir_graph *g)
{
	static tt_status (*const rules[])(const struct ir_graph *) = {
		check_list, check_table, check_nodes, check_makers, check_numbers, check_values,
	};
	tt_status st = TT_OK;

	for (size_t i = 0; i < sizeof rules / sizeof rules[0] && st == TT_OK; i++)
		st = rules[i](g);
	return st;
}
