/* xent.c -- see xent.h.  Each row's loss is kept and added up in order: the same bits for any
 * number of threads. */
#include "compute/exec/cpu/seq/xent.h"

#include <math.h>

#include "compute/exec/cpu/exp.h"
#include "sys/thread.h"

#define PAYS  (1 << 16)                 /* numbers                                     */
#define GRAIN 8192                      /* that are not worth a second thread          */
#define LANES 16

int xent_pays(const struct ir_node *n)
{
	return tensor_count(&n->in[0]->desc) >= PAYS;
}

size_t xent_scratch(const struct ir_node *n)
{
	return (size_t)n->in[0]->desc.dim[0] * sizeof(double);
}

/* A job for rows of M classes; smooth: what every class is asked for, most: the label beside. */
struct job {
	int64_t               classes;
	double                most, smooth;
	const struct xent    *forward;
	const struct xent_dx *backward;
	double               *loss;             /* of each row */
};

static struct job job_of(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;

	return (struct job){ .classes = x->dim[1], .most = 1 - (double)n->attr.smoothing,
	                     .smooth = (double)n->attr.smoothing / (double)x->dim[1] };
}

static int is_class(const struct job *j, int32_t label)
{
	return label >= 0 && label < j->classes;
}

SIMD static float largest(const float *x, int64_t n)
{
	float most = -INFINITY;

	for (int64_t i = 0; i < n; i++)
		most = x[i] > most ? x[i] : most;
	return most;
}

/* The sums of e^(x - most) and of x. */
SIMD static void sums(const float *x, int64_t n, float most, double out[2])
{
	float e[LANES] = { 0 }, plain[LANES] = { 0 };
	int64_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int l = 0; l < LANES; l++) {
			e[l] += exp_negative(x[i + l] - most);
			plain[l] += x[i + l];
		}
	out[0] = out[1] = 0;
	for (; i < n; i++) {
		out[0] += exp_negative(x[i] - most);
		out[1] += x[i];
	}
	for (int l = 0; l < LANES; l++) {
		out[0] += e[l];
		out[1] += plain[l];
	}
}

SIMD static void probabilities(const float *x, int64_t n, float most, float by, float *prob)
{
	IN_PLACE
	for (int64_t i = 0; i < n; i++)
		prob[i] = exp_negative(x[i] - most) * by;
}

/* A logit of -inf is fine where nothing is asked; a label that is no class makes NaN. */
static double loss_of(const struct job *j, const float *x, int32_t label, double lse, double sum)
{
	double loss;

	if (!is_class(j, label))
		return NAN;
	loss = j->most * (lse - x[label]);
	return j->smooth != 0 ? loss + j->smooth * ((double)j->classes * lse - sum) : loss;
}

static void forward_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct xent *a = j->forward;

	for (int64_t i = lo; i < hi; i++) {
		const float *x = a->logits + i * j->classes, most = largest(x, j->classes);
		double sum[2], loss;

		sums(x, j->classes, most, sum);
		loss = loss_of(j, x, a->label[i], most + log(sum[0]), sum[1]);
		if (a->weight && !(a->weight[i] == 0 && is_class(j, a->label[i])))
			loss *= a->weight[i];
		else if (a->weight)
			loss = 0;
		j->loss[i] = loss;
		if (a->prob)
			probabilities(x, j->classes, most, (float)(1 / sum[0]), a->prob + i * j->classes);
	}
}

void xent_forward(const struct ir_node *n, const struct xent *a)
{
	const int64_t rows = n->in[0]->desc.dim[0];
	struct job j = job_of(n);
	double sum = 0;

	j.forward = a;
	j.loss = a->scratch;
	thread_for(rows, GRAIN / j.classes + 1, forward_some, &j);
	for (int64_t i = 0; i < rows; i++)
		sum += j.loss[i];
	if (a->loss)
		a->loss[0] = (float)sum;
}

SIMD static void slopes(const float *prob, int64_t n, double scale, double asked, float *dx)
{
	IN_PLACE
	for (int64_t i = 0; i < n; i++)
		dx[i] = (float)(scale * (prob[i] - asked));
}

static void backward_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct xent_dx *a = j->backward;

	for (int64_t i = lo; i < hi; i++) {
		const double scale = a->weight ? (double)a->weight[i] * a->seed[0] : a->seed[0];
		const int good = is_class(j, a->label[i]);
		const float *prob = a->prob + i * j->classes, at = good ? prob[a->label[i]] : 0;
		float *dx = a->dx + i * j->classes;

		slopes(prob, j->classes, scale, good ? j->smooth : NAN, dx);
		if (good)
			dx[a->label[i]] = (float)(scale * (at - (j->most + j->smooth)));
	}
}

void xent_backward(const struct ir_node *n, const struct xent_dx *a)
{
	struct job j = job_of(n);

	j.backward = a;
	thread_for(n->in[0]->desc.dim[0], GRAIN / j.classes + 1, backward_some, &j);
}
