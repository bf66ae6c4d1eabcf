#include "learn/onnx/in/views.h"

#include <math.h>
#include <string.h>

#include "learn/onnx/in/marks.h"
#include "learn/onnx/in/rows.h"
#include "learn/onnx/in/view.h"

static struct view *view_of(const struct value *v)
{
	return v && v->kind == VALUE_VIEW ? v->view : NULL;
}

/* ---- where they begin ---- */

tt_status views_begin(struct net *r, const struct product *p, int *begun)
{
	const int time_first = p->x->form == FORM_TIME_FIRST;
	struct view w = { .role = VIEW_PART, .scale = 1 };

	*begun = p->x->kind == VALUE_LAYER && (p->x->form == FORM_PLAIN || time_first) &&
	         p->x->ndim == 3 && p->w->dim[p->turned ? 0 : 1] == p->x->dim[2] &&
	         view_attends(r, p->last->output[0]);
	if (!*begun)
		return TT_OK;
	if (!(w.p = onnx_room(r, 1, sizeof *w.p)))
		return TT_ENOMEM;
	*w.p = *p;
	atoms_init(&w.a, p->x->dim[!time_first], p->w->dim[p->turned ? 1 : 0], time_first);
	return view_add(r, p->last->output[0], &w);
}

/* ---- what moves ---- */

static tt_status wholes_of(struct net *r, const Onnx__Node *n, size_t i, const char *name,
                           const int64_t **v, size_t *count)
{
	const Onnx__Attribute *a = onnx_attribute(n, name);
	struct value *list;
	tt_status st;

	*v = a ? a->ints : NULL;
	*count = a ? a->n_ints : 0;
	if (a || (st = onnx_input(r, n, i, &list)) != TT_OK || !list)
		return a ? TT_OK : st;
	return onnx_wholes(r, list, v, count);
}

static tt_status reshape(struct net *r, const Onnx__Node *n, struct view *w)
{
	const int keep = !onnx_int(n, "allowzero", 0);
	const int64_t *v;
	size_t count;
	tt_status st = wholes_of(r, n, 1, "shape", &v, &count);

	if (st != TT_OK)
		return st;
	return atoms_reshape(&w->a, v, count, keep, r->batch) ? view_add(r, n->output[0], w)
	                                                        : view_refuse(r, n);
}

static tt_status transpose(struct net *r, const Onnx__Node *n, struct view *w)
{
	const Onnx__Attribute *perm = onnx_attribute(n, "perm");

	return perm && atoms_transpose(&w->a, perm->ints, perm->n_ints)
		? view_add(r, n->output[0], w) : view_refuse(r, n);
}

static tt_status squeeze(struct net *r, const Onnx__Node *n, struct view *w)
{
	const int more = onnx_is(n, "Unsqueeze");
	int64_t axes[TENSOR_MAX_DIMS];
	int count;
	tt_status st = onnx_axes(r, n, more ? 0 : w->a.ndim, axes, &count);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < count && more; i++)
		axes[i] += axes[i] < 0 ? w->a.ndim + count : 0;
	if (more ? !atoms_unsqueeze(&w->a, axes, count) : !atoms_squeeze(&w->a, axes, count))
		return view_refuse(r, n);
	return view_add(r, n->output[0], w);
}

/* One place of a dimension, which goes. */
static tt_status gather(struct net *r, const Onnx__Node *n, struct view *w)
{
	int64_t axis = onnx_int(n, "axis", 0);
	struct value *at;
	const int64_t *v;
	size_t count;
	tt_status st = onnx_input(r, n, 1, &at);

	if (st != TT_OK || (st = at ? onnx_wholes(r, at, &v, &count) : view_refuse(r, n)) != TT_OK)
		return st;
	axis += axis < 0 ? w->a.ndim : 0;
	if (count != 1 || at->ndim > 1 ||
	    !atoms_cut(&w->a, axis, v[0], v[0] < 0 ? -1 : 1) ||
	    (at->ndim == 0 && !atoms_squeeze(&w->a, &axis, 1)))
		return view_refuse(r, n);
	return view_add(r, n->output[0], w);
}

static tt_status slice(struct net *r, const Onnx__Node *n, struct view *w)
{
	static const char *const names[] = { "starts", "ends", "axes", "steps" };
	int64_t is[4] = { 0, 0, 0, 1 }, axis, size;
	const int64_t *v;
	size_t count;
	tt_status st;

	for (size_t i = 0; i < 4; i++) {
		if ((st = wholes_of(r, n, i + 1, names[i], &v, &count)) != TT_OK)
			return st;
		if (count > 1 || (count == 0 && i < 2))
			return view_refuse(r, n);
		is[i] = count ? v[0] : is[i];
	}
	axis = is[2] + (is[2] < 0 ? w->a.ndim : 0);
	if (axis < 0 || axis >= w->a.ndim || is[3] != 1 || (size = atoms_size(&w->a, (int)axis)) < 1)
		return view_refuse(r, n);
	for (int i = 0; i < 2; i++)
		is[i] = is[i] < -size ? 0 : is[i] < 0 ? is[i] + size : is[i] > size ? size : is[i];
	return is[1] > is[0] && atoms_cut(&w->a, axis, is[0], is[1] - is[0])
		? view_add(r, n->output[0], w) : view_refuse(r, n);
}

static tt_status split(struct net *r, const Onnx__Node *n, const struct view *w)
{
	int64_t axis = onnx_int(n, "axis", 0), at = 0, size, each;
	const int64_t *v;
	size_t count;
	tt_status st = wholes_of(r, n, 1, "split", &v, &count);

	axis += axis < 0 ? w->a.ndim : 0;
	if (st != TT_OK || axis < 0 || axis >= w->a.ndim ||
	    (size = atoms_size(&w->a, (int)axis)) < 1 || (count && count != n->n_output))
		return st != TT_OK ? st : view_refuse(r, n);
	for (size_t i = 0; i < n->n_output && st == TT_OK; i++, at += each) {
		struct view part = *w;

		each = count ? v[i] : size / (int64_t)n->n_output;
		if (each < 1 || (!count && size % (int64_t)n->n_output) ||
		    !atoms_cut(&part.a, axis, at, each))
			return view_refuse(r, n);
		st = *n->output[i] ? view_add(r, n->output[i], &part) : TT_OK;
	}
	return st;
}

/* ---- rotary ---- */

static enum stage stage_of(const struct value *v)
{
	return v && v->kind == VALUE_MARK ? v->mark->stage : AT_NONE;
}

/* Half the features of each head, times a wave of its places. */
static tt_status times_wave(struct net *r, const Onnx__Node *n, struct view *w, enum stage wave)
{
	w->role = wave == AT_COS ? VIEW_COS : VIEW_SIN;
	return view_add(r, n->output[0], w);
}

/* u cos - v sin, or v cos + u sin. */
static tt_status turn(struct net *r, const Onnx__Node *n, const struct view *a,
                      const struct view *b)
{
	struct view w = *a;
	const int minus = onnx_is(n, "Sub");

	if (a->role != VIEW_COS || b->role != VIEW_SIN || a->p != b->p)
		return view_refuse(r, n);
	w.role = minus ? VIEW_LOW : VIEW_HIGH;
	w.other = b->a.offset;
	return view_add(r, n->output[0], &w);
}

/* Both halves again. */
static tt_status join_halves(struct net *r, const Onnx__Node *n, const struct view *low,
                             const struct view *high)
{
	struct view w = *low;
	const int64_t half = atoms_size(&low->a, low->a.ndim - 1), axis = onnx_int(n, "axis", 0);

	if (low->p != high->p || high->role != VIEW_HIGH || low->other != high->a.offset ||
	    high->other != low->a.offset || !atoms_grow(&w.a, low->other, half) ||
	    atoms_size(&w.a, w.a.ndim - 1) != 2 * half ||
	    (axis != -1 && axis != w.a.ndim - 1))
		return view_refuse(r, n);
	w.role = VIEW_PART;
	w.turned = 1;
	return view_add(r, n->output[0], &w);
}

/* Queries and keys that are turned, and values: a product of which attention knows that. */
static tt_status join_parts(struct net *r, const Onnx__Node *n, struct view *const v[3])
{
	struct view w = *v[0];
	const int64_t size = atoms_size(&w.a, w.a.ndim - 1), axis = onnx_int(n, "axis", 0);

	for (int i = 0; i < 3; i++)
		if (v[i]->role != VIEW_PART || v[i]->p != w.p || v[i]->turned != (i < 2) ||
		    v[i]->a.offset != w.a.offset + i * size || v[i]->a.ndim != 3 || v[i]->scale != 1)
			return view_refuse(r, n);
	if ((axis != -1 && axis != 2) || !atoms_grow(&w.a, w.a.offset + size, size) ||
	    !atoms_grow(&w.a, w.a.offset + 2 * size, size) || !(w.p = onnx_room(r, 1, sizeof *w.p)))
		return r->failed ? TT_ENOMEM : view_refuse(r, n);
	*w.p = *v[0]->p;
	w.turned = 0;
	w.rotary = 1;
	return view_add(r, n->output[0], &w);
}

static tt_status concat(struct net *r, const Onnx__Node *n, struct view *const v[3])
{
	if (n->n_input == 2 && v[0] && v[1] && v[0]->role == VIEW_LOW)
		return join_halves(r, n, v[0], v[1]);
	return n->n_input == 3 && v[0] && v[1] && v[2] ? join_parts(r, n, v) : view_refuse(r, n);
}

/* ---- scores, chances, context ---- */

static tt_status score(struct net *r, const Onnx__Node *n, struct view *q, struct view *k)
{
	struct view w = *q;

	if (k->role != VIEW_PART || q->p->x->layer != k->p->x->layer || q->turned || k->turned ||
	    q->rotary != k->rotary ||
	    !atoms_score(&w.a, &k->a))
		return view_refuse(r, n);
	w.role = VIEW_SCORES;
	w.scale = q->scale * k->scale;
	w.q = q;
	w.k = k;
	return view_add(r, n->output[0], &w);
}

static tt_status weigh(struct net *r, const Onnx__Node *n, struct view *chances, struct view *v)
{
	struct view w = *chances;

	if (v->role != VIEW_PART || v->turned || v->p->x->layer != w.q->p->x->layer ||
	    !atoms_weigh(&w.a, &v->a))
		return view_refuse(r, n);
	w.role = VIEW_CONTEXT;
	w.v = v;
	return view_add(r, n->output[0], &w);
}

static tt_status multiply(struct net *r, const Onnx__Node *n, struct view *w, double by)
{
	const int scales_ = w->role == VIEW_PART || w->role == VIEW_SCORES;

	if (!scales_ || !isfinite(by) || by == 0)
		return view_refuse(r, n);
	w->scale *= by;
	return view_add(r, n->output[0], w);
}

/* A square of zeros, and of less than anything above its diagonal. */
static int is_causal(struct net *r, const struct value *v)
{
	const int64_t rows = v && v->kind == VALUE_CONSTANT && !v->c.whole && v->ndim > 1
		? v->dim[v->ndim - 1] : 0;
	const float *f;
	size_t count;

	if (stage_of(v) == AT_BARRED)
		return 1;
	if (rows < 1 || value_count(v) != (size_t)(rows * rows) ||
	    onnx_floats(r, v, &f, &count) != TT_OK)
		return 0;
	for (int64_t i = 0; i < rows; i++)
		for (int64_t k = 0; k < rows; k++)
			if (k > i ? !(f[i * rows + k] < -1e29f) : f[i * rows + k] != 0)
				return 0;
	return 1;
}

static tt_status mask(struct net *r, const Onnx__Node *n, const struct value *const in[3])
{
	struct view w = *in[1]->view;
	const enum stage at = stage_of(in[0]);
	double other;

	if (!onnx_number(r, in[2], &other) || (at != AT_CAUSAL && at != AT_THERE))
		return view_refuse(r, n);
	if (w.role == VIEW_SCORES && other < -1e29)
		w.causal |= at == AT_CAUSAL;
	else if (w.role != VIEW_CONTEXT || at != AT_THERE || other != 0)
		return view_refuse(r, n);
	return view_add(r, n->output[0], &w);
}

static tt_status softmax(struct net *r, const Onnx__Node *n, struct view *w)
{
	const int64_t axis = onnx_int(n, "axis", r->opset < 13 ? 1 : -1);

	if (w->role != VIEW_SCORES || (axis != -1 && axis != w->a.ndim - 1))
		return view_refuse(r, n);
	w->role = VIEW_CHANCES;
	return view_add(r, n->output[0], w);
}

/* ---- the table ---- */

struct reads { const struct value *in[3]; struct view *v[3], *one; };

static tt_status go_product(struct net *r, const Onnx__Node *n, struct reads *k)
{
	if (k->v[0] && k->v[0]->role == VIEW_CONTEXT && !k->v[1])
		return view_finish(r, n, k->v[0]);
	if (!k->v[0] || !k->v[1] || onnx_is(n, "Gemm"))
		return view_refuse(r, n);
	if (k->v[0]->role == VIEW_PART)
		return score(r, n, k->v[0], k->v[1]);
	return k->v[0]->role == VIEW_CHANCES ? weigh(r, n, k->v[0], k->v[1]) : view_refuse(r, n);
}

static tt_status go_times(struct net *r, const Onnx__Node *n, struct reads *k)
{
	const int first = k->v[0] != NULL, over = onnx_is(n, "Div");
	const enum stage wave = stage_of(k->in[first]);
	struct view w = *k->one;
	double by;

	if (!over && w.role == VIEW_PART && (wave == AT_COS || wave == AT_SIN))
		return times_wave(r, n, &w, wave);
	if ((over && !first) || !onnx_number(r, k->in[first], &by))
		return view_refuse(r, n);
	return multiply(r, n, &w, over ? 1 / by : by);
}

static tt_status go_sum(struct net *r, const Onnx__Node *n, struct reads *k)
{
	const int first = k->v[0] != NULL;
	struct view w = *k->one;

	if (k->v[0] && k->v[1])
		return turn(r, n, k->v[0], k->v[1]);
	if (w.role != VIEW_SCORES || onnx_is(n, "Sub") || !is_causal(r, k->in[first]))
		return view_refuse(r, n);
	w.causal = 1;
	return view_add(r, n->output[0], &w);
}

static tt_status go_where(struct net *r, const Onnx__Node *n, struct reads *k)
{
	return k->v[1] ? mask(r, n, k->in) : view_refuse(r, n);
}

static tt_status go_concat(struct net *r, const Onnx__Node *n, struct reads *k)
{
	return concat(r, n, k->v);
}

static tt_status go_same(struct net *r, const Onnx__Node *n, struct reads *k)
{
	return view_add(r, n->output[0], k->one);
}

#define MOVE(f) \
	static tt_status go_##f(struct net *r, const Onnx__Node *n, struct reads *k) \
	{ \
		struct view w = *k->one; \
		return k->v[0] ? f(r, n, &w) : view_refuse(r, n); \
	}
MOVE(reshape)
MOVE(transpose)
MOVE(squeeze)
MOVE(gather)
MOVE(slice)
MOVE(split)
MOVE(softmax)

static const struct {
	const char *op;
	tt_status (*go)(struct net *r, const Onnx__Node *n, struct reads *k);
	int         turns;      /* a layer's value may go through it, which lies in another order */
} rows[] = {
	{ "Reshape", go_reshape, 1 }, { "Transpose", go_transpose, 1 }, { "Squeeze", go_squeeze, 1 },
	{ "Unsqueeze", go_squeeze, 1 }, { "Gather", go_gather, 0 }, { "Slice", go_slice, 0 },
	{ "Split", go_split, 0 }, { "Softmax", go_softmax, 0 }, { "MatMul", go_product, 0 },
	{ "Gemm", go_product, 0 }, { "Mul", go_times, 0 }, { "Div", go_times, 0 },
	{ "Add", go_sum, 0 }, { "Sub", go_sum, 0 }, { "Where", go_where, 0 },
	{ "Concat", go_concat, 0 }, { "Identity", go_same, 1 }, { "Cast", go_same, 1 },
	{ "Dropout", go_same, 1 },
};

tt_status views_step(struct net *r, const Onnx__Node *n, int *done)
{
	struct reads k = { .one = NULL };
	size_t row = 0;
	tt_status st;

	*done = 0;
	for (size_t i = 0; i < n->n_input && i < 3; i++) {
		struct value *v;

		if ((st = onnx_input(r, n, i, &v)) != TT_OK)
			return st;
		k.in[i] = v;
		k.v[i] = view_of(v);
		k.one = k.one ? k.one : k.v[i];
	}
	if (!k.one)
		return TT_OK;
	*done = 1;
	while (row < sizeof rows / sizeof *rows && !onnx_is(n, rows[row].op))
		row++;
	if (row == sizeof rows / sizeof *rows || (k.one->role == VIEW_LAYER && !rows[row].turns))
		return view_refuse(r, n);
	return rows[row].go(r, n, &k);
}
