/* dead.c -- sweep away what nobody needs. */
#include "compute/pass/pass.h"

#include "base/mem.h"
#include "compute/ir/edit.h"

/* How often each value is needed, by id. */
static void count_needs(const struct ir_graph *g, int *needs)
{
	for (const struct ir_node *n = g->first; n; n = n->next)
		for (int i = 0; i < n->n_in; i++)
			needs[n->in[i]->id]++;
	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];

		needs[i] += v->output != 0;
		if (v->kind == IR_PARAM && v->grad)
			needs[v->grad->id]++;
	}
}

static int is_needed(const struct ir_node *n, const int *needs)
{
	if (n->op == IR_BATCHNORM || n->op == IR_BN_JOIN)
		return 1;                       /* they update the running statistics */
	for (int i = 0; i < n->n_out; i++)
		if (needs[n->out[i]->id])
			return 1;
	return 0;
}

/* From the last node to the first, so that a chain goes in one sweep. */
tt_status pass_dead(struct ir_graph *g)
{
	int *needs = mem_calloc((size_t)g->n_values + 1, sizeof *needs);
	struct ir_node *prev;

	if (!needs)
		return TT_ENOMEM;
	count_needs(g, needs);
	for (struct ir_node *n = g->last; n; n = prev) {
		prev = n->prev;
		if (is_needed(n, needs))
			continue;
		for (int i = 0; i < n->n_in; i++)
			needs[n->in[i]->id]--;
		ir_remove_node(g, n);
	}
	ir_renumber(g);
	mem_free(needs);
	return TT_OK;
}
