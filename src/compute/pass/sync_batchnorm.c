/* sync_batchnorm.c -- batch norms over the batch of all ranks (synchronised batch norm).
 *
 *   bn(x) -> y               moments(x) --gather--> join -> mean, var; bn_infer(x, mean, var) -> y
 *   bn_dx(x, dy) -> dx, ..   sums(x, dy) -> dgamma, dbeta --gather--> dx(x, dy, ...)
 *
 * What travels is a mean, a sum of squares and a count, never samples.  dgamma and dbeta stay this
 * rank's share: they are summed with all other gradients.  Gathers stand in the graph's order,
 * which is the same on all ranks. */
#include "compute/pass/pass.h"

#include "compute/ir/edit.h"

struct shm {
	struct ir_value *mean, *var, *count;      /* of the whole batch */
};

/* A node in front of `at`, of its layer. */
static struct ir_node *put(struct ir_graph *g, struct ir_node *at, enum ir_op op,
                           struct ir_value *const *in, const struct ir_attr *attr)
{
	struct ir_node *n;
	int n_in = 0;

	while (in[n_in])
		n_in++;
	if (!(n = ir_emit(g, op, at->name, in, n_in, attr)))
		return NULL;
	n->backward = at->backward;
	ir_move_before(g, n, at);
	return n;
}
#define PUT(g, at, op, attr, ...) \
	put(g, at, op, (struct ir_value *const[]){ __VA_ARGS__, NULL }, attr)

static struct ir_node *find_dx(const struct ir_node *bn)
{
	for (struct ir_node *n = bn->next; n; n = n->next)
		if (n->op == IR_BATCHNORM_DX && n->in[5] == bn->out[1])
			return n;
	return NULL;
}

static tt_status split_forward(struct ir_graph *g, struct ir_node *bn, struct shm *s)
{
	struct ir_node *m, *all, *join, *y;

	if (!(m = PUT(g, bn, IR_BN_MOMENTS, &bn->attr, bn->in[0])) ||
	    !(all = PUT(g, bn, IR_ALL_GATHER, &bn->attr, m->out[0])) ||
	    !(join = PUT(g, bn, IR_BN_JOIN, &bn->attr, all->out[0], bn->in[3], bn->in[4])) ||
	    !(y = PUT(g, bn, IR_BATCHNORM_INFER, &bn->attr, bn->in[0], bn->in[1], bn->in[2],
	              join->out[0], join->out[1])))
		return TT_ENOMEM;
	*s = (struct shm){ join->out[0], join->out[1], join->out[2] };
	y->out[0]->grad = bn->out[0]->grad;
	ir_replace_uses(g, bn->out[0], y->out[0]);
	return TT_OK;
}

static tt_status split_backward(struct ir_graph *g, struct ir_node *dx, const struct shm *s)
{
	struct ir_value *x = dx->in[0], *dy = dx->in[2], *gamma = dx->in[3];
	struct ir_node *sums, *all, *made;

	if (!(sums = PUT(g, dx, IR_BN_SUMS, &dx->attr, x, dy, s->mean, s->var)) ||
	    !(all = PUT(g, dx, IR_ALL_GATHER, &dx->attr, sums->out[0], sums->out[1])) ||
	    !(made = PUT(g, dx, IR_BN_DX, &dx->attr, x, dy, gamma, s->mean, s->var, s->count,
	                 all->out[0])))
		return TT_ENOMEM;
	ir_replace_uses(g, dx->out[0], made->out[0]);
	ir_replace_uses(g, dx->out[1], sums->out[0]);
	ir_replace_uses(g, dx->out[2], sums->out[1]);
	ir_remove_node(g, dx);
	return TT_OK;
}

tt_status pass_sync_batchnorm(struct ir_graph *g)
{
	struct ir_node *next, *dx;
	struct shm s;
	tt_status st;

	for (struct ir_node *n = g->first; n; n = next) {
		next = n->next;
		if (n->op != IR_BATCHNORM || !n->attr.ranks)
			continue;
		if (n->attr.act != ACT_NONE)
			return err_set(TT_EINTERNAL, "%s: shared after its activation was fused", n->name);
		dx = find_dx(n);
		if ((st = split_forward(g, n, &s)) != TT_OK ||
		    (dx && (st = split_backward(g, dx, &s)) != TT_OK))
			return st;
		next = n->next;
		ir_remove_node(g, n);
	}
	ir_renumber(g);
	return TT_OK;
}
