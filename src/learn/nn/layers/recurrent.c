/* Layers that go through sequences step by step: rnn, lstm, gru.  Parameters have PyTorch's names
 * and order. */
#include "learn/nn/layer.h"

struct recurrent_opts {
	LAYER_BASE;
	int    hidden, num_layers, bidirectional, bias, output, activation, init;
	double dropout;
};

enum { OUTPUT_ALL, OUTPUT_LAST };
static const char *const output_words[] = { "all", "last", NULL };
static const char *const rnn_act_words[] = { "tanh", "relu", NULL };

#define T struct recurrent_opts
#define RECURRENT_ROWS \
	LAYER_ROWS(T), \
	OPT_INT   (T, hidden, "0", 0, 1000000, "numbers of a state; must be given"), \
	OPT_INT   (T, num_layers, "1", 1, 1000, "how many, each over the outputs of the one before"), \
	OPT_ENUM  (T, bidirectional, "no", option_no_yes, \
	           "a second one goes from the end to the beginning; their outputs are put together"), \
	OPT_DOUBLE(T, dropout, "0", 0, 0.999, "between layers: probability of a zero"), \
	OPT_ENUM  (T, output, "all", output_words, \
	           "the output of every step, or the state after the last one"), \
	OPT_ENUM  (T, bias, "yes", option_no_yes, "add two numbers per gate, as PyTorch does"), \
	OPT_ENUM  (T, init, "default", layer_init_words, "of the weights; default: as model.init says")

static const struct option recurrent_options[] = { RECURRENT_ROWS, OPT_END };
static const struct option rnn_options[] = {
	RECURRENT_ROWS,
	OPT_ENUM(T, activation, "tanh", rnn_act_words, "what makes a state"),
	OPT_END
};
#undef T

static int gates_of(const struct layer *l)
{
	return l->kind == &nn_lstm ? 4 : l->kind == &nn_gru ? 3 : 1;
}

/* One direction of one layer. */
struct pass { int layer, reverse; };

static const char *name_of(struct builder *b, const char *what, struct pass p)
{
	return arena_printf(&b->arena, "%s_l%d%s", what, p.layer, p.reverse ? "_reverse" : "");
}

/* gates*hidden rows of `width`, or as many biases: width 0.  Torch's own scheme goes by the number
 * of the state everywhere. */
static tt_status parameter(struct builder *b, struct layer *l, const char *what, int64_t width,
                           struct ir_value **out)
{
	const struct recurrent_opts *o = l->opts;
	const int64_t rows = (int64_t)gates_of(l) * o->hidden;
	struct init weight = build_weight_init(b, o->init, width, rows);
	struct want w = { .what = what, .ndim = width ? 2 : 1, .dim = { rows, width } };

	if (weight.kind == INIT_TORCH)
		weight.fan_in = o->hidden;
	w.role = width ? PARAM_WEIGHT : PARAM_BIAS;
	w.init = width ? weight : build_bias_init(&weight);
	return what ? build_param(b, l, &w, out) : TT_ENOMEM;
}

/* w_ih, w_hh, b_ih, b_hh; without biases the last is zeros and b_ih NULL. */
static tt_status parameters(struct builder *b, struct layer *l, struct pass p, int64_t inputs,
                            struct ir_value *v[4])
{
	const struct recurrent_opts *o = l->opts;
	struct ir_attr zeros = { .ndim = 1, .dims = { (int64_t)gates_of(l) * o->hidden } };
	struct ir_node *n;
	tt_status st;

	v[2] = NULL;
	if ((st = parameter(b, l, name_of(b, "weight_ih", p), inputs, &v[0])) != TT_OK ||
	    (st = parameter(b, l, name_of(b, "weight_hh", p), o->hidden, &v[1])) != TT_OK)
		return st;
	if (o->bias && (st = parameter(b, l, name_of(b, "bias_ih", p), 0, &v[2])) != TT_OK)
		return st;
	if (o->bias)
		return parameter(b, l, name_of(b, "bias_hh", p), 0, &v[3]);
	if (!(n = ir_emit(b->g, IR_FILL, l->name, NULL, 0, &zeros)))
		return layer_failed(l);
	v[3] = n->out[0];
	return TT_OK;
}

/* The states that the piece before has left, behind the inputs of the op: v[n], *n. */
static tt_status states_in(struct builder *b, struct layer *l, struct pass p, int64_t batch,
                           struct ir_value **v, int *n)
{
	const struct recurrent_opts *o = l->opts;
	struct want_state w = { .form = STATE_REPLACED, .ndim = 2, .dim = { batch, o->hidden } };
	tt_status st = TT_OK;

	if (!build_has_states(b))
		return TT_OK;
	if (o->bidirectional)
		return layer_err(l, TT_ESHAPE, "goes through sequences from their end, too: it cannot go "
		                 "on where a sequence stopped");
	for (int i = 0; st == TT_OK && i < (l->kind == &nn_lstm ? 2 : 1); i++) {
		w.what = name_of(b, i ? "c" : "h", p);
		st = build_state(b, l, &w, &v[(*n)++]);
	}
	return st;
}

/* And what it leaves: outputs 1 and 2 of the op. */
static void states_out(struct builder *b, const struct ir_node *n, int first)
{
	for (int i = 0; build_has_states(b) && i < (n->op == IR_LSTM ? 2 : 1); i++)
		build_state_out(b, n->in[first + i], n->out[1 + i]);
}

/* x through one direction: every output, or the last state. */
static tt_status one_pass(struct builder *b, struct layer *l, struct pass p, struct ir_value *x,
                          struct ir_value *lengths, struct ir_value *out[2])
{
	const struct recurrent_opts *o = l->opts;
	const enum ir_op op = l->kind == &nn_lstm ? IR_LSTM : l->kind == &nn_gru ? IR_GRU : IR_RNN;
	const enum ir_act act = o->activation ? ACT_RELU : ACT_TANH;
	const struct ir_attr a = { .reverse = p.reverse, .act = op == IR_RNN ? act : ACT_NONE };
	struct ir_value *v[4], *in[6];
	int n_in = 3;
	struct ir_node *pre, *n;
	tt_status st = parameters(b, l, p, x->desc.dim[2], v);

	if (st != TT_OK)
		return st;
	in[0] = x;
	in[1] = v[0];
	in[2] = v[2];
	if (!(pre = ir_emit(b->g, IR_DENSE, l->name, in, v[2] ? 3 : 2, NULL)))
		return layer_failed(l);
	in[0] = pre->out[0];
	in[1] = v[1];
	in[2] = v[3];
	if ((st = states_in(b, l, p, x->desc.dim[0], in, &n_in)) != TT_OK)
		return st;
	if (lengths)
		in[n_in++] = lengths;
	if (!(n = ir_emit(b->g, op, l->name, in, n_in, &a)))
		return layer_failed(l);
	states_out(b, n, 3);
	out[0] = n->out[0];
	out[1] = n->out[1];
	return TT_OK;
}

/* All directions of a layer side by side into l->out: `which` of one_pass's two. */
static tt_status one_layer(struct builder *b, struct layer *l, int layer, int which)
{
	const struct recurrent_opts *o = l->opts;
	const struct ir_attr columns = { .axis = which == OUTPUT_LAST ? 1 : 2 };
	struct ir_value *x = l->out, *lengths = build_lengths(b, l->in[0]), *side[2];

	for (int r = 0; r <= o->bidirectional; r++) {
		struct ir_value *out[2];
		tt_status st = one_pass(b, l, (struct pass){ layer, r }, x, lengths, out);

		if (st != TT_OK)
			return st;
		side[r] = out[which];
	}
	l->out = side[0];
	return o->bidirectional ? build_op(b, l, IR_CONCAT, side, 2, &columns) : TT_OK;
}

static tt_status build_recurrent(struct builder *b, struct layer *l)
{
	const struct recurrent_opts *o = l->opts;
	tt_status st;

	if ((st = layer_need_dims(l, 3, "sequences of features")) != TT_OK)
		return st;
	if (o->hidden == 0)
		return layer_err(l, TT_ESPEC, "needs `hidden`, the numbers of its state");
	l->out = l->in[0];
	for (int i = 0; i < o->num_layers; i++) {
		const int last = i == o->num_layers - 1;
		const char *what = arena_printf(&b->arena, ".dropout_l%d", i);

		if ((st = one_layer(b, l, i, last ? o->output : OUTPUT_ALL)) != TT_OK ||
		    (!last && (st = build_dropout(b, l, what, o->dropout)) != TT_OK))
			return st;
	}
	return o->output == OUTPUT_LAST ? TT_OK
	                                : build_set_lengths(b, l->out, build_lengths(b, l->in[0]));
}

#define ROW(word, options, help) \
	nn_##word = { #word, #word, "sequences", sizeof(struct recurrent_opts), options, \
	              build_recurrent, help, TIME_PIECES }
const struct layer_kind
	ROW(rnn, rnn_options, "a state per step, made of the step's input and the state before"),
	ROW(lstm, recurrent_options, "the same with a cell that gates keep, fill and show"),
	ROW(gru, recurrent_options, "the same with gates on the state itself");
