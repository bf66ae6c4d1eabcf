/* op/loss.c -- losses summed over the batch, and their gradients.
 *
 * Where every value has its own loss and slope the op is one row of numbers in, one out: a
 * function of (prediction, target, attributes). */
#include "compute/ir/op/loss.h"

#include <math.h>

/* Behind the other inputs of a loss or its gradient, one number for each sample. */
tt_status loss_check_weight(struct ir_node *n, int at)
{
	return n->n_in <= at ? TT_OK : IS(n, at, 1, n->in[0]->desc.dim[0]);
}

/* Is there one?  Asked once for a kernel, not for a sample. */
const float *loss_weight(const struct ref_args *a, int at)
{
	return a->node->n_in > at ? a->in[at] : NULL;
}

tt_status loss_check_classes(struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char is[IR_VALUE_TEXT];

	if (x->ndim != 2)
		return ir_bad(n, TT_ESHAPE, "input %s must be samples x classes",
		              ir_value_text(n->in[0], is));
	if (!(n->attr.smoothing >= 0 && n->attr.smoothing < 1))
		return ir_bad(n, TT_EINVAL, "smoothing %g must be at least 0 and below 1",
		              (double)n->attr.smoothing);
	return IS(n, 1, 1, x->dim[0]);
}

tt_status ir_infer_xent(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_classes(n);

	out[0] = DESC(1, 1);
	out[1] = n->in[0]->desc;
	return st != TT_OK ? st : loss_check_weight(n, 2);
}

tt_status ir_infer_xent_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_classes(n);

	out[0] = n->in[0]->desc;
	if (st != TT_OK || (st = IS(n, 2, 1, 1)) != TT_OK)
		return st;
	return loss_check_weight(n, 3);
}

/* y and target alike, the first dimension counts the samples. */
static tt_status check_pair(struct ir_node *n)
{
	char is[IR_VALUE_TEXT];

	if (n->in[0]->desc.ndim < 1)
		return ir_bad(n, TT_ESHAPE, "input %s has no samples", ir_value_text(n->in[0], is));
	return ir_infer_same(n, 0, 1);
}

tt_status loss_check_delta(struct ir_node *n)
{
	n->attr.delta = n->attr.delta != 0 ? n->attr.delta : 1;
	if (!(n->attr.delta > 0))
		return ir_bad(n, TT_EINVAL, "delta %g must be above 0", (double)n->attr.delta);
	return TT_OK;
}

tt_status loss_infer(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_pair(n);

	out[0] = DESC(1, 1);
	return st != TT_OK ? st : loss_check_weight(n, 2);
}

tt_status loss_infer_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_pair(n);

	out[0] = n->in[0]->desc;
	if (st != TT_OK || (st = IS(n, 2, 1, 1)) != TT_OK)
		return st;
	return loss_check_weight(n, 3);
}

tt_status ir_infer_bce(struct ir_node *n, struct tensor_desc *out)
{
	return loss_infer(n, out);
}

tt_status ir_infer_mse(struct ir_node *n, struct tensor_desc *out)
{
	return loss_infer(n, out);
}

tt_status ir_infer_mae(struct ir_node *n, struct tensor_desc *out)
{
	return loss_infer(n, out);
}

tt_status ir_infer_huber(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_delta(n);

	return st != TT_OK ? st : loss_infer(n, out);
}

tt_status ir_infer_bce_dx(struct ir_node *n, struct tensor_desc *out)
{
	return loss_infer_dx(n, out);
}

tt_status ir_infer_mse_dx(struct ir_node *n, struct tensor_desc *out)
{
	return loss_infer_dx(n, out);
}

tt_status ir_infer_mae_dx(struct ir_node *n, struct tensor_desc *out)
{
	return loss_infer_dx(n, out);
}

tt_status ir_infer_huber_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_delta(n);

	return st != TT_OK ? st : loss_infer_dx(n, out);
}

tt_status loss_check_gamma(struct ir_node *n)
{
	if (!(n->attr.gamma >= 0))
		return ir_bad(n, TT_EINVAL, "gamma %g must be at least 0", (double)n->attr.gamma);
	return TT_OK;
}

tt_status ir_infer_sigmoid_focal(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_gamma(n);

	return st != TT_OK ? st : loss_infer(n, out);
}

tt_status ir_infer_sigmoid_focal_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = loss_check_gamma(n);

	return st != TT_OK ? st : loss_infer_dx(n, out);
}

/* A loss is differentiated by its first input only.  dy is the gradient by the loss itself: the
 * seed, times whatever stands between. */
tt_status loss_grad(struct ir_backward *b, struct ir_node *n, struct ir_value *dy,
                    enum ir_op op)
{
	struct ir_value *z = op == IR_XENT_DX ? n->out[1] : n->in[0];
	struct ir_value *weight = n->n_in > 2 ? n->in[2] : NULL;

	if (n->in[1]->wants_grad)
		return ir_bad(n, TT_ESUPPORT, "its target depends on parameters");
	if (weight && weight->wants_grad)
		return ir_bad(n, TT_ESUPPORT, "its weights depend on parameters");
	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, op, &n->attr, z, n->in[1], dy, weight), 0);
}

tt_status ir_grad_xent(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return loss_grad(b, n, dy, IR_XENT_DX);
}

tt_status ir_grad_bce(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return loss_grad(b, n, dy, IR_BCE_DX);
}

tt_status ir_grad_mse(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return loss_grad(b, n, dy, IR_MSE_DX);
}

tt_status ir_grad_mae(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return loss_grad(b, n, dy, IR_MAE_DX);
}

tt_status ir_grad_huber(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return loss_grad(b, n, dy, IR_HUBER_DX);
}

tt_status ir_grad_sigmoid_focal(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	return loss_grad(b, n, dy, IR_SIGMOID_FOCAL_DX);
}

typedef double (*loss_fn)(double y, double t, const struct ir_attr *a);

/* The kernels of losses exist twice, with weights and without, so that the latter ask for none:
 * `weight` is NULL or not where the function is inlined. */
#define TWICE static inline __attribute__((always_inline))

/* sum over samples of the mean over a sample's values: sum over all values / values a sample */
TWICE void loss_sum(const struct ref_args *a, loss_fn f, const float *weight)
{
	const struct tensor_desc *d = ref_in(a, 0);
	const float *y = a->in[0], *t = a->in[1];
	int64_t n = tensor_count(d), each = ref_inner(d, 0);
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		if (weight)
			sum += weight[i / each] * f(y[i], t[i], &a->node->attr);
		else
			sum += f(y[i], t[i], &a->node->attr);
	((float *)a->out[0])[0] = (float)(sum / (double)each);
}

TWICE void loss_slope(const struct ref_args *a, loss_fn f, const float *weight)
{
	const struct tensor_desc *d = ref_in(a, 0);
	const float *y = a->in[0], *t = a->in[1], *seed = a->in[2];
	float *dy = a->out[0];
	int64_t n = tensor_count(d), each = ref_inner(d, 0);
	double scale = seed[0] / (double)each;

	for (int64_t i = 0; i < n; i++)
		if (weight)
			dy[i] = (float)(weight[i / each] * scale * f(y[i], t[i], &a->node->attr));
		else
			dy[i] = (float)(scale * f(y[i], t[i], &a->node->attr));
}

/* Finite for any logit: log(1 + exp) never sees a large argument. */
static double bce(double x, double t, const struct ir_attr *a)
{
	(void)a;
	return (x > 0 ? x : 0) - x * t + log1p(exp(-fabs(x)));
}

static double bce_slope(double x, double t, const struct ir_attr *a)
{
	(void)a;
	return 1 / (1 + exp(-x)) - t;
}

static double mse(double y, double t, const struct ir_attr *a)
{
	(void)a;
	return (y - t) * (y - t);
}

static double mse_slope(double y, double t, const struct ir_attr *a)
{
	(void)a;
	return 2 * (y - t);
}

static double mae(double y, double t, const struct ir_attr *a)
{
	(void)a;
	return fabs(y - t);
}

static double mae_slope(double y, double t, const struct ir_attr *a)
{
	(void)a;
	return (y > t) - (y < t);
}

static double huber(double y, double t, const struct ir_attr *a)
{
	const double d = fabs(y - t), delta = (double)a->delta;

	return d <= delta ? 0.5 * d * d : delta * (d - 0.5 * delta);
}

static double huber_slope(double y, double t, const struct ir_attr *a)
{
	const double d = y - t, delta = (double)a->delta;

	return fabs(d) > delta ? copysign(delta, d) : d;
}

/* Lin et al., 2017, as torchvision has it; targets between 0 and 1 are allowed. */
static double focal_factor(double x, double t, const struct ir_attr *a)
{
	const double miss = (1 - t) / (1 + exp(-x)) + t / (1 + exp(x));
	const double side = a->alpha >= 0 ? (double)a->alpha * t + (1 - (double)a->alpha) * (1 - t) : 1;

	return side * pow(miss, (double)a->gamma);
}

static double sigmoid_focal(double x, double t, const struct ir_attr *a)
{
	return focal_factor(x, t, a) * bce(x, t, a);
}

/* d miss / dx = (1 - 2 t) p (1 - p) */
static double sigmoid_focal_slope(double x, double t, const struct ir_attr *a)
{
	const double p = 1 / (1 + exp(-x)), q = 1 / (1 + exp(x)), miss = p * (1 - t) + q * t;
	const double factor = focal_factor(x, t, a);
	const double bend = miss != 0 ? (double)a->gamma * (1 - 2 * t) * p * q / miss : 0;

	return factor * (bce_slope(x, t, a) + bend * bce(x, t, a));
}

static void sum_of(const struct ref_args *a, loss_fn f)
{
	const float *weight = loss_weight(a, 2);

	if (weight)
		loss_sum(a, f, weight);
	else
		loss_sum(a, f, NULL);
}

static void slope_of(const struct ref_args *a, loss_fn f)
{
	const float *weight = loss_weight(a, 3);

	if (weight)
		loss_slope(a, f, weight);
	else
		loss_slope(a, f, NULL);
}

void ref_bce(const struct ref_args *a)      { sum_of(a, bce); }
void ref_mse(const struct ref_args *a)      { sum_of(a, mse); }
void ref_mae(const struct ref_args *a)      { sum_of(a, mae); }
void ref_huber(const struct ref_args *a)    { sum_of(a, huber); }
void ref_bce_dx(const struct ref_args *a)   { slope_of(a, bce_slope); }
void ref_mse_dx(const struct ref_args *a)   { slope_of(a, mse_slope); }
void ref_mae_dx(const struct ref_args *a)   { slope_of(a, mae_slope); }
void ref_huber_dx(const struct ref_args *a) { slope_of(a, huber_slope); }
void ref_sigmoid_focal(const struct ref_args *a)    { sum_of(a, sigmoid_focal); }
void ref_sigmoid_focal_dx(const struct ref_args *a) { slope_of(a, sigmoid_focal_slope); }

double ref_log_sum_exp(const float *x, int64_t M)
{
	double max = x[0], sum = 0;

	for (int64_t j = 1; j < M; j++)
		max = fmax(max, x[j]);
	for (int64_t j = 0; j < M; j++)
		sum += exp(x[j] - max);
	return max + log(sum);
}

/* What is asked of class j: (1 - smoothing) on the label and smoothing spread evenly over all
 * M classes.  A label that is no class makes NaN: the loss must not look good. */
static double xent_target(const struct ir_attr *t, int64_t M, int32_t label, int64_t j)
{
	if (label < 0 || label >= M)
		return NAN;
	return (j == label ? 1 - (double)t->smoothing : 0) + (double)t->smoothing / (double)M;
}

/* logits[N,M], label[N], weight[N]? -> loss[1], prob[N,M] */
TWICE void xent(const struct ref_args *a, const float *weight)
{
	int64_t N = ref_in(a, 0)->dim[0], M = ref_in(a, 0)->dim[1];
	const float *x = a->in[0];
	const int32_t *label = a->in[1];
	float *loss = a->out[0], *prob = a->out[1];
	double sum = 0;

	for (int64_t n = 0; n < N; n++, x += M) {
		double lse = ref_log_sum_exp(x, M);

		for (int64_t j = 0; j < M; j++) {
			double target = xent_target(&a->node->attr, M, label[n], j);

			if (weight)
				target *= weight[n];
			if (target != 0)        /* a logit of -inf is fine where nothing is asked */
				sum += target * (lse - x[j]);
			if (prob)
				prob[n * M + j] = (float)exp(x[j] - lse);
		}
	}
	if (loss)
		loss[0] = (float)sum;
}

void ref_xent(const struct ref_args *a)
{
	const float *weight = loss_weight(a, 2);

	if (weight)
		xent(a, weight);
	else
		xent(a, NULL);
}

/* prob[N,M], label[N], seed[1], weight[N]? -> dlogits[N,M] */
TWICE void xent_slope(const struct ref_args *a, const float *weight)
{
	int64_t N = ref_in(a, 0)->dim[0], M = ref_in(a, 0)->dim[1];
	const float *prob = a->in[0], *seed = a->in[2];
	const int32_t *label = a->in[1];
	float *dx = a->out[0];

	for (int64_t n = 0; n < N; n++)
		for (int64_t j = 0; j < M; j++) {
			double target = xent_target(&a->node->attr, M, label[n], j);
			double scale = weight ? (double)weight[n] * seed[0] : seed[0];

			dx[n * M + j] = (float)(scale * (prob[n * M + j] - target));
		}
}

void ref_xent_dx(const struct ref_args *a)
{
	const float *weight = loss_weight(a, 3);

	if (weight)
		xent_slope(a, weight);
	else
		xent_slope(a, NULL);
}
