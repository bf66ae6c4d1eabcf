/* op/norm.c -- batch normalisation (Ioffe and Szegedy, 2015) and layer normalisation (Ba, 2016).
 *
 * Variances are biased where they normalise and unbiased where they are remembered. */
#include "compute/ir/op.h"

#include <math.h>

/* x[N,C,...], then four vectors [C]. */
static tt_status infer_norm(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char is[IR_VALUE_TEXT];
	tt_status st;

	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "input %s has no channels", ir_value_text(n->in[0], is));
	if (!(n->attr.eps >= 0))
		return ir_bad(n, TT_EINVAL, "eps %g must not be below 0", (double)n->attr.eps);
	if (n->attr.act != ACT_NONE && n->attr.act != ACT_RELU)
		return ir_bad(n, TT_EINVAL, "it can hold relu, not %s", ir_act_name(n->attr.act));
	for (int i = 1; i < 5; i++)
		if ((st = IS(n, i, 1, x->dim[1])) != TT_OK)
			return st;
	out[0] = *x;
	return TT_OK;
}

tt_status ir_infer_batchnorm(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	float m = n->attr.momentum;
	tt_status st = infer_norm(n, out);

	if (st != TT_OK)
		return st;
	if (n->in[3]->kind != IR_BUFFER || n->in[4]->kind != IR_BUFFER)
		return ir_bad(n, TT_EINVAL, "running mean and variance are written and must be buffers");
	if (!(m >= 0 && m <= 1))
		return ir_bad(n, TT_EINVAL, "momentum %g must be 0 to 1", (double)m);
	if (tensor_count(x) / x->dim[1] < 2 && !n->attr.ranks)
		return ir_bad(n, TT_ESHAPE, "one value per channel has no variance: "
		              "a batch of 1 cannot be normalised");
	out[1] = out[2] = DESC(1, x->dim[1]);
	return TT_OK;
}

tt_status ir_infer_batchnorm_infer(struct ir_node *n, struct tensor_desc *out)
{
	return infer_norm(n, out);
}

tt_status ir_infer_layernorm(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *gamma = &n->in[1]->desc;
	char is[IR_VALUE_TEXT], text[TENSOR_TEXT];
	struct ir_attr *a = &n->attr;
	int64_t width = 1;

	a->ndim = a->ndim ? a->ndim : 1;
	if (!(a->eps >= 0))
		return ir_bad(n, TT_EINVAL, "eps %g must not be below 0", (double)a->eps);
	if (a->ndim < 1 || a->ndim >= x->ndim)
		return ir_bad(n, TT_ESHAPE, "the last %d dimensions of input %s leave no batch",
		              a->ndim, ir_value_text(n->in[0], is));
	for (int i = x->ndim - a->ndim; i < x->ndim; i++)
		width *= x->dim[i];
	if (tensor_count(gamma) != width)
		return ir_bad(n, TT_ESHAPE, "input %s normalises %lld values, gamma is %s",
		              ir_value_text(n->in[0], is), (long long)width, tensor_text(gamma, text));
	out[0] = *x;
	out[1] = out[2] = DESC(1, tensor_count(x) / width);
	return ir_infer_same(n, 1, 2);
}

tt_status ir_infer_batchnorm_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st;

	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "the input has no channels");
	if (n->attr.act != ACT_NONE && n->attr.act != ACT_RELU)
		return ir_bad(n, TT_EINVAL, "it can hold relu, not %s", ir_act_name(n->attr.act));
	if ((st = ir_infer_same(n, 0, 1)) != TT_OK || (st = ir_infer_same(n, 0, 2)) != TT_OK)
		return st;
	for (int i = 3; i < 7; i++)
		if ((st = IS(n, i, 1, x->dim[1])) != TT_OK)
			return st;
	out[0] = *x;
	out[1] = out[2] = DESC(1, x->dim[1]);
	return TT_OK;
}

tt_status ir_infer_layernorm_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *gamma = &n->in[2]->desc;
	int64_t rows = tensor_count(x) / tensor_count(gamma);
	tt_status st;

	if ((st = ir_infer_same(n, 0, 1)) != TT_OK)
		return st;
	if (rows * tensor_count(gamma) != tensor_count(x))
		return ir_bad(n, TT_ESHAPE, "gamma does not divide the input");
	if ((st = IS(n, 3, 1, rows)) != TT_OK || (st = IS(n, 4, 1, rows)) != TT_OK)
		return st;
	out[0] = *x;
	out[1] = out[2] = *gamma;
	return TT_OK;
}

tt_status ir_infer_fold_bn(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *w = &n->in[0]->desc;
	tt_status st;

	if (w->ndim < 1)
		return ir_bad(n, TT_ESHAPE, "the filter has no channels");
	for (int i = 1; i < 6; i++)
		if ((st = IS(n, i, 1, w->dim[0])) != TT_OK)
			return st;
	out[0] = *w;
	out[1] = DESC(1, w->dim[0]);
	return TT_OK;
}

/* Without an activation the gradient does not look at y; x stands in its place, so that y need
 * not be kept. */
tt_status ir_grad_batchnorm(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *x = n->in[0], *y = n->attr.act == ACT_NONE ? x : n->out[0];
	struct ir_node *d = GRAD_EMIT(b, n, IR_BATCHNORM_DX, &n->attr, x, y, dy, n->in[1], n->in[2],
	                         n->out[1], n->out[2]);
	tt_status st;

	for (int i = 0; i < 3; i++)
		if ((st = ir_give_out(b, n->in[i], d, i)) != TT_OK)
			return st;
	return TT_OK;
}

/* x in the norm's place with this scale and shift, and these statistics. */
static struct ir_value *normed(struct ir_backward *b, const struct ir_node *n,
                               struct ir_value *const v[5])
{
	struct ir_attr a = n->attr;
	struct ir_node *d;

	a.act = ACT_NONE;
	d = GRAD_EMIT(b, n, IR_BATCHNORM_INFER, &a, v[0], v[1], v[2], v[3], v[4]);
	return d ? d->out[0] : NULL;
}

static struct ir_value *channels_full(struct ir_backward *b, const struct ir_node *n, float of)
{
	struct ir_attr a = ir_grad_attr(n, n->in[1]);
	struct ir_node *d;

	a.alpha = of;
	d = GRAD_EMIT(b, n, IR_FILL, &a, NULL);
	return d ? d->out[0] : NULL;
}

/* Sums over all but the channels. */
static tt_status give_channels(struct ir_backward *b, const struct ir_node *n, int i,
                               struct ir_value *v)
{
	struct ir_attr sum = { .reduce = REDUCE_SUM };
	struct ir_node *d;

	if (!v)
		return GRAD_FAILED;
	for (int k = 0; k < v->desc.ndim; k++)
		sum.axes |= k == 1 ? 0 : 1u << k;
	d = GRAD_EMIT(b, n, IR_REDUCE, &sum, v);
	return ir_give_out(b, n->in[i], d, 0);
}

/* y = gamma (x - mean) rstd + beta, where mean and var are constants: dx is dy so scaled. */
tt_status ir_grad_batchnorm_infer(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *x = n->in[0], *var = n->in[4], *zero, *one, *scaled;
	tt_status st = TT_OK;

	if (!(dy = ir_before_act(b, n, dy)) || !(zero = channels_full(b, n, 0)))
		return GRAD_FAILED;
	if (x->wants_grad) {
		scaled = normed(b, n, (struct ir_value *[]){ dy, n->in[1], zero, zero, var });
		if (!scaled || (st = ir_give(b, x, scaled)) != TT_OK)
			return GRAD_FAILED;
	}
	if (n->in[1]->wants_grad) {
		if (!(one = channels_full(b, n, 1)))
			return GRAD_FAILED;
		scaled = normed(b, n, (struct ir_value *[]){ x, one, zero, n->in[3], var });
		struct ir_node *d = scaled ? GRAD_EMIT(b, n, IR_MULTIPLY, NULL, scaled, dy) : NULL;

		if (!d || (st = give_channels(b, n, 1, d->out[0])) != TT_OK)
			return GRAD_FAILED;
	}
	return n->in[2]->wants_grad ? give_channels(b, n, 2, dy) : TT_OK;
}

tt_status ir_grad_layernorm(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_node *d = GRAD_EMIT(b, n, IR_LAYERNORM_DX, &n->attr, n->in[0], dy, n->in[1],
	                         n->out[1], n->out[2]);
	tt_status st;

	for (int i = 0; i < 3; i++)
		if ((st = ir_give_out(b, n->in[i], d, i)) != TT_OK)
			return st;
	return TT_OK;
}

/* x[N,C,S]: one channel's values lie in N runs of S. */
struct channels { int64_t N, C, S; };

static struct channels channels_of(const struct tensor_desc *x)
{
	return (struct channels){ x->dim[0], x->dim[1], ref_inner(x, 1) };
}

static int64_t channel_at(const struct channels *d, int64_t c, int64_t i)
{
	return (i / d->S * d->C + c) * d->S + i % d->S;
}

struct moments { double mean, var; };

/* Two passes: the textbook formula in one pass loses everything when |mean| >> deviation. */
static struct moments channel_moments(const struct channels *d, const float *x, int64_t c)
{
	int64_t n = d->N * d->S;
	struct moments m = { 0, 0 };

	for (int64_t i = 0; i < n; i++)
		m.mean += x[channel_at(d, c, i)];
	m.mean /= (double)n;
	for (int64_t i = 0; i < n; i++) {
		double e = x[channel_at(d, c, i)] - m.mean;

		m.var += e * e;
	}
	m.var /= (double)n;
	return m;
}

/* in: x[N,C,..], gamma[C], beta[C]; y = act(gamma * (x - mean) * rstd + beta) for channel c */
static void channel_normalize(const struct ref_args *a, int64_t c, double mean, double rstd)
{
	struct channels d = channels_of(ref_in(a, 0));
	const struct ir_attr *t = &a->node->attr;
	const float *x = a->in[0], *gamma = a->in[1], *beta = a->in[2];
	float *y = a->out[0];

	for (int64_t i = 0; i < d.N * d.S; i++) {
		int64_t e = channel_at(&d, c, i);
		double v = gamma[c] * (x[e] - mean) * rstd + beta[c];

		y[e] = (float)ref_act_value(t->act, t->alpha, v);
	}
}

double ref_blend(double run, double now, double momentum)
{
	return momentum > 0.5 ? (1 - momentum) * run + momentum * now : run + momentum * (now - run);
}

/* x[N,C,..], gamma, beta, mean, var -> y, save_mean, save_rstd; mean and var move on in place */
void ref_batchnorm(const struct ref_args *a)
{
	struct channels d = channels_of(ref_in(a, 0));
	const struct ir_attr *t = &a->node->attr;
	double n = (double)(d.N * d.S), unbias = n > 1 ? n / (n - 1) : 1;
	float *mean = (float *)(uintptr_t)a->in[3], *var = (float *)(uintptr_t)a->in[4];
	float *save_mean = a->out[1], *save_rstd = a->out[2];

	for (int64_t c = 0; c < d.C; c++) {
		struct moments m = channel_moments(&d, a->in[0], c);
		double rstd = 1 / sqrt(m.var + t->eps);

		channel_normalize(a, c, m.mean, rstd);
		mean[c] = (float)ref_blend(mean[c], m.mean, t->momentum);
		var[c] = (float)ref_blend(var[c], m.var * unbias, t->momentum);
		if (save_mean)
			save_mean[c] = (float)m.mean;
		if (save_rstd)
			save_rstd[c] = (float)rstd;
	}
}

/* x[N,C,..], gamma, beta, mean, var -> y */
void ref_batchnorm_infer(const struct ref_args *a)
{
	const float *mean = a->in[3], *var = a->in[4];

	for (int64_t c = 0; c < ref_in(a, 0)->dim[1]; c++)
		channel_normalize(a, c, mean[c], 1 / sqrt((double)var[c] + a->node->attr.eps));
}

/* in: x, y, dy, gamma, beta, save_mean, save_rstd; with relu only dy where y came through. */
static double channel_dy(const struct ref_args *a, int64_t e)
{
	const float *y = a->in[1], *dy = a->in[2];

	return a->node->attr.act == ACT_RELU && y[e] <= 0 ? 0 : dy[e];
}

/* dx = gamma * rstd * (dy - mean(dy) - xhat * mean(dy * xhat)) */
static void channel_dx(const struct ref_args *a, int64_t c, double dbeta, double dgamma)
{
	struct channels d = channels_of(ref_in(a, 0));
	const float *x = a->in[0], *gamma = a->in[3], *mean = a->in[5], *rstd = a->in[6];
	float *dx = a->out[0];
	double n = (double)(d.N * d.S);

	for (int64_t i = 0; i < d.N * d.S; i++) {
		int64_t e = channel_at(&d, c, i);
		double xhat = ((double)x[e] - mean[c]) * rstd[c];

		dx[e] = (float)(gamma[c] * rstd[c] *
		                (channel_dy(a, e) - dbeta / n - xhat * dgamma / n));
	}
}

/* x, y, dy, gamma, beta, save_mean, save_rstd -> dx, dgamma, dbeta */
void ref_batchnorm_dx(const struct ref_args *a)
{
	struct channels d = channels_of(ref_in(a, 0));
	const float *x = a->in[0], *mean = a->in[5], *rstd = a->in[6];
	float *out_dgamma = a->out[1], *out_dbeta = a->out[2];

	for (int64_t c = 0; c < d.C; c++) {
		double dgamma = 0, dbeta = 0;

		for (int64_t i = 0; i < d.N * d.S; i++) {
			int64_t e = channel_at(&d, c, i);
			double dy = channel_dy(a, e);

			dgamma += dy * ((double)x[e] - mean[c]) * rstd[c];
			dbeta += dy;
		}
		if (a->out[0])
			channel_dx(a, c, dbeta, dgamma);
		if (out_dgamma)
			out_dgamma[c] = (float)dgamma;
		if (out_dbeta)
			out_dbeta[c] = (float)dbeta;
	}
}

/* Elements that one layer norm runs over: the last attr.ndim dimensions. */
static int64_t layer_size(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0);

	return ref_inner(x, x->ndim - 1 - a->node->attr.ndim);
}

/* x[R,D], gamma[D], beta[D] -> y[R,D], save_mean[R], save_rstd[R] */
void ref_layernorm(const struct ref_args *a)
{
	int64_t D = layer_size(a), R = tensor_count(ref_in(a, 0)) / D;
	const struct channels row = { .N = 1, .C = 1, .S = D };
	const float *x = a->in[0], *gamma = a->in[1], *beta = a->in[2];
	float *y = a->out[0], *save_mean = a->out[1], *save_rstd = a->out[2];

	for (int64_t r = 0; r < R; r++, x += D, y += D) {
		struct moments m = channel_moments(&row, x, 0);
		double rstd = 1 / sqrt(m.var + a->node->attr.eps);

		for (int64_t i = 0; i < D; i++)
			y[i] = (float)(gamma[i] * (x[i] - m.mean) * rstd + beta[i]);
		if (save_mean)
			save_mean[r] = (float)m.mean;
		if (save_rstd)
			save_rstd[r] = (float)rstd;
	}
}

/* One row: x[D], dy[D], gamma[D] -> dx[D] */
static void layer_dx(const struct ref_args *a, int64_t r, int64_t D)
{
	const float *x = (const float *)a->in[0] + r * D, *dy = (const float *)a->in[1] + r * D;
	const float *gamma = a->in[2];
	double mean = ((const float *)a->in[3])[r], rstd = ((const float *)a->in[4])[r];
	double sum = 0, dot = 0;
	float *dx = (float *)a->out[0] + r * D;

	for (int64_t i = 0; i < D; i++) {
		sum += (double)dy[i] * gamma[i];
		dot += (double)dy[i] * gamma[i] * (x[i] - mean) * rstd;
	}
	for (int64_t i = 0; i < D; i++) {
		double xhat = (x[i] - mean) * rstd;

		dx[i] = (float)(rstd * ((double)dy[i] * gamma[i] - (sum + xhat * dot) / (double)D));
	}
}

/* x[R,D], dy[R,D], gamma[D], save_mean[R], save_rstd[R] -> dx[R,D], dgamma[D], dbeta[D] */
void ref_layernorm_dx(const struct ref_args *a)
{
	int64_t D = layer_size(a), R = tensor_count(ref_in(a, 0)) / D;
	const float *x = a->in[0], *dy = a->in[1], *mean = a->in[3], *rstd = a->in[4];
	float *out_dgamma = a->out[1], *out_dbeta = a->out[2];

	for (int64_t r = 0; r < R && a->out[0]; r++)
		layer_dx(a, r, D);
	for (int64_t i = 0; i < D; i++) {
		double dgamma = 0, dbeta = 0;

		for (int64_t r = 0; r < R; r++) {
			dgamma += dy[r * D + i] * ((double)x[r * D + i] - mean[r]) * rstd[r];
			dbeta += dy[r * D + i];
		}
		if (out_dgamma)
			out_dgamma[i] = (float)dgamma;
		if (out_dbeta)
			out_dbeta[i] = (float)dbeta;
	}
}

/* w[K,..], b[K], gamma[K], beta[K], mean[K], var[K] -> w'[K,..], b'[K]: the layer and the batch
 * norm behind it as one layer. */
void ref_fold_bn(const struct ref_args *a)
{
	int64_t K = ref_in(a, 0)->dim[0], S = ref_inner(ref_in(a, 0), 0);
	const float *w = a->in[0], *b = a->in[1], *gamma = a->in[2], *beta = a->in[3];
	const float *mean = a->in[4], *var = a->in[5];
	float *w_out = a->out[0], *b_out = a->out[1];

	for (int64_t k = 0; k < K; k++) {
		double scale = gamma[k] / sqrt((double)var[k] + a->node->attr.eps);

		for (int64_t i = 0; i < S && w_out; i++)
			w_out[k * S + i] = (float)(w[k * S + i] * scale);
		if (b_out)
			b_out[k] = (float)(((double)b[k] - mean[k]) * scale + beta[k]);
	}
}
