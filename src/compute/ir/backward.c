/* backward.c -- reverse-mode differentiation of the graph.
 *
 * The forward nodes are walked from the loss to the first.  When a node is reached, all readers of
 * its outputs have said what they add to their gradients; the parts are summed in that fixed order
 * and the node's rule says what its inputs get.  A parameter is complete after the node that reads
 * it first.  Only values that depend on parameters get gradients.
 *
 * Each rule emits the gradient of the input before those of the weights: then a weight has been
 * read for the last time when its gradient is complete, and may be overwritten at once. */
#include "compute/ir/backward.h"

#include "compute/ir/edit.h"
#include "compute/ir/op.h"

#define SUM_MAX 64

/* Add up v's parts in the order in which they came. */
static struct ir_value *sum_parts(struct ir_backward *b, const struct ir_node *n,
                                  const struct ir_value *v)
{
	struct ir_value *in[SUM_MAX + 1] = { NULL };
	int n_in = 0;

	for (const struct ir_part *p = b->first[v->id]; p; p = p->next) {
		in[n_in++] = p->grad;
		if (n_in == 1 || (n_in < SUM_MAX && p->next))
			continue;
		in[n_in] = NULL;
		struct ir_node *sum = ir_grad_emit(b, n, IR_SUM, NULL, in);

		if (!sum)
			return NULL;
		in[0] = sum->out[0];
		n_in = 1;
	}
	return in[0];
}

/* All readers of v have spoken: n is the node at hand.  A parameter's gradient has a place of its
 * own in the flat vector, so it is copied if it is also the gradient of something else (both
 * addends of a sum get the same). */
static tt_status complete(struct ir_backward *b, struct ir_node *n, struct ir_value *v)
{
	struct ir_value *grad;

	if (!b->first[v->id])
		return TT_OK;
	if (!(grad = sum_parts(b, n, v)))
		return GRAD_FAILED;
	if (v->kind == IR_PARAM && (grad->kind != IR_TEMP || grad->is_grad)) {
		struct ir_attr a = ir_grad_attr(n, v);
		struct ir_node *copy = GRAD_EMIT(b, n, IR_RESHAPE, &a, grad);

		if (!copy)
			return GRAD_FAILED;
		grad = copy->out[0];
	}
	v->grad = grad;
	grad->is_grad = 1;
	return TT_OK;
}

static tt_status complete_params(struct ir_backward *b, struct ir_node *n)
{
	tt_status st;

	for (int i = 0; i < n->n_in; i++) {
		struct ir_value *v = n->in[i];

		if (v->kind != IR_PARAM || v->grad || b->first_reader[v->id] != n)
			continue;
		if ((st = complete(b, n, v)) != TT_OK)
			return st;
	}
	return TT_OK;
}

/* The gradients of n's outputs are known now; those of its inputs follow. */
static tt_status visit(struct ir_backward *b, struct ir_node *n)
{
	const struct ir_op_row *row = ir_op_row(n->op);
	int flows = 0;
	tt_status st;

	for (int i = 0; i < n->n_out; i++) {
		struct ir_value *y = n->out[i];

		if ((st = complete(b, n, y)) != TT_OK)
			return st;
		flows |= y->grad && y->wants_grad;
	}
	if (flows && !row->grad)
		return ir_bad(n, TT_ESUPPORT, "it has no gradient");
	if (flows && (st = row->grad(b, n, n->out[0]->grad)) != TT_OK)
		return st;
	return complete_params(b, n);
}

static tt_status prepare(struct ir_backward *b)
{
	size_t n = (size_t)b->g->n_values;

	b->first = arena_alloc(&b->scratch, n * sizeof *b->first);
	b->last = arena_alloc(&b->scratch, n * sizeof *b->last);
	b->first_reader = arena_alloc(&b->scratch, n * sizeof *b->first_reader);
	if (!b->first || !b->last || !b->first_reader)
		return TT_ENOMEM;
	for (struct ir_node *k = b->g->last; k; k = k->prev)
		for (int i = 0; i < k->n_in; i++)
			b->first_reader[k->in[i]->id] = k;
	return TT_OK;
}

static tt_status check_loss(const struct ir_graph *g, const struct ir_value *loss)
{
	char text[IR_VALUE_TEXT];

	if (loss->desc.dtype != DTYPE_F32 || loss->desc.ndim != 1 || loss->desc.dim[0] != 1)
		return err_set(TT_ESHAPE, "a loss is one number, not %s", ir_value_text(loss, text));
	if (!loss->wants_grad)
		return err_set(TT_EINVAL, "the loss, %s, does not depend on any parameter",
		               ir_value_text(loss, text));
	if (ir_find(g, "seed"))
		return err_set(TT_EINVAL, "the graph has a 'seed' already: it is differentiated once");
	return TT_OK;
}

tt_status ir_backward(struct ir_graph *g, struct ir_value *loss)
{
	struct tensor_desc one = tensor_desc_make(DTYPE_F32, 1, (const int64_t[]){ 1 });
	struct ir_backward b = { .g = g };
	tt_status st;

	if ((st = check_loss(g, loss)) != TT_OK)
		return st;
	if (!(b.seed = ir_input(g, "seed", &one)))
		return TT_ENOMEM;
	if ((st = prepare(&b)) != TT_OK || (st = ir_give(&b, loss, b.seed)) != TT_OK)
		goto out;
	for (struct ir_node *n = g->last; n && st == TT_OK; n = n->prev)
		st = visit(&b, n);
out:
	arena_release(&b.scratch);
	return st;
}
