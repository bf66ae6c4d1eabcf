/* gates.c -- see gates.h.  Loops over the numbers of a state that the compiler makes vectors of;
 * what nobody wants is written where nobody looks. */
#include "compute/exec/cpu/gates.h"

#include <math.h>
#include <string.h>

#include "compute/exec/cpu/exp.h"

/* The step's row of x[N*T][width], or `other` where x is not there. */
INLINE float *row(const void *x, int64_t at, int64_t width, float *other)
{
	return x ? (float *)(uintptr_t)x + at * width : other;
}

/* ---- forward: pre, w, b -> y, ... ---- */

SIMD static void rnn_tanh(const struct gates_at *g)
{
	const float *pre = row(g->in[0], g->place, g->n, NULL), *b = g->in[2], *w = g->product;
	float *y = row(g->out[0], g->place, g->n, g->h), *h = g->h;

	IN_PLACE
	for (int64_t j = 0; j < g->n; j++)
		y[j] = h[j] = exp_tanh(pre[j] + (w[j] + b[j]));
}

SIMD static void rnn_relu(const struct gates_at *g)
{
	const float *pre = row(g->in[0], g->place, g->n, NULL), *b = g->in[2], *w = g->product;
	float *y = row(g->out[0], g->place, g->n, g->h), *h = g->h;

	IN_PLACE
	for (int64_t j = 0; j < g->n; j++) {
		const float x = pre[j] + (w[j] + b[j]);

		y[j] = h[j] = x <= 0 ? 0 : x;
	}
}

SIMD static void lstm(const struct gates_at *g)
{
	const int64_t n = g->n;
	const float *pre = row(g->in[0], g->place, 4 * n, NULL), *b = g->in[2], *w = g->product;
	float *gates = row(g->out[3], g->place, 4 * n, g->product), *h = g->h, *c = g->c;
	float *y = row(g->out[0], g->place, n, g->h), *cells = row(g->out[4], g->place, n, g->c);

	IN_PLACE
	for (int64_t j = 0; j < n; j++) {
		const float in = exp_sigmoid(pre[j] + (w[j] + b[j]));
		const float forget = exp_sigmoid(pre[n + j] + (w[n + j] + b[n + j]));
		const float new = exp_tanh(pre[2 * n + j] + (w[2 * n + j] + b[2 * n + j]));
		const float out = exp_sigmoid(pre[3 * n + j] + (w[3 * n + j] + b[3 * n + j]));
		const float cell = forget * c[j] + in * new;

		gates[j] = in;
		gates[n + j] = forget;
		gates[2 * n + j] = new;
		gates[3 * n + j] = out;
		cells[j] = c[j] = cell;
		y[j] = h[j] = out * exp_tanh(cell);
	}
}

SIMD static void gru(const struct gates_at *g)
{
	const int64_t n = g->n;
	const float *pre = row(g->in[0], g->place, 3 * n, NULL), *b = g->in[2], *w = g->product;
	float *gates = row(g->out[2], g->place, 4 * n, NULL), *h = g->h;
	float *y = row(g->out[0], g->place, n, g->h);

	IN_PLACE
	for (int64_t j = 0; j < n; j++) {
		const float reset = exp_sigmoid(pre[j] + (w[j] + b[j]));
		const float z = exp_sigmoid(pre[n + j] + (w[n + j] + b[n + j]));
		const float q = w[2 * n + j] + b[2 * n + j], new = exp_tanh(pre[2 * n + j] + reset * q);

		if (gates) {
			gates[j] = reset;
			gates[n + j] = z;
			gates[2 * n + j] = new;
			gates[3 * n + j] = q;
		}
		y[j] = h[j] = (1 - z) * new + z * h[j];
	}
}

/* ---- backward ---- */

/* The state before the step, from those of all steps, or from the start. */
INLINE const float *state_before(const struct gates_at *g, const void *states, const float *start,
                                 const float *zeros)
{
	if (g->before >= 0)
		return row(states, g->before, g->n, NULL);
	return start ? start + g->sequence * g->n : zeros;
}

static void copy_before(const struct gates_at *g, const void *y)
{
	float *to = row(g->out[1], g->place, g->n, NULL);
	const float *from = state_before(g, y, g->h0, NULL);

	if (to && from)
		memcpy(to, from, (size_t)g->n * sizeof *to);
	else if (to)
		memset(to, 0, (size_t)g->n * sizeof *to);
}

/* dy, dhn, w, y */
SIMD static void rnn_dx(const struct gates_at *g)
{
	const float *dy = row(g->in[0], g->place, g->n, NULL), *y = row(g->in[3], g->place, g->n, NULL);
	float *d = row(g->out[0], g->place, g->n, NULL), *h = g->h;

	IN_PLACE
	for (int64_t j = 0; j < g->n; j++) {
		d[j] = (h[j] + dy[j]) * (1 - y[j] * y[j]);
		h[j] = 0;
	}
	copy_before(g, g->in[3]);
}

SIMD static void rnn_relu_dx(const struct gates_at *g)
{
	const float *dy = row(g->in[0], g->place, g->n, NULL), *y = row(g->in[3], g->place, g->n, NULL);
	float *d = row(g->out[0], g->place, g->n, NULL), *h = g->h;

	IN_PLACE
	for (int64_t j = 0; j < g->n; j++) {
		const float all = h[j] + dy[j];

		d[j] = y[j] <= 0 ? 0 : all;
		h[j] = 0;
	}
	copy_before(g, g->in[3]);
}

/* dy, dhn, dcn, w, y, gates, cells; `product` is free and as wide as a state. */
SIMD static void lstm_dx(const struct gates_at *g)
{
	const int64_t n = g->n;
	const float *dy = row(g->in[0], g->place, n, NULL), *v = row(g->in[5], g->place, 4 * n, NULL);
	const float *cells = row(g->in[6], g->place, n, NULL);
	const float *before = state_before(g, g->in[6], g->c0, g->product);
	float *d = row(g->out[0], g->place, 4 * n, NULL), *h = g->h, *c = g->c;

	if (before == g->product)
		memset(g->product, 0, (size_t)n * sizeof *h);
	IN_PLACE
	for (int64_t j = 0; j < n; j++) {
		const float in = v[j], forget = v[n + j], new = v[2 * n + j], out = v[3 * n + j];
		const float dh = h[j] + dy[j], t = exp_tanh(cells[j]);
		const float dc = c[j] + dh * out * (1 - t * t);

		d[j] = dc * new * in * (1 - in);
		d[n + j] = dc * before[j] * forget * (1 - forget);
		d[2 * n + j] = dc * in * (1 - new * new);
		d[3 * n + j] = dh * t * out * (1 - out);
		c[j] = dc * forget;
		h[j] = 0;
	}
	copy_before(g, g->in[4]);
}

/* dy, dhn, w, y, gates -> dpre, before, dh0, dhid */
SIMD static void gru_dx(const struct gates_at *g)
{
	const int64_t n = g->n;
	const float *dy = row(g->in[0], g->place, n, NULL), *v = row(g->in[4], g->place, 4 * n, NULL);
	const float *before = state_before(g, g->in[3], g->h0, g->product);
	float *hid = row(g->out[3], g->place, 3 * n, NULL), *h = g->h;
	float *pre = row(g->out[0], g->place, 3 * n, hid);

	if (before == g->product)
		memset(g->product, 0, (size_t)n * sizeof *h);
	IN_PLACE
	for (int64_t j = 0; j < n; j++) {
		const float reset = v[j], z = v[n + j], new = v[2 * n + j], q = v[3 * n + j];
		const float dh = h[j] + dy[j], dn = dh * (1 - z) * (1 - new * new);

		pre[2 * n + j] = dn;
		pre[j] = hid[j] = dn * q * reset * (1 - reset);
		pre[n + j] = hid[n + j] = dh * (before[j] - new) * z * (1 - z);
		hid[2 * n + j] = dn * reset;
		h[j] = dh * z;
	}
	copy_before(g, g->in[3]);
}

gates_fn *gates_of(const struct ir_node *n)
{
	const int relu = n->attr.act == ACT_RELU;

	switch (n->op) {
	case IR_RNN:     return relu ? rnn_relu : rnn_tanh;
	case IR_RNN_DX:  return relu ? rnn_relu_dx : rnn_dx;
	case IR_LSTM:    return lstm;
	case IR_LSTM_DX: return lstm_dx;
	case IR_GRU:     return gru;
	default:         return gru_dx;
	}
}
