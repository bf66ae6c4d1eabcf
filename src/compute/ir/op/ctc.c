/* op/ctc.c -- connectionist temporal classification (Graves et al., 2006): the probability of all
 * ways in which T places may spell a shorter list of labels, blanks between them.
 *
 *   labels  c a t        states  - c - a - t -        W = 2 * labels + 1, blanks are the even ones
 *
 * All in logarithms, of double precision: `before` of a state is what led to it, its own place
 * included, `behind` what follows.  The gradient by a logit is its softmax less the share of the
 * ways that pass through its class. */
#include "compute/ir/op/loss.h"

#include <math.h>
#include <string.h>

#include "compute/ir/sequence.h"

#define STATES_MOST (1 << 20)            /* places, labels: their product counts bytes */

/* ---- shapes ---- */

/* Behind logits and labels: weights, and last of all lengths. */
static int weight_at(const struct ir_node *n)
{
	return n->n_in > 2 && n->in[2]->desc.dtype == DTYPE_F32 ? 2 : -1;
}

static int lengths_at(const struct ir_node *n)
{
	return n->n_in > 2 && n->in[n->n_in - 1]->desc.dtype == DTYPE_S32 ? n->n_in - 1 : -1;
}

static tt_status check_places(struct ir_node *n)
{
	char is[IR_VALUE_TEXT];

	if (n->in[0]->desc.ndim != 3)
		return ir_bad(n, TT_ESHAPE, "input %s must be samples x places x classes",
		              ir_value_text(n->in[0], is));
	return TT_OK;
}

tt_status ir_infer_ctc(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *label = &n->in[1]->desc;
	const int weight = weight_at(n), lengths = lengths_at(n);
	char is[IR_VALUE_TEXT];
	tt_status st = check_places(n);

	if (st != TT_OK)
		return st;
	if (label->ndim != 2 || label->dim[0] != x->dim[0])
		return ir_bad(n, TT_ESHAPE, "labels %s must be a list for each of %lld samples",
		              ir_value_text(n->in[1], is), (long long)x->dim[0]);
	if (label->dim[1] > STATES_MOST || x->dim[1] > STATES_MOST)
		return ir_bad(n, TT_ESUPPORT, "%lld places and %lld labels: up to %d are possible",
		              (long long)x->dim[1], (long long)label->dim[1], STATES_MOST);
	if (n->attr.blank < 0 || n->attr.blank >= x->dim[2])
		return ir_bad(n, TT_EINVAL, "the blank is class %d, and there are 0 to %lld",
		              n->attr.blank, (long long)x->dim[2] - 1);
	if (n->n_in != 2 + (weight > 0) + (lengths > 0))
		return ir_bad(n, TT_EINVAL, "weights of samples and then lengths may follow the labels");
	out[0] = DESC(1, 1);
	out[1] = *x;
	if (weight > 0 && (st = IS(n, weight, 1, x->dim[0])) != TT_OK)
		return st;
	return lengths > 0 ? IS(n, lengths, 1, x->dim[0]) : TT_OK;
}

tt_status ir_infer_ctc_dx(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_places(n);

	out[0] = n->in[0]->desc;
	if (st != TT_OK || (st = IS(n, 1, 1, 1)) != TT_OK)
		return st;
	return loss_check_weight(n, 2);
}

tt_status ir_grad_ctc(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *weight = weight_at(n) > 0 ? n->in[weight_at(n)] : NULL;

	for (int i = 1; i < n->n_in; i++)
		if (n->in[i]->wants_grad)
			return ir_bad(n, TT_ESUPPORT, "its labels or weights depend on parameters");
	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_CTC_DX, &n->attr, n->out[1], dy, weight), 0);
}

/* ---- one sample ---- */

struct ctc {
	const float   *x;                 /* [places, classes]                            */
	const int32_t *label;             /* [labels]                                     */
	int64_t        places, classes, labels, states;
	int            blank;
	double        *lse;               /* [places] log of the sum of e^x               */
	double        *before;            /* [places, states]                             */
	double        *behind, *next;     /* [states] of one place, and of the one behind it */
	double        *share;             /* [classes]                                    */
};

/* In doubles: what struct ctc points to. */
static int64_t room_of(int64_t places, int64_t classes, int64_t states)
{
	return places + places * states + 2 * states + classes;
}

size_t ctc_scratch(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;

	return (size_t)room_of(x->dim[1], x->dim[2], 2 * n->in[1]->desc.dim[1] + 1) * sizeof(double);
}

static int class_of(const struct ctc *c, int64_t state)
{
	return state % 2 ? c->label[state / 2] : c->blank;
}

static double log_p(const struct ctc *c, int64_t t, int64_t state)
{
	return c->x[t * c->classes + class_of(c, state)] - c->lse[t];
}

/* May a way go from the label before this one straight to it? */
static int may_skip(const struct ctc *c, int64_t state)
{
	return state % 2 && state > 1 && c->label[state / 2] != c->label[state / 2 - 1];
}

/* A NaN is never lost: it is no maximum, but part of the sum. */
static double log_add(double a, double b)
{
	const double most = a > b ? a : b, least = a > b ? b : a;

	return most == -INFINITY ? a + b : most + log1p(exp(least - most));
}

static void go_forward(const struct ctc *c)
{
	for (int64_t t = 0; t < c->places; t++) {
		const double *was = c->before + (t - 1) * c->states;
		double *is = c->before + t * c->states;

		for (int64_t s = 0; s < c->states; s++) {
			double way = t ? was[s] : s < 2 ? 0 : -INFINITY;

			if (t && s)
				way = log_add(way, was[s - 1]);
			if (t && may_skip(c, s))
				way = log_add(way, was[s - 2]);
			is[s] = way + log_p(c, t, s);
		}
	}
}

/* What all ways together are worth: they end with the last label, or a blank behind it. */
static double log_total(const struct ctc *c)
{
	const double *end = c->before + (c->places - 1) * c->states;

	if (!c->places)
		return c->labels ? -INFINITY : 0;
	return c->states == 1 ? end[0] : log_add(end[c->states - 1], end[c->states - 2]);
}

static void step_back(const struct ctc *c, int64_t t)
{
	for (int64_t s = 0; s < c->states; s++) {
		double way = -INFINITY;

		if (t == c->places - 1) {
			way = s >= c->states - 2 ? 0 : -INFINITY;
		} else {
			way = c->next[s] + log_p(c, t + 1, s);
			if (s + 1 < c->states)
				way = log_add(way, c->next[s + 1] + log_p(c, t + 1, s + 1));
			if (s + 2 < c->states && may_skip(c, s + 2))
				way = log_add(way, c->next[s + 2] + log_p(c, t + 1, s + 2));
		}
		c->behind[s] = way;
	}
	memcpy(c->next, c->behind, (size_t)c->states * sizeof *c->next);
}

static void slope_at(const struct ctc *c, int64_t t, double total, float *slope)
{
	const double each = c->labels > 1 ? (double)c->labels : 1;

	memset(c->share, 0, (size_t)c->classes * sizeof *c->share);
	for (int64_t s = 0; s < c->states; s++)
		c->share[class_of(c, s)] += exp(c->before[t * c->states + s] + c->behind[s] - total);
	for (int64_t j = 0; j < c->classes; j++)
		slope[j] = (float)((exp(c->x[t * c->classes + j] - c->lse[t]) - c->share[j]) / each);
}

static void go_back(const struct ctc *c, double total, float *slope)
{
	for (int64_t t = c->places - 1; t >= 0; t--) {
		step_back(c, t);
		slope_at(c, t, total, slope + t * c->classes);
	}
}

static void fill(float *to, int64_t n, float v)
{
	for (int64_t i = 0; i < n; i++)
		to[i] = v;
}

/* The loss of a sample, for each of its labels; slope may be NULL. */
static double one_sample(const struct ctc *c, int zero_infinity, float *slope)
{
	double total;

	for (int64_t i = 0; i < c->labels; i++)
		if (c->label[i] >= c->classes) {        /* no class: the loss must not look good */
			fill(slope, slope ? c->places * c->classes : 0, NAN);
			return NAN;
		}
	for (int64_t t = 0; t < c->places; t++)
		c->lse[t] = ref_log_sum_exp(c->x + t * c->classes, c->classes);
	go_forward(c);
	total = log_total(c);
	if (slope && total == -INFINITY)
		fill(slope, c->places * c->classes, zero_infinity ? 0 : NAN);
	else if (slope)
		go_back(c, total, slope);
	if (total == -INFINITY && zero_infinity)
		return 0;
	return -total / (double)(c->labels > 1 ? c->labels : 1);
}

/* ---- kernels ---- */

/* They end with the first that is none. */
static int64_t count_labels(const int32_t *label, int64_t most, int blank)
{
	int64_t n = 0;

	while (n < most && label[n] >= 0 && label[n] != blank)
		n++;
	return n;
}

static struct ctc ctc_of(const struct ref_args *a, int64_t sample, int64_t places)
{
	const struct tensor_desc *x = ref_in(a, 0);
	const int64_t most = ref_in(a, 1)->dim[1];
	double *room = a->scratch;
	struct ctc c = {
		.x = (const float *)a->in[0] + sample * x->dim[1] * x->dim[2],
		.label = (const int32_t *)a->in[1] + sample * most, .places = places,
		.classes = x->dim[2], .blank = a->node->attr.blank,
	};

	c.labels = count_labels(c.label, most, c.blank);
	c.states = 2 * c.labels + 1;
	c.lse = room;
	c.share = c.lse + x->dim[1];
	c.behind = c.share + c.classes;
	c.next = c.behind + c.states;
	c.before = c.next + c.states;
	return c;
}

/* logits[N,T,M], label[N,S], weight[N]?, lengths[N]? -> loss[1], slope[N,T,M] */
void ref_ctc(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0);
	const int64_t each = x->dim[1] * x->dim[2];
	const int weight_in = weight_at(a->node), lengths_in = lengths_at(a->node);
	const float *weight = weight_in > 0 ? a->in[weight_in] : NULL;
	const int32_t *lengths = lengths_in > 0 ? a->in[lengths_in] : NULL;
	double sum = 0;

	if (lengths && !ir_lengths_are_good(a->node, lengths_in, lengths, x->dim[1], a->status))
		return;
	for (int64_t n = 0; n < x->dim[0]; n++) {
		const struct ctc c = ctc_of(a, n, lengths ? lengths[n] : x->dim[1]);
		float *slope = a->out[1] ? (float *)a->out[1] + n * each : NULL;
		const double loss = one_sample(&c, a->node->attr.zero_infinity, slope);

		if (!weight || weight[n] != 0)
			sum += weight ? (double)weight[n] * loss : loss;
		if (slope)
			fill(slope + c.places * c.classes, each - c.places * c.classes, 0);
	}
	if (a->out[0])
		((float *)a->out[0])[0] = (float)sum;
}

/* slope[N,T,M], seed[1], weight[N]? -> dlogits[N,T,M] */
void ref_ctc_dx(const struct ref_args *a)
{
	const float *slope = a->in[0], *seed = a->in[1], *weight = loss_weight(a, 2);
	const int64_t n = tensor_count(ref_in(a, 0)), each = ref_inner(ref_in(a, 0), 0);
	float *dx = a->out[0];

	for (int64_t i = 0; i < n; i++) {
		const double scale = weight ? (double)weight[i / each] * seed[0] : seed[0];

		dx[i] = scale != 0 ? (float)(scale * slope[i]) : 0;
	}
}
