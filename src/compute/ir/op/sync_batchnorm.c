/* op/sync_batchnorm.c -- batch norm whose batch lies on several ranks (pass/sync_batchnorm.c).
 *
 * Moments are joined as in Chan, Golub and LeVeque, "Algorithms for computing the sample variance",
 * 1983: no difference of large squares.  Ranks are added in their order, so that all of them come
 * to the same bits. */
#include "compute/ir/op.h"

#include <math.h>
#include <string.h>

tt_status ir_infer_bn_moments(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;

	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "the input has no channels");
	out[0] = DESC(1, 1 + 2 * x->dim[1]);
	return TT_OK;
}

#define RANKS_MAX 65536

tt_status ir_infer_all_gather(struct ir_node *n, struct tensor_desc *out)
{
	int64_t width = 0;

	if (n->attr.ranks < 1 || n->attr.ranks > RANKS_MAX)
		return ir_bad(n, TT_EINVAL, "a group of %d ranks", n->attr.ranks);
	for (int i = 0; i < n->n_in; i++) {
		if (n->in[i]->desc.ndim != 1)
			return ir_bad(n, TT_ESHAPE, "input %d must be a list of numbers", i);
		width += n->in[i]->desc.dim[0];
	}
	out[0] = DESC(2, n->attr.ranks, width);
	return TT_OK;
}

tt_status ir_infer_bn_join(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *g = &n->in[0]->desc;
	int64_t c = g->ndim == 2 ? (g->dim[1] - 1) / 2 : 0;
	tt_status st;

	if (c < 1 || g->dim[1] != 1 + 2 * c)
		return ir_bad(n, TT_ESHAPE, "moments are [ranks, 1 + 2 channels]");
	if (n->in[1]->kind != IR_BUFFER || n->in[2]->kind != IR_BUFFER)
		return ir_bad(n, TT_EINVAL, "running mean and variance are written and must be buffers");
	if ((st = IS(n, 1, 1, c)) != TT_OK || (st = IS(n, 2, 1, c)) != TT_OK)
		return st;
	out[0] = out[1] = DESC(1, c);
	out[2] = DESC(1, 1);
	return TT_OK;
}

tt_status ir_infer_bn_sums(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st;

	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "the input has no channels");
	if ((st = ir_infer_same(n, 0, 1)) != TT_OK || (st = IS(n, 2, 1, x->dim[1])) != TT_OK ||
	    (st = IS(n, 3, 1, x->dim[1])) != TT_OK)
		return st;
	out[0] = out[1] = DESC(1, x->dim[1]);
	return TT_OK;
}

tt_status ir_infer_bn_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *g = &n->in[6]->desc;
	tt_status st;

	if (x->ndim < 2 || g->ndim != 2)
		return ir_bad(n, TT_ESHAPE, "the input has no channels, or the sums no ranks");
	if ((st = ir_infer_same(n, 0, 1)) != TT_OK || (st = IS(n, 5, 1, 1)) != TT_OK ||
	    (st = IS(n, 6, 2, g->dim[0], 2 * x->dim[1])) != TT_OK)
		return st;
	for (int i = 2; i < 5; i++)
		if ((st = IS(n, i, 1, x->dim[1])) != TT_OK)
			return st;
	out[0] = *x;
	return TT_OK;
}

struct channels { int64_t N, C, S; };

static struct channels channels_of(const struct tensor_desc *x)
{
	return (struct channels){ x->dim[0], x->dim[1], ref_inner(x, 1) };
}

static int64_t channel_at(const struct channels *d, int64_t c, int64_t i)
{
	return (i / d->S * d->C + c) * d->S + i % d->S;
}

/* x[N,C,..] -> count, mean[C], sum of squared deviations[C] */
void ref_bn_moments(const struct ref_args *a)
{
	const struct channels d = channels_of(ref_in(a, 0));
	const int64_t n = d.N * d.S;
	const float *x = a->in[0];
	float *m = a->out[0];

	m[0] = (float)n;
	for (int64_t c = 0; c < d.C; c++) {
		double mean = 0, squares = 0;

		for (int64_t i = 0; i < n; i++)
			mean += x[channel_at(&d, c, i)];
		mean /= (double)n;
		for (int64_t i = 0; i < n; i++) {
			double e = x[channel_at(&d, c, i)] - mean;

			squares += e * e;
		}
		m[1 + c] = (float)mean;
		m[1 + d.C + c] = (float)squares;
	}
}

/* Without a group: this rank's row, and ranks that have nothing. */
void ref_all_gather(const struct ref_args *a)
{
	const struct tensor_desc *y = ref_out(a, 0);
	char *to = a->out[0];

	memset(to, 0, tensor_bytes(y));
	for (int i = 0; i < a->node->n_in; i++) {
		memcpy(to, a->in[i], tensor_bytes(ref_in(a, i)));
		to += tensor_bytes(ref_in(a, i));
	}
}

/* g[ranks,1+2C], running mean[C], var[C] -> mean[C], var[C], count[1] */
void ref_bn_join(const struct ref_args *a)
{
	const int64_t ranks = ref_in(a, 0)->dim[0], width = ref_in(a, 0)->dim[1], C = (width - 1) / 2;
	const float *g = a->in[0], momentum = a->node->attr.momentum;
	float *run_mean = (float *)(uintptr_t)a->in[1], *run_var = (float *)(uintptr_t)a->in[2];
	float *out_mean = a->out[0], *out_var = a->out[1], *out_count = a->out[2];
	double total = 0;

	for (int64_t r = 0; r < ranks; r++)
		total += g[r * width];
	for (int64_t c = 0; c < C; c++) {
		double mean = 0, squares = 0, n = 0;

		for (int64_t r = 0; r < ranks; r++) {
			const float *m = g + r * width;
			double apart = m[1 + c] - mean;

			if (!(m[0] > 0))
				continue;
			mean += apart * m[0] / (n + m[0]);
			squares += m[1 + C + c] + apart * apart * n * m[0] / (n + m[0]);
			n += m[0];
		}
		squares /= total > 0 ? total : 1;
		run_mean[c] = (float)ref_blend(run_mean[c], mean, momentum);
		run_var[c] = (float)ref_blend(run_var[c], squares *
		                              (total > 1 ? total / (total - 1) : 1), momentum);
		if (out_mean)
			out_mean[c] = (float)mean;
		if (out_var)
			out_var[c] = (float)squares;
	}
	if (out_count)
		out_count[0] = (float)total;
}

/* x, dy, mean, var -> dgamma[C], dbeta[C] */
void ref_bn_sums(const struct ref_args *a)
{
	const struct channels d = channels_of(ref_in(a, 0));
	const float *x = a->in[0], *dy = a->in[1], *mean = a->in[2], *var = a->in[3];
	float *out_dgamma = a->out[0], *out_dbeta = a->out[1];

	for (int64_t c = 0; c < d.C; c++) {
		double rstd = 1 / sqrt((double)var[c] + a->node->attr.eps), dgamma = 0, dbeta = 0;

		for (int64_t i = 0; i < d.N * d.S; i++) {
			int64_t e = channel_at(&d, c, i);

			dgamma += dy[e] * ((double)x[e] - mean[c]) * rstd;
			dbeta += dy[e];
		}
		if (out_dgamma)
			out_dgamma[c] = (float)dgamma;
		if (out_dbeta)
			out_dbeta[c] = (float)dbeta;
	}
}

/* x, dy, gamma, mean, var, count, g[ranks,2C] -> dx */
void ref_bn_dx(const struct ref_args *a)
{
	const struct channels d = channels_of(ref_in(a, 0));
	const float *x = a->in[0], *dy = a->in[1], *gamma = a->in[2], *mean = a->in[3];
	const float *var = a->in[4], *g = a->in[6];
	const double n = ((const float *)a->in[5])[0];
	float *dx = a->out[0];

	for (int64_t c = 0; c < d.C; c++) {
		double rstd = 1 / sqrt((double)var[c] + a->node->attr.eps), dgamma = 0, dbeta = 0;

		for (int64_t r = 0; r < ref_in(a, 6)->dim[0]; r++) {
			dgamma += g[r * 2 * d.C + c];
			dbeta += g[r * 2 * d.C + d.C + c];
		}
		for (int64_t i = 0; i < d.N * d.S; i++) {
			int64_t e = channel_at(&d, c, i);
			double xhat = ((double)x[e] - mean[c]) * rstd;

			dx[e] = (float)(gamma[c] * rstd * (dy[e] - dbeta / n - xhat * dgamma / n));
		}
	}
}
