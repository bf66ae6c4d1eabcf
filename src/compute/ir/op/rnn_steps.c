/* op/rnn_steps.c -- the numbers of recurrences: sequence by sequence, step by step. */
#include "compute/ir/op.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "compute/ir/sequence.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* What the steps of one sequence share; backward, h and c are gradients. */
struct steps {
	struct ir_sequence    s;
	const struct ref_args *a;
	const float           *w;
	int64_t                i, length, wide;     /* which sequence; gates*h                    */
	float                 *h, *c;               /* [h]: before the step, then after it        */
	double                *hid;                 /* [gates*h]: w h + b; backward: its gradient */
};

typedef void (*step_fn)(struct steps *r, int64_t at);

static const void *input(const struct ref_args *a, int i) { return i < 0 ? NULL : a->in[i]; }

/* x's numbers of the place, each `width` wide; NULL if nobody wants them. */
static float *at_place(const struct steps *r, const void *x, int64_t width, int64_t place)
{
	return x ? (float *)(uintptr_t)x + (r->i * r->s.t + place) * width : NULL;
}

static void begin(const float *from, int64_t i, int64_t h, float *to)
{
	if (from)
		memcpy(to, from + i * h, (size_t)h * sizeof *to);
	else
		memset(to, 0, (size_t)h * sizeof *to);
}

static void end(const float *from, int64_t i, int64_t h, float *to)
{
	if (to)
		memcpy(to + i * h, from, (size_t)h * sizeof *to);
}

static void zero_place(const struct steps *r, int output, int64_t place)
{
	const int64_t width = ref_out(r->a, output)->dim[2];
	float *to = at_place(r, r->a->out[output], width, place);

	if (to)
		memset(to, 0, (size_t)width * sizeof *to);
}

/* w h + b */
static void hidden(const struct steps *r)
{
	const float *b = r->a->in[2];

	for (int64_t k = 0; k < r->wide; k++) {
		double sum = b[k];

		for (int64_t j = 0; j < r->s.h; j++)
			sum += (double)r->w[k * r->s.h + j] * r->h[j];
		r->hid[k] = sum;
	}
}

/* dh = keep dh + hid w: hid is the gradient at the gates. */
static void hidden_back(const struct steps *r, int64_t j, double keep)
{
	double sum = keep;

	for (int64_t k = 0; k < r->wide; k++)
		sum += r->hid[k] * r->w[k * r->s.h + j];
	r->h[j] = (float)sum;
}

static void rnn_step(struct steps *r, int64_t at)
{
	const float *pre = at_place(r, r->a->in[0], r->wide, at);

	for (int64_t j = 0; j < r->s.h; j++)
		r->h[j] = (float)ref_act_value(r->a->node->attr.act, 0, pre[j] + r->hid[j]);
}

static void lstm_step(struct steps *r, int64_t at)
{
	const int64_t H = r->s.h;
	const float *pre = at_place(r, r->a->in[0], r->wide, at);
	float *gates = at_place(r, r->a->out[3], r->wide, at), *cell = at_place(r, r->a->out[4], H, at);

	for (int64_t j = 0; j < H; j++) {
		double v[4];

		for (int g = 0; g < 4; g++) {
			const double x = pre[g * H + j] + r->hid[g * H + j];

			v[g] = g == 2 ? tanh(x) : sigmoid(x);
			if (gates)
				gates[g * H + j] = (float)v[g];
		}
		const double c = v[1] * r->c[j] + v[0] * v[2];

		r->c[j] = (float)c;
		r->h[j] = (float)(v[3] * tanh(c));
	}
	if (cell)
		memcpy(cell, r->c, (size_t)H * sizeof *cell);
}

/* gates: r, z, n, and what r weighs. */
static void gru_step(struct steps *r, int64_t at)
{
	const int64_t H = r->s.h;
	const float *pre = at_place(r, r->a->in[0], r->wide, at);
	float *gates = at_place(r, r->a->out[2], 4 * H, at);

	for (int64_t j = 0; j < H; j++) {
		const double reset = sigmoid(pre[j] + r->hid[j]);
		const double z = sigmoid(pre[H + j] + r->hid[H + j]), q = r->hid[2 * H + j];
		const double n = tanh(pre[2 * H + j] + reset * q), v[4] = { reset, z, n, q };

		for (int g = 0; gates && g < 4; g++)
			gates[g * H + j] = (float)v[g];
		r->h[j] = (float)((1 - z) * n + z * r->h[j]);
	}
}

static int open_steps(struct steps *r, const struct ref_args *a)
{
	const struct ir_sequence s = ir_sequence(a->node);
	const int32_t *lengths = input(a, s.lengths);

	*r = (struct steps){ .s = s, .a = a, .w = a->in[s.w], .wide = s.gates * s.h };
	if (lengths && !ir_lengths_are_good(a->node, s.lengths, lengths, s.t, a->status))
		return 0;
	r->hid = mem_alloc((size_t)r->wide * sizeof *r->hid + 2 * (size_t)s.h * sizeof *r->h);
	if (!r->hid) {
		*a->status = TT_ENOMEM;
		return 0;
	}
	r->h = (float *)(r->hid + r->wide);
	r->c = r->h + s.h;
	return 1;
}

/* pre, w, b, h0?, c0?, lengths? -> y, hn, cn?, and what the gradient needs; zeros in padding */
static void forward(const struct ref_args *a, step_fn step)
{
	struct steps r;

	if (!open_steps(&r, a))
		return;
	for (r.i = 0; r.i < r.s.n; r.i++) {
		r.length = ir_sequence_length(&r.s, input(a, r.s.lengths), r.i);
		begin(input(a, r.s.h0), r.i, r.s.h, r.h);
		begin(input(a, r.s.c0), r.i, r.s.h, r.c);
		for (int64_t k = 0; k < r.length; k++) {
			const int64_t at = ir_sequence_place(&r.s, r.length, k);
			float *y = at_place(&r, a->out[0], r.s.h, at);

			hidden(&r);
			step(&r, at);
			if (y)
				memcpy(y, r.h, (size_t)r.s.h * sizeof *y);
		}
		for (int64_t at = r.length; at < r.s.t; at++)
			for (int o = 0; o < a->node->n_out; o++)
				if (ref_out(a, o)->ndim == 3)
					zero_place(&r, o, at);
		end(r.h, r.i, r.s.h, a->out[1]);
		if (a->node->op == IR_LSTM)
			end(r.c, r.i, r.s.h, a->out[2]);
	}
	mem_free(r.hid);
}

void ref_rnn(const struct ref_args *a)  { forward(a, rnn_step); }
void ref_lstm(const struct ref_args *a) { forward(a, lstm_step); }
void ref_gru(const struct ref_args *a)  { forward(a, gru_step); }

/* ---- backward ---- */

/* The state, of input `first` at the start, before the step at `at`: that of the step before. */
static double before(const struct steps *r, const float *states, int first, int64_t at, int64_t j)
{
	const int64_t last = at + (r->s.reverse ? 1 : -1);
	const float *start = input(r->a, first);

	if (last >= 0 && last < r->length)
		return at_place(r, states, r->s.h, last)[j];
	return start ? start[r->i * r->s.h + j] : 0;
}

/* ptr: dy, dhn, w, y */
static void rnn_step_dx(struct steps *r, int64_t at)
{
	const float *y = at_place(r, r->a->in[3], r->s.h, at);
	const enum ir_act act = r->a->node->attr.act;

	for (int64_t j = 0; j < r->s.h; j++) {
		const int off = act == ACT_RELU && y[j] <= 0;   /* stops a NaN, too */

		r->hid[j] = off ? 0 : r->h[j] * ref_act_slope_y(act, 0, y[j]);
	}
	for (int64_t j = 0; j < r->s.h; j++)
		hidden_back(r, j, 0);
}

/* dy, dhn, dcn, w, y, gates, cells */
static void lstm_step_dx(struct steps *r, int64_t at)
{
	const int64_t H = r->s.h;
	const float *v = at_place(r, r->a->in[5], r->wide, at), *c = at_place(r, r->a->in[6], H, at);

	for (int64_t j = 0; j < H; j++) {
		const double i = v[j], f = v[H + j], g = v[2 * H + j], o = v[3 * H + j];
		const double t = tanh((double)c[j]), dc = r->c[j] + r->h[j] * o * (1 - t * t);

		r->hid[j] = dc * g * i * (1 - i);
		r->hid[H + j] = dc * before(r, r->a->in[6], r->s.c0, at, j) * f * (1 - f);
		r->hid[2 * H + j] = dc * i * (1 - g * g);
		r->hid[3 * H + j] = r->h[j] * t * o * (1 - o);
		r->c[j] = (float)(dc * f);
	}
	for (int64_t j = 0; j < H; j++)
		hidden_back(r, j, 0);
}

/* dy, dhn, w, y, gates */
static void gru_step_dx(struct steps *r, int64_t at)
{
	const int64_t H = r->s.h;
	const float *v = at_place(r, r->a->in[4], 4 * H, at);
	float *dpre = at_place(r, r->a->out[0], r->wide, at);

	for (int64_t j = 0; j < H; j++) {
		const double reset = v[j], z = v[H + j], n = v[2 * H + j], q = v[3 * H + j];
		const double h = before(r, r->a->in[3], r->s.h0, at, j);
		const double dn = r->h[j] * (1 - z) * (1 - n * n);

		r->hid[j] = dn * q * reset * (1 - reset);
		r->hid[H + j] = r->h[j] * (h - n) * z * (1 - z);
		r->hid[2 * H + j] = dn * reset;
		if (dpre)
			dpre[2 * H + j] = (float)dn;
	}
	for (int64_t j = 0; j < H; j++)
		hidden_back(r, j, r->h[j] * (double)v[H + j]);
}

static void store(const struct steps *r, float *to, int64_t n)
{
	for (int64_t k = 0; to && k < n; k++)
		to[k] = (float)r->hid[k];
}

static void step_back(struct steps *r, int64_t at, step_fn step)
{
	const struct ref_args *a = r->a;
	const float *dy = at_place(r, a->in[0], r->s.h, at);
	float *states = at_place(r, a->out[1], r->s.h, at);
	const int gru = a->node->op == IR_GRU_DX;

	for (int64_t j = 0; j < r->s.h; j++) {
		r->h[j] += dy[j];
		if (states)
			states[j] = (float)before(r, a->in[r->s.w + 1], r->s.h0, at, j);
	}
	step(r, at);
	store(r, at_place(r, a->out[0], r->wide, at), gru ? 2 * r->s.h : r->wide);
	if (gru)
		store(r, at_place(r, a->out[3], r->wide, at), r->wide);
}

/* dy, dhn, dcn?, w, y, ... -> dpre, states before each step, dh0, dc0 or the gates' gradient */
static void backward(const struct ref_args *a, step_fn step)
{
	struct steps r;

	if (!open_steps(&r, a))
		return;
	for (r.i = 0; r.i < r.s.n; r.i++) {
		r.length = ir_sequence_length(&r.s, input(a, r.s.lengths), r.i);
		begin(a->in[1], r.i, r.s.h, r.h);
		begin(a->node->op == IR_LSTM_DX ? a->in[2] : NULL, r.i, r.s.h, r.c);
		for (int64_t k = r.length - 1; k >= 0; k--)
			step_back(&r, ir_sequence_place(&r.s, r.length, k), step);
		for (int64_t at = r.length; at < r.s.t; at++)
			for (int o = 0; o < a->node->n_out; o++)
				if (ref_out(a, o)->ndim == 3)
					zero_place(&r, o, at);
		end(r.h, r.i, r.s.h, a->out[2]);
		if (a->node->op == IR_LSTM_DX)
			end(r.c, r.i, r.s.h, a->out[3]);
	}
	mem_free(r.hid);
}

void ref_rnn_dx(const struct ref_args *a)  { backward(a, rnn_step_dx); }
void ref_lstm_dx(const struct ref_args *a) { backward(a, lstm_step_dx); }
void ref_gru_dx(const struct ref_args *a)  { backward(a, gru_step_dx); }
