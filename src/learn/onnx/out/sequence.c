/* sequence.c -- recurrences, attention and what looks at the places of sequences. */
#include "learn/onnx/out/emit.h"

#include <math.h>
#include <string.h>

#include "compute/ir/sequence.h"

static const char *cast(struct emitter *e, const struct ir_node *n, const char *x,
                        enum onnx_type to)
{
	const char *y = EMIT(e, n->name, "Cast", x);

	emit_int(e, "to", to);
	return y;
}

static const char *turned(struct emitter *e, const struct ir_node *n, const char *x,
                          const int64_t perm[4])
{
	const char *y = EMIT(e, n->name, "Transpose", x);

	emit_ints(e, "perm", perm, perm[3] < 0 ? 3 : 4);
	return y;
}

static const char *moved(struct emitter *e, const struct ir_node *n, const char *op,
                         const char *x, int64_t axis)
{
	return EMIT(e, n->name, op, x, emit_i64(e, n->name, &axis, 1));
}

static int is_read(const struct ir_node *n, const struct ir_value *v)
{
	for (const struct ir_node *k = n->next; k; k = k->next)
		for (int i = 0; i < k->n_in; i++)
			if (k->in[i] == v)
				return 1;
	return v->output;
}

/* ---- recurrences ---- */

struct recurrence {
	const char *op;
	int         gates, order[4];        /* ONNX's i-th gate is our order[i]-th */
};

static const struct recurrence *recurrence_of(enum ir_op op)
{
	static const struct recurrence rnn = { "RNN", 1, { 0 } };
	static const struct recurrence lstm = { "LSTM", 4, { 0, 3, 1, 2 } };  /* i f g o: i o f c */
	static const struct recurrence gru = { "GRU", 3, { 1, 0, 2 } };       /* r z n: z r h */

	return op == IR_LSTM ? &lstm : op == IR_GRU ? &gru : &rnn;
}

/* A parameter of all gates under its own name, in ONNX's order, for one direction. */
static const char *gates(struct emitter *e, const struct recurrence *r, const struct ir_value *v)
{
	const size_t part = (size_t)tensor_count(&v->desc) / (size_t)r->gates;
	struct tensor_desc d = { .ndim = v->desc.ndim + 1, .dim = { 1, v->desc.dim[0],
	                                                           v->desc.dim[1] } };
	float *own;

	if (e->of[v->id])
		return e->of[v->id];
	own = emit_room(e, part * (size_t)r->gates, sizeof *own);
	for (int i = 0; i < r->gates && !e->failed; i++)
		memcpy(own + (size_t)i * part, e->m->params + v->offset + (size_t)r->order[i] * part,
		       part * sizeof *own);
	return e->of[v->id] = emit_stored(e, v->name, ONNX_FLOAT, &d, own);
}

/* [1, N, H] of a state at the start; "" is none. */
static const char *state(struct emitter *e, const struct ir_node *n, int i)
{
	return i < 0 ? "" : moved(e, n, "Unsqueeze", emit_in(e, n, i), 0);
}

/* A recurrence and, where there is one, the other that goes the other way over the same inputs;
 * joined: what puts their outputs side by side.  ONNX has one operator for both. */
struct sides_of {
	const struct recurrence *r;
	const struct ir_node    *side[2], *pre[2], *joined;
	int                      sides, output;         /* output: of theirs, that is joined */
};

static int is_dense_of(const struct ir_node *pre, const struct ir_node *n)
{
	return pre && pre->op == IR_DENSE && pre->in[1]->kind == IR_PARAM &&
	       n->in[1]->kind == IR_PARAM;
}

static void find_other(struct sides_of *c)
{
	const struct ir_node *n = c->side[0], *k = n->next;

	while (k && !(k->op == n->op && k->attr.reverse && strcmp(k->name, n->name) == 0))
		k = k->next;
	if (n->attr.reverse || !k || !is_dense_of(k->in[0]->maker, k) ||
	    k->in[0]->maker->in[0] != c->pre[0]->in[0])
		return;
	for (const struct ir_node *j = k->next; j; j = j->next)
		for (int i = 0; i < 2; i++)
			if (j->op == IR_CONCAT && j->n_in == 2 && j->in[0] == n->out[i] &&
			    j->in[1] == k->out[i]) {
				c->joined = j;
				c->output = i;
			}
	if (!c->joined)
		return;
	c->side[1] = k;
	c->pre[1] = k->in[0]->maker;
	c->sides = 2;
}

/* Input i of the nodes, of all sides one after the other. */
static const char *of_sides(struct emitter *e, const struct sides_of *c,
                            const struct ir_node *const n[2], int i)
{
	const char *one = gates(e, c->r, n[0]->in[i]), *both;

	if (c->sides == 1)
		return one;
	both = EMIT(e, c->side[0]->name, "Concat", one, gates(e, c->r, n[1]->in[i]));
	emit_int(e, "axis", 0);
	return both;
}

static const char *biases(struct emitter *e, const struct sides_of *c)
{
	const char *in, *out, *both;

	if (c->pre[0]->n_in < 3)
		return "";
	in = of_sides(e, c, c->pre, 2);
	out = of_sides(e, c, c->side, 2);
	both = EMIT(e, c->side[0]->name, "Concat", in, out);
	emit_int(e, "axis", 1);
	return both;
}

/* Of one side. */
static void outputs(struct emitter *e, const struct ir_node *n, const char *const y[3])
{
	static const int64_t back[4] = { 1, 0, 2, -1 };

	if (is_read(n, n->out[0]))
		e->of[n->out[0]->id] = turned(e, n, moved(e, n, "Squeeze", y[0], 1), back);
	for (int i = 1; i < 3 && i < n->n_out; i++)
		if (y[i] && is_read(n, n->out[i]))
			e->of[n->out[i]->id] = moved(e, n, "Squeeze", y[i], 0);
}

/* Of both, side by side. */
static void outputs_joined(struct emitter *e, const struct sides_of *c, const char *const y[3])
{
	static const int64_t places[4] = { 2, 0, 1, 3 }, states[4] = { 1, 0, 2, -1 };
	const struct ir_node *n = c->side[0];
	const int64_t wide = c->joined->out[0]->desc.dim[c->output == 0 ? 2 : 1];
	const int64_t dims[3] = { 0, c->output == 0 ? 0 : wide, wide };
	const char *both = turned(e, n, y[c->output], c->output == 0 ? places : states);

	e->of[c->joined->out[0]->id] = EMIT(e, n->name, "Reshape", both,
		emit_i64(e, n->name, dims, c->output == 0 ? 3 : 2));
	e->of[c->side[1]->out[0]->id] = "";             /* is said: see out_recurrent */
}

/* With the dense layer in front, which multiplies the inputs: see out_dense. */
tt_status out_recurrent(struct emitter *e, const struct ir_node *n)
{
	static const int64_t by_time[4] = { 1, 0, 2, -1 };
	struct sides_of c = { .r = recurrence_of(n->op), .side = { n }, .pre = { n->in[0]->maker },
	                   .sides = 1 };
	const struct ir_sequence s = ir_sequence(n);
	const char *x, *w, *h, *b, *lengths, *h0, *c0, *y[3] = { NULL };

	if (e->of[n->out[0]->id])
		return TT_OK;
	if (!is_dense_of(c.pre[0], n))
		return emit_refuse(n, "what it reads comes from no weights");
	find_other(&c);
	x = turned(e, n, emit_in(e, c.pre[0], 0), by_time);
	w = of_sides(e, &c, c.pre, 1);
	h = of_sides(e, &c, c.side, 1);
	b = biases(e, &c);
	lengths = s.lengths < 0 ? "" : emit_in(e, n, s.lengths);
	h0 = state(e, n, s.h0);
	c0 = n->op == IR_LSTM ? state(e, n, s.c0) : NULL;
	y[0] = EMIT(e, n->name, c.r->op, x, w, h, b, lengths, h0, c0);
	y[1] = emit_output(e, 1);
	y[2] = n->op == IR_LSTM ? emit_output(e, 2) : NULL;
	emit_int(e, "hidden_size", s.h);
	emit_text(e, "direction", c.sides == 2 ? "bidirectional" : n->attr.reverse ? "reverse"
	                                                                          : "forward");
	if (n->op == IR_GRU)
		emit_int(e, "linear_before_reset", 1);
	if (n->op == IR_RNN)
		emit_words(e, "activations", n->attr.act == ACT_RELU ? "Relu" : "Tanh", c.sides);
	if (c.sides == 2)
		outputs_joined(e, &c, y);
	else
		outputs(e, n, y);
	return TT_OK;
}

/* ---- places ---- */

/* int64 []: so many. */
static const char *count_of(struct emitter *e, const struct ir_node *n, const struct ir_value *v,
                            int dim)
{
	return size_of(e, v, dim) == SIZE_FIXED ? emit_whole(e, n->name, v->desc.dim[dim])
	                                        : moved(e, n, "Squeeze", emit_places(e), 0);
}

/* int64 [T]: 0, 1, ... */
static const char *range(struct emitter *e, const struct ir_node *n, const struct ir_value *v,
                         int dim)
{
	const char *to = count_of(e, n, v, dim);

	return EMIT(e, n->name, "Range", emit_whole(e, n->name, 0), to, emit_whole(e, n->name, 1));
}

/* int64 [N, 1] */
static const char *column_of(struct emitter *e, const struct ir_node *n, const char *lengths)
{
	return moved(e, n, "Unsqueeze", cast(e, n, lengths, ONNX_INT64), 1);
}

static const char *weights(struct emitter *e, const struct ir_node *n, const char *valid,
                           const char *length)
{
	const char *one;

	if (n->attr.reduce == REDUCE_MAX)
		return EMIT(e, n->name, "Where", valid, emit_number(e, n->name, 0),
		            emit_number(e, n->name, -1e30f));
	valid = cast(e, n, valid, ONNX_FLOAT);
	if (n->attr.reduce != REDUCE_MEAN)
		return valid;
	one = emit_number(e, n->name, 1);
	length = cast(e, n, length, ONNX_FLOAT);
	return EMIT(e, n->name, "Div", valid, EMIT(e, n->name, "Max", length, one));
}

tt_status out_places(struct emitter *e, const struct ir_node *n)
{
	const char *at = range(e, n, n->out[0], 1);
	const char *length = column_of(e, n, emit_in(e, n, 0)), *valid;

	if (n->attr.reduce == REDUCE_LAST)
		valid = EMIT(e, n->name, "Equal", at, EMIT(e, n->name, "Sub", length,
		                                           emit_whole(e, n->name, 1)));
	else
		valid = EMIT(e, n->name, "Less", at, length);
	e->of[n->out[0]->id] = weights(e, n, valid, length);
	return TT_OK;
}

/* ---- attention ---- */

/* q, k and v of [N, T, 3E]. */
static void split3(struct emitter *e, const struct ir_node *n, const char *out[3])
{
	out[0] = EMIT(e, n->name, "Split", emit_in(e, n, 0));
	emit_int(e, "axis", 2);
	out[1] = emit_output(e, 1);
	out[2] = emit_output(e, 2);
}

static const char *by_heads(struct emitter *e, const struct ir_node *n, const char *x)
{
	const int64_t heads = n->attr.heads, wide = n->in[0]->desc.dim[2] / 3;
	const int64_t dims[4] = { 0, 0, heads, wide / heads };

	return EMIT(e, n->name, "Reshape", x, emit_i64(e, n->name, dims, 4));
}

static const char *joined(struct emitter *e, const struct ir_node *n, const char *x)
{
	const int64_t dims[3] = { 0, 0, n->in[0]->desc.dim[2] / 3 };

	return EMIT(e, n->name, "Reshape", x, emit_i64(e, n->name, dims, 3));
}

/* Scores of pairs that may not see one another are as good as nothing. */
static const char *masked(struct emitter *e, const struct ir_node *n, const char *scores,
                          const char *seen)
{
	return EMIT(e, n->name, "Where", seen, scores, emit_number(e, n->name, -1e30f));
}

static const char *softmax(struct emitter *e, const struct ir_node *n, const char *x)
{
	const char *y = EMIT(e, n->name, "Softmax", x);

	emit_int(e, "axis", -1);
	return y;
}

/* In each head softmax(q k^T / sqrt(D)) v; places behind the end are no keys, and get zeros. */
tt_status out_attention(struct emitter *e, const struct ir_node *n)
{
	static const int64_t heads_first[4] = { 0, 2, 1, 3 }, keys[4] = { 0, 2, 3, 1 };
	const float scale = 1 / sqrtf((float)(n->in[0]->desc.dim[2] / 3 / n->attr.heads));
	const char *qkv[3], *at = NULL, *valid = NULL, *y;

	split3(e, n, qkv);
	for (int i = 0; i < 3; i++)
		qkv[i] = turned(e, n, by_heads(e, n, qkv[i]), i == 1 ? keys : heads_first);
	y = EMIT(e, n->name, "MatMul", qkv[0], qkv[1]);
	y = EMIT(e, n->name, "Mul", y, emit_number(e, n->name, scale));
	if (n->attr.causal || n->n_in > 1)
		at = range(e, n, n->in[0], 1);
	if (n->attr.causal)
		y = masked(e, n, y, EMIT(e, n->name, "LessOrEqual", at, moved(e, n, "Unsqueeze", at, 1)));
	if (n->n_in > 1) {
		valid = EMIT(e, n->name, "Less", at, column_of(e, n, emit_in(e, n, 1)));
		y = masked(e, n, y, moved(e, n, "Unsqueeze", moved(e, n, "Unsqueeze", valid, 1), 1));
	}
	y = EMIT(e, n->name, "MatMul", softmax(e, n, y), qkv[2]);
	y = joined(e, n, turned(e, n, y, heads_first));
	if (valid)
		y = EMIT(e, n->name, "Where", moved(e, n, "Unsqueeze", valid, 2), y,
		         emit_number(e, n->name, 0));
	e->of[n->out[0]->id] = y;
	return TT_OK;
}

/* ---- waves ---- */

/* f32 [T, columns]: place t times alpha^(-2j/wide), less whole turns, which double is good for. */
static const char *turns(struct emitter *e, const struct ir_node *n, const char *at, int64_t wide)
{
	const int64_t columns = wide / 2;
	const struct tensor_desc row = { .ndim = 2, .dim = { 1, columns } };
	const double circle = 2 * M_PI;
	double *speed = emit_room(e, (size_t)columns, sizeof *speed);
	const char *y;

	for (int64_t j = 0; j < columns && !e->failed; j++)
		speed[j] = pow(n->attr.alpha, -2.0 * (double)j / (double)wide);
	y = moved(e, n, "Unsqueeze", cast(e, n, at, ONNX_DOUBLE), 1);
	y = EMIT(e, n->name, "Mul", y, emit_constant(e, n->name, ONNX_DOUBLE, &row, speed));
	y = EMIT(e, n->name, "Mod", y, emit_constant(e, n->name, ONNX_DOUBLE,
	                                             &(struct tensor_desc){ .ndim = 0 }, &circle));
	emit_int(e, "fmod", 1);
	return cast(e, n, y, ONNX_FLOAT);
}

tt_status out_sinusoid(struct emitter *e, const struct ir_node *n)
{
	const int64_t wide = n->out[0]->desc.dim[1], dims[2] = { 0, wide };
	const char *y = turns(e, n, range(e, n, n->out[0], 0), wide), *sine, *cosine;

	sine = moved(e, n, "Unsqueeze", EMIT(e, n->name, "Sin", y), 2);
	cosine = moved(e, n, "Unsqueeze", EMIT(e, n->name, "Cos", y), 2);
	y = EMIT(e, n->name, "Concat", sine, cosine);
	emit_int(e, "axis", 2);
	e->of[n->out[0]->id] = EMIT(e, n->name, "Reshape", y, emit_i64(e, n->name, dims, 2));
	return TT_OK;
}

/* Pairs j and j + D/2 of a head. */
static const char *turn(struct emitter *e, const struct ir_node *n, const char *x,
                        const char *const waves[2])
{
	const char *u = EMIT(e, n->name, "Split", by_heads(e, n, x)), *v, *a, *b;

	emit_int(e, "axis", 3);
	v = emit_output(e, 1);
	a = EMIT(e, n->name, "Mul", v, waves[1]);
	a = EMIT(e, n->name, "Sub", EMIT(e, n->name, "Mul", u, waves[0]), a);
	b = EMIT(e, n->name, "Mul", u, waves[1]);
	b = EMIT(e, n->name, "Add", EMIT(e, n->name, "Mul", v, waves[0]), b);
	a = EMIT(e, n->name, "Concat", a, b);
	emit_int(e, "axis", 3);
	return joined(e, n, a);
}

tt_status out_rotary(struct emitter *e, const struct ir_node *n)
{
	const char *qkv[3], *waves[2], *y;

	if (n->attr.reverse)
		return emit_refuse(n, "it belongs to training");
	if (n->n_in > 1)
		return emit_refuse(n, "it belongs to generating, a step for each token");
	split3(e, n, qkv);
	y = turns(e, n, range(e, n, n->in[0], 1), n->in[0]->desc.dim[2] / 3 / n->attr.heads);
	waves[0] = moved(e, n, "Unsqueeze", EMIT(e, n->name, "Cos", y), 1);
	waves[1] = moved(e, n, "Unsqueeze", EMIT(e, n->name, "Sin", y), 1);
	for (int i = 0; i < 2; i++)
		qkv[i] = turn(e, n, qkv[i], waves);
	e->of[n->out[0]->id] = EMIT(e, n->name, "Concat", qkv[0], qkv[1], qkv[2]);
	emit_int(e, "axis", 2);
	return TT_OK;
}
