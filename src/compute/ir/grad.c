/* grad.c -- reverse-mode differentiation of the graph.
 *
 * The forward nodes are walked from the loss to the first.  When a node is reached, all readers of
 * its output have said what they add to its gradient; the parts are summed in that fixed order and
 * the node's rule says what its inputs get.  A parameter is complete after the node that reads it
 * first.  Only values that depend on parameters get gradients.
 *
 * Each rule emits the gradient of the input before those of the weights: then a weight has been
 * read for the last time when its gradient is complete, and may be overwritten at once. */
#include "compute/ir/graph.h"

#include "compute/ir/edit.h"
#include "compute/ir/infer.h"

struct part {
	struct ir_value *grad;
	struct part     *next;
};

struct backward {
	struct ir_graph *g;
	struct arena     scratch;
	struct part    **first, **last;      /* by value id: what its readers add, in order    */
	struct ir_node **first_reader;       /* by value id                                    */
	struct ir_value *seed;
};

/* What every failure inside the rules is: the shapes have been checked when the layer was made. */
#define FAILED TT_ENOMEM

/* Append a node that belongs to layer n; `in` ends with NULL. */
static struct ir_node *emit(struct backward *b, const struct ir_node *n, enum ir_op op,
                            const struct ir_attr *attr, struct ir_value *const *in)
{
	struct ir_node *d;
	int n_in = 0;

	while (in[n_in])
		n_in++;
	d = ir_emit(b->g, op, n->name, in, n_in, attr);
	if (!d)
		return NULL;
	d->backward = 1;
	for (int i = 0; i < d->n_out; i++)
		d->out[i]->wants_grad = 0;
	return d;
}

#define EMIT(b, n, op, attr, ...) \
	emit(b, n, op, attr, (struct ir_value *const[]){ __VA_ARGS__, NULL })

/* Output i of the node becomes a part of v's gradient. */
static tt_status give(struct backward *b, struct ir_value *v, struct ir_value *grad)
{
	struct part *p;

	if (!v->wants_grad)
		return TT_OK;
	p = arena_alloc(&b->scratch, sizeof *p);
	if (!p)
		return TT_ENOMEM;
	p->grad = grad;
	if (b->last[v->id])
		b->last[v->id]->next = p;
	else
		b->first[v->id] = p;
	b->last[v->id] = p;
	return TT_OK;
}

static tt_status give_out(struct backward *b, struct ir_value *v, const struct ir_node *d, int i)
{
	return d ? give(b, v, d->out[i]) : FAILED;
}

/* The layer's attributes for its gradient nodes: linear, with the shape of x. */
static struct ir_attr attr_of(const struct ir_node *n, const struct ir_value *x)
{
	struct ir_attr a = n->attr;

	a.act = ACT_NONE;
	a.ndim = x->desc.ndim;
	for (int i = 0; i < TENSOR_MAX_DIMS; i++)
		a.dims[i] = i < x->desc.ndim ? x->desc.dim[i] : 0;
	return a;
}

/* Can the slope be told from the output?  gelu and silu fall before they rise; a leaky relu with
 * a negative slope does as well. */
static int slope_from_y(const struct ir_attr *a)
{
	switch (a->act) {
	case ACT_RELU: case ACT_SIGMOID: case ACT_TANH:
		return 1;
	case ACT_LEAKY_RELU: case ACT_ELU:
		return a->alpha > 0;
	default:
		return 0;
	}
}

/* The gradient in front of an activation that the layer holds itself; NULL on error. */
static struct ir_value *before_act(struct backward *b, const struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = n->attr;
	struct ir_node *d;

	if (a.act == ACT_NONE)
		return dy;
	if (!slope_from_y(&a)) {
		ir_bad(n, TT_ESUPPORT, "%s must be a layer of its own when training",
		       ir_act_name(a.act));
		return NULL;
	}
	a.use_y = 1;
	d = EMIT(b, n, IR_ACT_DX, &a, n->out[0], dy);
	return d ? d->out[0] : NULL;
}

struct linear_ops { enum ir_op dx, dw; };

static tt_status grad_linear(struct backward *b, struct ir_node *n, struct ir_value *dy,
                             struct linear_ops op)
{
	struct ir_value *x = n->in[0], *w = n->in[1], *bias = n->n_in > 2 ? n->in[2] : NULL;
	struct ir_attr a = attr_of(n, x);
	struct ir_node *d;
	tt_status st;

	if (!(dy = before_act(b, n, dy)))
		return n->attr.act == ACT_NONE || slope_from_y(&n->attr) ? FAILED : TT_ESUPPORT;
	if (x->wants_grad &&
	    (st = give_out(b, x, EMIT(b, n, op.dx, &a, dy, w), 0)) != TT_OK)
		return st;
	if (!w->wants_grad && !(bias && bias->wants_grad))
		return TT_OK;
	d = EMIT(b, n, op.dw, &a, x, dy);
	if ((st = give_out(b, w, d, 0)) != TT_OK)
		return st;
	return bias ? give_out(b, bias, d, 1) : TT_OK;
}

static tt_status grad_conv2d(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	const enum ir_op dw = n->attr.rows ? IR_FACTORS : IR_CONV2D_DW;

	return grad_linear(b, n, dy, (struct linear_ops){ IR_CONV2D_DX, dw });
}

static tt_status grad_dense(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	const enum ir_op dw = n->attr.rows ? IR_FACTORS : IR_DENSE_DW;

	return grad_linear(b, n, dy, (struct linear_ops){ IR_DENSE_DX, dw });
}

static tt_status grad_maxpool(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = attr_of(n, n->in[0]);

	if (!(dy = before_act(b, n, dy)))
		return n->attr.act == ACT_NONE || slope_from_y(&n->attr) ? FAILED : TT_ESUPPORT;
	return give_out(b, n->in[0], EMIT(b, n, IR_MAXPOOL_DX, &a, dy, n->out[1]), 0);
}

static tt_status grad_avgpool(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = attr_of(n, n->in[0]);

	return give_out(b, n->in[0], EMIT(b, n, IR_AVGPOOL_DX, &a, dy), 0);
}

/* Without an activation the gradient does not look at y; x stands in its place, so that y need
 * not be kept. */
static tt_status grad_batchnorm(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *x = n->in[0], *y = n->attr.act == ACT_NONE ? x : n->out[0];
	struct ir_node *d = EMIT(b, n, IR_BATCHNORM_DX, &n->attr, x, y, dy, n->in[1], n->in[2],
	                         n->out[1], n->out[2]);
	tt_status st;

	for (int i = 0; i < 3; i++)
		if ((st = give_out(b, n->in[i], d, i)) != TT_OK)
			return st;
	return TT_OK;
}

static tt_status grad_layernorm(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_node *d = EMIT(b, n, IR_LAYERNORM_DX, &n->attr, n->in[0], dy, n->in[1],
	                         n->out[1], n->out[2]);
	tt_status st;

	for (int i = 0; i < 3; i++)
		if ((st = give_out(b, n->in[i], d, i)) != TT_OK)
			return st;
	return TT_OK;
}

static tt_status grad_dropout(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	return give_out(b, n->in[0], EMIT(b, n, IR_DROPOUT_DX, &n->attr, dy, n->out[1]), 0);
}

static tt_status grad_act(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = n->attr;

	if (a.act == ACT_NONE)
		return give(b, n->in[0], dy);
	a.use_y = slope_from_y(&a);
	return give_out(b, n->in[0],
	                EMIT(b, n, IR_ACT_DX, &a, a.use_y ? n->out[0] : n->in[0], dy), 0);
}

static tt_status grad_softmax(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	return give_out(b, n->in[0], EMIT(b, n, IR_SOFTMAX_DX, &n->attr, n->out[0], dy), 0);
}

/* Also of SUM: every addend gets the whole gradient. */
static tt_status grad_add(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	tt_status st = TT_OK;

	if (!(dy = before_act(b, n, dy)))
		return FAILED;
	for (int i = 0; i < n->n_in && st == TT_OK; i++)
		st = give(b, n->in[i], dy);
	return st;
}

static tt_status grad_concat(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = { .axis = n->attr.axis };
	tt_status st;

	for (int i = 0; i < n->n_in; i++) {
		struct ir_value *x = n->in[i];

		a.size = x->desc.dim[a.axis];
		if (x->wants_grad &&
		    (st = give_out(b, x, EMIT(b, n, IR_SLICE, &a, dy), 0)) != TT_OK)
			return st;
		a.start += a.size;
	}
	return TT_OK;
}

static tt_status grad_mix(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = { .mix = n->attr.mix, .size = n->n_in };
	tt_status st = TT_OK;

	for (int i = 0; i < n->n_in && st == TT_OK; i++)
		if (n->in[i]->wants_grad)
			st = give_out(b, n->in[i], EMIT(b, n, IR_MIX_DX, &a, n->in[i], n->out[0], dy), 0);
	return st;
}

static tt_status grad_reshape(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = attr_of(n, n->in[0]);

	return give_out(b, n->in[0], EMIT(b, n, IR_RESHAPE, &a, dy), 0);
}

static tt_status grad_embedding(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = attr_of(n, n->in[1]);

	return give_out(b, n->in[1], EMIT(b, n, IR_EMBEDDING_DW, &a, n->in[0], dy), 0);
}

/* A loss is differentiated by its first input only.  dy is the gradient by the loss itself: the
 * seed, times whatever stands between. */
static tt_status grad_loss(struct backward *b, struct ir_node *n, struct ir_value *dy,
                           enum ir_op op)
{
	struct ir_value *z = op == IR_XENT_DX ? n->out[1] : n->in[0];

	if (n->in[1]->wants_grad)
		return ir_bad(n, TT_ESUPPORT, "its target depends on parameters");
	return give_out(b, n->in[0], EMIT(b, n, op, &n->attr, z, n->in[1], dy), 0);
}

static tt_status grad_xent(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	return grad_loss(b, n, dy, IR_XENT_DX);
}

static tt_status grad_bce(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	return grad_loss(b, n, dy, IR_BCE_DX);
}

static tt_status grad_mse(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	return grad_loss(b, n, dy, IR_MSE_DX);
}

static tt_status grad_mae(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	return grad_loss(b, n, dy, IR_MAE_DX);
}

static tt_status grad_huber(struct backward *b, struct ir_node *n, struct ir_value *dy)
{
	return grad_loss(b, n, dy, IR_HUBER_DX);
}

typedef tt_status (*grad_fn)(struct backward *b, struct ir_node *n, struct ir_value *dy);

/* No row: the operation is for inference, or is itself a gradient. */
static const grad_fn rules[IR_OP_COUNT] = {
	[IR_CONV2D] = grad_conv2d,       [IR_DENSE] = grad_dense,
	[IR_MAXPOOL] = grad_maxpool,     [IR_AVGPOOL] = grad_avgpool,
	[IR_BATCHNORM] = grad_batchnorm, [IR_LAYERNORM] = grad_layernorm,
	[IR_DROPOUT] = grad_dropout,     [IR_ACT] = grad_act,
	[IR_SOFTMAX] = grad_softmax,     [IR_ADD] = grad_add,
	[IR_SUM] = grad_add,             [IR_CONCAT] = grad_concat,
	[IR_RESHAPE] = grad_reshape,     [IR_EMBEDDING] = grad_embedding,
	[IR_XENT] = grad_xent,           [IR_BCE] = grad_bce,
	[IR_MSE] = grad_mse,             [IR_MAE] = grad_mae,
	[IR_HUBER] = grad_huber,         [IR_MIX] = grad_mix,
};

#define SUM_MAX 64

/* Add up v's parts in the order in which they came. */
static struct ir_value *sum_parts(struct backward *b, const struct ir_node *n,
                                  const struct ir_value *v)
{
	struct ir_value *in[SUM_MAX + 1] = { NULL };
	int n_in = 0;

	for (const struct part *p = b->first[v->id]; p; p = p->next) {
		in[n_in++] = p->grad;
		if (n_in == 1 || (n_in < SUM_MAX && p->next))
			continue;
		in[n_in] = NULL;
		struct ir_node *sum = emit(b, n, IR_SUM, NULL, in);

		if (!sum)
			return NULL;
		in[0] = sum->out[0];
		n_in = 1;
	}
	return in[0];
}

static int is_anyones_grad(const struct ir_graph *g, const struct ir_value *grad)
{
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->grad == grad)
			return 1;
	return 0;
}

/* All readers of v have spoken: n is the node at hand.  A parameter's gradient has a place of its
 * own in the flat vector, so it is copied if it is also the gradient of something else (both
 * addends of a sum get the same). */
static tt_status complete(struct backward *b, struct ir_node *n, struct ir_value *v)
{
	struct ir_value *grad;

	if (!b->first[v->id])
		return TT_OK;
	if (!(grad = sum_parts(b, n, v)))
		return FAILED;
	if (v->kind == IR_PARAM && (grad->kind != IR_TEMP || is_anyones_grad(b->g, grad))) {
		struct ir_attr a = attr_of(n, v);
		struct ir_node *copy = EMIT(b, n, IR_RESHAPE, &a, grad);

		if (!copy)
			return FAILED;
		grad = copy->out[0];
	}
	v->grad = grad;
	return TT_OK;
}

static tt_status complete_params(struct backward *b, struct ir_node *n)
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

static tt_status visit(struct backward *b, struct ir_node *n)
{
	struct ir_value *y = n->out[0];
	tt_status st;

	if ((st = complete(b, n, y)) != TT_OK)
		return st;
	if (y->grad && y->wants_grad) {
		if (!rules[n->op])
			return ir_bad(n, TT_ESUPPORT, "it has no gradient");
		if ((st = rules[n->op](b, n, y->grad)) != TT_OK)
			return st;
	}
	return complete_params(b, n);
}

static tt_status prepare(struct backward *b)
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
	struct backward b = { .g = g };
	tt_status st;

	if ((st = check_loss(g, loss)) != TT_OK)
		return st;
	if (!(b.seed = ir_input(g, "seed", &one)))
		return TT_ENOMEM;
	if ((st = prepare(&b)) != TT_OK || (st = give(&b, loss, b.seed)) != TT_OK)
		goto out;
	for (struct ir_node *n = g->last; n && st == TT_OK; n = n->prev)
		st = visit(&b, n);
out:
	arena_release(&b.scratch);
	return st;
}
