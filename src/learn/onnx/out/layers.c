/* layers.c -- windows, products, norms and activations. */
#include "learn/onnx/out/emit.h"

#include <math.h>
#include <string.h>

/* ---- activations ---- */

static const char *plain(struct emitter *e, const struct ir_node *n, const char *op, const char *x)
{
	return EMIT(e, n->name, op, x);
}

/* x Phi(x) by erf, as torch.onnx writes it where an opset has no Gelu. */
static const char *gelu(struct emitter *e, const struct ir_node *n, const char *x)
{
	const char *y = EMIT(e, n->name, "Div", x, emit_number(e, n->name, 1.41421356f));

	y = EMIT(e, n->name, "Add", plain(e, n, "Erf", y), emit_number(e, n->name, 1));
	y = EMIT(e, n->name, "Mul", x, y);
	return EMIT(e, n->name, "Mul", y, emit_number(e, n->name, 0.5f));
}

static const char *sloped(struct emitter *e, const struct ir_node *n, const char *op,
                          const char *x)
{
	const char *y = plain(e, n, op, x);

	emit_float(e, "alpha", n->attr.alpha);
	return y;
}

static const char *relu6(struct emitter *e, const struct ir_node *n, const char *x)
{
	return EMIT(e, n->name, "Clip", x, emit_number(e, n->name, 0), emit_number(e, n->name, 6));
}

static const char *hardsigmoid(struct emitter *e, const struct ir_node *n, const char *x)
{
	const char *y = plain(e, n, "HardSigmoid", x);

	emit_float(e, "alpha", 1 / 6.0f);
	emit_float(e, "beta", 0.5f);
	return y;
}

static const char *act(struct emitter *e, const struct ir_node *n, const char *x)
{
	switch (n->attr.act) {
	case ACT_RELU: return plain(e, n, "Relu", x);
	case ACT_LEAKY_RELU: return sloped(e, n, "LeakyRelu", x);
	case ACT_ELU: return sloped(e, n, "Elu", x);
	case ACT_GELU: return gelu(e, n, x);
	case ACT_SILU: return EMIT(e, n->name, "Mul", x, plain(e, n, "Sigmoid", x));
	case ACT_SIGMOID: return plain(e, n, "Sigmoid", x);
	case ACT_TANH: return plain(e, n, "Tanh", x);
	case ACT_RELU6: return relu6(e, n, x);
	case ACT_HARDSWISH: return plain(e, n, "HardSwish", x);
	case ACT_HARDSIGMOID: return hardsigmoid(e, n, x);
	default: return x;
	}
}

tt_status emit_answer(struct emitter *e, const struct ir_node *n, const char *y)
{
	e->of[n->out[0]->id] = act(e, n, y);
	return TT_OK;
}

tt_status out_act(struct emitter *e, const struct ir_node *n)
{
	return emit_answer(e, n, emit_in(e, n, 0));
}

tt_status out_softmax(struct emitter *e, const struct ir_node *n)
{
	e->of[n->out[0]->id] = plain(e, n, "Softmax", emit_in(e, n, 0));
	emit_int(e, "axis", -1);
	return TT_OK;
}

/* A number for each channel beside v, whose channels are dimension 1. */
static const char *channels(struct emitter *e, const struct ir_node *n, int i,
                            const struct ir_value *v)
{
	const int64_t dims[TENSOR_MAX_DIMS] = { n->in[i]->desc.dim[0], 1, 1, 1 };

	if (v->desc.ndim < 3)
		return emit_in(e, n, i);
	return EMIT(e, n->name, "Reshape", emit_in(e, n, i), emit_i64(e, n->name, dims,
	                                                             v->desc.ndim - 1));
}

tt_status out_prelu(struct emitter *e, const struct ir_node *n)
{
	const int one = n->in[1]->desc.dim[0] == 1;

	e->of[n->out[0]->id] = EMIT(e, n->name, "PRelu", emit_in(e, n, 0),
	                            one ? emit_in(e, n, 1) : channels(e, n, 1, n->in[0]));
	return TT_OK;
}

tt_status out_bias(struct emitter *e, const struct ir_node *n)
{
	const char *b = channels(e, n, 1, n->in[0]);

	e->of[n->out[0]->id] = EMIT(e, n->name, "Add", emit_in(e, n, 0), b);
	return TT_OK;
}

/* ---- windows ---- */

static void pair(struct emitter *e, const char *name, const int v[2])
{
	const int64_t wide[2] = { v[0] ? v[0] : 1, v[1] ? v[1] : 1 };

	emit_ints(e, name, wide, 2);
}

static void window(struct emitter *e, const struct ir_attr *a)
{
	const int64_t pads[4] = { a->pad[0], a->pad[1], a->pad[2], a->pad[3] };

	pair(e, "kernel_shape", a->kernel);
	pair(e, "strides", a->stride);
	emit_ints(e, "pads", pads, 4);
}

static void convolution(struct emitter *e, const struct ir_attr *a)
{
	window(e, a);
	pair(e, "dilations", a->dilation);
	emit_int(e, "group", a->groups ? a->groups : 1);
}

tt_status out_conv2d(struct emitter *e, const struct ir_node *n)
{
	const char *y = EMIT(e, n->name, "Conv", emit_in(e, n, 0), emit_in(e, n, 1), emit_in(e, n, 2));

	convolution(e, &n->attr);
	return emit_answer(e, n, y);
}

/* The layer conv_transpose2d: what the shape has beyond the windows is output_padding. */
tt_status out_conv2d_dx(struct emitter *e, const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;
	int64_t more[2];

	for (int i = 0; i < 2; i++)
		more[i] = a->dims[2 + i] + a->pad[i] + a->pad[2 + i] -
		          (n->in[0]->desc.dim[2 + i] - 1) * a->stride[i] -
		          (a->dilation[i] ? a->dilation[i] : 1) * (a->kernel[i] - 1) - 1;
	e->of[n->out[0]->id] = EMIT(e, n->name, "ConvTranspose", emit_in(e, n, 0), emit_in(e, n, 1));
	convolution(e, a);
	emit_ints(e, "output_padding", more, 2);
	return TT_OK;
}

tt_status out_pool(struct emitter *e, const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;
	const int64_t *x = n->in[0]->desc.dim;
	const int max = n->op == IR_MAXPOOL;
	const int whole = a->kernel[0] == x[2] && a->kernel[1] == x[3] &&
	                  !(a->pad[0] || a->pad[1] || a->pad[2] || a->pad[3]);
	const char *y = plain(e, n, whole ? (max ? "GlobalMaxPool" : "GlobalAveragePool")
	                                  : (max ? "MaxPool" : "AveragePool"), emit_in(e, n, 0));

	if (!whole)
		window(e, a);
	if (!whole && !max)
		emit_int(e, "count_include_pad", a->count_pad);
	return emit_answer(e, n, y);
}

/* ---- products ---- */

/* What a recurrence makes of its inputs is part of ONNX's operator. */
static int is_half_of_recurrence(const struct ir_node *n)
{
	int half = 0;

	for (const struct ir_node *k = n->next; k; k = k->next)
		for (int i = 0; i < k->n_in; i++)
			half |= k->in[i] == n->out[0] && i == 0 &&
			        (k->op == IR_RNN || k->op == IR_LSTM || k->op == IR_GRU);
	return half;
}

/* With more than two dimensions Gemm does not go. */
tt_status out_dense(struct emitter *e, const struct ir_node *n)
{
	const char *x, *w, *b, *y;

	if (is_half_of_recurrence(n))
		return TT_OK;
	x = emit_in(e, n, 0);
	w = emit_in(e, n, 1);
	b = emit_in(e, n, 2);
	if (n->in[0]->desc.ndim == 2) {
		y = EMIT(e, n->name, "Gemm", x, w, b);
		emit_int(e, "transB", 1);
		return emit_answer(e, n, y);
	}
	w = plain(e, n, "Transpose", w);
	emit_ints(e, "perm", (const int64_t[]){ 1, 0 }, 2);
	y = EMIT(e, n->name, "MatMul", x, w);
	return emit_answer(e, n, b ? EMIT(e, n->name, "Add", y, b) : y);
}

/* The last two dimensions of an input in the other order. */
static const char *swapped(struct emitter *e, const struct ir_node *n, int i)
{
	const int ndim = n->in[i]->desc.ndim;
	const char *y = plain(e, n, "Transpose", emit_in(e, n, i));
	int64_t perm[TENSOR_MAX_DIMS];

	for (int k = 0; k < ndim; k++)
		perm[k] = k < ndim - 2 ? k : 2 * ndim - 3 - k;
	emit_ints(e, "perm", perm, ndim);
	return y;
}

tt_status out_matmul(struct emitter *e, const struct ir_node *n)
{
	const char *a = n->attr.trans_a ? swapped(e, n, 0) : emit_in(e, n, 0);
	const char *b = n->attr.trans_b ? swapped(e, n, 1) : emit_in(e, n, 1);

	e->of[n->out[0]->id] = EMIT(e, n->name, "MatMul", a, b);
	return TT_OK;
}

/* Indices that come as f32 hold whole numbers. */
tt_status out_embedding(struct emitter *e, const struct ir_node *n)
{
	const char *at = plain(e, n, "Cast", emit_in(e, n, 0));

	emit_int(e, "to", ONNX_INT64);
	e->of[n->out[0]->id] = EMIT(e, n->name, "Gather", emit_in(e, n, 1), at);
	emit_int(e, "axis", 0);
	return TT_OK;
}

/* ---- norms ---- */

tt_status out_batchnorm(struct emitter *e, const struct ir_node *n)
{
	const char *y = EMIT(e, n->name, "BatchNormalization", emit_in(e, n, 0), emit_in(e, n, 1),
	                     emit_in(e, n, 2), emit_in(e, n, 3), emit_in(e, n, 4));

	emit_float(e, "epsilon", n->attr.eps);
	emit_float(e, "momentum", 1 - n->attr.momentum);
	return emit_answer(e, n, y);
}

tt_status out_layernorm(struct emitter *e, const struct ir_node *n)
{
	const char *y = EMIT(e, n->name, "LayerNormalization", emit_in(e, n, 0), emit_in(e, n, 1),
	                     emit_in(e, n, 2));

	emit_int(e, "axis", -n->attr.ndim);
	emit_float(e, "epsilon", n->attr.eps);
	return emit_answer(e, n, y);
}

static const char *same_number(struct emitter *e, const struct ir_node *n, int count, float v)
{
	const struct tensor_desc d = { .ndim = 1, .dim = { count } };
	float *all = emit_room(e, (size_t)count, sizeof *all);

	for (int i = 0; i < count && !e->failed; i++)
		all[i] = v;
	return emit_f32(e, n->name, &d, all);
}

static const char *norm_channels(struct emitter *e, const struct ir_node *n, const char *x,
                                 const char *scale, const char *shift)
{
	const char *y = EMIT(e, n->name, "InstanceNormalization", x, scale, shift);

	emit_float(e, "epsilon", n->attr.eps);
	return y;
}

/* A group is a channel of another shape, as torch.onnx has it. */
tt_status out_groupnorm(struct emitter *e, const struct ir_node *n)
{
	const struct ir_value *x = n->in[0];
	const int64_t groups[3] = { 0, n->attr.groups, -1 };
	const char *y, *scale, *shift;
	int64_t back[TENSOR_MAX_DIMS] = { 0 };

	if (n->attr.groups == x->desc.dim[1] && x->desc.ndim > 2)
		return emit_answer(e, n, norm_channels(e, n, emit_in(e, n, 0), emit_in(e, n, 1),
		                                       emit_in(e, n, 2)));
	for (int i = 1; i < x->desc.ndim; i++)
		back[i] = x->desc.dim[i];
	y = EMIT(e, n->name, "Reshape", emit_in(e, n, 0), emit_i64(e, n->name, groups, 3));
	y = norm_channels(e, n, y, same_number(e, n, n->attr.groups, 1),
	                  same_number(e, n, n->attr.groups, 0));
	y = EMIT(e, n->name, "Reshape", y, emit_i64(e, n->name, back, x->desc.ndim));
	scale = channels(e, n, 1, x);
	y = EMIT(e, n->name, "Mul", y, scale);
	shift = channels(e, n, 2, x);
	return emit_answer(e, n, EMIT(e, n->name, "Add", y, shift));
}

/* x / sqrt(mean(x^2) + eps) * gamma */
tt_status out_rmsnorm(struct emitter *e, const struct ir_node *n)
{
	const char *x = emit_in(e, n, 0), *y = EMIT(e, n->name, "Mul", x, x);
	int64_t axes[TENSOR_MAX_DIMS];

	for (int i = 0; i < n->attr.ndim; i++)
		axes[i] = i - n->attr.ndim;
	y = plain(e, n, "ReduceMean", y);
	emit_ints(e, "axes", axes, n->attr.ndim);
	y = EMIT(e, n->name, "Add", y, emit_number(e, n->name, n->attr.eps));
	y = EMIT(e, n->name, "Div", x, plain(e, n, "Sqrt", y));
	return emit_answer(e, n, EMIT(e, n->name, "Mul", y, emit_in(e, n, 1)));
}

/* Both divide alpha by the size; ONNX's window of an even size leans to the other side. */
tt_status out_lrn(struct emitter *e, const struct ir_node *n)
{
	if (n->attr.size % 2 == 0)
		return emit_refuse(n, "ONNX has an LRN of an odd size alone");
	e->of[n->out[0]->id] = plain(e, n, "LRN", emit_in(e, n, 0));
	emit_int(e, "size", n->attr.size);
	emit_float(e, "alpha", n->attr.alpha);
	emit_float(e, "beta", n->attr.beta);
	emit_float(e, "bias", n->attr.k);
	return TT_OK;
}
