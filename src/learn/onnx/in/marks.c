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

	return at == AT_PLACES ? AT_COLUMN
	     : at == AT_LENGTHS || at == AT_THERE || at == AT_COS || at == AT_SIN ? at : AT_NONE;
}

static enum stage cast(struct step *s)
{
	const enum stage at = stage_of(s->in[0]);

	return at == AT_THERE ? AT_SUM : at == AT_END ? AT_ONE : at == AT_LENGTHS || at == AT_PLACES ||
	       at == AT_TURN ? at : AT_NONE;
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
	if (stage_of(s->in[0]) == AT_LOWER && number(s, 1) == 0)
		return AT_UPPER;
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

static enum stage matmul(struct step *s)
{
	const enum stage at = stage_of(s->in[0]);

	return (at == AT_SUM || at == AT_MEAN || at == AT_ONE) && is_sequences(s->in[1]) ? pool(s)
	                                                                                : AT_NONE;
}

/* ---- masks ---- */

static enum stage where(struct step *s)
{
	const enum stage mask = stage_of(s->in[0]);
	const double yes = number(s, 1), no = number(s, 2);

	if (mask == AT_THERE && yes == 0 && no < -1e29)
		return AT_FAR;
	return mask == AT_UPPER && yes < -1e29 && no == 0 ? AT_BARRED : AT_NONE;
}

/* Ones, of which those on and below the diagonal stay. */
static enum stage trilu(struct step *s)
{
	return number(s, 0) == 1 && !onnx_int(s->n, "upper", 1) && !s->in[1] ? AT_LOWER : AT_NONE;
}

/* ---- waves: places times 10000^(-2j/wide) ---- */

static enum stage multiply(struct step *s)
{
	const struct value *v = s->in[1];
	const float *speed;
	size_t n;

	if (stage_of(s->in[0]) != AT_COLUMN || !v || v->kind != VALUE_CONSTANT || v->c.whole ||
	    v->ndim != 2 || v->dim[0] != 1 || onnx_floats(s->r, v, &speed, &n) != TT_OK)
		return AT_NONE;
	for (size_t j = 0; j < n; j++)
		if (!(fabs(speed[j] * pow(10000, (double)j / (double)n) - 1) < 1e-5))
			return AT_NONE;
	s->out.wide = 2 * (int64_t)n;
	return AT_TURN;
}

static enum stage rest(struct step *s)
{
	const double circle = number(s, 1);

	return stage_of(s->in[0]) == AT_TURN && fabs(circle - 2 * M_PI) < 1e-5 ? AT_TURN : AT_NONE;
}

static enum stage cosine(struct step *s)
{
	return stage_of(s->in[0]) == AT_TURN ? AT_COS : AT_NONE;
}

static enum stage sine(struct step *s)
{
	return stage_of(s->in[0]) == AT_TURN ? AT_SIN : AT_NONE;
}

static enum stage join(struct step *s)
{
	return stage_of(s->in[0]) == AT_SIN && stage_of(s->in[1]) == AT_COS && s->n->n_input == 2
		? AT_WAVES : AT_NONE;
}

/* Weights of places as a row or a column; waves side by side. */
static enum stage reshape(struct step *s)
{
	static const int64_t row[3] = { 0, 1, -1 }, column[3] = { 0, 0, 1 };
	const enum stage at = stage_of(s->in[0]);

	if (at == AT_SUM || at == AT_MEAN || at == AT_ONE)
		return list_is(s, 1, row, 3) ? at : AT_NONE;
	if (at == AT_FAR)
		return list_is(s, 1, column, 3) ? at : AT_NONE;
	if (at == AT_WAVES)
		return list_is(s, 1, (int64_t[]){ 0, s->in[0]->mark->wide }, 2) ? at : AT_NONE;
	return AT_NONE;
}

static const struct { const char *op; enum stage (*go)(struct step *s); } steps[] = {
	{ "Range", range }, { "Unsqueeze", unsqueeze }, { "Cast", cast }, { "Less", less },
	{ "LessOrEqual", less_or_equal }, { "Equal", equal }, { "Sub", sub }, { "Max", max },
	{ "Div", divide }, { "Add", add }, { "MatMul", matmul }, { "Mul", multiply },
	{ "Where", where }, { "Trilu", trilu }, { "Mod", rest }, { "Cos", cosine }, { "Sin", sine },
	{ "Concat", join }, { "Reshape", reshape },
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

static tt_status say_waves(struct net *r, const Onnx__Node *n, const struct mark *m, int *done)
{
	struct value *x = onnx_find(r, n->input[0]);

	*done = is_sequences(x) && x->dim[2] == m->wide;
	return *done ? SAY(r, n, onnx_name(r, n, NULL), x, 3, x->dim, "positions: {kind: sinusoidal")
	             : TT_OK;
}

static tt_status end(struct net *r, const Onnx__Node *n, const struct value *v, int *done)
{
	if (v->mark->stage == AT_WAVES && onnx_is(n, "Add"))
		return say_waves(r, n, v->mark, done);
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
