/* split.c -- large layers in pieces, each with its own rows of the weights:
 *
 *   y = x w^T + b     ==>     y = concat(x w0^T, x w1^T, ...) + ones b^T
 *
 * Between hosts the wire rests from the moment the last parameters have come until the first
 * gradients are made: all of a layer's forward pass, and of its gradients.  Of a layer in pieces
 * the first leaves before the next is made.  And a convolution whose weights fill the caches is
 * slower than its pieces, one after the other.
 *
 * A dense layer over more rows than its weights have columns, places of sequences most often, stays
 * whole.
 *
 * The bias is added by a node of its own, since it lies behind all weights in the flat vector: it
 * is needed last, and its gradient is there first. */
#include "compute/pass/pass.h"

#include "compute/ir/edit.h"

#define MOST 8                  /* pieces; each costs passes over the layer's input and output */
#define ROWS 16                 /* of weights, that kernels like to have together */

/* ---- the layer ---- */

static int may_split(const struct ir_graph *g, const struct ir_node *n)
{
	if (n->attr.rows)
		return 0;               /* what travels is its input */
	if (n->op != IR_DENSE && (n->op != IR_CONV2D || n->attr.groups > 1))
		return 0;
	if (n->op == IR_DENSE && tensor_count(&n->out[0]->desc) > tensor_count(&n->in[1]->desc))
		return 0;               /* copies of its outputs would cost more than it gains */
	for (int i = 1; i < n->n_in; i++)
		if (n->in[i]->kind != IR_PARAM || ir_only_reader(g, n->in[i]) != n)
			return 0;
	return n->attr.act == ACT_NONE;
}

static int microbatch_of(const struct ir_node *n, size_t least)
{
	const struct tensor_desc *w = &n->in[1]->desc;
	size_t most = (size_t)tensor_count(w) / least;

	if (most > MOST)
		most = MOST;
	if (most > (size_t)w->dim[0] / ROWS)
		most = (size_t)w->dim[0] / ROWS;
	return (int)most;
}

/* ---- its pieces ---- */

struct split {
	struct ir_graph *g;
	struct ir_node  *layer;
	int              n;             /* pieces */
	int              channel;       /* the dimension of y that is cut */
};

static struct ir_value *put(const struct split *s, enum ir_op op, struct ir_value *const *in,
                            int n_in, const struct ir_attr *a)
{
	struct ir_node *n = ir_emit(s->g, op, s->layer->name, in, n_in, a);

	if (!n)
		return NULL;
	ir_move_before(s->g, n, s->layer);
	return n->out[0];
}

/* The first row of piece k. */
static int64_t cut(const struct split *s, int k)
{
	const int64_t rows = s->layer->out[0]->desc.dim[s->channel];

	return k == s->n ? rows : rows / ROWS * k / s->n * ROWS;
}

static struct ir_value *piece(const struct split *s, const struct ir_value *w, int k)
{
	struct tensor_desc d = w->desc;
	struct ir_value *in[2] = { s->layer->in[0] };
	const size_t row = (size_t)(tensor_count(&d) / d.dim[0]);
	const char *name = arena_printf(&s->g->arena, "%s.%d", w->name, k);

	d.dim[0] = cut(s, k + 1) - cut(s, k);
	if (!name || !(in[1] = ir_param(s->g, name, &d, w->offset + (size_t)cut(s, k) * row)))
		return NULL;
	if (!w->wants_grad)
		ir_freeze(in[1]);
	return put(s, s->layer->op, in, 2, &s->layer->attr);
}

/* The first piece takes the place of the whole among the parameters. */
static tt_status all_pieces(const struct split *s, struct ir_value **y)
{
	struct ir_value *x = s->layer->in[0], *w = s->layer->in[1];
	const struct ir_value whole = *w;

	w->desc.dim[0] = cut(s, 1);
	y[0] = put(s, s->layer->op, (struct ir_value *[]){ x, w }, 2, &s->layer->attr);
	for (int k = 1; k < s->n && y[k - 1]; k++)
		y[k] = piece(s, &whole, k);
	return y[s->n - 1] ? TT_OK : err_status();
}

/* ones b^T: a layer of one channel, whose weights are the bias. */
static struct ir_value *bias(const struct split *s)
{
	const struct tensor_desc *y = &s->layer->out[0]->desc;
	struct ir_value *b = s->layer->in[2], *ones;
	struct ir_attr fill = { .ndim = y->ndim, .alpha = 1 };
	const struct ir_attr plain = { .groups = 1 };

	for (int i = 0; i < y->ndim; i++)
		fill.dims[i] = i == s->channel ? 1 : y->dim[i];
	b->desc.ndim = s->layer->in[1]->desc.ndim;
	for (int i = 1; i < b->desc.ndim; i++)
		b->desc.dim[i] = 1;
	if (!(ones = put(s, IR_FILL, NULL, 0, &fill)))
		return NULL;
	return put(s, s->layer->op, (struct ir_value *[]){ ones, b }, 2, &plain);
}

/* The layer's node, whose value others know, puts it all together. */
static tt_status join(const struct split *s, struct ir_value *const *pieces)
{
	const struct ir_attr along = { .axis = s->channel };
	struct ir_node *n = s->layer;
	struct ir_value *in[2];

	if (n->n_in == 2) {
		n->op = IR_CONCAT;
		n->attr = along;
		return ir_set_inputs(s->g, n, pieces, s->n);
	}
	if (!(in[0] = put(s, IR_CONCAT, pieces, s->n, &along)) || !(in[1] = bias(s)))
		return err_status();
	n->op = IR_ADD;
	n->attr = (struct ir_attr){ .act = ACT_NONE };
	return ir_set_inputs(s->g, n, in, 2);
}

static tt_status split(struct ir_graph *g, struct ir_node *layer, int pieces)
{
	const struct split s = {
		.g = g, .layer = layer, .n = pieces,
		.channel = layer->op == IR_DENSE ? layer->out[0]->desc.ndim - 1 : 1,
	};
	struct ir_value *y[MOST] = { NULL };
	tt_status st = all_pieces(&s, y);

	return st == TT_OK ? join(&s, y) : st;
}

tt_status pass_split(struct ir_graph *g, size_t least)
{
	tt_status st = TT_OK;
	int n;

	for (struct ir_node *k = g->first; k && st == TT_OK; k = k->next)
		if (may_split(g, k) && (n = microbatch_of(k, least)) > 1)
			st = split(g, k, n);
	if (st == TT_OK)
		ir_renumber(g);
	return st;
}
