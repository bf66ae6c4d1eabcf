/* defer.c -- an activation in front of a max pooling works after it instead.
 *
 *   conv -> relu -> maxpool -> readers     ==>     conv -> maxpool -> relu -> readers
 *
 * relu(max(x)) = max(relu(x)) to the bit, and where all of a window is negative no gradient flows
 * in either order; but there is only a quarter (or less) to work on.  For graphs that are to be
 * differentiated: before ir_backward, so that the gradient is found for the better order. */
#include "compute/pass/pass.h"

#include "compute/ir/edit.h"

static int defer(struct ir_graph *g, struct ir_node *act, struct ir_node *pool)
{
	struct ir_value *x = act->in[0], *y = pool->out[0];
	struct ir_node *later = ir_emit(g, IR_ACT, act->name, &y, 1, &act->attr);

	if (!later)
		return 0;
	ir_replace_uses(g, y, later->out[0]);
	later->in[0] = y;
	pool->in[0] = x;
	ir_remove_node(g, act);
	if (pool->next && pool->next != later)
		ir_move_before(g, later, pool->next);
	return 1;
}

tt_status pass_defer(struct ir_graph *g)
{
	struct ir_node *next;

	for (struct ir_node *n = g->first; n; n = next) {
		struct ir_node *pool = n->op == IR_ACT && n->attr.act == ACT_RELU ?
		                       ir_only_reader(g, n->out[0]) : NULL;

		next = n->next;
		if (pool && pool->op == IR_MAXPOOL && !defer(g, n, pool))
			return TT_ENOMEM;
	}
	ir_renumber(g);
	return TT_OK;
}
