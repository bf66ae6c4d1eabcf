/* op/rnn.c -- recurrences: what they read, make and hand back.  Their numbers: rnn_steps.c.
 *
 *   rnn   h' = act(pre + w h + b)                                      Elman, 1990
 *   lstm  i f g o = pre + w h + b;  c' = s(f) c + s(i) tanh(g);  h' = s(o) tanh(c')
 *                                                     Hochreiter and Schmidhuber, 1997; Gers, 2000
 *   gru   r z = s(pre + w h + b);  n = tanh(pre + r (w h + b));  h' = (1-z) n + z h    Cho, 2014
 *
 * `pre` is what the inputs of all steps give, by one product in front: DENSE.  So is the gradient
 * of w, of the states before each step and of what the gradient left at their gates: DENSE_DW. */
#include "compute/ir/op.h"
#include "compute/ir/sequence.h"

/* Of each op: inputs that are always there, w among them, states, gates. */
static const struct { int fixed, w, states, gates; } kinds[IR_OP_COUNT] = {
	[IR_RNN]  = { 3, 1, 1, 1 }, [IR_RNN_DX]  = { 4, 2, 1, 1 },
	[IR_LSTM] = { 3, 1, 2, 4 }, [IR_LSTM_DX] = { 7, 3, 2, 4 },
	[IR_GRU]  = { 3, 1, 1, 3 }, [IR_GRU_DX]  = { 5, 2, 1, 3 },
};

struct ir_sequence ir_sequence(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc, *w = &n->in[kinds[n->op].w]->desc;
	const int fixed = kinds[n->op].fixed, states = kinds[n->op].states;
	struct ir_sequence s = { .n = x->dim[0], .t = x->dim[1], .h = w->dim[1],
	                         .gates = kinds[n->op].gates, .w = kinds[n->op].w, .h0 = -1,
	                         .c0 = -1, .lengths = -1, .reverse = n->attr.reverse };
	int last = n->n_in - 1;

	if (last >= fixed && n->in[last]->desc.dtype == DTYPE_S32)
		s.lengths = last--;
	if (last >= fixed)
		s.h0 = fixed;
	if (last >= fixed && states == 2)
		s.c0 = fixed + 1;
	return s;
}

int ir_lengths_are_good(const struct ir_node *n, int input, const int32_t *lengths, int64_t t,
                        tt_status *status)
{
	for (int64_t i = 0; i < n->in[input]->desc.dim[0]; i++)
		if (lengths[i] < 0 || lengths[i] > t) {
			*status = ir_bad(n, TT_EINVAL, "sequence %lld has length %d, but there are 0 to "
			                 "%lld places", (long long)i, lengths[i], (long long)t);
			return 0;
		}
	return 1;
}

/* ---- shapes ---- */

/* The states at the start, and lengths. */
static tt_status infer_start(struct ir_node *n, const struct ir_sequence *s)
{
	const int states = s->h0 < 0 ? 0 : kinds[n->op].states;
	const int wanted = kinds[n->op].fixed + states + (s->lengths >= 0);
	tt_status st = TT_OK;

	if (n->n_in != wanted)
		return ir_bad(n, TT_EINVAL, "it has %d inputs, and %d with these states and lengths",
		              n->n_in, wanted);
	for (int i = 0; i < states && st == TT_OK; i++)
		st = IS(n, s->h0 + i, 2, s->n, s->h);
	if (st == TT_OK && s->lengths >= 0)
		st = IS(n, s->lengths, 1, s->n);
	return st;
}

static tt_status infer_forward(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *pre = &n->in[0]->desc, *w = &n->in[1]->desc;
	const int gates = kinds[n->op].gates;
	char p[IR_VALUE_TEXT], v[IR_VALUE_TEXT];
	struct ir_sequence s;
	tt_status st;

	if (pre->ndim != 3 || w->ndim != 2 || w->dim[0] != gates * w->dim[1])
		return ir_bad(n, TT_ESHAPE, "sequences %s and weights %s: they should be NxTx%dH and "
		              "%dHxH", ir_value_text(n->in[0], p), ir_value_text(n->in[1], v), gates,
		              gates);
	s = ir_sequence(n);
	if ((st = IS(n, 0, 3, s.n, s.t, gates * s.h)) != TT_OK ||
	    (st = IS(n, 2, 1, gates * s.h)) != TT_OK || (st = infer_start(n, &s)) != TT_OK)
		return st;
	out[0] = DESC(3, s.n, s.t, s.h);
	out[1] = DESC(2, s.n, s.h);
	return TT_OK;
}

tt_status ir_infer_rnn(struct ir_node *n, struct tensor_desc *out)
{
	if (n->attr.act != ACT_TANH && n->attr.act != ACT_RELU)
		return ir_bad(n, TT_EINVAL, "its activation is tanh or relu, not %s",
		              ir_act_name(n->attr.act));
	return infer_forward(n, out);
}

tt_status ir_infer_lstm(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = infer_forward(n, out);

	if (st != TT_OK)
		return st;
	out[2] = out[1];
	out[3] = n->in[0]->desc;
	out[4] = out[0];
	return TT_OK;
}

tt_status ir_infer_gru(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = infer_forward(n, out);

	if (st == TT_OK)
		out[2] = DESC(3, out[0].dim[0], out[0].dim[1], 4 * out[0].dim[2]);
	return st;
}

/* dy, dhn, .., w, y, ..: out: dpre, the states before each step, ..., dh0. */
static tt_status infer_backward(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *y = &n->in[0]->desc, *w = &n->in[kinds[n->op].w]->desc;
	const int gates = kinds[n->op].gates;
	struct ir_sequence s;
	tt_status st;

	if (y->ndim != 3 || w->ndim != 2)
		return ir_bad(n, TT_ESHAPE, "the gradient should be NxTxH, the weights %dHxH", gates);
	s = ir_sequence(n);
	if ((st = IS(n, 0, 3, s.n, s.t, s.h)) != TT_OK ||
	    (st = IS(n, s.w, 2, gates * s.h, s.h)) != TT_OK ||
	    (st = IS(n, s.w + 1, 3, s.n, s.t, s.h)) != TT_OK)
		return st;
	for (int i = 1; i < s.w; i++)
		if ((st = IS(n, i, 2, s.n, s.h)) != TT_OK)
			return st;
	out[0] = DESC(3, s.n, s.t, gates * s.h);
	out[1] = *y;
	out[2] = DESC(2, s.n, s.h);
	return infer_start(n, &s);
}

tt_status ir_infer_rnn_dx(struct ir_node *n, struct tensor_desc *out)
{
	return infer_backward(n, out);
}

tt_status ir_infer_lstm_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = infer_backward(n, out);

	if (st != TT_OK || (st = ir_infer_is(n, 5, 3, out[0].dim)) != TT_OK ||
	    (st = ir_infer_is(n, 6, 3, out[1].dim)) != TT_OK)
		return st;
	out[3] = out[2];
	return TT_OK;
}

tt_status ir_infer_gru_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = infer_backward(n, out);

	out[3] = out[0];
	return st != TT_OK ? st : IS(n, 4, 3, out[1].dim[0], out[1].dim[1], 4 * out[1].dim[2]);
}

/* ---- gradients ---- */

/* The products with w, forward or backward; what else a step does is little. */
static double flops(const struct ir_node *n)
{
	const struct ir_sequence s = ir_sequence(n);

	return (double)(s.n * s.t * s.h) * s.gates * (2 * (double)s.h + 10);
}

double ir_flops_rnn(const struct ir_node *n)     { return flops(n); }
double ir_flops_lstm(const struct ir_node *n)    { return flops(n); }
double ir_flops_gru(const struct ir_node *n)     { return flops(n); }
double ir_flops_rnn_dx(const struct ir_node *n)  { return flops(n); }
double ir_flops_lstm_dx(const struct ir_node *n) { return flops(n); }
double ir_flops_gru_dx(const struct ir_node *n)  { return flops(n); }

#define INPUTS 10                       /* of a gradient, at most */

/* dy and those of the last states, `saved` and what forward began with; NULL on error. */
static struct ir_node *emit_dx(struct ir_backward *b, struct ir_node *n, enum ir_op op,
                               struct ir_value *const *saved)
{
	const int states = kinds[n->op].states;
	struct ir_value *in[INPUTS + 1] = { NULL };
	int k = 0;

	for (int i = 0; i <= states; i++)
		if (!(in[k++] = ir_grad_of(b, n, i)))
			return NULL;
	for (int i = 0; saved[i]; i++)
		in[k++] = saved[i];
	for (int i = kinds[n->op].fixed; i < n->n_in; i++)
		in[k++] = n->in[i];
	return ir_grad_emit(b, n, op, &n->attr, in);
}

/* dgates: what the gradient left of w h + b. */
static tt_status give(struct ir_backward *b, struct ir_node *n, struct ir_node *d,
                      struct ir_value *dgates)
{
	const struct ir_sequence s = ir_sequence(n);
	const struct ir_attr none = { .act = ACT_NONE };
	struct ir_node *dw;
	tt_status st = ir_give(b, n->in[0], d->out[0]);

	if (st == TT_OK && s.h0 >= 0)
		st = ir_give(b, n->in[s.h0], d->out[2]);
	if (st == TT_OK && s.c0 >= 0)
		st = ir_give(b, n->in[s.c0], d->out[3]);
	if (st != TT_OK || !(n->in[1]->wants_grad || n->in[2]->wants_grad))
		return st;
	dw = GRAD_EMIT(b, n, IR_DENSE_DW, &none, d->out[1], dgates);
	st = ir_give_out(b, n->in[1], dw, 0);
	return st == TT_OK ? ir_give_out(b, n->in[2], dw, 1) : st;
}

tt_status ir_grad_rnn(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *const saved[] = { n->in[1], n->out[0], NULL };
	struct ir_node *d = emit_dx(b, n, IR_RNN_DX, saved);

	(void)dy;
	return d ? give(b, n, d, d->out[0]) : GRAD_FAILED;
}

tt_status ir_grad_lstm(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *const saved[] = { n->in[1], n->out[0], n->out[3], n->out[4], NULL };
	struct ir_node *d = emit_dx(b, n, IR_LSTM_DX, saved);

	(void)dy;
	return d ? give(b, n, d, d->out[0]) : GRAD_FAILED;
}

tt_status ir_grad_gru(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *const saved[] = { n->in[1], n->out[0], n->out[2], NULL };
	struct ir_node *d = emit_dx(b, n, IR_GRU_DX, saved);

	(void)dy;
	return d ? give(b, n, d, d->out[3]) : GRAD_FAILED;
}
