/* shapes.c -- operators without numbers of their own: what moves, joins, cuts and reduces. */
#include "learn/onnx/in/rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

tt_status in_concat(struct net *r, const Onnx__Node *n)
{
	struct value *in[64];
	int64_t axis = onnx_int(n, "axis", 1), dim[TENSOR_MAX_DIMS];
	tt_status st = TT_OK;

	if (n->n_input < 1 || n->n_input > 64)
		return onnx_refuse(r, n, "it has %zu inputs", n->n_input);
	for (size_t i = 0; i < n->n_input; i++) {
		if ((st = onnx_layer(r, n, i, &in[i])) != TT_OK)
			return st;
		if (in[i]->ndim != in[0]->ndim)
			return onnx_refuse(r, n, "its inputs have different shapes");
	}
	axis += axis < 0 ? in[0]->ndim : 0;
	if (axis < 1 || axis >= in[0]->ndim)
		return onnx_refuse(r, n, "it joins the batch");
	memcpy(dim, in[0]->dim, (size_t)in[0]->ndim * sizeof *dim);
	for (size_t i = 0; i < n->n_input; i++)
		for (int k = 0; k < in[0]->ndim; k++)
			if (k != axis && in[i]->dim[k] != dim[k])
				return onnx_refuse(r, n, "its inputs have different shapes");
			else if (k == axis && in[i]->dim[k] < 1)
				return onnx_refuse(r, n, "it joins sequences one after the other");
			else if (k == axis && i)
				dim[k] += in[i]->dim[k];
	if (n->n_input == 1)
		return in_same(r, n);
	return onnx_say(r, &(struct saying){ n, onnx_name(r, n, NULL), in, (int)n->n_input, in[0]->ndim,
	                                    dim }, "concat: {axis: %lld", (long long)axis);
}

/* ---- shapes ---- */

/* Numbers of a sample; 0: not fixed. */
static int64_t per_sample(const struct value *x)
{
	int64_t all = 1;

	for (int i = 1; i < x->ndim; i++)
		if (x->dim[i] < 1 || __builtin_mul_overflow(all, x->dim[i], &all))
			return 0;
	return all;
}

/* A sample of x in another shape, batch first. */
static tt_status say_shape(struct net *r, const Onnx__Node *n, struct value *x, int ndim,
                           const int64_t *dim)
{
	struct value *y;
	int64_t all = 1;
	char text[160] = "";

	if (ndim == x->ndim && memcmp(dim + 1, x->dim + 1, (size_t)(ndim - 1) * sizeof *dim) == 0)
		return onnx_alias(r, n, x, &y);
	if (ndim < 2 || ndim > TENSOR_MAX_DIMS)
		return onnx_refuse(r, n, "it makes %d dimensions", ndim);
	for (int i = 1; i < ndim; i++) {
		if (dim[i] < 1 || __builtin_mul_overflow(all, dim[i], &all))
			return onnx_refuse(r, n, "it makes an impossible shape");
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i > 1 ? ", " : "",
		         (long long)dim[i]);
	}
	if (all != per_sample(x))
		return onnx_refuse(r, n, "it makes another shape of what does not belong to one sample");
	if (ndim == 2)
		return SAY(r, n, onnx_name(r, n, NULL), x, 2, dim, "flatten: {");
	return SAY(r, n, onnx_name(r, n, NULL), x, ndim, dim, "reshape: {shape: [%s]", text);
}

tt_status in_flatten(struct net *r, const Onnx__Node *n)
{
	struct value *x;
	int64_t dim[2] = { NET_BATCH, 0 };
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	dim[1] = per_sample(x);
	if (onnx_int(n, "axis", 1) != 1 || !dim[1])
		return onnx_refuse(r, n, "it flattens more than a sample");
	return say_shape(r, n, x, 2, dim);
}

/* The sides of a recurrence become features. */
static tt_status join_sides(struct net *r, const Onnx__Node *n, const struct value *x)
{
	struct value *y;
	tt_status st = onnx_alias(r, n, x, &y);

	if (st != TT_OK)
		return st;
	y->form = x->form == FORM_BATCH_SIDES ? FORM_TIME_FIRST : FORM_PLAIN;
	y->ndim = x->ndim - 1;
	y->dim[y->ndim - 1] = x->dim[x->ndim - 2] * x->dim[x->ndim - 1];
	return TT_OK;
}

/* dim[i] of theirs: 0 is x's own, -1 what is left. */
static tt_status target(struct net *r, const Onnx__Node *n, const struct value *x, size_t count,
                        int64_t *dim)
{
	int64_t fixed = 1;
	size_t open = 0;

	for (size_t i = 1; i < count; i++) {
		if (dim[i] == 0 && i < (size_t)x->ndim)
			dim[i] = x->dim[i];
		if (dim[i] == -1)
			open = i;
		else if (dim[i] > 0 && __builtin_mul_overflow(fixed, dim[i], &fixed))
			return onnx_refuse(r, n, "it makes an impossible shape");
	}
	if (open && (!per_sample(x) || !fixed))
		return onnx_refuse(r, n, "its shape depends on the length");
	if (open)
		dim[open] = per_sample(x) / fixed;
	if (dim[0] == 0 || dim[0] == NET_BATCH || (r->batch && dim[0] == r->batch) ||
	    (dim[0] == -1 && !open && fixed == per_sample(x))) {
		dim[0] = NET_BATCH;
		return TT_OK;
	}
	return onnx_refuse(r, n, "its first dimension is not the batch");
}

static tt_status try_groupnorm(struct net *r, const Onnx__Node *n, struct value *x,
                               const int64_t *dim, int *said);

tt_status in_reshape(struct net *r, const Onnx__Node *n)
{
	struct value *x, *shape;
	const int64_t *v;
	int64_t dim[TENSOR_MAX_DIMS + 1] = { 0 };
	size_t count;
	int said;
	tt_status st = onnx_both(r, n, &x, &shape);

	if (st != TT_OK || (st = onnx_wholes(r, shape, &v, &count)) != TT_OK)
		return st;
	if (count < 1 || count > TENSOR_MAX_DIMS)
		return onnx_refuse(r, n, "it makes %zu dimensions", count);
	memcpy(dim, v, count * sizeof *dim);
	if (x->kind == VALUE_LAYER && x->form >= FORM_BATCH_SIDES && (int)count == x->ndim - 1 &&
	    (dim[count - 1] == -1 || dim[count - 1] == x->dim[x->ndim - 2] * x->dim[x->ndim - 1]))
		return join_sides(r, n, x);
	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK || (st = target(r, n, x, count, dim)) != TT_OK ||
	    (st = try_groupnorm(r, n, x, dim, &said)) != TT_OK || said)
		return st;
	return say_shape(r, n, x, (int)count, dim);
}

/* A constant [groups] of equal numbers. */
static int all_are(struct net *r, const Onnx__Node *n, size_t i, float want)
{
	const struct value *v = i < n->n_input ? onnx_find(r, n->input[i]) : NULL;
	const float *f;
	size_t count;

	if (!v || v->kind != VALUE_CONSTANT || v->c.whole || onnx_floats(r, v, &f, &count) != TT_OK)
		return 0;
	for (size_t k = 0; k < count; k++)
		if (f[k] != want)
			return 0;
	return 1;
}

/* A group is a channel of another shape: reshape, instance norm, back, scale and shift. */
static tt_status try_groupnorm(struct net *r, const Onnx__Node *n, struct value *x,
                               const int64_t *dim, int *said)
{
	const Onnx__Node *norm = onnx_next(r, n), *back, *mul, *add;
	struct value *scale, *shift;
	struct number w = { .ndim = 1, .dim = { x->dim[1] } }, b = w;
	const char *name;
	size_t count;
	tt_status st;

	*said = 0;
	if (!onnx_is(norm, "InstanceNormalization") || norm->n_input != 3 ||
	    !(back = onnx_next(r, norm)) || !onnx_is(back, "Reshape") || !(mul = onnx_next(r, back)) ||
	    !(scale = onnx_other(r, mul, "Mul", back->output[0])) || !(add = onnx_next(r, mul)) ||
	    !(shift = onnx_other(r, add, "Add", mul->output[0])) || scale->kind != VALUE_CONSTANT ||
	    shift->kind != VALUE_CONSTANT || scale->c.whole || shift->c.whole ||
	    !all_are(r, norm, 1, 1) || !all_are(r, norm, 2, 0) || dim[1] < 1 || x->dim[1] % dim[1] ||
	    value_count(scale) != (size_t)x->dim[1] || value_count(shift) != (size_t)x->dim[1] ||
	    !value_is_per_channel(scale, x) || !value_is_per_channel(shift, x))
		return TT_OK;
	*said = 1;
	onnx_skip(r, norm);
	onnx_skip(r, back);
	onnx_skip(r, mul);
	onnx_skip(r, add);
	if (!(name = onnx_name(r, n, scale)))
		return TT_ENOMEM;
	if ((st = SAY(r, add, name, x, x->ndim, x->dim, "groupnorm: {groups: %lld, eps: %.9g",
	              (long long)dim[1], onnx_float(norm, "epsilon", 1e-5))) != TT_OK ||
	    (st = onnx_floats(r, scale, &w.f, &count)) != TT_OK ||
	    (st = onnx_floats(r, shift, &b.f, &count)) != TT_OK ||
	    (st = onnx_give(r, name, "weight", &w)) != TT_OK)
		return st;
	return onnx_give(r, name, "bias", &b);
}

tt_status in_squeeze(struct net *r, const Onnx__Node *n)
{
	int64_t axes[TENSOR_MAX_DIMS], dim[TENSOR_MAX_DIMS];
	struct value *x, *y;
	int k, ndim = 0;
	tt_status st = onnx_input(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	if (!x || x->kind != VALUE_LAYER)
		return onnx_refuse(r, n, "it reads no value of a layer");
	if ((st = onnx_axes(r, n, x->ndim, axes, &k)) != TT_OK)
		return st;
	if (k == 1 && ((x->form == FORM_SIDES && axes[0] == 1 && x->dim[1] == 1) ||
	               (x->form == FORM_SIDES_LAST && axes[0] == 0 && x->dim[0] == 1))) {
		if ((st = onnx_alias(r, n, x, &y)) != TT_OK)
			return st;
		y->form = x->form == FORM_SIDES ? FORM_TIME_FIRST : FORM_PLAIN;
		y->ndim--;
		memmove(y->dim + axes[0], y->dim + axes[0] + 1,
		        (size_t)(y->ndim - axes[0]) * sizeof *y->dim);
		return TT_OK;
	}
	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK)
		return st;
	for (int i = 0; i < x->ndim; i++) {
		int out = k == 0 && i && x->dim[i] == 1;

		for (int a = 0; a < k; a++)
			out |= axes[a] == i;
		if (out && x->dim[i] != 1)
			return onnx_refuse(r, n, "it takes away a dimension that is not 1");
		if (!out)
			dim[ndim++] = x->dim[i];
	}
	return say_shape(r, n, x, ndim, dim);
}

tt_status in_unsqueeze(struct net *r, const Onnx__Node *n)
{
	int64_t axes[TENSOR_MAX_DIMS], dim[2 * TENSOR_MAX_DIMS];
	struct value *x;
	int k, at = 0;
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK || (st = onnx_axes(r, n, 0, axes, &k)) != TT_OK)
		return st;
	for (int i = 0; i < x->ndim + k; i++) {
		int one = 0;

		for (int a = 0; a < k; a++)
			one |= axes[a] == i || axes[a] + x->ndim + k == i;
		dim[i] = one || at >= x->ndim ? 1 : x->dim[at++];
	}
	return dim[0] == NET_BATCH ? say_shape(r, n, x, x->ndim + k, dim)
	                           : onnx_refuse(r, n, "it puts a dimension in front of the batch");
}

/* What a transposition does to how a value lies; -1: nothing that is known. */
static const struct { enum value_form from, to; int n, perm[4]; } turns[] = {
	{ FORM_PLAIN, FORM_TIME_FIRST, 3, { 1, 0, 2 } },
	{ FORM_TIME_FIRST, FORM_PLAIN, 3, { 1, 0, 2 } },
	{ FORM_SIDES, FORM_BATCH_SIDES, 4, { 0, 2, 1, 3 } },
	{ FORM_SIDES, FORM_PLACES_SIDES, 4, { 2, 0, 1, 3 } },
	{ FORM_SIDES_LAST, FORM_STATE_SIDES, 3, { 1, 0, 2 } },
};

static tt_status turn(struct net *r, const Onnx__Node *n, const struct value *x, int row)
{
	struct value *y;
	tt_status st = onnx_alias(r, n, x, &y);

	if (st != TT_OK)
		return st;
	y->form = turns[row].to;
	for (int i = 0; i < x->ndim; i++)
		y->dim[i] = x->dim[turns[row].perm[i]];
	return TT_OK;
}

tt_status in_transpose(struct net *r, const Onnx__Node *n)
{
	const Onnx__Attribute *perm = onnx_attribute(n, "perm");
	int64_t dim[TENSOR_MAX_DIMS];
	struct value *x;
	unsigned seen = 0;
	char text[80] = "";
	tt_status st = onnx_input(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	if (!x || x->kind != VALUE_LAYER || !perm || (int)perm->n_ints != x->ndim)
		return onnx_refuse(r, n, "it turns no value of a layer, or not all dimensions");
	for (size_t t = 0; t < sizeof turns / sizeof *turns; t++) {
		int same = turns[t].from == x->form && turns[t].n == x->ndim;

		for (int i = 0; i < x->ndim && same; i++)
			same = perm->ints[i] == turns[t].perm[i];
		if (same)
			return turn(r, n, x, (int)t);
	}
	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK)
		return st;
	for (int i = 0; i < x->ndim; i++) {
		if (perm->ints[i] < 0 || perm->ints[i] >= x->ndim || (i == 0 && perm->ints[0] != 0))
			return onnx_refuse(r, n, "it moves the batch");
		seen |= 1u << perm->ints[i];
		dim[i] = x->dim[perm->ints[i]];
		if (i)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i > 1 ? ", " : "",
			         (long long)perm->ints[i]);
	}
	if (seen != (1u << x->ndim) - 1)
		return onnx_refuse(r, n, "it names a dimension twice");
	return SAY(r, n, onnx_name(r, n, NULL), x, x->ndim, dim, "transpose: {dims: [%s]", text);
}

/* ---- parts ---- */

/* One number of a constant list of one, from an input or, in old opsets, an attribute. */
static tt_status one_whole(struct net *r, const Onnx__Node *n, size_t i, const char *name,
                           int64_t *out)
{
	const Onnx__Attribute *a = onnx_attribute(n, name);
	const int64_t *v = a ? a->ints : NULL;
	size_t count = a ? a->n_ints : 0;
	struct value *in = NULL;
	tt_status st = a ? TT_OK : onnx_input(r, n, i, &in);

	if (st == TT_OK && !a && !in)
		return TT_OK;                   /* as it was */
	if (st == TT_OK && in)
		st = onnx_wholes(r, in, &v, &count);
	if (st == TT_OK && count != 1)
		st = onnx_refuse(r, n, "it has %zu %s, one is read", count, name);
	if (st == TT_OK)
		*out = v[0];
	return st;
}

static tt_status say_slice(struct net *r, const Onnx__Node *n, struct value *x, int axis,
                           const int64_t range[2])
{
	int64_t dim[TENSOR_MAX_DIMS];
	struct value *y;

	memcpy(dim, x->dim, (size_t)x->ndim * sizeof *dim);
	dim[axis] = range[1] - range[0];
	if (dim[axis] == x->dim[axis])
		return onnx_alias(r, n, x, &y);
	return SAY(r, n, onnx_name(r, n, NULL), x, x->ndim, dim,
	           "slice: {axis: %d, start: %lld, size: %lld", axis, (long long)range[0],
	           (long long)dim[axis]);
}

tt_status in_slice(struct net *r, const Onnx__Node *n)
{
	int64_t range[2] = { 0, INT64_MAX }, axis = 0, step = 1;
	struct value *x;
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK ||
	    (st = one_whole(r, n, 1, "starts", &range[0])) != TT_OK ||
	    (st = one_whole(r, n, 2, "ends", &range[1])) != TT_OK ||
	    (st = one_whole(r, n, 3, "axes", &axis)) != TT_OK ||
	    (st = one_whole(r, n, 4, "steps", &step)) != TT_OK)
		return st;
	axis += axis < 0 ? x->ndim : 0;
	if (axis < 1 || axis >= x->ndim || x->dim[axis] < 1 || step != 1)
		return onnx_refuse(r, n, "it takes parts of the batch, of sequences, or with steps");
	for (int i = 0; i < 2; i++) {
		range[i] += range[i] < 0 ? x->dim[axis] : 0;
		range[i] = range[i] < 0 ? 0 : range[i] > x->dim[axis] ? x->dim[axis] : range[i];
	}
	return range[0] < range[1] ? say_slice(r, n, x, (int)axis, range)
	                           : onnx_refuse(r, n, "it takes nothing");
}

/* The i-th part of x: a slice, which is that output of the node. */
static tt_status say_part(struct net *r, const Onnx__Node *n, size_t i, struct value *x, int axis,
                          const int64_t range[2])
{
	Onnx__Node part = *n;

	part.output = &n->output[i];
	part.n_output = 1;
	return say_slice(r, &part, x, axis, range);
}

/* Parts of given sizes (an attribute, later an input), or equal ones. */
tt_status in_split(struct net *r, const Onnx__Node *n)
{
	const Onnx__Attribute *list = onnx_attribute(n, "split");
	const int64_t *sizes = list ? list->ints : NULL;
	size_t count = list ? list->n_ints : 0;
	int64_t axis = onnx_int(n, "axis", 0), range[2] = { 0, 0 }, each;
	struct value *x, *v;
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK || (st = onnx_input(r, n, 1, &v)) != TT_OK ||
	    (v && (st = onnx_wholes(r, v, &sizes, &count)) != TT_OK))
		return st;
	axis += axis < 0 ? x->ndim : 0;
	if (axis < 1 || axis >= x->ndim || x->dim[axis] < 1)
		return onnx_refuse(r, n, "it takes parts of the batch or of sequences");
	if (sizes && count != n->n_output)
		return onnx_refuse(r, n, "it has %zu sizes for %zu parts", count, n->n_output);
	each = (x->dim[axis] + (int64_t)n->n_output - 1) / (int64_t)n->n_output;
	for (size_t i = 0; i < n->n_output && st == TT_OK; i++) {
		const int64_t left = x->dim[axis] - range[1], size = sizes ? sizes[i] : each;

		if (left < 1 || (sizes && (size < 1 || size > left)))
			return onnx_refuse(r, n, "its parts are more than there is");
		range[0] = range[1];
		range[1] += size < left ? size : left;
		st = say_part(r, n, i, x, (int)axis, range);
	}
	if (st == TT_OK && range[1] != x->dim[axis])
		return onnx_refuse(r, n, "its parts are less than there is");
	return st;
}

/* The states of a recurrence with one side. */
static tt_status only_side(struct net *r, const Onnx__Node *n, const struct value *x)
{
	struct value *y;
	tt_status st = onnx_alias(r, n, x, &y);

	if (st != TT_OK)
		return st;
	y->form = FORM_PLAIN;
	y->ndim = 2;
	memmove(y->dim, y->dim + 1, 2 * sizeof *y->dim);
	return TT_OK;
}

/* One place of a sequence, or a look into a table of vectors. */
tt_status in_gather(struct net *r, const Onnx__Node *n)
{
	struct value *x, *at;
	int64_t axis = onnx_int(n, "axis", 0), dim[2];
	const int64_t *v;
	size_t count;
	tt_status st = onnx_both(r, n, &x, &at);

	if (st != TT_OK)
		return st;
	if (x->kind == VALUE_CONSTANT)
		return in_embedding(r, n);
	if ((st = onnx_wholes(r, at, &v, &count)) != TT_OK)
		return st;
	axis += axis < 0 ? x->ndim : 0;
	if (x->kind == VALUE_LAYER && x->form == FORM_SIDES_LAST && count == 1 && at->ndim == 0 &&
	    axis == 0 && x->dim[0] == 1 && (v[0] == -1 || v[0] == 0))
		return only_side(r, n, x);
	if (x->kind != VALUE_LAYER || count != 1 || at->ndim != 0 || x->ndim != 3 ||
	    axis != (x->form == FORM_PLAIN) || (x->form != FORM_PLAIN && x->form != FORM_TIME_FIRST) ||
	    (v[0] != -1 && (x->dim[axis] < 1 || v[0] != x->dim[axis] - 1)))
		return onnx_refuse(r, n, "of sequences, the last place is taken, or none");
	dim[0] = NET_BATCH;
	dim[1] = x->dim[2];
	return SAY(r, n, onnx_name(r, n, NULL), x, 2, dim, "seqpool: {pool: last");
}

tt_status in_pad(struct net *r, const Onnx__Node *n)
{
	const Onnx__Attribute *a = onnx_attribute(n, "pads");
	int64_t dim[TENSOR_MAX_DIMS], pads[2 * TENSOR_MAX_DIMS] = { 0 };
	struct value *x, *list, *fill;
	const int64_t *v = a ? a->ints : NULL;
	size_t count = a ? a->n_ints : 0;
	double by = onnx_float(n, "value", 0);
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK || (st = onnx_input(r, n, 1, &list)) != TT_OK ||
	    (st = onnx_input(r, n, 2, &fill)) != TT_OK ||
	    (list && (st = onnx_wholes(r, list, &v, &count)) != TT_OK))
		return st;
	if (!onnx_word_is(n, "mode", "constant", "constant") || (x->ndim != 3 && x->ndim != 4) ||
	    count != 2 * (size_t)x->ndim || n->n_input > 3 || (fill && !onnx_number(r, fill, &by)))
		return onnx_refuse(r, n, "it is no frame of one number around images or rows");
	for (int i = 0; i < x->ndim; i++) {
		pads[i] = v[i];
		pads[x->ndim + i] = v[x->ndim + i];
		if (pads[i] < 0 || pads[i] > 65536 || pads[x->ndim + i] < 0 || pads[x->ndim + i] > 65536 ||
		    (i < 2 && (pads[i] || pads[x->ndim + i])))
			return onnx_refuse(r, n, "it pads the batch or channels, or takes away");
		dim[i] = x->dim[i] + pads[i] + pads[x->ndim + i];
	}
	dim[0] = NET_BATCH;
	if (x->ndim == 3)
		return SAY(r, n, onnx_name(r, n, NULL), x, 3, dim,
		           "pad: {padding: [%lld, %lld], value: %.9g", (long long)pads[2],
		           (long long)pads[5], by);
	return SAY(r, n, onnx_name(r, n, NULL), x, 4, dim,
	           "pad: {padding: [%lld, %lld, %lld, %lld], value: %.9g", (long long)pads[2],
	           (long long)pads[3], (long long)pads[6], (long long)pads[7], by);
}

tt_status in_reduce(struct net *r, const Onnx__Node *n)
{
	int64_t axes[TENSOR_MAX_DIMS], dim[TENSOR_MAX_DIMS];
	const int keep = onnx_int(n, "keepdims", 1) != 0;
	const char *op = onnx_is(n, "ReduceSum") ? "sum" : onnx_is(n, "ReduceMax") ? "max" : "mean";
	struct value *x;
	char text[80] = "";
	int k, ndim = 0;
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK || (st = onnx_axes(r, n, x->ndim, axes, &k)) != TT_OK)
		return st;
	for (int i = 0; i < k; i++) {
		if (axes[i] < 1 || axes[i] >= x->ndim)
			return onnx_refuse(r, n, "it reduces the batch");
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i ? ", " : "",
		         (long long)axes[i]);
	}
	for (int i = 0; i < x->ndim; i++) {
		int out = 0;

		for (int a = 0; a < k; a++)
			out |= axes[a] == i;
		if (!out || keep)
			dim[ndim++] = out ? 1 : x->dim[i];
	}
	if (ndim == 1 && onnx_is(onnx_next(r, n), "Reshape"))
		dim[ndim++] = 1;                /* a number for each sample is a list of one here */
	if (k == 0 || ndim < 2)
		return onnx_refuse(r, n, "it leaves no dimension but the batch");
	if (x->ndim == 3 && x->dim[1] == NET_LENGTH && k == 1 && axes[0] == 1 && !keep)
		return SAY(r, n, onnx_name(r, n, NULL), x, 2, dim, "seqpool: {pool: %s", op);
	return SAY(r, n, onnx_name(r, n, NULL), x, ndim, dim,
	           "reduce: {op: %s, axis: [%s], keepdims: %s", op, text, keep ? "yes" : "no");
}

/* ---- larger images ---- */

tt_status in_resize(struct net *r, const Onnx__Node *n)
{
	const int linear = onnx_word_is(n, "mode", "linear", "nearest");
	static const char how[] = "coordinate_transformation_mode", usual[] = "half_pixel";
	const int half = onnx_word_is(n, how, usual, usual) ||
		onnx_word_is(n, how, "pytorch_half_pixel", usual);
	const int floored = onnx_word_is(n, how, "asymmetric", usual) &&
		onnx_word_is(n, "nearest_mode", "floor", "round_prefer_floor");
	int64_t dim[TENSOR_MAX_DIMS] = { NET_BATCH };
	struct value *x, *scales, *sizes = NULL;
	const int64_t *v;
	const float *f;
	size_t count;
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK || (st = onnx_input(r, n, n->n_input == 2 ? 1 : 2, &scales)) != TT_OK ||
	    (st = onnx_input(r, n, 3, &sizes)) != TT_OK)
		return st;
	if (x->ndim != 4 || !(linear ? half : floored || onnx_is(n, "Upsample")) ||
	    (!scales && !sizes) ||
	    (!linear && !onnx_word_is(n, "mode", "nearest", "nearest")))
		return onnx_refuse(r, n, "tutti has the nearest pixel, rounded down, and between four with "
		                  "half pixels");
	if (sizes && value_count(sizes) == 0)
		sizes = NULL;
	st = sizes ? onnx_wholes(r, sizes, &v, &count) : onnx_floats(r, scales, &f, &count);
	if (st != TT_OK)
		return st;
	if (count != 4 || (!sizes && (f[0] != 1 || f[1] != 1)) || (sizes && v[1] != x->dim[1]))
		return onnx_refuse(r, n, "it resizes more than images");
	for (int i = 1; i < 4; i++) {
		const double side = sizes ? (double)v[i] : (double)floorf((float)x->dim[i] * f[i]);

		if (!(side >= 1 && side <= 1 << 24))
			return onnx_refuse(r, n, "it makes an impossible size");
		dim[i] = i == 1 ? x->dim[1] : (int64_t)side;
	}
	return SAY(r, n, onnx_name(r, n, NULL), x, 4, dim, "upsample: {size: [%lld, %lld], mode: %s",
	           (long long)dim[2], (long long)dim[3], linear ? "bilinear" : "nearest");
}
