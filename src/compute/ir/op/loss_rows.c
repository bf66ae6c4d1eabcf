/* op/loss_rows.c -- losses of a whole row of scores: focal, hinge, Kullback-Leibler. */
#include "compute/ir/op/loss.h"

#include <math.h>

/* Scores[N,M]: sequences come as rows of their own. */
static tt_status check_rows(struct ir_node *n)
{
	char is[IR_VALUE_TEXT];

	if (n->in[0]->desc.ndim != 2)
		return ir_bad(n, TT_ESHAPE, "input %s must be samples x classes",
		              ir_value_text(n->in[0], is));
	return TT_OK;
}

tt_status ir_infer_kl(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_rows(n);

	return st != TT_OK ? st : loss_infer(n, out);
}

tt_status ir_infer_kl_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_rows(n);

	return st != TT_OK ? st : loss_infer_dx(n, out);
}

/* Of labels, without the probabilities. */
static tt_status infer_labelled(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_rows(n);

	out[0] = DESC(1, 1);
	if (st == TT_OK)
		st = loss_check_classes(n);
	return st != TT_OK ? st : loss_check_weight(n, 2);
}

static tt_status infer_labelled_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_rows(n);

	out[0] = n->in[0]->desc;
	if (st != TT_OK || (st = loss_check_classes(n)) != TT_OK || (st = IS(n, 2, 1, 1)) != TT_OK)
		return st;
	return loss_check_weight(n, 3);
}

tt_status ir_infer_focal(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_gamma(n);

	return st != TT_OK ? st : infer_labelled(n, out);
}

tt_status ir_infer_focal_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_gamma(n);

	return st != TT_OK ? st : infer_labelled_dx(n, out);
}

tt_status ir_infer_hinge(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_delta(n);

	return st != TT_OK ? st : infer_labelled(n, out);
}

tt_status ir_infer_hinge_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_delta(n);

	return st != TT_OK ? st : infer_labelled_dx(n, out);
}

tt_status ir_grad_focal(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return loss_grad(b, n, dy, IR_FOCAL_DX);
}

tt_status ir_grad_hinge(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return loss_grad(b, n, dy, IR_HINGE_DX);
}

tt_status ir_grad_kl(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return loss_grad(b, n, dy, IR_KL_DX);
}

/* One sample: its scores, its label or its targets. */
struct row { const float *x, *t; int64_t M; int32_t label; const struct ir_attr *a; };

typedef double row_fn(const struct row *r);
typedef void row_slope_fn(const struct row *r, double scale, float *dx);

static struct row row_of(const struct ref_args *a, int64_t n)
{
	const int64_t M = ref_in(a, 0)->dim[1];
	const int labels = ref_in(a, 1)->dtype == DTYPE_S32;
	const float *x = a->in[0];

	return (struct row){
		.x = x + n * M, .t = labels ? NULL : (const float *)a->in[1] + n * M, .M = M,
		.label = labels ? ((const int32_t *)a->in[1])[n] : 0, .a = &a->node->attr };
}

/* A label that is no class makes NaN: the loss must not look good. */
static int is_class(const struct row *r)
{
	return r->t || (r->label >= 0 && r->label < r->M);
}

static void sum_rows(const struct ref_args *a, row_fn *f)
{
	const float *weight = loss_weight(a, 2);
	double sum = 0;

	for (int64_t n = 0; n < ref_in(a, 0)->dim[0]; n++) {
		const struct row r = row_of(a, n);
		const double w = weight ? weight[n] : 1;

		if (w != 0)
			sum += w * (is_class(&r) ? f(&r) : NAN);
	}
	((float *)a->out[0])[0] = (float)sum;
}

static void slope_rows(const struct ref_args *a, row_slope_fn *f)
{
	const float *weight = loss_weight(a, 3), *seed = a->in[2];

	for (int64_t n = 0; n < ref_in(a, 0)->dim[0]; n++) {
		const struct row r = row_of(a, n);
		const double w = weight ? weight[n] : 1;
		float *dx = (float *)a->out[0] + n * r.M;

		if (is_class(&r))
			f(&r, w * seed[0], dx);
		for (int64_t j = 0; j < r.M && !is_class(&r); j++)
			dx[j] = w != 0 ? NAN : 0;
	}
}

static double focal(const struct row *r)
{
	const double log_p = r->x[r->label] - ref_log_sum_exp(r->x, r->M);

	return -pow(-expm1(log_p), (double)r->a->gamma) * log_p;
}

/* p dL/dp, by which every logit moves as it does for cross-entropy. */
static double focal_pull(double log_p, double gamma)
{
	const double q = -expm1(log_p), all = pow(q, gamma);

	return q > 0 ? gamma * exp(log_p) * all / q * log_p - all : gamma > 0 ? 0 : -1;
}

static void focal_slope(const struct row *r, double scale, float *dx)
{
	const double lse = ref_log_sum_exp(r->x, r->M);
	const double pull = focal_pull(r->x[r->label] - lse, (double)r->a->gamma);

	for (int64_t j = 0; j < r->M; j++)
		dx[j] = (float)(scale * pull * ((j == r->label) - exp(r->x[j] - lse)));
}

/* How far score j comes into the label's margin; a NaN does. */
static double into_margin(const struct row *r, int64_t j)
{
	const double in = (double)r->a->delta - r->x[r->label] + r->x[j];

	return j == r->label || in <= 0 ? 0 : in;
}

static double hinge(const struct row *r)
{
	double sum = 0;

	for (int64_t j = 0; j < r->M; j++)
		sum += into_margin(r, j);
	return sum / (double)r->M;
}

static void hinge_slope(const struct row *r, double scale, float *dx)
{
	int64_t in = 0;

	for (int64_t j = 0; j < r->M; j++) {
		const int one = into_margin(r, j) != 0;

		dx[j] = (float)(one ? scale / (double)r->M : 0);
		in += one;
	}
	dx[r->label] = (float)(-scale * (double)in / (double)r->M);
}

/* 0 log 0 is 0: a logit of -inf is fine where nothing is asked. */
static double kl(const struct row *r)
{
	const double lse = ref_log_sum_exp(r->x, r->M);
	double sum = 0;

	for (int64_t j = 0; j < r->M; j++)
		if (r->t[j] != 0)
			sum += r->t[j] * (log(r->t[j]) - (r->x[j] - lse));
	return sum;
}

static void kl_slope(const struct row *r, double scale, float *dx)
{
	const double lse = ref_log_sum_exp(r->x, r->M);
	double all = 0;

	for (int64_t j = 0; j < r->M; j++)
		all += r->t[j];
	for (int64_t j = 0; j < r->M; j++)
		dx[j] = (float)(scale * (all * exp(r->x[j] - lse) - r->t[j]));
}

void ref_focal(const struct ref_args *a)    { sum_rows(a, focal); }
void ref_focal_dx(const struct ref_args *a) { slope_rows(a, focal_slope); }
void ref_hinge(const struct ref_args *a)    { sum_rows(a, hinge); }
void ref_hinge_dx(const struct ref_args *a) { slope_rows(a, hinge_slope); }
void ref_kl(const struct ref_args *a)       { sum_rows(a, kl); }
void ref_kl_dx(const struct ref_args *a)    { slope_rows(a, kl_slope); }
