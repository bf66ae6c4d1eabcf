/* fold.c -- batch norm with known statistics is a scale and a shift per channel, and so can be part
 * of the weights in front of it:
 *
 *   w, b -> conv -> bn(gamma, beta, mean, var) -> y    ==>    fold_bn -> w', b' -> conv -> y
 *
 *   w' = w * gamma / sqrt(var + eps)        b' = (b - mean) * gamma / sqrt(var + eps) + beta */
#include "compute/pass/pass.h"

#include "compute/ir/edit.h"

/* The channel of a batch norm is dimension 1: of a dense layer that is its output only for a
 * matrix. */
static int can_fold(const struct ir_graph *g, const struct ir_node *bn)
{
	const struct ir_node *n = bn->in[0]->maker;

	if (!n || n->attr.act != ACT_NONE || ir_only_reader(g, bn->in[0]) != bn)
		return 0;
	return n->op == IR_CONV2D || (n->op == IR_DENSE && n->out[0]->desc.ndim == 2);
}

/* The layer's bias, or zeros in front of it. */
static struct ir_value *bias_of(struct ir_graph *g, struct ir_node *n)
{
	struct ir_attr zeros = { .ndim = 1, .dims = { n->in[1]->desc.dim[0] } };
	struct ir_node *fill;

	if (n->n_in == 3)
		return n->in[2];
	fill = ir_emit(g, IR_FILL, n->name, NULL, 0, &zeros);
	if (!fill)
		return NULL;
	ir_move_before(g, fill, n);
	return fill->out[0];
}

static tt_status fold(struct ir_graph *g, struct ir_node *bn)
{
	struct ir_node *n = bn->in[0]->maker, *made;
	struct ir_attr attr = { .eps = bn->attr.eps };
	struct ir_value *bias = bias_of(g, n);
	struct ir_value *const in[] = { n->in[1], bias, bn->in[1], bn->in[2], bn->in[3], bn->in[4] };
	tt_status st;

	made = ir_emit(g, IR_FOLD_BN, n->name, in, 6, &attr);
	if (!made)
		return TT_ENOMEM;
	ir_move_before(g, made, n);
	st = ir_set_inputs(g, n, (struct ir_value *const[]){ n->in[0], made->out[0], made->out[1] }, 3);
	if (st != TT_OK)
		return st;
	n->attr.act = bn->attr.act;
	n->attr.alpha = bn->attr.alpha;
	ir_replace_uses(g, bn->out[0], n->out[0]);
	ir_remove_node(g, bn);
	return TT_OK;
}

tt_status pass_fold(struct ir_graph *g)
{
	struct ir_node *next;
	tt_status st;

	for (struct ir_node *n = g->first; n; n = next) {
		next = n->next;
		if (n->op != IR_BATCHNORM_INFER || !can_fold(g, n))
			continue;
		if ((st = fold(g, n)) != TT_OK)
			return st;
	}
	ir_renumber(g);
	return TT_OK;
}
