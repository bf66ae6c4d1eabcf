#include "learn/onnx/in/marks.h"

#include <math.h>
#include <string.h>

#include "learn/onnx/in/rows.h"

struct step {
	struct net       *r;
	const Onnx__Node *n;
	struct value     *in[3];
	struct mark       out;
};

static enum stage stage_of(const struct value *v)
{
	return !v ? AT_NONE : v->kind == VALUE_LENGTHS ? AT_LENGTHS
	     : v->kind == VALUE_MARK ? v->mark->stage : AT_NONE;
}

/* A constant number; NaN: it is none. */
static double number(const struct step *s, int i)
{
	double v;

	return onnx_number(s->r, s->in[i], &v) ? v : (double)NAN;
}

/* A constant list of exactly these. */
static int list_is(const struct step *s, int i, const int64_t *want, size_t n)
{
	const int64_t *v;
	size_t is;

	return s->in[i] && s->in[i]->kind == VALUE_CONSTANT && s->in[i]->c.whole &&
	       onnx_wholes(s->r, s->in[i], &v, &is) == TT_OK && is == n &&
	       memcmp(v, want, n * sizeof *v) == 0;
}

static int perm_is(const struct step *s, const int64_t want[4])
{
	const Onnx__Attribute *a = onnx_attribute(s->n, "perm");

	return a && a->n_ints == 4 && memcmp(a->ints, want, 4 * sizeof *want) == 0;
}

/* ---- places ---- */

static enum stage range(struct step *s)
{
	const int64_t *to, zero = 0, one = 1;
	size_t n;

	if (!s->in[1] || s->in[1]->kind != VALUE_CONSTANT || !s->in[1]->c.whole ||
	    onnx_wholes(s->r, s->in[1], &to, &n) != TT_OK || n != 1 || !list_is(s, 0, &zero, 1) ||
	    !list_is(s, 2, &one, 1))
		return AT_NONE;
	return AT_PLACES;
}

static enum stage unsqueeze(struct step *s)
{
	const enum stage at = stage_of(s->in[0]);

	return at == AT_PLACES ? AT_COLUMN : at == AT_LENGTHS || at == AT_THERE ? at : AT_NONE;
}

static enum stage cast(struct step *s)
{
	const enum stage at = stage_of(s->in[0]);

	return at == AT_THERE ? AT_SUM : at == AT_END ? AT_ONE : at == AT_LENGTHS ? at : AT_NONE;
}

static enum stage less(struct step *s)
{
	return stage_of(s->in[0]) == AT_PLACES && stage_of(s->in[1]) == AT_LENGTHS ? AT_THERE : AT_NONE;
}

static enum stage less_or_equal(struct step *s)
{
	return stage_of(s->in[0]) == AT_PLACES && stage_of(s->in[1]) == AT_COLUMN ? AT_CAUSAL : AT_NONE;
}

static enum stage equal(struct step *s)
{
	return stage_of(s->in[0]) == AT_PLACES && stage_of(s->in[1]) == AT_LAST ? AT_END : AT_NONE;
}

static enum stage sub(struct step *s)
{
	const int64_t one = 1;

	return stage_of(s->in[0]) == AT_LENGTHS && list_is(s, 1, &one, 1) ? AT_LAST : AT_NONE;
}

static enum stage max(struct step *s)
{
	return stage_of(s->in[0]) == AT_LENGTHS && number(s, 1) == 1 ? AT_LENGTHS : AT_NONE;
}

static enum stage divide(struct step *s)
{
	return stage_of(s->in[0]) == AT_SUM && stage_of(s->in[1]) == AT_LENGTHS ? AT_MEAN : AT_NONE;
}

/* ---- pooling ---- */

static int is_sequences(const struct value *v)
{
	return v && v->kind == VALUE_LAYER && v->form == FORM_PLAIN && v->ndim == 3;
}

static enum stage add(struct step *s)
{
	if (stage_of(s->in[1]) != AT_FAR || !is_sequences(s->in[0]))
		return AT_NONE;
	s->out.x = s->in[0];
	return AT_LIFTED;
}

static enum stage pool(struct step *s)
{
	s->out.pool = stage_of(s->in[0]);
	s->out.x = s->in[1];
	return AT_POOLED;
}

/* ---- attention ---- */

static int same_attention(const struct value *a, const struct value *b)
{
	return a->kind == VALUE_MARK && b->kind == VALUE_MARK && a->mark->a == b->mark->a;
}

static int is_ready(const struct value *v, int part)
{
	return stage_of(v) == AT_READY && v->mark->part == part;
}

static enum stage matmul(struct step *s)
{
	const enum stage at = stage_of(s->in[0]);

	if ((at == AT_SUM || at == AT_MEAN || at == AT_ONE) && is_sequences(s->in[1]))
		return pool(s);
	if (!s->in[0] || !s->in[1] || !same_attention(s->in[0], s->in[1]))
		return AT_NONE;
	if (is_ready(s->in[0], 0) && is_ready(s->in[1], 1))
		return AT_SCORES;
	return at == AT_CHANCES && is_ready(s->in[1], 2) ? AT_CONTEXT : AT_NONE;
}

static int64_t features(const struct attention *a)
{
	return a->w->dim[0];
}

static enum stage multiply(struct step *s)
{
	const struct attention *a;

	if (stage_of(s->in[0]) != AT_SCORES)
		return AT_NONE;
	a = s->in[0]->mark->a;
	return fabs(number(s, 1) * sqrt((double)(features(a) / a->heads)) - 1) < 1e-5 ? AT_SCALED
	                                                                             : AT_NONE;
}

static enum stage where(struct step *s)
{
	const enum stage mask = stage_of(s->in[0]), at = stage_of(s->in[1]);
	const double other = number(s, 2);

	if (mask == AT_THERE && s->in[1] && s->in[1]->kind == VALUE_CONSTANT)
		return number(s, 1) == 0 && other < -1e29 ? AT_FAR : AT_NONE;
	if (at == AT_SCALED && (mask == AT_CAUSAL || mask == AT_THERE) && other < -1e29) {
		s->out = *s->in[1]->mark;
		s->out.a->causal |= mask == AT_CAUSAL;
		return AT_SCALED;
	}
	if (at != AT_JOINED || mask != AT_THERE || other != 0)
		return AT_NONE;
	s->out = *s->in[1]->mark;
	return AT_JOINED;
}

static enum stage softmax(struct step *s)
{
	const int64_t axis = onnx_int(s->n, "axis", -1);

	return stage_of(s->in[0]) == AT_SCALED && (axis == -1 || axis == 3) ? AT_CHANCES : AT_NONE;
}

static enum stage transpose(struct step *s)
{
	static const int64_t heads[4] = { 0, 2, 1, 3 }, keys[4] = { 0, 2, 3, 1 };
	const enum stage at = stage_of(s->in[0]);

	if (at == AT_CONTEXT)
		return perm_is(s, heads) ? AT_BACK : AT_NONE;
	if (at != AT_HEADS)
		return AT_NONE;
	return perm_is(s, s->in[0]->mark->part == 1 ? keys : heads) ? AT_READY : AT_NONE;
}

/* The lists of heads, or again the features; weights of places as a row or a column. */
static enum stage reshape(struct step *s)
{
	static const int64_t row[3] = { 0, 1, -1 }, column[3] = { 0, 0, 1 };
	const enum stage at = stage_of(s->in[0]);
	struct attention *a = at >= AT_QKV ? s->in[0]->mark->a : NULL;
	const int64_t joined[3] = { 0, 0, a ? features(a) : 0 };
	const int64_t *v;
	size_t n;

	if (at == AT_SUM || at == AT_MEAN || at == AT_ONE)
		return list_is(s, 1, row, 3) ? at : AT_NONE;
	if (at == AT_FAR)
		return list_is(s, 1, column, 3) ? at : AT_NONE;
	if (at == AT_BACK)
		return list_is(s, 1, joined, 3) ? AT_JOINED : AT_NONE;
	if (at != AT_PART || !s->in[1] || s->in[1]->kind != VALUE_CONSTANT || !s->in[1]->c.whole ||
	    onnx_wholes(s->r, s->in[1], &v, &n) != TT_OK || n != 4 || v[0] || v[1] || v[2] < 1 ||
	    v[3] < 1 || v[2] > joined[2] || v[3] > joined[2] || v[2] * v[3] != joined[2] ||
	    (a->heads && a->heads != v[2]))
		return AT_NONE;
	a->heads = v[2];
	return AT_HEADS;
}

static const struct { const char *op; enum stage (*go)(struct step *s); } steps[] = {
	{ "Range", range }, { "Unsqueeze", unsqueeze }, { "Cast", cast }, { "Less", less },
	{ "LessOrEqual", less_or_equal }, { "Equal", equal }, { "Sub", sub }, { "Max", max },
	{ "Div", divide }, { "Add", add }, { "MatMul", matmul }, { "Mul", multiply },
	{ "Where", where }, { "Softmax", softmax }, { "Transpose", transpose }, { "Reshape", reshape },
};

/* ---- beginnings and ends ---- */

static tt_status add_mark(struct net *r, const char *name, const struct mark *m)
{
	struct value *v;
	tt_status st = onnx_add(r, name, VALUE_MARK, &v);

	if (st != TT_OK)
		return st;
	if (!(v->mark = onnx_room(r, 1, sizeof *v->mark)))
		return TT_ENOMEM;
	*v->mark = *m;
	return TT_OK;
}

tt_status marks_begin(struct net *r, const Onnx__Node *last, const struct attention *a,
                      int *begun)
{
	struct mark m = { .stage = AT_QKV };
	const Onnx__Node *next = onnx_next(r, last);

	*begun = next && onnx_is(next, "Split") && next->n_output == 3 && a->x->ndim == 3 &&
	         a->w->dim[1] == 3 * a->w->dim[0] && a->w->dim[0] == a->x->dim[2] &&
	         (onnx_int(next, "axis", 0) == 2 || onnx_int(next, "axis", 0) == -1);
	if (!*begun)
		return TT_OK;
	if (!(m.a = onnx_room(r, 1, sizeof *m.a)))
		return TT_ENOMEM;
	*m.a = *a;
	return add_mark(r, last->output[0], &m);
}

/* In three equal parts, which needs no list of sizes. */
static tt_status split(struct net *r, const Onnx__Node *n, const struct value *v, int *done)
{
	struct mark m = *v->mark;
	tt_status st = TT_OK;

	*done = v->mark->stage == AT_QKV && n->n_input == 1;
	m.stage = AT_PART;
	for (m.part = 0; *done && m.part < 3 && st == TT_OK; m.part++)
		st = add_mark(r, n->output[m.part], &m);
	return st;
}

static tt_status say_pool(struct net *r, const Onnx__Node *n, const struct mark *m,
                          const char *how)
{
	const int64_t dim[2] = { NET_BATCH, m->x->dim[2] };

	return SAY(r, n, onnx_name(r, n, NULL), m->x, 2, dim, "seqpool: {pool: %s", how);
}

static tt_status end_pool(struct net *r, const Onnx__Node *n, const struct value *v, int *done)
{
	const struct mark *m = v->mark;
	int64_t axes[TENSOR_MAX_DIMS];
	int k;
	tt_status st;

	*done = 1;
	if (m->stage == AT_POOLED && onnx_is(n, "Reshape"))
		return say_pool(r, n, m, m->pool == AT_SUM ? "sum" : m->pool == AT_MEAN ? "mean" : "last");
	*done = m->stage == AT_LIFTED && onnx_is(n, "ReduceMax") && !onnx_int(n, "keepdims", 1);
	if (!*done)
		return TT_OK;
	if ((st = onnx_axes(r, n, 3, axes, &k)) != TT_OK)
		return st;
	if (k == 1 && axes[0] == 1)
		return say_pool(r, n, m, "max");
	return onnx_refuse(r, n, "it reduces other dimensions than that of places");
}

/* The product behind the heads. */
static tt_status end_attention(struct net *r, const Onnx__Node *n, const struct attention *a,
                               int *done)
{
	struct value *w = n->n_input == 2 ? onnx_find(r, n->input[1]) : NULL, *b;
	const Onnx__Node *last = n;
	const char *name;
	tt_status st;

	*done = w && w->kind == VALUE_CONSTANT && !w->c.whole && w->ndim == 2 &&
	        w->dim[0] == features(a) && w->dim[1] == features(a);
	if (!*done)
		return TT_OK;
	b = onnx_bias(r, n, w->dim[1], &last);
	if (!b != !a->b)
		return onnx_refuse(r, n, "one of two products of an attention has a bias");
	if (!(name = onnx_name(r, a->n, NULL)))
		return TT_ENOMEM;
	if ((st = SAY(r, last, name, a->x, 3, a->x->dim,
	              "attention: {heads: %lld, causal: %s, bias: %s", (long long)a->heads,
	              a->causal ? "yes" : "no", b ? "yes" : "no")) != TT_OK ||
	    (st = onnx_give_turned(r, a->n, name, "in_proj_weight", a->w)) != TT_OK ||
	    (st = onnx_give_turned(r, n, name, "out_proj.weight", w)) != TT_OK || !b ||
	    (st = onnx_give_value(r, name, "in_proj_bias", a->b)) != TT_OK)
		return st;
	return onnx_give_value(r, name, "out_proj.bias", b);
}

static tt_status end(struct net *r, const Onnx__Node *n, const struct value *v, int *done)
{
	if (onnx_is(n, "Split"))
		return split(r, n, v, done);
	if (v->mark->stage == AT_JOINED && onnx_is(n, "MatMul"))
		return end_attention(r, n, v->mark->a, done);
	return end_pool(r, n, v, done);
}

tt_status marks_step(struct net *r, const Onnx__Node *n, int *done)
{
	struct step s = { .r = r, .n = n };
	const struct value *first = NULL;
	size_t row = 0;
	tt_status st;

	*done = 0;
	for (size_t i = 0; i < n->n_input && i < 3; i++) {
		if ((st = onnx_input(r, n, i, &s.in[i])) != TT_OK)
			return st;
		if (!first && s.in[i] && s.in[i]->kind == VALUE_MARK)
			first = s.in[i];
	}
	if (first && ((st = end(r, n, first, done)) != TT_OK || *done))
		return st;
	while (row < sizeof steps / sizeof *steps && strcmp(steps[row].op, n->op_type) != 0)
		row++;
	if (row == sizeof steps / sizeof *steps)
		return TT_OK;
	if (first)
		s.out = *first->mark;
	s.out.stage = steps[row].go(&s);
	*done = s.out.stage != AT_NONE;
	return *done ? add_mark(r, n->output[0], &s.out) : TT_OK;
}
