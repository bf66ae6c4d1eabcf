/* arith.c -- activations, sums and products, and what is done with raw samples. */
#include "learn/onnx/in/rows.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int is_answer(const struct net *r, const Onnx__Node *n)
{
	return strcmp(r->g->output[0]->name, n->output[0]) == 0;
}

tt_status in_same(struct net *r, const Onnx__Node *n)
{
	struct value *x, *y;
	tt_status st = onnx_input(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	return x ? onnx_alias(r, n, x, &y) : onnx_refuse(r, n, "it reads nothing");
}

/* ---- activations ---- */

static tt_status say_as(struct net *r, const Onnx__Node *n, struct value *x, const char *text)
{
	return SAY(r, n, onnx_name(r, n, NULL), x, x->ndim, x->dim, "%s: {", text);
}

tt_status in_act(struct net *r, const Onnx__Node *n)
{
	struct value *x;
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	if (onnx_is(n, "LeakyRelu") || onnx_is(n, "Elu"))
		return SAY(r, n, onnx_name(r, n, NULL), x, x->ndim, x->dim, "%s: {alpha: %.9g",
		           onnx_is(n, "Elu") ? "elu" : "leaky_relu",
		           onnx_float(n, "alpha", onnx_is(n, "Elu") ? 1 : 0.01));
	if (onnx_is(n, "Gelu") && !onnx_word_is(n, "approximate", "none", "none"))
		return onnx_refuse(r, n, "tutti has the exact one, by erf");
	return say_as(r, n, x, onnx_is(n, "Gelu") ? "gelu" : onnx_is(n, "Tanh") ? "tanh" : "relu");
}

/* One end of what a Clip lets through: an input, before opset 11 an attribute; or none. */
static tt_status clip_end(struct net *r, const Onnx__Node *n, int i, const char *name, double *end)
{
	struct value *v = NULL;
	tt_status st;

	if (r->opset < 11) {
		*end = (double)onnx_float(n, name, i == 1 ? -INFINITY : INFINITY);
		return TT_OK;
	}
	if ((st = onnx_input(r, n, i, &v)) != TT_OK)
		return st;
	*end = i == 1 ? -INFINITY : INFINITY;
	if (!v || onnx_number(r, v, end))
		return TT_OK;
	return onnx_refuse(r, n, "its %s is no number of the file", name);
}

tt_status in_clip(struct net *r, const Onnx__Node *n)
{
	struct value *x;
	double min, max;
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK || (st = clip_end(r, n, 1, "min", &min)) != TT_OK ||
	    (st = clip_end(r, n, 2, "max", &max)) != TT_OK)
		return st;
	if (min == 0 && max == 6)
		return say_as(r, n, x, "relu6");
	if (min == 0 && max >= (double)FLT_MAX)
		return say_as(r, n, x, "relu");
	return onnx_refuse(r, n, "it keeps what is between %g and %g: tutti has 0 to 6 (relu6) and "
	                   "from 0 on (relu)", min, max);
}

tt_status in_hard(struct net *r, const Onnx__Node *n)
{
	const double alpha = (double)onnx_float(n, "alpha", 0.2f);
	const double beta = (double)onnx_float(n, "beta", 0.5f);
	struct value *x;
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	if (onnx_is(n, "HardSwish"))
		return say_as(r, n, x, "hardswish");
	if (fabs(alpha - 1 / 6.0) > 1e-4 || beta != 0.5)
		return onnx_refuse(r, n, "it is %g x + %g, tutti's x / 6 + 0.5", alpha, beta);
	return say_as(r, n, x, "hardsigmoid");
}

/* An answer's sigmoid or softmax is the loss's affair. */
static tt_status answer(struct net *r, const Onnx__Node *n, struct value *x, const char *loss)
{
	struct value *y;

	r->loss = loss;
	return onnx_alias(r, n, x, &y);
}

/* x times sigmoid(x) is one layer. */
tt_status in_sigmoid(struct net *r, const Onnx__Node *n)
{
	const Onnx__Node *next = onnx_next(r, n);
	struct value *x;
	int said;
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK || (st = two_classes(r, n, x, &said)) != TT_OK || said)
		return st;
	if (is_answer(r, n) && x->ndim < 4)
		return answer(r, n, x, "bce");
	if (onnx_other(r, next, "Mul", n->output[0]) == x) {
		onnx_skip(r, next);
		return say_as(r, next, x, "silu");
	}
	return say_as(r, n, x, "sigmoid");
}

tt_status in_softmax(struct net *r, const Onnx__Node *n)
{
	int64_t axis = onnx_int(n, "axis", r->opset < 13 ? 1 : -1);
	struct value *x;
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	axis += axis < 0 ? x->ndim : 0;
	if (axis != x->ndim - 1)
		return onnx_refuse(r, n, "it works along another dimension than the last");
	if (is_answer(r, n) && x->ndim < 4)
		return answer(r, n, x, "cross_entropy");
	return say_as(r, n, x, "softmax");
}

/* ---- x Phi(x): its first node multiplies by 1/sqrt(2) ---- */

static tt_status try_gelu(struct net *r, const Onnx__Node *n, struct value *x, int *said)
{
	const Onnx__Node *erf = onnx_next(r, n), *sum, *times, *half;
	double one, point5;

	*said = 0;
	if (!onnx_is(erf, "Erf") || !(sum = onnx_next(r, erf)) || !(times = onnx_next(r, sum)) ||
	    !(half = onnx_next(r, times)) ||
	    !onnx_number(r, onnx_other(r, sum, "Add", erf->output[0]), &one) || one != 1 ||
	    onnx_other(r, times, "Mul", sum->output[0]) != x ||
	    !onnx_number(r, onnx_other(r, half, "Mul", times->output[0]), &point5) || point5 != 0.5)
		return TT_OK;
	*said = 1;
	onnx_skip(r, erf);
	onnx_skip(r, sum);
	onnx_skip(r, times);
	onnx_skip(r, half);
	return say_as(r, half, x, "gelu");
}

/* ---- what is done with raw samples ---- */

static int readers(const struct net *r, const char *name)
{
	int n = 0;

	for (size_t i = 0; i < r->g->n_node; i++)
		n += onnx_reads(r->g->node[i], name);
	return n;
}

/* The first input, read by this node alone, with such numbers. */
static struct onnx_in *raw_input(const struct net *r, const Onnx__Node *n, const struct value *x,
                                const struct value *v)
{
	if (!x || !v || x->kind != VALUE_LAYER || x->input != 0 || v->kind != VALUE_CONSTANT ||
	    v->c.whole || readers(r, n->input[0]) != 1 || !value_is_per_channel(v, x))
		return NULL;
	return &r->input[0];
}

tt_status in_sub(struct net *r, const Onnx__Node *n)
{
	struct value *x, *v, *y;
	struct onnx_in *in;
	tt_status st = onnx_both(r, n, &x, &v);

	if (st != TT_OK)
		return st;
	in = raw_input(r, n, x, v);
	if (!in || x->form != FORM_PLAIN || in->mean || in->std)
		return onnx_refuse(r, n, "tutti subtracts a mean from the first input alone");
	in->mean = v;
	return onnx_alias(r, n, x, &y);
}

static tt_status bytes_to_unit(struct net *r, const Onnx__Node *n, const struct value *x)
{
	struct value *y;
	tt_status st = onnx_alias(r, n, x, &y);

	if (st == TT_OK)
		y->form = FORM_PLAIN;
	return st;
}

tt_status in_div(struct net *r, const Onnx__Node *n)
{
	struct value *x, *v, *y;
	struct onnx_in *in;
	double by = 0;
	int said;
	tt_status st = onnx_both(r, n, &x, &v);

	if (st != TT_OK)
		return st;
	onnx_number(r, v, &by);
	in = raw_input(r, n, x, v);
	if (in && x->form == FORM_BYTES && by == 255)
		return bytes_to_unit(r, n, x);
	if (x->kind == VALUE_LAYER && x->form == FORM_PLAIN && fabs(by - sqrt(2.0)) < 1e-6 &&
	    ((st = try_gelu(r, n, x, &said)) != TT_OK || said))
		return st;
	if (!in || x->form != FORM_PLAIN || in->std)
		return onnx_refuse(r, n, "tutti divides the first input by its deviation alone");
	in->std = v;
	return onnx_alias(r, n, x, &y);
}

/* ---- sums and products ---- */

/* Numbers for each place: one sequence of them, added to all. */
static tt_status say_positions(struct net *r, const Onnx__Node *n, struct value *x,
                               const struct value *v)
{
	const int front = v->ndim == 3;
	struct number w = { .ndim = 2, .dim = { v->dim[front], v->dim[front + 1] } };
	const char *name;
	size_t count;
	tt_status st;

	if (x->ndim != 3 || v->ndim != 2 + front || (front && v->dim[0] != 1) ||
	    w.dim[1] != x->dim[2] || (w.dim[0] != x->dim[1] && x->dim[1] != NET_LENGTH))
		return onnx_refuse(r, n, "a constant is added, which is neither a bias nor numbers for "
		                   "each place");
	if ((st = onnx_floats(r, v, &w.f, &count)) != TT_OK)
		return st;
	if (!(name = onnx_name(r, n, v)))
		return TT_ENOMEM;
	if ((st = SAY(r, n, name, x, 3, x->dim, "positions: {max: %lld", (long long)w.dim[0])) != TT_OK)
		return st;
	return onnx_give(r, name, "weight", &w);
}

tt_status in_add(struct net *r, const Onnx__Node *n)
{
	struct value *in[16];
	tt_status st = TT_OK;

	if (n->n_input < 2 || n->n_input > 16)
		return onnx_refuse(r, n, "it has %zu inputs", n->n_input);
	for (size_t i = 0; i < n->n_input && st == TT_OK; i++)
		st = onnx_input(r, n, i, &in[i]);
	for (size_t i = 0; i < n->n_input && st == TT_OK; i++) {
		if (in[i] && in[i]->kind == VALUE_CONSTANT && !in[i]->c.whole && n->n_input == 2 &&
		    in[!i] && in[!i]->kind == VALUE_LAYER && in[!i]->form == FORM_PLAIN)
			return say_positions(r, n, in[!i], in[i]);
		if ((st = onnx_layer(r, n, i, &in[i])) == TT_OK &&
		    (in[i]->ndim != in[0]->ndim ||
		     memcmp(in[i]->dim, in[0]->dim, (size_t)in[0]->ndim * sizeof *in[0]->dim) != 0))
			st = onnx_refuse(r, n, "its inputs have different shapes");
	}
	return st != TT_OK ? st : onnx_say(r, &(struct saying){ n, onnx_name(r, n, NULL), in,
		(int)n->n_input, in[0]->ndim, in[0]->dim }, "add: {");
}

/* x / sqrt(mean(x^2) + eps) * gamma: its first node is the square. */
static tt_status try_rmsnorm(struct net *r, const Onnx__Node *n, struct value *x, int *said)
{
	const Onnx__Node *mean = onnx_next(r, n), *sum, *root, *div, *times;
	int64_t axes[TENSOR_MAX_DIMS];
	struct number w = { .ndim = 0 };
	struct value *gamma;
	const char *name;
	double eps;
	size_t count;
	int k;
	tt_status st;

	*said = 0;
	if (!onnx_is(mean, "ReduceMean") || !onnx_int(mean, "keepdims", 1) ||
	    !(sum = onnx_next(r, mean)) || !(root = onnx_next(r, sum)) || !onnx_is(root, "Sqrt") ||
	    !(div = onnx_next(r, root)) || !onnx_is(div, "Div") ||
	    !(times = onnx_next(r, div)) || !(gamma = onnx_other(r, times, "Mul", div->output[0])) ||
	    gamma->kind != VALUE_CONSTANT || gamma->c.whole || div->n_input != 2 ||
	    onnx_find(r, div->input[0]) != x ||
	    !onnx_number(r, onnx_other(r, sum, "Add", mean->output[0]), &eps))
		return TT_OK;
	if ((st = onnx_axes(r, mean, x->ndim, axes, &k)) != TT_OK)
		return st;
	for (int i = 0; i < k; i++)
		if (axes[i] != x->ndim - k + i)
			return TT_OK;
	if (k < 1 || k >= x->ndim || gamma->ndim != k)
		return TT_OK;
	for (int i = 0; i < k; i++)
		if ((w.dim[i] = gamma->dim[i]) != x->dim[x->ndim - k + i])
			return TT_OK;
	*said = 1;
	w.ndim = k;
	onnx_skip(r, mean);
	onnx_skip(r, sum);
	onnx_skip(r, root);
	onnx_skip(r, div);
	onnx_skip(r, times);
	if (!(name = onnx_name(r, n, gamma)))
		return TT_ENOMEM;
	if ((st = SAY(r, times, name, x, x->ndim, x->dim, "rmsnorm: {dims: %d, eps: %.9g", k, eps)) !=
	    TT_OK || (st = onnx_floats(r, gamma, &w.f, &count)) != TT_OK)
		return st;
	return onnx_give(r, name, "weight", &w);
}

/* A trained number for each channel of images: a convolution of each by itself, of one pixel. */
static tt_status scaled_channels(struct net *r, const Onnx__Node *n, struct value *x,
                                 const struct value *by, int *said)
{
	struct number w = { .ndim = 4, .dim = { 0, 1, 1, 1 } };
	const char *name;
	size_t count;
	tt_status st;

	*said = x->kind == VALUE_LAYER && x->form == FORM_PLAIN && x->ndim == 4 && x->dim[1] > 1 &&
	        by->kind == VALUE_CONSTANT && !by->c.whole &&
	        value_count(by) == (size_t)x->dim[1] && value_is_per_channel(by, x);
	if (!*said)
		return TT_OK;
	w.dim[0] = x->dim[1];
	if (!(name = onnx_name(r, n, by)))
		return TT_ENOMEM;
	if ((st = SAY(r, n, name, x, 4, x->dim, "depthwise2d: {kernel: 1, bias: no")) != TT_OK ||
	    (st = onnx_floats(r, by, &w.f, &count)) != TT_OK)
		return st;
	return onnx_give(r, name, "weight", &w);
}

tt_status in_mul(struct net *r, const Onnx__Node *n)
{
	struct value *a, *b;
	int64_t dim[TENSOR_MAX_DIMS];
	double by;
	int said;
	tt_status st = onnx_both(r, n, &a, &b);

	if (st != TT_OK)
		return st;
	if (a == b && a->kind == VALUE_LAYER && a->form == FORM_PLAIN &&
	    ((st = try_rmsnorm(r, n, a, &said)) != TT_OK || said))
		return st;
	if (a->kind == VALUE_LAYER && onnx_number(r, b, &by)) {
		if (a->form == FORM_BYTES && raw_input(r, n, a, b) && fabs(by * 255 - 1) < 1e-6)
			return bytes_to_unit(r, n, a);
		if (a->form == FORM_PLAIN && fabs(by * sqrt(2.0) - 1) < 1e-6 &&
		    ((st = try_gelu(r, n, a, &said)) != TT_OK || said))
			return st;
	}
	if ((st = scaled_features(r, n, a, b, &said)) != TT_OK || said ||
	    (st = scaled_channels(r, n, a, b, &said)) != TT_OK || said ||
	    (st = scaled_channels(r, n, b, a, &said)) != TT_OK || said ||
	    (st = onnx_layer(r, n, 0, &a)) != TT_OK || (st = onnx_layer(r, n, 1, &b)) != TT_OK)
		return st;
	for (int i = 0; i < a->ndim; i++) {
		dim[i] = a->dim[i] == 1 && a->ndim == b->ndim ? b->dim[i] : a->dim[i];
		if (a->ndim != b->ndim || (b->dim[i] != dim[i] && b->dim[i] != 1))
			return onnx_refuse(r, n, "its inputs have different shapes");
	}
	return onnx_say(r, &(struct saying){ n, onnx_name(r, n, NULL),
		(struct value *const[]){ a, b }, 2, a->ndim, dim }, "multiply: {");
}
