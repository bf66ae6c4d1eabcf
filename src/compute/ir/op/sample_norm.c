/* op/sample_norm.c -- norms of each sample by itself: group norm (Wu and He, 2018; instance norm is
 * a group per channel), root mean square norm (Zhang and Sennrich, 2019) and local response
 * normalisation (Krizhevsky et al., 2012).  All sums are PyTorch's. */
#include "compute/ir/op.h"

#include <math.h>

static tt_status check_eps(const struct ir_node *n)
{
	if (!(n->attr.eps >= 0))
		return ir_bad(n, TT_EINVAL, "eps %g must not be below 0", (double)n->attr.eps);
	return TT_OK;
}

/* x[N,C,..] in groups: group r of them all is [c, s], and lies in one piece. */
struct groups { int64_t n, per, c, s; };

static struct groups groups_of(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	const int64_t per = n->attr.groups;

	return (struct groups){ x->dim[0] * per, per, x->dim[1] / per, ref_inner(x, 1) };
}

static tt_status check_groups(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	const int groups = n->attr.groups;
	char is[IR_VALUE_TEXT];

	if (x->ndim < 2)
		return ir_bad(n, TT_ESHAPE, "input %s has no channels", ir_value_text(n->in[0], is));
	if (groups < 1 || x->dim[1] % groups)
		return ir_bad(n, TT_ESHAPE, "the channels of input %s do not divide into %d groups",
		              ir_value_text(n->in[0], is), groups);
	return check_eps(n);
}

tt_status ir_infer_groupnorm(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st = check_groups(n);

	if (st != TT_OK || (st = IS(n, 1, 1, x->dim[1])) != TT_OK ||
	    (st = IS(n, 2, 1, x->dim[1])) != TT_OK)
		return st;
	out[0] = *x;
	out[1] = out[2] = DESC(1, x->dim[0] * n->attr.groups);
	return TT_OK;
}

tt_status ir_infer_groupnorm_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st = check_groups(n);

	if (st != TT_OK || (st = ir_infer_same(n, 0, 1)) != TT_OK ||
	    (st = IS(n, 2, 1, x->dim[1])) != TT_OK)
		return st;
	for (int i = 3; i < 5; i++)
		if ((st = IS(n, i, 1, x->dim[0] * n->attr.groups)) != TT_OK)
			return st;
	out[0] = *x;
	out[1] = out[2] = DESC(1, x->dim[1]);
	return TT_OK;
}

/* How many numbers the last attr.ndim dimensions hold, which input `gamma` has as well. */
static tt_status infer_width(struct ir_node *n, int gamma, int64_t *width)
{
	const struct tensor_desc *x = &n->in[0]->desc, *g = &n->in[gamma]->desc;
	char is[IR_VALUE_TEXT], text[TENSOR_TEXT];
	struct ir_attr *a = &n->attr;

	a->ndim = a->ndim ? a->ndim : 1;
	*width = 1;
	if (a->ndim < 1 || a->ndim >= x->ndim)
		return ir_bad(n, TT_ESHAPE, "the last %d dimensions of input %s leave no batch", a->ndim,
		              ir_value_text(n->in[0], is));
	for (int i = x->ndim - a->ndim; i < x->ndim; i++)
		*width *= x->dim[i];
	if (tensor_count(g) != *width)
		return ir_bad(n, TT_ESHAPE, "input %s normalises %lld values, gamma is %s",
		              ir_value_text(n->in[0], is), (long long)*width, tensor_text(g, text));
	return check_eps(n);
}

tt_status ir_infer_rmsnorm(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	int64_t width;
	tt_status st = infer_width(n, 1, &width);

	if (st != TT_OK)
		return st;
	out[0] = *x;
	out[1] = DESC(1, tensor_count(x) / width);
	return TT_OK;
}

tt_status ir_infer_rmsnorm_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	int64_t width;
	tt_status st = infer_width(n, 2, &width);

	if (st != TT_OK || (st = ir_infer_same(n, 0, 1)) != TT_OK ||
	    (st = IS(n, 3, 1, tensor_count(x) / width)) != TT_OK)
		return st;
	out[0] = *x;
	out[1] = n->in[2]->desc;
	return TT_OK;
}

tt_status ir_infer_lrn(struct ir_node *n, struct tensor_desc *out)
{
	const struct ir_attr *a = &n->attr;
	char is[IR_VALUE_TEXT];

	if (n->in[0]->desc.ndim < 2)
		return ir_bad(n, TT_ESHAPE, "input %s has no channels", ir_value_text(n->in[0], is));
	if (a->size < 1 || a->size > IR_LRN_MAX)
		return ir_bad(n, TT_EINVAL, "%lld channels: 1 to %d are possible", (long long)a->size,
		              IR_LRN_MAX);
	out[0] = n->in[0]->desc;
	return TT_OK;
}

tt_status ir_infer_lrn_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = ir_infer_lrn(n, out);

	return st == TT_OK ? ir_infer_same(n, 0, 1) : st;
}

/* ---- gradients ---- */

tt_status ir_grad_groupnorm(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_node *d = GRAD_EMIT(b, n, IR_GROUPNORM_DX, &n->attr, n->in[0], dy, n->in[1],
	                              n->out[1], n->out[2]);
	tt_status st;

	for (int i = 0; i < 3; i++)
		if ((st = ir_give_out(b, n->in[i], d, i)) != TT_OK)
			return st;
	return TT_OK;
}

tt_status ir_grad_rmsnorm(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_node *d = GRAD_EMIT(b, n, IR_RMSNORM_DX, &n->attr, n->in[0], dy, n->in[1],
	                              n->out[1]);
	tt_status st = ir_give_out(b, n->in[0], d, 0);

	return st == TT_OK ? ir_give_out(b, n->in[1], d, 1) : st;
}

tt_status ir_grad_lrn(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_LRN_DX, &n->attr, n->in[0], dy), 0);
}

/* ---- group norm ---- */

static double mean_of(const float *x, int64_t n)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}

static double rstd_of(const float *x, int64_t n, double mean, double eps)
{
	double squares = 0;

	for (int64_t i = 0; i < n; i++)
		squares += (x[i] - mean) * (x[i] - mean);
	return 1 / sqrt(squares / (double)n + eps);
}

/* x[N,C,..], gamma[C], beta[C] -> y, save_mean, save_rstd */
void ref_groupnorm(const struct ref_args *a)
{
	const struct groups g = groups_of(a->node);
	const int64_t size = g.c * g.s;
	const float *x = a->in[0], *gamma = a->in[1], *beta = a->in[2];
	float *y = a->out[0], *save_mean = a->out[1], *save_rstd = a->out[2];

	for (int64_t r = 0; r < g.n; r++, x += size, y += size) {
		const double mean = mean_of(x, size), rstd = rstd_of(x, size, mean, a->node->attr.eps);

		for (int64_t i = 0; i < size; i++) {
			const int64_t c = r % g.per * g.c + i / g.s;

			y[i] = (float)(gamma[c] * (x[i] - mean) * rstd + beta[c]);
		}
		if (save_mean)
			save_mean[r] = (float)mean;
		if (save_rstd)
			save_rstd[r] = (float)rstd;
	}
}

/* One group: dx = rstd (gamma dy - mean(gamma dy) - xhat mean(gamma dy xhat)) */
static void group_dx(const struct ref_args *a, const struct groups *g, int64_t r)
{
	const int64_t size = g->c * g->s;
	const float *x = (const float *)a->in[0] + r * size, *dy = (const float *)a->in[1] + r * size;
	const float *gamma = (const float *)a->in[2] + r % g->per * g->c;
	const double mean = ((const float *)a->in[3])[r], rstd = ((const float *)a->in[4])[r];
	float *dx = (float *)a->out[0] + r * size;
	double sum = 0, dot = 0;

	for (int64_t i = 0; i < size; i++) {
		sum += (double)dy[i] * gamma[i / g->s];
		dot += (double)dy[i] * gamma[i / g->s] * (x[i] - mean) * rstd;
	}
	for (int64_t i = 0; i < size; i++) {
		const double xhat = (x[i] - mean) * rstd;

		dx[i] = (float)(rstd * ((double)dy[i] * gamma[i / g->s] -
		                        (sum + xhat * dot) / (double)size));
	}
}

/* x, dy, gamma, save_mean, save_rstd -> dx, dgamma, dbeta */
void ref_groupnorm_dx(const struct ref_args *a)
{
	const struct groups g = groups_of(a->node);
	const int64_t channels = g.per * g.c, images = g.n / g.per;
	const float *x = a->in[0], *dy = a->in[1], *mean = a->in[3], *rstd = a->in[4];
	float *out_dgamma = a->out[1], *out_dbeta = a->out[2];

	for (int64_t r = 0; r < g.n && a->out[0]; r++)
		group_dx(a, &g, r);
	for (int64_t c = 0; c < channels; c++) {
		double dgamma = 0, dbeta = 0;

		for (int64_t i = 0; i < images * g.s; i++) {
			const int64_t at = (i / g.s * channels + c) * g.s + i % g.s;
			const int64_t r = i / g.s * g.per + c / g.c;

			dgamma += dy[at] * ((double)x[at] - mean[r]) * rstd[r];
			dbeta += dy[at];
		}
		if (out_dgamma)
			out_dgamma[c] = (float)dgamma;
		if (out_dbeta)
			out_dbeta[c] = (float)dbeta;
	}
}

/* ---- root mean square ---- */

/* x[R,D], gamma[D] -> y[R,D], save_rstd[R] */
void ref_rmsnorm(const struct ref_args *a)
{
	const int64_t D = tensor_count(ref_in(a, 1)), R = tensor_count(ref_in(a, 0)) / D;
	const float *x = a->in[0], *gamma = a->in[1];
	float *y = a->out[0], *save_rstd = a->out[1];

	for (int64_t r = 0; r < R; r++, x += D, y += D) {
		const double rstd = rstd_of(x, D, 0, a->node->attr.eps);

		for (int64_t i = 0; i < D; i++)
			y[i] = (float)(gamma[i] * x[i] * rstd);
		if (save_rstd)
			save_rstd[r] = (float)rstd;
	}
}

static void rms_dx(const struct ref_args *a, int64_t r, int64_t D)
{
	const float *x = (const float *)a->in[0] + r * D, *dy = (const float *)a->in[1] + r * D;
	const float *gamma = a->in[2];
	const double rstd = ((const float *)a->in[3])[r];
	float *dx = (float *)a->out[0] + r * D;
	double dot = 0;

	for (int64_t i = 0; i < D; i++)
		dot += (double)dy[i] * gamma[i] * x[i] * rstd;
	for (int64_t i = 0; i < D; i++)
		dx[i] = (float)(rstd * ((double)dy[i] * gamma[i] - x[i] * rstd * dot / (double)D));
}

/* x[R,D], dy[R,D], gamma[D], save_rstd[R] -> dx[R,D], dgamma[D] */
void ref_rmsnorm_dx(const struct ref_args *a)
{
	const int64_t D = tensor_count(ref_in(a, 2)), R = tensor_count(ref_in(a, 0)) / D;
	const float *x = a->in[0], *dy = a->in[1], *rstd = a->in[3];
	float *dgamma = a->out[1];

	for (int64_t r = 0; r < R && a->out[0]; r++)
		rms_dx(a, r, D);
	for (int64_t i = 0; i < D && dgamma; i++) {
		double sum = 0;

		for (int64_t r = 0; r < R; r++)
			sum += (double)dy[r * D + i] * x[r * D + i] * rstd[r];
		dgamma[i] = (float)sum;
	}
}

/* ---- local response ---- */

/* The numbers of one place, channel by channel. */
struct place { const struct ir_attr *t; const float *x, *dy; int64_t c, s; };

/* What x[c] is divided by, before it is raised to beta. */
static double lrn_base(const struct place *p, int64_t c)
{
	const int64_t before = p->t->size / 2;
	double sum = 0;

	for (int64_t i = c - before; i < c - before + p->t->size; i++)
		if (i >= 0 && i < p->c)
			sum += (double)p->x[i * p->s] * p->x[i * p->s];
	return p->t->k + p->t->alpha * sum / (double)p->t->size;
}

static double lrn_slope(const struct place *p, int64_t c)
{
	const double beta = p->t->beta;
	const int64_t first = c - (p->t->size - 1 - p->t->size / 2);
	double sum = 0;

	for (int64_t i = first; i < first + p->t->size; i++)       /* channels whose window has c */
		if (i >= 0 && i < p->c)
			sum += (double)p->dy[i * p->s] * p->x[i * p->s] * pow(lrn_base(p, i), -beta - 1);
	return p->dy[c * p->s] * pow(lrn_base(p, c), -beta) -
	       2 * p->t->alpha * beta / (double)p->t->size * p->x[c * p->s] * sum;
}

/* Place i of the images. */
static struct place place_of(const struct ref_args *a, int64_t i, int64_t *at)
{
	const struct tensor_desc *x = ref_in(a, 0);
	struct place p = { .t = &a->node->attr, .c = x->dim[1], .s = ref_inner(x, 1) };

	*at = i / p.s * p.c * p.s + i % p.s;
	p.x = (const float *)a->in[0] + *at;
	if (a->node->n_in > 1)
		p.dy = (const float *)a->in[1] + *at;
	return p;
}

void ref_lrn(const struct ref_args *a)
{
	const int64_t places = tensor_count(ref_in(a, 0)) / ref_in(a, 0)->dim[1];

	for (int64_t i = 0; i < places; i++) {
		int64_t at;
		const struct place p = place_of(a, i, &at);
		float *y = (float *)a->out[0] + at;

		for (int64_t c = 0; c < p.c; c++)
			y[c * p.s] = (float)(p.x[c * p.s] * pow(lrn_base(&p, c), -p.t->beta));
	}
}

void ref_lrn_dx(const struct ref_args *a)
{
	const int64_t places = tensor_count(ref_in(a, 0)) / ref_in(a, 0)->dim[1];

	for (int64_t i = 0; i < places; i++) {
		int64_t at;
		const struct place p = place_of(a, i, &at);
		float *dx = (float *)a->out[0] + at;

		for (int64_t c = 0; c < p.c; c++)
			dx[c * p.s] = (float)lrn_slope(&p, c);
	}
}
