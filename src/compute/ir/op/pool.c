/* op/pool.c -- maximum and average over windows of an image. */
#include "compute/ir/op.h"

#include <math.h>
#include <string.h>

/* A window that lies in the padding alone has no maximum and no mean. */
static tt_status infer_pool(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	struct ir_attr *a = &n->attr;
	int64_t hw[2];
	tt_status st;

	a->dilation[0] = a->dilation[1] = 1;
	ir_infer_window_default(a, a->kernel);
	if ((st = ir_infer_window(n, x, hw)) != TT_OK)
		return st;
	for (int i = 0; i < 4; i++)
		if (a->pad[i] >= a->kernel[i % 2])
			return ir_bad(n, TT_EINVAL, "padding %d must be less than the kernel's side %d",
			              a->pad[i], a->kernel[i % 2]);
	out[0] = DESC(4, x->dim[0], x->dim[1], hw[0], hw[1]);
	return TT_OK;
}

tt_status ir_infer_maxpool(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st = infer_pool(n, out);

	if (st != TT_OK)
		return st;
	if (x->dim[2] > INT32_MAX / x->dim[3])
		return ir_bad(n, TT_ESHAPE, "an image of %lldx%lld is too large",
		              (long long)x->dim[2], (long long)x->dim[3]);
	out[1] = out[0];
	out[1].dtype = DTYPE_S32;
	return TT_OK;
}

tt_status ir_infer_avgpool(struct ir_node *n, struct tensor_desc *out)
{
	return infer_pool(n, out);
}

tt_status ir_infer_maxpool_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *dy = &n->in[0]->desc;
	tt_status st = ir_infer_attr(n, out);

	if (st != TT_OK || (st = ir_infer_window_dy(n, 0, out, out->dim[1])) != TT_OK)
		return st;
	return ir_infer_is(n, 1, dy->ndim, dy->dim);
}

tt_status ir_infer_avgpool_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = ir_infer_attr(n, out);

	return st != TT_OK ? st : ir_infer_window_dy(n, 0, out, out->dim[1]);
}

tt_status ir_grad_maxpool(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = ir_grad_attr(n, n->in[0]);

	if (!(dy = ir_before_act(b, n, dy)))
		return n->attr.act == ACT_NONE || ir_slope_from_y(&n->attr) ? GRAD_FAILED : TT_ESUPPORT;
	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_MAXPOOL_DX, &a, dy, n->out[1]), 0);
}

tt_status ir_grad_avgpool(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = ir_grad_attr(n, n->in[0]);

	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_AVGPOOL_DX, &a, dy), 0);
}

static double window_flops(const struct ir_node *n, const struct ir_value *y)
{
	return ir_count(y) * n->attr.kernel[0] * n->attr.kernel[1];
}

double ir_flops_maxpool(const struct ir_node *n)
{
	return window_flops(n, n->out[0]);
}

double ir_flops_avgpool(const struct ir_node *n)
{
	return window_flops(n, n->out[0]);
}

double ir_flops_avgpool_dx(const struct ir_node *n)
{
	return window_flops(n, n->in[0]);
}

/* The part of one output's window that lies inside the image: [h0,h1) x [w0,w1). */
struct window { int64_t h0, h1, w0, w1; };

static struct window window_at(const struct ir_attr *t, const struct tensor_desc *x,
                               int64_t oh, int64_t ow)
{
	int64_t h = oh * t->stride[0] - t->pad[0], w = ow * t->stride[1] - t->pad[1];
	int64_t he = h + t->kernel[0], we = w + t->kernel[1];

	return (struct window){ h > 0 ? h : 0, he < x->dim[2] ? he : x->dim[2],
	                        w > 0 ? w : 0, we < x->dim[3] ? we : x->dim[3] };
}

/* First maximum of a plane's window; a NaN counts as one.  -1 if the window is all padding. */
static int32_t max_place(const float *x, int64_t W, struct window v)
{
	int64_t best = -1;

	for (int64_t h = v.h0; h < v.h1; h++)
		for (int64_t w = v.w0; w < v.w1; w++) {
			int64_t i = h * W + w;

			if (best < 0 || x[i] > x[best] || isnan(x[i]))
				best = i;
		}
	return (int32_t)best;
}

/* x[N,C,H,W] -> y[N,C,OH,OW], arg of the same shape */
void ref_maxpool(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0), *y = ref_out(a, 0);
	int64_t planes = x->dim[0] * x->dim[1], HW = x->dim[2] * x->dim[3];
	int64_t OW = y->dim[3], O = y->dim[2] * OW;
	const float *in = a->in[0];
	float *out = a->out[0];
	int32_t *arg = a->out[1];

	for (int64_t p = 0; p < planes; p++)
		for (int64_t o = 0; o < O; o++) {
			struct window v = window_at(&a->node->attr, x, o / OW, o % OW);
			int32_t best = max_place(in + p * HW, x->dim[3], v);

			out[p * O + o] = (float)ref_act_value(a->node->attr.act, a->node->attr.alpha,
			                                best < 0 ? -INFINITY : in[p * HW + best]);
			if (arg)
				arg[p * O + o] = best;
		}
}

/* dy[N,C,OH,OW], arg -> dx[N,C,H,W] */
void ref_maxpool_dx(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_out(a, 0), *y = ref_in(a, 0);
	int64_t planes = x->dim[0] * x->dim[1], HW = x->dim[2] * x->dim[3];
	int64_t O = y->dim[2] * y->dim[3];
	const float *dy = a->in[0];
	const int32_t *arg = a->in[1];
	float *dx = a->out[0];

	memset(dx, 0, tensor_bytes(x));
	for (int64_t p = 0; p < planes; p++)
		for (int64_t o = 0; o < O; o++)
			if (arg[p * O + o] >= 0)
				dx[p * HW + arg[p * O + o]] += dy[p * O + o];
}

/* What the sum over a window is divided by. */
static double window_size(const struct ir_attr *t, struct window v)
{
	int64_t n = (v.h1 - v.h0) * (v.w1 - v.w0);

	if (t->count_pad)
		n = (int64_t)t->kernel[0] * t->kernel[1];
	return n > 0 ? (double)n : 1;
}

static double window_sum(const float *x, int64_t W, struct window v)
{
	double sum = 0;

	for (int64_t h = v.h0; h < v.h1; h++)
		for (int64_t w = v.w0; w < v.w1; w++)
			sum += x[h * W + w];
	return sum;
}

/* x[N,C,H,W] -> y[N,C,OH,OW] */
void ref_avgpool(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	const struct tensor_desc *x = ref_in(a, 0), *y = ref_out(a, 0);
	int64_t planes = x->dim[0] * x->dim[1], HW = x->dim[2] * x->dim[3];
	int64_t OW = y->dim[3], O = y->dim[2] * OW;
	const float *in = a->in[0];
	float *out = a->out[0];

	for (int64_t p = 0; p < planes; p++)
		for (int64_t o = 0; o < O; o++) {
			struct window v = window_at(t, x, o / OW, o % OW);
			double sum = window_sum(in + p * HW, x->dim[3], v);

			out[p * O + o] = (float)(sum / window_size(t, v));
		}
}

static void window_add(float *x, int64_t W, struct window v, float d)
{
	for (int64_t h = v.h0; h < v.h1; h++)
		for (int64_t w = v.w0; w < v.w1; w++)
			x[h * W + w] += d;
}

/* dy[N,C,OH,OW] -> dx[N,C,H,W] */
void ref_avgpool_dx(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	const struct tensor_desc *x = ref_out(a, 0), *y = ref_in(a, 0);
	int64_t planes = x->dim[0] * x->dim[1], HW = x->dim[2] * x->dim[3];
	int64_t OW = y->dim[3], O = y->dim[2] * OW;
	const float *dy = a->in[0];
	float *dx = a->out[0];

	memset(dx, 0, tensor_bytes(x));
	for (int64_t p = 0; p < planes; p++)
		for (int64_t o = 0; o < O; o++) {
			struct window v = window_at(t, x, o / OW, o % OW);
			float d = (float)(dy[p * O + o] / window_size(t, v));

			window_add(dx + p * HW, x->dim[3], v, d);
		}
}
