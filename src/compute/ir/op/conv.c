/* op/conv.c -- convolution: its shapes, its gradients, and as its definition says: every output is
 * one sum. */
#include "compute/ir/op.h"

/* The kernel's size stands in the filter; the attribute may repeat it. */
static tt_status check_filter(struct ir_node *n, const struct tensor_desc *w)
{
	struct ir_attr *a = &n->attr;
	char text[TENSOR_TEXT];

	if (w->ndim != 4)
		return ir_bad(n, TT_ESHAPE, "filter %s must be KxCxHxW", tensor_text(w, text));
	for (int i = 0; i < 2; i++) {
		if (w->dim[2 + i] > INT32_MAX)
			return ir_bad(n, TT_ESHAPE, "filter %s is too large", tensor_text(w, text));
		a->kernel[i] = a->kernel[i] ? a->kernel[i] : (int)w->dim[2 + i];
		if (a->kernel[i] != w->dim[2 + i])
			return ir_bad(n, TT_ESHAPE, "filter %s and kernel %dx%d differ",
			              tensor_text(w, text), a->kernel[0], a->kernel[1]);
	}
	return TT_OK;
}

static tt_status check_groups(struct ir_node *n, const struct tensor_desc *w)
{
	const struct ir_value *x = n->in[0];
	char is[IR_VALUE_TEXT], text[TENSOR_TEXT];
	int groups = n->attr.groups;

	if (groups < 1 || w->dim[0] % groups != 0)
		return ir_bad(n, TT_ESHAPE, "groups %d does not divide the %lld filters", groups,
		              (long long)w->dim[0]);
	if (x->desc.dim[1] / groups != w->dim[1] || x->desc.dim[1] % groups != 0)
		return ir_bad(n, TT_ESHAPE, "input %s has %lld channels, filter %s wants %lld (groups %d)",
		              ir_value_text(x, is), (long long)x->desc.dim[1], tensor_text(w, text),
		              (long long)w->dim[1] * groups, groups);
	return TT_OK;
}

tt_status ir_infer_conv2d(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *w = &n->in[1]->desc;
	int64_t hw[2];
	tt_status st;

	ir_infer_window_default(&n->attr, (const int[]){ 1, 1 });
	if ((st = check_filter(n, w)) != TT_OK)
		return st;
	if ((st = ir_infer_window(n, x, hw)) != TT_OK || (st = check_groups(n, w)) != TT_OK)
		return st;
	if (n->n_in == 3 && (st = IS(n, 2, 1, w->dim[0])) != TT_OK)
		return st;
	out[0] = DESC(4, x->dim[0], w->dim[0], hw[0], hw[1]);
	return TT_OK;
}

static tt_status check_conv_groups(const struct ir_node *n, int64_t in, int64_t out)
{
	int groups = n->attr.groups;

	if (groups < 1 || in % groups != 0 || out % groups != 0)
		return ir_bad(n, TT_ESHAPE, "groups %d does not divide %lld and %lld channels",
		              groups, (long long)in, (long long)out);
	return TT_OK;
}

tt_status ir_infer_conv2d_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct ir_attr *a = &n->attr;
	int64_t K = n->in[1]->desc.dim[0];
	tt_status st;

	ir_infer_window_default(&n->attr, (const int[]){ 1, 1 });
	if ((st = check_filter(n, &n->in[1]->desc)) != TT_OK || (st = ir_infer_attr(n, out)) != TT_OK)
		return st;
	if (out->ndim != 4)
		return ir_bad(n, TT_ESHAPE, "the image must be NxCxHxW");
	if ((st = check_conv_groups(n, out->dim[1], K)) != TT_OK)
		return st;
	if ((st = IS(n, 1, 4, K, out->dim[1] / a->groups, a->kernel[0], a->kernel[1])) != TT_OK)
		return st;
	return ir_infer_window_dy(n, 0, out, K);
}

tt_status ir_infer_conv2d_dw(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *dy = &n->in[1]->desc;
	const struct ir_attr *a = &n->attr;
	tt_status st;

	if (dy->ndim != 4)
		return ir_bad(n, TT_ESHAPE, "the gradient must be NxKxHxW");
	if ((st = ir_infer_window_dy(n, 1, x, dy->dim[1])) != TT_OK)
		return st;
	if ((st = check_conv_groups(n, x->dim[1], dy->dim[1])) != TT_OK)
		return st;
	out[0] = DESC(4, dy->dim[1], x->dim[1] / a->groups, a->kernel[0], a->kernel[1]);
	out[1] = DESC(1, dy->dim[1]);
	return TT_OK;
}

tt_status ir_grad_conv2d(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	const enum ir_op dw = n->attr.rows ? IR_FACTORS : IR_CONV2D_DW;

	return ir_grad_linear(b, n, dy, (struct ir_linear){ IR_CONV2D_DX, dw });
}

/* Of a transposed convolution: the convolution. */
tt_status ir_grad_conv2d_dx(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *x = n->in[0], *w = n->in[1];
	const struct ir_attr a = ir_grad_attr(n, x);
	tt_status st;

	if (x->wants_grad &&
	    (st = ir_give_out(b, x, GRAD_EMIT(b, n, IR_CONV2D, &a, dy, w), 0)) != TT_OK)
		return st;
	if (!w->wants_grad)
		return TT_OK;
	return ir_give_out(b, w, GRAD_EMIT(b, n, IR_CONV2D_DW, &a, dy, x), 0);
}

/* Every output is a sum over one filter: y[N,K,OH,OW], w[K,...]. */
static double conv_flops(const struct ir_value *y, const struct ir_value *w)
{
	return 2 * ir_count(y) * (ir_count(w) / (double)w->desc.dim[0]);
}

double ir_flops_conv2d(const struct ir_node *n)
{
	return conv_flops(n->out[0], n->in[1]);
}

double ir_flops_conv2d_dx(const struct ir_node *n)
{
	return conv_flops(n->in[0], n->in[1]);
}

double ir_flops_conv2d_dw(const struct ir_node *n)
{
	return conv_flops(n->in[1], n->out[0]);
}

/* Sizes of one convolution; C and K per group, G groups. */
struct conv {
	int64_t N, G, C, H, W, K, kh, kw, OH, OW;
	const struct ir_attr *t;
};

static struct conv conv_of(const struct ir_attr *t, const struct tensor_desc *x,
                           const struct tensor_desc *w, const struct tensor_desc *y)
{
	int G = t->groups > 0 ? t->groups : 1;

	return (struct conv){ .N = x->dim[0], .G = G, .C = x->dim[1] / G, .H = x->dim[2],
	                      .W = x->dim[3], .K = w->dim[0] / G, .kh = w->dim[2],
	                      .kw = w->dim[3], .OH = y->dim[2], .OW = y->dim[3], .t = t };
}

/* Row of the image that output row o and filter row r meet; outside it may be. */
static int64_t image_h(const struct conv *c, int64_t o, int64_t r)
{
	return o * c->t->stride[0] + r * c->t->dilation[0] - c->t->pad[0];
}

static int64_t image_w(const struct conv *c, int64_t o, int64_t s)
{
	return o * c->t->stride[1] + s * c->t->dilation[1] - c->t->pad[1];
}

/* One output: x[C,H,W] of this group and sample, w[C,kh,kw] of this filter. */
static double conv_at(const struct conv *c, const float *x, const float *w, int64_t oh, int64_t ow)
{
	double sum = 0;

	for (int64_t ci = 0; ci < c->C; ci++)
		for (int64_t r = 0; r < c->kh; r++) {
			int64_t h = image_h(c, oh, r);

			if (h < 0 || h >= c->H)
				continue;
			for (int64_t s = 0; s < c->kw; s++) {
				int64_t v = image_w(c, ow, s);

				if (v >= 0 && v < c->W)
					sum += (double)x[(ci * c->H + h) * c->W + v] *
					       w[(ci * c->kh + r) * c->kw + s];
			}
		}
	return sum;
}

/* x[N,G*C,H,W], w[G*K,C,kh,kw], b[G*K]? -> y[N,G*K,OH,OW] */
void ref_conv2d(const struct ref_args *a)
{
	struct conv c = conv_of(&a->node->attr, ref_in(a, 0), ref_in(a, 1), ref_out(a, 0));
	const float *x = a->in[0], *w = a->in[1], *b = a->node->n_in > 2 ? a->in[2] : NULL;
	float *y = a->out[0];

	for (int64_t n = 0; n < c.N; n++)
		for (int64_t k = 0; k < c.G * c.K; k++) {
			const float *xg = x + (n * c.G + k / c.K) * c.C * c.H * c.W;
			const float *wk = w + k * c.C * c.kh * c.kw;

			for (int64_t o = 0; o < c.OH * c.OW; o++) {
				double v = conv_at(&c, xg, wk, o / c.OW, o % c.OW) + (b ? b[k] : 0);

				*y++ = (float)ref_act_value(c.t->act, c.t->alpha, v);
			}
		}
}

/* The output place that meets image place i through filter place r, or -1. */
static int64_t output_at(int64_t i, int64_t r, int64_t n_out, const int geometry[3])
{
	int64_t o = i + geometry[0] - r * geometry[1];

	if (o < 0 || o % geometry[2] != 0 || o / geometry[2] >= n_out)
		return -1;
	return o / geometry[2];
}

/* One image place: dy[K,OH,OW] and w[K,C,kh,kw] of this group, w moved on to the channel. */
static double conv_dx_at(const struct conv *c, const float *dy, const float *w,
                         int64_t h, int64_t v)
{
	const int gh[3] = { c->t->pad[0], c->t->dilation[0], c->t->stride[0] };
	const int gw[3] = { c->t->pad[1], c->t->dilation[1], c->t->stride[1] };
	double sum = 0;

	for (int64_t r = 0; r < c->kh; r++) {
		int64_t oh = output_at(h, r, c->OH, gh);

		for (int64_t s = 0; s < c->kw && oh >= 0; s++) {
			int64_t ow = output_at(v, s, c->OW, gw);

			for (int64_t k = 0; k < c->K && ow >= 0; k++)
				sum += (double)dy[(k * c->OH + oh) * c->OW + ow] *
				       w[(k * c->C * c->kh + r) * c->kw + s];
		}
	}
	return sum;
}

/* dy[N,G*K,OH,OW], w[G*K,C,kh,kw] -> dx[N,G*C,H,W] */
void ref_conv2d_dx(const struct ref_args *a)
{
	struct conv c = conv_of(&a->node->attr, ref_out(a, 0), ref_in(a, 1), ref_in(a, 0));
	const float *dy = a->in[0], *w = a->in[1];
	float *dx = a->out[0];

	for (int64_t n = 0; n < c.N; n++)
		for (int64_t ch = 0; ch < c.G * c.C; ch++) {
			int64_t g = ch / c.C;
			const float *dyg = dy + (n * c.G + g) * c.K * c.OH * c.OW;
			const float *wg = w + (g * c.K * c.C + ch % c.C) * c.kh * c.kw;

			for (int64_t i = 0; i < c.H * c.W; i++)
				*dx++ = (float)conv_dx_at(&c, dyg, wg, i / c.W, i % c.W);
		}
}

/* One filter place (r, s) of filter k and channel ch of its group. */
static double conv_dw_at(const struct conv *c, const float *x, const float *dy,
                         int64_t r, int64_t s)
{
	double sum = 0;

	for (int64_t oh = 0; oh < c->OH; oh++) {
		int64_t h = image_h(c, oh, r);

		for (int64_t ow = 0; ow < c->OW && h >= 0 && h < c->H; ow++) {
			int64_t v = image_w(c, ow, s);

			if (v >= 0 && v < c->W)
				sum += (double)x[h * c->W + v] * dy[oh * c->OW + ow];
		}
	}
	return sum;
}

/* dy[N,K,OH,OW] -> db[K] */
static void conv_db(const struct conv *c, const float *dy, float *db)
{
	int64_t K = c->G * c->K, O = c->OH * c->OW;

	for (int64_t k = 0; k < K; k++) {
		double sum = 0;

		for (int64_t n = 0; n < c->N; n++)
			for (int64_t o = 0; o < O; o++)
				sum += dy[(n * K + k) * O + o];
		db[k] = (float)sum;
	}
}

/* dw of filter k and channel ch of its group: [kh,kw] */
static void conv_dw_plane(const struct conv *c, const struct ref_args *a, int64_t k, int64_t ch)
{
	const float *x = a->in[0], *dy = a->in[1];
	float *dw = (float *)a->out[0] + (k * c->C + ch) * c->kh * c->kw;

	for (int64_t i = 0; i < c->kh * c->kw; i++) {
		double sum = 0;

		for (int64_t n = 0; n < c->N; n++)
			sum += conv_dw_at(c, x + ((n * c->G + k / c->K) * c->C + ch) * c->H * c->W,
			                  dy + (n * c->G * c->K + k) * c->OH * c->OW,
			                  i / c->kw, i % c->kw);
		dw[i] = (float)sum;
	}
}

/* x[N,G*C,H,W], dy[N,G*K,OH,OW] -> dw[G*K,C,kh,kw], db[G*K] */
void ref_conv2d_dw(const struct ref_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	int G = t->groups > 0 ? t->groups : 1;
	struct tensor_desc w = { DTYPE_F32, 4, { ref_in(a, 1)->dim[1], ref_in(a, 0)->dim[1] / G,
	                                         t->kernel[0], t->kernel[1] } };
	struct conv c = conv_of(t, ref_in(a, 0), &w, ref_in(a, 1));

	for (int64_t k = 0; k < c.G * c.K && a->out[0]; k++)
		for (int64_t ch = 0; ch < c.C; ch++)
			conv_dw_plane(&c, a, k, ch);
	if (a->out[1])
		conv_db(&c, a->in[1], a->out[1]);
}
