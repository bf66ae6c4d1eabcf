/* conv.c -- convolution as its definition says: every output is one sum. */
#include "compute/exec/ref/kernels.h"

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
