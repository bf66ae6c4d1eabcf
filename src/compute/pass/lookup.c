/* lookup.c -- a dense layer over what an embedding has looked up works on the table instead:
 *
 *   dense(table[index])    ==>     dense(table)[index]
 *
 * where the table has fewer rows than there are indices: characters of a text, say.  The layer's
 * gradients then are products over the rows of the table, too. */
#include "compute/pass/pass.h"

#include "compute/ir/edit.h"

#define LARGE 2                 /* as many indices as rows, so that it pays */

static int pays(const struct ir_node *dense)
{
	const struct ir_node *e;

	if (dense->op != IR_DENSE || dense->attr.rows)
		return 0;               /* rows: what travels is its input */
	e = dense->in[0]->maker;
	if (!e || e->op != IR_EMBEDDING)
		return 0;
	return tensor_count(&e->in[0]->desc) >= LARGE * e->in[1]->desc.dim[0];
}

static tt_status turn(struct ir_graph *g, struct ir_node *dense)
{
	const struct ir_node *e = dense->in[0]->maker;
	struct ir_value *in[3] = { e->in[1], dense->in[1] }, *look[2] = { e->in[0] };
	struct ir_node *table;

	if (dense->n_in == 3)
		in[2] = dense->in[2];
	if (!(table = ir_emit(g, IR_DENSE, dense->name, in, dense->n_in, &dense->attr)))
		return err_status();
	ir_move_before(g, table, dense);
	look[1] = table->out[0];
	dense->op = IR_EMBEDDING;
	dense->attr = (struct ir_attr){ 0 };
	return ir_set_inputs(g, dense, look, 2);
}

tt_status pass_lookup(struct ir_graph *g)
{
	tt_status st = TT_OK;

	for (struct ir_node *n = g->first; n && st == TT_OK; n = n->next)
		if (pays(n))
			st = turn(g, n);
	if (st == TT_OK)
		ir_renumber(g);
	return st;
}
