/* fuse.c -- activations become part of the layer in front of them.
 *
 *   conv -> act -> readers          ==>  conv{act} -> readers
 *
 *   bn -> relu -> readers           ==>  bn{relu} -> readers
 *   dy -> relu_dx -> bn_dx               dy -> bn_dx{relu}
 *
 *   sum(a, b, ..) -> relu_dx        ==>  relu_dx(a, b, ..)
 *
 * Only if nobody else reads the value in between: then it need not exist.  An activation whose
 * gradient looks at its input (gelu, silu ...) has that second reader when training, and stays. */
#include "compute/pass/pass.h"

#include "compute/ir/edit.h"

#define MOST_ADDENDS 63                 /* of an activation's gradient, behind z */

static int can_hold(enum ir_op op, enum ir_act act)
{
	switch (op) {
	case IR_CONV2D: case IR_DENSE:
		return 1;
	case IR_ADD: case IR_MAXPOOL: case IR_BATCHNORM: case IR_BATCHNORM_INFER:
		return act == ACT_RELU;
	default:
		return 0;
	}
}

/* The gradient node of a training batch norm: the one that reads its saved mean. */
static struct ir_node *find_batchnorm_dx(const struct ir_graph *g, const struct ir_node *bn)
{
	for (struct ir_node *n = g->first; n; n = n->next)
		if (n->op == IR_BATCHNORM_DX && n->in[5] == bn->out[1])
			return n;
	return NULL;
}

/* dy of bn_dx comes from the gradient of this activation, which serves nobody else. */
static int can_fuse_dx(const struct ir_graph *g, const struct ir_node *bn_dx,
                       const struct ir_node *act)
{
	const struct ir_value *dy = bn_dx->in[2];
	const struct ir_node *act_dx = dy->maker;

	return act_dx && act_dx->op == IR_ACT_DX && act_dx->attr.use_y &&
	       act_dx->in[0] == act->out[0] && ir_only_reader(g, dy) == bn_dx;
}

static void fuse_dx(struct ir_graph *g, struct ir_node *bn_dx, struct ir_node *act)
{
	struct ir_node *act_dx = bn_dx->in[2]->maker;

	bn_dx->attr.act = act->attr.act;
	bn_dx->attr.alpha = act->attr.alpha;
	bn_dx->in[1] = act->out[0];
	bn_dx->in[2] = act_dx->in[1];
	ir_remove_node(g, act_dx);
}

static void fuse_act(struct ir_graph *g, struct ir_node *act)
{
	struct ir_value *x = act->in[0], *y = act->out[0];
	struct ir_node *n = x->maker, *bn_dx;

	if (!n || act->attr.act == ACT_NONE || n->attr.act != ACT_NONE ||
	    !can_hold(n->op, act->attr.act) || ir_only_reader(g, x) != act)
		return;
	bn_dx = n->op == IR_BATCHNORM ? find_batchnorm_dx(g, n) : NULL;
	if (bn_dx && !can_fuse_dx(g, bn_dx, act))
		return;
	if (bn_dx)
		fuse_dx(g, bn_dx, act);
	n->attr.act = act->attr.act;
	n->attr.alpha = act->attr.alpha;
	ir_replace_uses(g, y, x);
	x->grad = y->grad;              /* x is what y was */
	ir_remove_node(g, act);
}

/* Gradients that are summed for a relu alone are added up on the way. */
static tt_status fuse_sum(struct ir_graph *g, struct ir_node *act_dx)
{
	struct ir_node *sum = act_dx->in[1]->maker;
	struct ir_value *in[MOST_ADDENDS + 1] = { act_dx->in[0] };
	tt_status st;

	if (act_dx->attr.act != ACT_RELU || act_dx->n_in != 2 || !sum || sum->op != IR_SUM ||
	    sum->n_in > MOST_ADDENDS || ir_only_reader(g, sum->out[0]) != act_dx)
		return TT_OK;
	for (int i = 0; i < sum->n_in; i++)
		in[1 + i] = sum->in[i];
	if ((st = ir_set_inputs(g, act_dx, in, 1 + sum->n_in)) == TT_OK)
		ir_remove_node(g, sum);
	return st;
}

tt_status pass_fuse(struct ir_graph *g)
{
	struct ir_node *next;
	tt_status st = TT_OK;

	for (struct ir_node *n = g->first; n; n = next) {
		next = n->next;
		if (n->op == IR_ACT)
			fuse_act(g, n);
	}
	for (struct ir_node *n = g->first; n && st == TT_OK; n = n->next)
		if (n->op == IR_ACT_DX)         /* left by the norms */
			st = fuse_sum(g, n);
	ir_renumber(g);
	return st;
}
