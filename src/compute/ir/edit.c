/* edit.c -- change a graph that stands. */
#include "compute/ir/edit.h"

#include <string.h>

#include "base/hash.h"

struct ir_value *ir_find(const struct ir_graph *g, const char *name)
{
	const uint64_t hash = hash_text(name);

	for (int i = 0; i < g->n_values; i++) {
		struct ir_value *v = g->value[i];

		if (v && v->kind != IR_TEMP && v->hash == hash && strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

struct ir_node *ir_only_reader(const struct ir_graph *g, const struct ir_value *v)
{
	struct ir_node *reader = NULL;

	if (v->output)
		return NULL;
	for (struct ir_node *n = g->first; n; n = n->next)
		for (int i = 0; i < n->n_in; i++) {
			if (n->in[i] != v)
				continue;
			if (reader)
				return NULL;
			reader = n;
		}
	return reader;
}

void ir_replace_uses(struct ir_graph *g, struct ir_value *from, struct ir_value *to)
{
	for (struct ir_node *n = g->first; n; n = n->next)
		for (int i = 0; i < n->n_in; i++)
			if (n->in[i] == from)
				n->in[i] = to;
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i] && g->value[i]->grad == from)
			g->value[i]->grad = to;
	if (from->output) {
		to->output = from->output;
		from->output = 0;
	}
}

tt_status ir_set_inputs(struct ir_graph *g, struct ir_node *n, struct ir_value *const *in, int n_in)
{
	struct ir_value **copy = arena_alloc(&g->arena, (size_t)(n_in + 1) * sizeof *copy);

	if (!copy)
		return TT_ENOMEM;
	for (int i = 0; i < n_in; i++)
		copy[i] = in[i];
	n->in = copy;
	n->n_in = n_in;
	return TT_OK;
}

static void take_out(struct ir_graph *g, struct ir_node *n)
{
	if (n->prev)
		n->prev->next = n->next;
	else
		g->first = n->next;
	if (n->next)
		n->next->prev = n->prev;
	else
		g->last = n->prev;
}

void ir_move_before(struct ir_graph *g, struct ir_node *n, struct ir_node *at)
{
	if (n == at)
		return;
	take_out(g, n);
	n->next = at;
	n->prev = at->prev;
	if (at->prev)
		at->prev->next = n;
	else
		g->first = n;
	at->prev = n;
}

void ir_remove_node(struct ir_graph *g, struct ir_node *n)
{
	take_out(g, n);
	g->n_nodes--;
	for (int i = 0; i < n->n_out; i++)
		g->value[n->out[i]->id] = NULL;
	for (int i = 0; i < g->n_values; i++) {
		struct ir_value *v = g->value[i];

		if (v && v->grad && v->grad->maker == n)
			v->grad = NULL;
	}
}

void ir_renumber(struct ir_graph *g)
{
	int n = 0;

	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]) {
			g->value[n] = g->value[i];
			g->value[n]->id = n;
			n++;
		}
	g->n_values = n;
	n = 0;
	for (struct ir_node *k = g->first; k; k = k->next)
		k->id = n++;
}
