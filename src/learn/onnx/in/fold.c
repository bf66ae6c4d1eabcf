/* fold.c -- what is computed of constants and of shapes is a constant. */
#include "learn/onnx/in/net.h"

#include <math.h>
#include <string.h>

#define FOLDED_MAX ((size_t)1 << 26)    /* numbers: joins of joins end here */

struct fold {
	const Onnx__Node *n;
	struct value     *in[16];
	struct value     *out;
};

/* Room for the result, whose shape is set. */
static tt_status room(struct net *r, struct fold *f, int whole)
{
	size_t count = 1;

	for (int i = 0; i < f->out->ndim; i++)
		if (f->out->dim[i] < 0 || f->out->dim[i] > (int64_t)FOLDED_MAX ||
		    (count *= (size_t)f->out->dim[i]) > FOLDED_MAX)
			return onnx_refuse(r, f->n, "its constant is too large");
	if ((r->folded += count) > FOLDED_MAX)
		return onnx_refuse(r, f->n, "there are too many constants to compute");
	f->out->c = (struct constant){ .whole = whole };
	if (whole)
		f->out->c.i = onnx_room(r, count + 1, sizeof *f->out->c.i);
	else
		f->out->c.f = onnx_room(r, count + 1, sizeof *f->out->c.f);
	return r->failed ? TT_ENOMEM : TT_OK;
}

/* The whole numbers of input i, *n of them. */
static tt_status wholes(struct net *r, const struct fold *f, size_t i, const int64_t **v, size_t *n)
{
	if (i >= f->n->n_input || !f->in[i])
		return onnx_refuse(r, f->n, "input %zu is missing", i);
	return onnx_wholes(r, f->in[i], v, n);
}

/* ---- where constants come from ---- */

static tt_status fold_constant(struct net *r, struct fold *f)
{
	const Onnx__Attribute *a = f->n->n_attribute ? f->n->attribute[0] : NULL;
	tt_status st;

	if (a && a->t)
		return onnx_constant_of(r, a->t, f->out);
	if (!a || !(a->has_f || a->has_i || a->n_ints || a->n_floats))
		return onnx_refuse(r, f->n, "it has no numbers");
	/* a list before a number, where a file has several */
	f->out->ndim = a->n_ints || a->n_floats;
	f->out->dim[0] = (int64_t)(a->n_ints ? a->n_ints : a->n_floats);
	if ((st = room(r, f, a->n_ints || (a->has_i && !a->n_floats))) != TT_OK)
		return st;
	if (a->n_ints)
		memcpy(f->out->c.i, a->ints, a->n_ints * sizeof *a->ints);
	else if (a->n_floats)
		memcpy(f->out->c.f, a->floats, a->n_floats * sizeof *a->floats);
	else if (a->has_i)
		f->out->c.i[0] = a->i;
	else
		f->out->c.f[0] = a->f;
	return TT_OK;
}

static tt_status fold_shape(struct net *r, struct fold *f)
{
	const struct value *v = f->in[0];
	const int64_t from = onnx_int(f->n, "start", 0), to = onnx_int(f->n, "end", v->ndim);
	tt_status st;

	if (v->form != FORM_PLAIN && v->form != FORM_BYTES && v->form != FORM_TIME_FIRST)
		return onnx_refuse(r, f->n, "the shape of such a value is not known");
	if (from < 0 || to < from || to > v->ndim)
		return onnx_refuse(r, f->n, "it takes dimensions that there are not");
	f->out->ndim = 1;
	f->out->dim[0] = to - from;
	if ((st = room(r, f, 1)) == TT_OK)
		memcpy(f->out->c.i, v->dim + from, (size_t)(to - from) * sizeof *v->dim);
	return st;
}

/* So much of one number: of floats nobody needs the count. */
static tt_status fold_fill(struct net *r, struct fold *f)
{
	const Onnx__Attribute *a = onnx_attribute(f->n, "value");
	struct value fill = { .name = f->out->name };
	const int64_t *dim, *i;
	const float *x;
	size_t n, count;
	tt_status st;

	if ((st = wholes(r, f, 0, &dim, &count)) != TT_OK ||
	    (a && a->t && (st = onnx_constant_of(r, a->t, &fill)) != TT_OK))
		return st;
	f->out->ndim = fill.c.whole;
	f->out->dim[0] = fill.c.whole && count == 1 ? dim[0] : 0;
	if (fill.c.whole && count != 1)
		return onnx_refuse(r, f->n, "it makes no list");
	if ((st = room(r, f, fill.c.whole)) != TT_OK || !fill.c.t)
		return st;
	if (!fill.c.whole && (st = onnx_floats(r, &fill, &x, &n)) == TT_OK)
		f->out->c.f[0] = n ? x[0] : 0;
	else if (fill.c.whole && (st = onnx_wholes(r, &fill, &i, &n)) == TT_OK)
		for (int64_t k = 0; k < f->out->dim[0]; k++)
			f->out->c.i[k] = n ? i[0] : 0;
	return st;
}

/* ---- sums ---- */

enum { SUM, DIFFERENCE, PRODUCT, QUOTIENT, REST, ROOT };

static int which(const Onnx__Node *n)
{
	static const char *const ops[] = { "Add", "Sub", "Mul", "Div", "Mod", "Sqrt" };
	int i = 0;

	while (i < ROOT && !onnx_is(n, ops[i]))
		i++;
	return i;
}

/* Of dimensions, some of them symbols.  *ok: there is such a number. */
static int64_t of_wholes(int op, int64_t a, int64_t b, int *ok)
{
	const int plain = a > -1000 && a < NET_DIM_MAX && b > -1000 && b < NET_DIM_MAX;
	int64_t c = op == PRODUCT && !plain ? onnx_times(a, b)
	          : op == QUOTIENT && !plain ? onnx_over(a, b) : 0;

	if (!plain)
		*ok &= c != 0;
	else if ((op == QUOTIENT || op == REST) && b == 0)
		*ok = 0;
	else
		c = op == SUM ? a + b : op == DIFFERENCE ? a - b : op == PRODUCT ? a * b
		  : op == QUOTIENT ? a / b : a % b;
	return c;
}

static float of_floats(int op, float a, float b)
{
	return op == SUM ? a + b : op == DIFFERENCE ? a - b : op == PRODUCT ? a * b
	     : op == QUOTIENT ? a / b : op == REST ? fmodf(a, b) : sqrtf(a);
}

/* Of equal shapes, or one of a single number. */
static tt_status fold_sum(struct net *r, struct fold *f)
{
	const struct value *a = f->in[0], *b = f->n->n_input > 1 ? f->in[1] : a;
	const size_t na = value_count(a), nb = value_count(b), n = na > nb ? na : nb;
	const struct value *more = na > nb || a->ndim > b->ndim ? a : b;
	const int64_t *i, *k;
	const float *x, *y;
	const int op = which(f->n), whole = a->c.whole;
	size_t count;
	int ok = na == nb || na == 1 || nb == 1;
	tt_status st;

	if (!ok || whole != b->c.whole || (whole && op == ROOT) || !na || !nb)
		return onnx_refuse(r, f->n, "its constants do not fit one another");
	f->out->ndim = more->ndim;
	memcpy(f->out->dim, more->dim, sizeof more->dim);
	if ((st = room(r, f, whole)) != TT_OK ||
	    (st = whole ? onnx_wholes(r, a, &i, &count) : onnx_floats(r, a, &x, &count)) != TT_OK ||
	    (st = whole ? onnx_wholes(r, b, &k, &count) : onnx_floats(r, b, &y, &count)) != TT_OK)
		return st;
	for (size_t at = 0; at < n; at++)
		if (whole)
			f->out->c.i[at] = of_wholes(op, i[na > 1 ? at : 0], k[nb > 1 ? at : 0], &ok);
		else
			f->out->c.f[at] = of_floats(op, x[na > 1 ? at : 0], y[nb > 1 ? at : 0]);
	return ok ? TT_OK : onnx_refuse(r, f->n, "tutti knows no such sum of batch and length");
}

/* ---- of another shape ---- */

static void copy(struct fold *f)
{
	const struct value *v = f->in[0];

	f->out->kind = VALUE_CONSTANT;
	f->out->ndim = v->ndim;
	memcpy(f->out->dim, v->dim, sizeof v->dim);
	f->out->c = v->c;
}

static tt_status fold_same(struct net *r, struct fold *f)
{
	(void)r;
	copy(f);
	return TT_OK;
}

/* Of one type or the other; symbols are no floats. */
static tt_status fold_cast(struct net *r, struct fold *f)
{
	const int64_t to = onnx_int(f->n, "to", ONNX_FLOAT);
	const int whole = to != ONNX_FLOAT && to != ONNX_DOUBLE && to != ONNX_FLOAT16 &&
	                  to != ONNX_BFLOAT16;
	const struct value *v = f->in[0];
	const int64_t *i;
	const float *x;
	size_t n;
	tt_status st;

	if (v->c.whole == whole)
		return fold_same(r, f);
	f->out->ndim = v->ndim;
	memcpy(f->out->dim, v->dim, sizeof v->dim);
	if ((st = room(r, f, whole)) != TT_OK ||
	    (st = whole ? onnx_floats(r, v, &x, &n) : onnx_wholes(r, v, &i, &n)) != TT_OK)
		return st;
	for (size_t k = 0; k < n; k++) {
		if (whole ? !(fabsf(x[k]) < 1e9f) : NET_IS_SYMBOL(i[k]))
			return onnx_refuse(r, f->n, "a number has no such type");
		if (whole)
			f->out->c.i[k] = (int64_t)x[k];
		else
			f->out->c.f[k] = (float)i[k];
	}
	return TT_OK;
}

static tt_status reshaped(struct net *r, struct fold *f, const int64_t *dim, size_t n)
{
	const size_t count = value_count(f->in[0]);
	size_t fixed = 1;
	int open = -1;

	copy(f);
	if (n > TENSOR_MAX_DIMS)
		return onnx_refuse(r, f->n, "%zu dimensions are too many", n);
	f->out->ndim = (int)n;
	for (size_t i = 0; i < n; i++) {
		f->out->dim[i] = dim[i] == 0 && i < (size_t)f->in[0]->ndim ? f->in[0]->dim[i] : dim[i];
		if (dim[i] < 0)
			open = (int)i;
		else if (f->out->dim[i] > NET_DIM_MAX ||
		         __builtin_mul_overflow(fixed, (size_t)f->out->dim[i], &fixed))
			return onnx_refuse(r, f->n, "its shape is impossible");
	}
	if (open >= 0 && fixed)
		f->out->dim[open] = (int64_t)(count / fixed);
	for (int i = 0; i < f->out->ndim; i++)
		if (f->out->dim[i] < 0)
			return onnx_refuse(r, f->n, "its shape is impossible");
	return value_count(f->out) == count ? TT_OK : onnx_refuse(r, f->n, "its shape is impossible");
}

static tt_status fold_reshape(struct net *r, struct fold *f)
{
	const int64_t *dim;
	size_t n;
	tt_status st = wholes(r, f, 1, &dim, &n);

	return st == TT_OK ? reshaped(r, f, dim, n) : st;
}

static tt_status fold_unsqueeze(struct net *r, struct fold *f)
{
	const struct value *v = f->in[0];
	int64_t dim[2 * TENSOR_MAX_DIMS + 2], axes[TENSOR_MAX_DIMS];
	int n_axes, at = 0;
	tt_status st = onnx_axes(r, f->n, 0, axes, &n_axes);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < v->ndim + n_axes; i++) {
		int one = 0;

		for (int k = 0; k < n_axes; k++)
			one |= axes[k] == i || axes[k] + v->ndim + n_axes == i;
		dim[i] = one || at >= v->ndim ? 1 : v->dim[at++];
	}
	return reshaped(r, f, dim, (size_t)(v->ndim + n_axes));
}

static tt_status fold_squeeze(struct net *r, struct fold *f)
{
	const struct value *v = f->in[0];
	int64_t dim[TENSOR_MAX_DIMS + 1], axes[TENSOR_MAX_DIMS];
	int n_axes, n = 0;
	tt_status st = onnx_axes(r, f->n, v->ndim, axes, &n_axes);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < v->ndim; i++) {
		int out = n_axes == 0 && v->dim[i] == 1;

		for (int k = 0; k < n_axes; k++)
			out |= axes[k] == i;
		if (!out)
			dim[n++] = v->dim[i];
	}
	return reshaped(r, f, dim, (size_t)n);
}

static tt_status fold_transpose(struct net *r, struct fold *f)
{
	const Onnx__Attribute *perm = onnx_attribute(f->n, "perm");
	const struct value *v = f->in[0];
	const int64_t *w = NULL;
	const float *x = NULL;
	size_t n;
	tt_status st = v->c.whole ? onnx_wholes(r, v, &w, &n) : onnx_floats(r, v, &x, &n);

	if (st != TT_OK)
		return st;
	if (v->ndim != 2 || (perm && (perm->n_ints != 2 || perm->ints[0] != 1 || perm->ints[1] != 0)))
		return onnx_refuse(r, f->n, "of constants, matrices alone are transposed");
	f->out->ndim = 2;
	f->out->dim[0] = v->dim[1];
	f->out->dim[1] = v->dim[0];
	if ((st = room(r, f, w != NULL)) != TT_OK)
		return st;
	for (int64_t i = 0; n && i < v->dim[0]; i++)
		for (int64_t k = 0; k < v->dim[1]; k++)
			if (w)
				f->out->c.i[k * v->dim[0] + i] = w[i * v->dim[1] + k];
			else
				f->out->c.f[k * v->dim[0] + i] = x[i * v->dim[1] + k];
	return TT_OK;
}

/* ---- joined and cut ---- */

static tt_status join_part(struct net *r, struct fold *f, const struct value *v, int64_t axis,
                           int64_t at)
{
	const int whole = f->in[0]->c.whole;
	int64_t outer = 1, inner = 1, *w = f->out->c.i;
	const int64_t *i;
	const float *x;
	size_t n;
	tt_status st = whole ? onnx_wholes(r, v, &i, &n) : onnx_floats(r, v, &x, &n);

	if (st != TT_OK || !n)          /* of nothing the other dimensions may be anything */
		return st;
	for (int k = 0; k < v->ndim; k++) {
		outer *= k < axis ? v->dim[k] : 1;
		inner *= k > axis ? v->dim[k] : 1;
	}
	for (int64_t o = 0; o < outer; o++) {
		const int64_t to = (o * f->out->dim[axis] + at) * inner, part = v->dim[axis] * inner;

		if (whole)
			memcpy(w + to, i + o * part, (size_t)part * sizeof *w);
		else
			memcpy(f->out->c.f + to, x + o * part, (size_t)part * sizeof *x);
	}
	return TT_OK;
}

static tt_status fold_concat(struct net *r, struct fold *f)
{
	const struct value *first = f->in[0];
	int64_t axis = onnx_int(f->n, "axis", 0), at = 0;
	tt_status st;

	axis += axis < 0 ? first->ndim : 0;
	f->out->ndim = first->ndim;
	memcpy(f->out->dim, first->dim, sizeof first->dim);
	if (axis < 0 || axis >= first->ndim)
		return onnx_refuse(r, f->n, "there is no axis %lld", (long long)axis);
	for (size_t i = 1; i < f->n->n_input; i++) {
		for (int k = 0; k < first->ndim; k++)
			if (f->in[i]->ndim != first->ndim ||
			    (k != axis && f->in[i]->dim[k] != first->dim[k]))
				return onnx_refuse(r, f->n, "its inputs do not fit one another");
		f->out->dim[axis] += f->in[i]->dim[axis];
	}
	if ((st = room(r, f, first->c.whole)) != TT_OK)
		return st;
	for (size_t i = 0; i < f->n->n_input && st == TT_OK; i++) {
		st = join_part(r, f, f->in[i], axis, at);
		at += f->in[i]->dim[axis];
	}
	return st;
}

static tt_status fold_gather(struct net *r, struct fold *f)
{
	const int64_t *x, *at;
	size_t n, count;
	tt_status st;

	if ((st = wholes(r, f, 0, &x, &n)) != TT_OK || (st = wholes(r, f, 1, &at, &count)) != TT_OK)
		return st;
	if (f->in[0]->ndim != 1 || f->in[1]->ndim > 1)
		return onnx_refuse(r, f->n, "of constants, lists alone are looked up");
	f->out->ndim = f->in[1]->ndim;
	f->out->dim[0] = f->in[1]->dim[0];
	if ((st = room(r, f, 1)) != TT_OK)
		return st;
	for (size_t i = 0; i < count; i++) {
		const int64_t k = at[i] < 0 ? at[i] + (int64_t)n : at[i];

		if (k < 0 || k >= (int64_t)n)
			return onnx_refuse(r, f->n, "it takes a number that there is not");
		f->out->c.i[i] = x[k];
	}
	return TT_OK;
}

/* Of a table of numbers for each place the first: those that a sequence has. */
static int is_places(const struct fold *f, const int64_t *from, const int64_t *to)
{
	return f->in[0]->ndim == 2 && *from == 0 && *to == NET_LENGTH;
}

/* Rows of a list, or of a matrix, from the first or (a step of -1) from the last on. */
static tt_status fold_slice(struct net *r, struct fold *f)
{
	const struct value *v = f->in[0];
	const int64_t *x, *from, *to, *axis, *step, first = 0, next = 1;
	const int64_t rows = v->ndim ? v->dim[0] : 0, width = v->ndim == 2 ? v->dim[1] : 1;
	const float *y = NULL;
	size_t n;
	int64_t a, b;
	tt_status st;

	axis = &first;
	step = &next;
	if (!v->c.whole && v->ndim == 0)        /* all of one number */
		return fold_same(r, f);
	if ((st = wholes(r, f, 1, &from, &n)) != TT_OK || n != 1 ||
	    (st = wholes(r, f, 2, &to, &n)) != TT_OK || n != 1 ||
	    (f->n->n_input > 3 && ((st = wholes(r, f, 3, &axis, &n)) != TT_OK || n != 1)) ||
	    (f->n->n_input > 4 && ((st = wholes(r, f, 4, &step, &n)) != TT_OK || n != 1)))
		return st != TT_OK ? st : onnx_refuse(r, f->n, "it cuts more than one dimension");
	if (!v->c.whole && is_places(f, from, to))
		return fold_same(r, f);
	if ((st = v->c.whole ? onnx_wholes(r, v, &x, &n) : onnx_floats(r, v, &y, &n)) != TT_OK)
		return st;
	if (v->ndim < 1 || v->ndim > 2 || *axis != 0 || (*step != 1 && *step != -1))
		return onnx_refuse(r, f->n, "of constants, rows are cut");
	a = *from < -rows ? 0 : *from < 0 ? *from + rows : *from;
	b = *to < -rows ? -1 : *to < 0 ? *to + rows : *to;
	a = a > rows - (*step < 0) ? rows - (*step < 0) : a;
	b = b > rows ? rows : b;
	if (a < 0 || (b - a) * *step < 0)
		return onnx_refuse(r, f->n, "it takes numbers that there are not");
	f->out->ndim = v->ndim;
	f->out->dim[0] = (b - a) * *step;
	f->out->dim[1] = width;
	if ((st = room(r, f, v->c.whole)) != TT_OK)
		return st;
	for (int64_t i = 0; i < f->out->dim[0]; i++) {
		const int64_t from_row = (a + i * *step) * width;

		if (v->c.whole)
			memcpy(f->out->c.i + i * width, x + from_row, (size_t)width * sizeof *x);
		else
			memcpy(f->out->c.f + i * width, y + from_row, (size_t)width * sizeof *y);
	}
	return TT_OK;
}

/* ---- the table ---- */

static const struct { const char *op; tt_status (*fold)(struct net *r, struct fold *f); } rows[] = {
	{ "Constant", fold_constant }, { "Shape", fold_shape }, { "ConstantOfShape", fold_fill },
	{ "Identity", fold_same }, { "Cast", fold_cast }, { "Expand", fold_same },
	{ "Add", fold_sum }, { "Sub", fold_sum }, { "Mul", fold_sum }, { "Div", fold_sum },
	{ "Mod", fold_sum }, { "Sqrt", fold_sum },
	{ "Reshape", fold_reshape }, { "Unsqueeze", fold_unsqueeze }, { "Squeeze", fold_squeeze },
	{ "Transpose", fold_transpose }, { "Concat", fold_concat }, { "Gather", fold_gather },
	{ "Slice", fold_slice },
};
#define ROWS (sizeof rows / sizeof *rows)

tt_status onnx_fold(struct net *r, const Onnx__Node *n, int *folded)
{
	struct fold f = { .n = n };
	const int of_shape = strcmp(n->op_type, "Shape") == 0;
	size_t row = 0;
	tt_status st;

	*folded = 0;
	while (row < ROWS && strcmp(rows[row].op, n->op_type) != 0)
		row++;
	if (row == ROWS || n->n_input > 16 || (n->n_input == 0 && row != 0))
		return TT_OK;
	for (size_t i = 0; i < n->n_input; i++) {
		if ((st = onnx_input(r, n, i, &f.in[i])) != TT_OK)
			return st;
		if (!f.in[i] || (!of_shape && f.in[i]->kind != VALUE_CONSTANT))
			return TT_OK;
	}
	*folded = 1;
	if ((st = onnx_add(r, n->output[0], VALUE_CONSTANT, &f.out)) != TT_OK)
		return st;
	return rows[row].fold(r, &f);
}
