/* pool.c -- maximum and average over windows of an image. */
#include "compute/exec/ref/kernels.h"

#include <math.h>
#include <string.h>

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

			if (best < 0 || x[i] > x[best] || (isnan(x[i]) && !isnan(x[best])))
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
