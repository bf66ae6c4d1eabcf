/* classic.c -- operators of ai.onnx.ml, as tools of classical learning write them: scalers and
 * linear models.  They keep their numbers in attributes. */
#include "learn/onnx/in/rows.h"

#include <math.h>
#include <string.h>

/* Is x the features of the first input, of which nothing is known yet? */
static int is_raw(const struct net *r, const struct value *x)
{
	return x->kind == VALUE_LAYER && x->input == 0 && x->form == FORM_PLAIN && x->ndim == 2 &&
	       !r->input[0].mean && !r->input[0].std;
}

static float *room_of(struct net *r, const struct value *x)
{
	return onnx_room(r, (size_t)x->dim[1], sizeof(float));
}

/* (x - mean) / std, lists as long as x has features. */
static tt_status set_scaling(struct net *r, const Onnx__Node *n, const struct value *x,
                             const float *mean, const float *std)
{
	struct value *v = onnx_room(r, 2, sizeof *v), *y;

	if (!v)
		return TT_ENOMEM;
	for (int64_t i = 0; i < x->dim[1]; i++)
		if (!(std[i] > 0) || !isfinite(std[i]) || !isfinite(mean[i]))
			return onnx_refuse(r, n, "it multiplies a feature by no number above 0");
	for (int i = 0; i < 2; i++)
		v[i] = (struct value){ .name = "scaling", .kind = VALUE_CONSTANT, .ndim = 1,
		                       .dim = { x->dim[1] }, .c.f = (float *)(i ? std : mean) };
	r->input[0].mean = &v[0];
	r->input[0].std = &v[1];
	return onnx_alias(r, n, x, &y);
}

/* (x - offset) * scale */
tt_status in_scaler(struct net *r, const Onnx__Node *n)
{
	const Onnx__Attribute *offset = onnx_attribute(n, "offset");
	const Onnx__Attribute *scale = onnx_attribute(n, "scale");
	struct value *x;
	float *std;
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	if (!is_raw(r, x) || !offset || !scale || offset->n_floats != (size_t)x->dim[1] ||
	    scale->n_floats != (size_t)x->dim[1])
		return onnx_refuse(r, n, "it does not scale the features of the first input");
	if (!(std = room_of(r, x)))
		return TT_ENOMEM;
	for (int64_t i = 0; i < x->dim[1]; i++)
		std[i] = 1 / scale->floats[i];
	return set_scaling(r, n, x, offset->floats, std);
}

/* Numbers of a list [F] or [1, F]; NULL: it is none. */
static const float *features(struct net *r, const struct value *v, const struct value *x)
{
	const float *f;
	size_t n;

	if (!v || v->kind != VALUE_CONSTANT || v->c.whole || v->ndim < 1 || v->ndim > 2 ||
	    v->dim[v->ndim - 1] != x->dim[1] || value_count(v) != (size_t)x->dim[1] ||
	    onnx_floats(r, v, &f, &n) != TT_OK)
		return NULL;
	return f;
}

tt_status scaled_features(struct net *r, const Onnx__Node *n, struct value *x,
                          const struct value *by, int *said)
{
	const Onnx__Node *sum = onnx_next(r, n), *last = n;
	const float *scale = is_raw(r, x) && by->kind == VALUE_CONSTANT ? features(r, by, x) : NULL;
	const float *shift = NULL;
	float *mean, *std;

	*said = scale != NULL;
	if (!scale)
		return TT_OK;
	if (sum && (shift = features(r, onnx_other(r, sum, "Add", n->output[0]), x)))
		onnx_skip(r, last = sum);
	if (!(mean = room_of(r, x)) || !(std = room_of(r, x)))
		return TT_ENOMEM;
	for (int64_t i = 0; i < x->dim[1]; i++) {
		mean[i] = shift ? -shift[i] / scale[i] : 0;
		std[i] = 1 / scale[i];
	}
	return set_scaling(r, last, x, mean, std);
}

struct linear { struct value *x; const float *w, *b; int64_t out, in; };

static tt_status read_linear(struct net *r, const Onnx__Node *n, struct linear *l)
{
	const Onnx__Attribute *w = onnx_attribute(n, "coefficients");
	const Onnx__Attribute *b = onnx_attribute(n, "intercepts");
	tt_status st = onnx_layer(r, n, 0, &l->x);

	if (st != TT_OK)
		return st;
	if (l->x->ndim != 2 || l->x->dim[1] < 1 || !w || !w->n_floats ||
	    w->n_floats % (size_t)l->x->dim[1])
		return onnx_refuse(r, n, "its coefficients do not fit what it reads");
	l->in = l->x->dim[1];
	l->out = (int64_t)w->n_floats / l->in;
	l->w = w->floats;
	l->b = b && b->n_floats ? b->floats : NULL;
	if (l->b && (int64_t)b->n_floats != l->out)
		return onnx_refuse(r, n, "its intercepts are not as many as its scores");
	return TT_OK;
}

static tt_status say_linear(struct net *r, const Onnx__Node *n, const struct linear *l)
{
	const int64_t dim[2] = { NET_BATCH, l->out };
	const struct number w = { .ndim = 2, .dim = { l->out, l->in }, .f = l->w };
	const struct number b = { .ndim = 1, .dim = { l->out }, .f = l->b };
	const char *name = onnx_name(r, n, NULL);
	tt_status st = SAY(r, n, name, l->x, 2, dim, "dense: {out: %lld, bias: %s", (long long)l->out,
	                   l->b ? "yes" : "no");

	if (st != TT_OK || (st = onnx_give(r, name, "weight", &w)) != TT_OK)
		return st;
	return l->b ? onnx_give(r, name, "bias", &b) : TT_OK;
}

tt_status in_linear_regressor(struct net *r, const Onnx__Node *n)
{
	struct linear l;
	tt_status st = read_linear(r, n, &l);

	if (st != TT_OK)
		return st;
	if (!onnx_word_is(n, "post_transform", "NONE", "NONE") || onnx_int(n, "targets", 1) != l.out)
		return onnx_refuse(r, n, "it has a transform behind it, or other targets than scores");
	return say_linear(r, n, &l);
}

/* Of two scores, one the other's negative, the sigmoid: the softmax of 0 and the second. */
static tt_status halve(struct net *r, const Onnx__Node *n, struct linear *l)
{
	const size_t count = (size_t)l->in;
	float *w = onnx_room(r, 2 * count, sizeof *w), *b = onnx_room(r, 2, sizeof *b);

	if (!w || !b)
		return TT_ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (l->out != 2 || l->w[i] != -l->w[count + i])
			return onnx_refuse(r, n, "its scores are no probabilities of classes");
	if (l->b && l->b[0] != -l->b[1])
		return onnx_refuse(r, n, "its scores are no probabilities of classes");
	memset(w, 0, count * sizeof *w);
	memcpy(w + count, l->w + count, count * sizeof *w);
	b[0] = 0;
	b[1] = l->b ? l->b[1] : 0;
	l->w = w;
	l->b = b;
	return TT_OK;
}

tt_status in_linear_classifier(struct net *r, const Onnx__Node *n)
{
	const int none = onnx_word_is(n, "post_transform", "NONE", "NONE");
	const int logistic = onnx_word_is(n, "post_transform", "LOGISTIC", "NONE");
	Onnx__Node named = *n;
	struct linear l;
	tt_status st;

	if (n->n_output != 2 || strcmp(n->output[1], r->g->output[0]->name) != 0)
		return onnx_refuse(r, n, "its scores are not the answer");
	if (!none && !logistic && !onnx_word_is(n, "post_transform", "SOFTMAX", "NONE"))
		return onnx_refuse(r, n, "tutti has no such transform of scores");
	named.output = n->output + 1;
	if ((st = read_linear(r, n, &l)) != TT_OK || (logistic && (st = halve(r, n, &l)) != TT_OK))
		return st;
	r->loss = none ? NULL : "cross_entropy";
	return say_linear(r, &named, &l);
}

/* ---- two classes of one score ---- */

/* 1 - p, and p behind it: the answer. */
static const Onnx__Node *find_join(const struct net *r, const Onnx__Node *n,
                                   const Onnx__Node **rest)
{
	const Onnx__Node *join = NULL;

	*rest = NULL;
	for (size_t i = r->at + 1; i < r->g->n_node; i++) {
		const Onnx__Node *k = r->g->node[i];

		if (!onnx_reads(k, n->output[0]))
			continue;
		if (onnx_is(k, "Sub") && k->n_input == 2 && !*rest)
			*rest = k;
		else if (onnx_is(k, "Concat") && k->n_input == 2 && !join)
			join = k;
		else
			return NULL;
	}
	if (!join || !*rest || strcmp(join->input[0], (*rest)->output[0]) != 0 ||
	    strcmp(join->input[1], n->output[0]) != 0 || strcmp((*rest)->input[1], n->output[0]) != 0 ||
	    strcmp(join->output[0], r->g->output[0]->name) != 0)
		return NULL;
	return join;
}

tt_status two_classes(struct net *r, const Onnx__Node *n, struct value *x, int *said)
{
	static const float choice[2] = { 0, 1 };
	const Onnx__Node *rest, *join = find_join(r, n, &rest);
	const struct number w = { .ndim = 2, .dim = { 2, 1 }, .f = choice };
	const int64_t dim[2] = { NET_BATCH, 2 };
	const char *name;
	double one;
	tt_status st;

	*said = join && x->ndim == 2 && x->dim[1] == 1 &&
	        onnx_number(r, onnx_find(r, rest->input[0]), &one) && one == 1 &&
	        (onnx_int(join, "axis", 0) == 1 || onnx_int(join, "axis", 0) == -1);
	if (!*said)
		return TT_OK;
	onnx_skip(r, rest);
	onnx_skip(r, join);
	r->loss = "cross_entropy";
	if (!(name = onnx_name(r, n, NULL)))
		return TT_ENOMEM;
	if ((st = SAY(r, join, name, x, 2, dim, "dense: {out: 2, bias: no")) != TT_OK)
		return st;
	return onnx_give(r, name, "weight", &w);
}
