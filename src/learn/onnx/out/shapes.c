/* shapes.c -- what moves numbers, joins branches and reduces. */
#include "learn/onnx/out/emit.h"

#include <math.h>

#include "compute/ir/op.h"

static tt_status two(struct emitter *e, const struct ir_node *n, const char *op)
{
	return emit_answer(e, n, EMIT(e, n->name, op, emit_in(e, n, 0), emit_in(e, n, 1)));
}

tt_status out_add(struct emitter *e, const struct ir_node *n)
{
	return two(e, n, "Add");
}

tt_status out_multiply(struct emitter *e, const struct ir_node *n)
{
	return two(e, n, "Mul");
}

/* An operator of all inputs. */
static const char *all(struct emitter *e, const struct ir_node *n, const char *op)
{
	const char *in[64 + 1] = { NULL };

	for (int i = 0; i < n->n_in && i < 64; i++)
		in[i] = emit_in(e, n, i);
	return emit(e, n->name, op, in);
}

tt_status out_sum(struct emitter *e, const struct ir_node *n)
{
	return emit_answer(e, n, all(e, n, "Sum"));
}

tt_status out_concat(struct emitter *e, const struct ir_node *n)
{
	if (e->of[n->out[0]->id])               /* of both sides of a recurrence */
		return TT_OK;
	e->of[n->out[0]->id] = all(e, n, "Concat");
	emit_int(e, "axis", n->attr.axis);
	return TT_OK;
}

/* What several nets say on average.  Of scores: those of the mean of the probabilities. */
tt_status out_mix(struct emitter *e, const struct ir_node *n)
{
	const char *in[64 + 1] = { NULL }, *y, *no;

	for (int i = 0; i < n->n_in && i < 64; i++) {
		in[i] = emit_in(e, n, i);
		if (n->attr.mix == MIX_VALUES)
			continue;
		in[i] = EMIT(e, n->name, n->attr.mix == MIX_SOFTMAX ? "Softmax" : "Sigmoid", in[i]);
		if (n->attr.mix == MIX_SOFTMAX)
			emit_int(e, "axis", -1);
	}
	y = emit(e, n->name, "Mean", in);
	if (n->attr.mix == MIX_SOFTMAX)
		y = EMIT(e, n->name, "Log", y);
	if (n->attr.mix == MIX_SIGMOID) {
		no = EMIT(e, n->name, "Log", EMIT(e, n->name, "Sub", emit_number(e, n->name, 1), y));
		y = EMIT(e, n->name, "Sub", EMIT(e, n->name, "Log", y), no);
	}
	return emit_answer(e, n, y);
}

/* Rows of answers [N*T, M] stay sequences [N, T, M]: who reads them looks at the last one. */
tt_status out_reshape(struct emitter *e, const struct ir_node *n)
{
	const struct ir_value *x = n->in[0], *y = n->out[0];

	if (x->desc.ndim == 3 && y->desc.ndim == 2 && y->desc.dim[1] == x->desc.dim[2] &&
	    size_of(e, y, 0) == SIZE_ROWS) {
		e->of[y->id] = emit_in(e, n, 0);
		return TT_OK;
	}
	return emit_reshape(e, n);
}

tt_status out_slice(struct emitter *e, const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;
	const int64_t start = a->start, end = a->start + a->size, axis = a->axis;
	const char *to = size_of(e, n->out[0], a->axis) == SIZE_FIXED ? emit_i64(e, n->name, &end, 1)
	                                                              : emit_places(e);

	if (size_of(e, n->out[0], a->axis) > SIZE_LENGTH)
		return emit_refuse(n, "where it ends depends on the batch");
	e->of[n->out[0]->id] = EMIT(e, n->name, "Slice", emit_in(e, n, 0),
	                            emit_i64(e, n->name, &start, 1), to,
	                            emit_i64(e, n->name, &axis, 1));
	return TT_OK;
}

tt_status out_pad(struct emitter *e, const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;
	const int ndim = n->in[0]->desc.ndim;
	int64_t pads[2 * TENSOR_MAX_DIMS] = { 0 };

	pads[a->axis] = a->start;
	pads[ndim + a->axis] = a->size - a->start - n->in[0]->desc.dim[a->axis];
	e->of[n->out[0]->id] = EMIT(e, n->name, "Pad", emit_in(e, n, 0),
	                            emit_i64(e, n->name, pads, 2 * ndim),
	                            emit_number(e, n->name, a->alpha));
	return TT_OK;
}

tt_status out_fill(struct emitter *e, const struct ir_node *n)
{
	const struct tensor_desc *d = &n->out[0]->desc;
	const size_t count = (size_t)tensor_count(d);
	float *all_of = emit_room(e, count, sizeof *all_of);

	for (int i = 0; i < d->ndim; i++)
		if (size_of(e, n->out[0], i) != SIZE_FIXED)
			return emit_refuse(n, "its shape depends on the batch");
	for (size_t i = 0; i < count && !e->failed; i++)
		all_of[i] = n->attr.alpha;
	e->of[n->out[0]->id] = emit_f32(e, n->name, d, all_of);
	return TT_OK;
}

/* ---- broadcasting ---- */

/* Along dimension i of v: does another input of k have all of it? */
static int covered(const struct ir_node *k, const struct ir_value *v, int i)
{
	for (int j = 0; j < k->n_in; j++) {
		const struct ir_value *x = k->in[j];

		if (x == v)
			continue;
		if (x->maker && x->maker->op == IR_BROADCAST)
			x = x->maker->in[0];
		if (i >= v->desc.ndim - x->desc.ndim &&
		    x->desc.dim[i - (v->desc.ndim - x->desc.ndim)] == v->desc.dim[i])
			return 1;
	}
	return 0;
}

static int has_dim(const struct ir_value *x, const struct ir_value *v, int i)
{
	const int at = i - (v->desc.ndim - x->desc.ndim);

	return at >= 0 && x->desc.dim[at] == v->desc.dim[i];
}

/* Do all who read it repeat it by themselves, as Add and Mul of ONNX do? */
static int repeats_by_itself(const struct ir_node *n)
{
	const struct ir_value *v = n->out[0];

	for (const struct ir_node *k = n->next; k; k = k->next)
		for (int j = 0; j < k->n_in; j++) {
			if (k->in[j] != v)
				continue;
			if (k->op != IR_ADD && k->op != IR_MULTIPLY)
				return 0;
			for (int i = 0; i < v->desc.ndim; i++)
				if (!has_dim(n->in[0], v, i) && !covered(k, v, i))
					return 0;
		}
	return 1;
}

tt_status out_broadcast(struct emitter *e, const struct ir_node *n)
{
	const struct ir_value *x = n->in[0], *v = n->out[0];
	int64_t dims[TENSOR_MAX_DIMS];
	const char *to;
	int per_sample = 0;

	e->of[v->id] = emit_in(e, n, 0);
	if (repeats_by_itself(n))
		return TT_OK;
	for (int i = 0; i < v->desc.ndim; i++) {
		const int fixed = size_of(e, v, i) == SIZE_FIXED;

		per_sample |= i == 0 && !has_dim(x, v, 0) && size_of(e, v, 0) == SIZE_BATCH;
		if (!fixed && !has_dim(x, v, i) && !(per_sample && i == 0))
			return emit_refuse(n, "how often it is repeated depends on the batch");
		dims[i] = fixed ? v->desc.dim[i] : 1;           /* 1: as it is */
	}
	to = emit_i64(e, n->name, dims + per_sample, v->desc.ndim - per_sample);
	if (per_sample) {                               /* such as a token in front of each */
		to = EMIT(e, n->name, "Concat", emit_batch(e), to);
		emit_int(e, "axis", 0);
	}
	e->of[v->id] = EMIT(e, n->name, "Expand", emit_in(e, n, 0), to);
	return TT_OK;
}

/* ---- dimensions ---- */

tt_status out_transpose(struct emitter *e, const struct ir_node *n)
{
	const int ndim = n->in[0]->desc.ndim;
	int64_t perm[TENSOR_MAX_DIMS];
	int any = 0;

	for (int i = 0; i < ndim; i++)
		any |= n->attr.perm[i];
	for (int i = 0; i < ndim; i++)
		perm[i] = any ? n->attr.perm[i] : ndim - 1 - i;
	e->of[n->out[0]->id] = EMIT(e, n->name, "Transpose", emit_in(e, n, 0));
	emit_ints(e, "perm", perm, ndim);
	return TT_OK;
}

/* In opset 17 the sum alone takes its axes as an input. */
tt_status out_reduce(struct emitter *e, const struct ir_node *n)
{
	static const char *const ops[] = {
		[REDUCE_SUM] = "ReduceSum", [REDUCE_MEAN] = "ReduceMean", [REDUCE_MAX] = "ReduceMax",
	};
	const struct ir_attr *a = &n->attr;
	const int64_t one = 1;
	int64_t axes[TENSOR_MAX_DIMS];
	const char *y;
	int n_axes = 0;

	if (a->reduce > REDUCE_MAX)
		return emit_refuse(n, "ONNX has no such reduction");
	for (int i = 0; i < n->in[0]->desc.ndim; i++)
		if (!a->axes || a->axes >> i & 1)
			axes[n_axes++] = i;
	if (a->reduce == REDUCE_SUM)
		y = EMIT(e, n->name, ops[a->reduce], emit_in(e, n, 0), emit_i64(e, n->name, axes, n_axes));
	else
		y = EMIT(e, n->name, ops[a->reduce], emit_in(e, n, 0));
	if (a->reduce != REDUCE_SUM)
		emit_ints(e, "axes", axes, n_axes);
	emit_int(e, "keepdims", a->keep);
	if (n_axes == n->in[0]->desc.ndim && !a->keep)          /* ours is [1] */
		y = EMIT(e, n->name, "Reshape", y, emit_i64(e, n->name, &one, 1));
	e->of[n->out[0]->id] = y;
	return TT_OK;
}

tt_status out_index(struct emitter *e, const struct ir_node *n)
{
	e->of[n->out[0]->id] = EMIT(e, n->name, "Gather", emit_in(e, n, 0), emit_in(e, n, 1));
	emit_int(e, "axis", n->attr.axis);
	return TT_OK;
}

tt_status out_split(struct emitter *e, const struct ir_node *n)
{
	e->of[n->out[0]->id] = EMIT(e, n->name, "Split", emit_in(e, n, 0));
	emit_int(e, "axis", n->attr.axis);
	for (int i = 1; i < n->n_out; i++)
		e->of[n->out[i]->id] = emit_output(e, i);
	return TT_OK;
}

/* ---- images of another size ---- */

/* Does this scale lead to the same size, and to the same pixels? */
static int is_scale(float scale, enum ir_resize how, int64_t in, int64_t out)
{
	if ((int64_t)floorf((float)in * scale) != out)
		return 0;
	for (int64_t i = 0; how == RESIZE_NEAREST && i < out; i++)
		if ((int64_t)floorf((float)i / scale) != ir_resize_at(how, i, in, out).from)
			return 0;
	return 1;
}

/* 0: there is none among the nearest. */
static float scale_of(enum ir_resize how, int64_t in, int64_t out)
{
	float up = (float)out / (float)in, down = up;

	for (int i = 0; i < 8; i++) {
		if (is_scale(up, how, in, out))
			return up;
		if (is_scale(down, how, in, out))
			return down;
		up = nextafterf(up, INFINITY);
		down = nextafterf(down, 0);
	}
	return 0;
}

tt_status out_resize(struct emitter *e, const struct ir_node *n)
{
	const enum ir_resize how = n->attr.resize;
	const int64_t *x = n->in[0]->desc.dim, *y = n->out[0]->desc.dim;
	const struct tensor_desc four = { .ndim = 1, .dim = { 4 } };
	const float scales[4] = { 1, 1, scale_of(how, x[2], y[2]), scale_of(how, x[3], y[3]) };

	if (scales[2] == 0 || scales[3] == 0)
		return emit_refuse(n, "no scale leads to the same pixels");
	e->of[n->out[0]->id] = EMIT(e, n->name, "Resize", emit_in(e, n, 0), "",
	                            emit_f32(e, n->name, &four, scales));
	emit_text(e, "mode", how == RESIZE_NEAREST ? "nearest" : "linear");
	emit_text(e, "coordinate_transformation_mode",
	          how == RESIZE_NEAREST ? "asymmetric" : "half_pixel");
	emit_text(e, "nearest_mode", "floor");
	return TT_OK;
}
