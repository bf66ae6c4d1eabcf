/* sequence.c -- recurrences: gates in our order, one layer for each node. */
#include "learn/onnx/in/rows.h"

#include <string.h>

struct kind {
	const char *op, *layer;
	int         gates, order[4];        /* our i-th gate is ONNX's order[i]-th */
};

static const struct kind kinds[] = {
	{ "RNN", "rnn", 1, { 0 } },
	{ "LSTM", "lstm", 4, { 0, 2, 3, 1 } },          /* i o f c: i f g o */
	{ "GRU", "gru", 3, { 1, 0, 2 } },               /* z r h: r z n     */
};

struct cell {
	const struct kind *k;
	struct value      *x, *w, *h, *b;
	int64_t            sides, hidden, inputs;
	int                relu, last;
};

static int is_word(const ProtobufCBinaryData *s, const char *word)
{
	return s->len == strlen(word) && memcmp(s->data, word, s->len) == 0;
}

/* Those that ONNX takes where none are named; of rnn, relu as well. */
static tt_status check_acts(struct net *r, const Onnx__Node *n, struct cell *c)
{
	static const char *const usual[] = { "Sigmoid", "Tanh", "Tanh" };
	const Onnx__Attribute *a = onnx_attribute(n, "activations");
	const int first = c->k->gates == 1, per = c->k->gates == 1 ? 1 : c->k->gates == 3 ? 2 : 3;

	c->relu = a && first && a->n_strings && is_word(&a->strings[0], "Relu");
	for (size_t i = 0; a && i < a->n_strings; i++)
		if (!is_word(&a->strings[i], c->relu ? "Relu" : usual[first ? 1 : i % (size_t)per]))
			return onnx_refuse(r, n, "it has other activations than tutti");
	return TT_OK;
}

static tt_status check_attributes(struct net *r, const Onnx__Node *n, const struct cell *c)
{
	if (onnx_attribute(n, "clip") || onnx_int(n, "input_forget", 0) || onnx_int(n, "layout", 0))
		return onnx_refuse(r, n, "it has clip, input_forget or layout");
	if (c->k->gates == 3 && !onnx_int(n, "linear_before_reset", 0))
		return onnx_refuse(r, n, "tutti's gates weigh behind the product (linear_before_reset: 1)");
	if (onnx_word_is(n, "direction", "reverse", "forward"))
		return onnx_refuse(r, n, "it goes from the end alone");
	return TT_OK;
}

/* A state at the start must be zeros. */
static tt_status check_start(struct net *r, const Onnx__Node *n, size_t i)
{
	struct value *v;
	const float *f;
	size_t count;
	tt_status st = onnx_input(r, n, i, &v);

	if (st != TT_OK || !v)
		return st;
	if (v->kind != VALUE_CONSTANT || (st = onnx_floats(r, v, &f, &count)) != TT_OK)
		return onnx_refuse(r, n, "its state at the start is not fixed");
	for (size_t k = 0; k < count; k++)
		if (f[k] != 0)
			return onnx_refuse(r, n, "its state at the start is not zero");
	return TT_OK;
}

static tt_status read_cell(struct net *r, const Onnx__Node *n, struct cell *c)
{
	struct value *lengths;
	tt_status st;

	if ((st = onnx_input(r, n, 0, &c->x)) != TT_OK || (st = onnx_input(r, n, 1, &c->w)) != TT_OK ||
	    (st = onnx_input(r, n, 2, &c->h)) != TT_OK || (st = onnx_input(r, n, 3, &c->b)) != TT_OK ||
	    (st = onnx_input(r, n, 4, &lengths)) != TT_OK || (st = check_acts(r, n, c)) != TT_OK ||
	    (st = check_attributes(r, n, c)) != TT_OK || (st = check_start(r, n, 5)) != TT_OK ||
	    (st = check_start(r, n, 6)) != TT_OK)
		return st;
	if (!c->x || c->x->kind != VALUE_LAYER || c->x->form != FORM_TIME_FIRST || c->x->ndim != 3)
		return onnx_refuse(r, n, "it reads no sequences whose batch comes first: in PyTorch, "
		                  "batch_first=True");
	if (!c->w || !c->h || c->w->kind != VALUE_CONSTANT || c->h->kind != VALUE_CONSTANT ||
	    (c->b && c->b->kind != VALUE_CONSTANT) || c->w->ndim != 3 || c->h->ndim != 3)
		return onnx_refuse(r, n, "its weights are no constants");
	if (lengths && lengths->kind != VALUE_LENGTHS)
		return onnx_refuse(r, n, "its lengths are no input");
	c->sides = c->w->dim[0];
	c->hidden = c->h->dim[2];
	c->inputs = c->x->dim[2];
	if (c->sides != (onnx_word_is(n, "direction", "bidirectional", "forward") ? 2 : 1) ||
	    c->hidden < 1 || c->hidden > 1000000 || c->h->dim[0] != c->sides ||
	    c->w->dim[1] != c->k->gates * c->hidden || c->h->dim[1] != c->w->dim[1] ||
	    c->w->dim[2] != c->inputs ||
	    (c->b && (c->b->ndim != 2 || c->b->dim[0] != c->sides ||
	              c->b->dim[1] != 2 * c->w->dim[1])))
		return onnx_refuse(r, n, "its weights do not fit one another, or what it reads");
	return TT_OK;
}

/* Gates of `width` numbers each row (0: biases), from f on, as NAME.what_l0[_reverse]. */
static tt_status give(struct net *r, const Onnx__Node *n, const struct cell *c, const char *name,
                      const char *what, const float *f, int64_t width)
{
	const int64_t part = c->hidden * (width ? width : 1);
	struct number x = { .ndim = width ? 2 : 1, .dim = { c->k->gates * c->hidden, width } };
	float *own;
	tt_status st = onnx_use(r, n, (size_t)(part * c->k->gates));

	if (st != TT_OK)
		return st;
	if (!(own = onnx_room(r, (size_t)(part * c->k->gates), sizeof *own)))
		return TT_ENOMEM;
	for (int i = 0; i < c->k->gates; i++)
		memcpy(own + i * part, f + c->k->order[i] * part, (size_t)part * sizeof *own);
	x.f = own;
	return onnx_give(r, name, what, &x);
}

static tt_status give_side(struct net *r, const Onnx__Node *n, const struct cell *c,
                           const char *name, int64_t side)
{
	static const char *const what[4][2] = {
		{ "weight_ih_l0", "weight_ih_l0_reverse" }, { "weight_hh_l0", "weight_hh_l0_reverse" },
		{ "bias_ih_l0", "bias_ih_l0_reverse" }, { "bias_hh_l0", "bias_hh_l0_reverse" },
	};
	const int64_t rows = c->k->gates * c->hidden;
	const float *w, *h, *b;
	size_t count;
	tt_status st;

	if ((st = onnx_floats(r, c->w, &w, &count)) != TT_OK ||
	    (st = onnx_floats(r, c->h, &h, &count)) != TT_OK ||
	    (st = give(r, n, c, name, what[0][side], w + side * rows * c->inputs, c->inputs)) !=
	    TT_OK ||
	    (st = give(r, n, c, name, what[1][side], h + side * rows * c->hidden, c->hidden)) !=
	    TT_OK || !c->b || (st = onnx_floats(r, c->b, &b, &count)) != TT_OK)
		return st;
	b += side * 2 * rows;
	if ((st = give(r, n, c, name, what[2][side], b, 0)) != TT_OK)
		return st;
	return give(r, n, c, name, what[3][side], b + rows, 0);
}

static int is_read(const struct net *r, const Onnx__Node *n, size_t i)
{
	if (i >= n->n_output || !*n->output[i])
		return 0;
	for (size_t k = 0; k < r->g->n_node; k++)
		if (onnx_reads(r->g->node[k], n->output[i]))
			return 1;
	return strcmp(n->output[i], r->g->output[0]->name) == 0;
}

/* Outputs of all steps, or the states behind the last, one of which is read. */
tt_status in_recurrent(struct net *r, const Onnx__Node *n)
{
	struct cell c = { .k = kinds };
	struct value *y;
	Onnx__Node named = *n;
	const char *name;
	char *output;
	int64_t dim[4];
	tt_status st;

	while (strcmp(c.k->op, n->op_type) != 0)
		c.k++;
	if ((st = read_cell(r, n, &c)) != TT_OK)
		return st;
	c.last = is_read(r, n, 1);
	if (c.last && is_read(r, n, 0))
		return onnx_refuse(r, n, "both its outputs and its last state are read");
	if (is_read(r, n, 2))
		return onnx_refuse(r, n, "its last cell is read");
	if (!(name = onnx_name(r, n, NULL)))
		return TT_ENOMEM;
	output = n->output[c.last];
	named.output = &output;
	dim[0] = NET_BATCH;
	dim[1] = c.last ? c.sides * c.hidden : c.x->dim[0];
	dim[2] = c.sides * c.hidden;
	if ((st = onnx_say(r, &(struct saying){ &named, name, &c.x, 1, c.last ? 2 : 3, dim },
	                  "%s: {hidden: %lld, bidirectional: %s, bias: %s, output: %s%s", c.k->layer,
	                  (long long)c.hidden, c.sides == 2 ? "yes" : "no", c.b ? "yes" : "no",
	                  c.last ? "last" : "all", c.relu ? ", activation: relu" : "")) != TT_OK)
		return st;
	y = onnx_find(r, output);
	y->form = c.last ? FORM_SIDES_LAST : FORM_SIDES;
	y->ndim = c.last ? 3 : 4;
	memcpy(y->dim, c.last ? (int64_t[]){ c.sides, NET_BATCH, c.hidden, 0 }
	                      : (int64_t[]){ c.x->dim[0], c.sides, NET_BATCH, c.hidden },
	       4 * sizeof *y->dim);
	for (int64_t side = 0; side < c.sides && st == TT_OK; side++)
		st = give_side(r, n, &c, name, side);
	return st;
}
