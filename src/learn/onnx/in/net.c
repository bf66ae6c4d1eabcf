#include "learn/onnx/in/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "data/convert.h"

/* ---- errors ---- */

tt_status onnx_refuse(const struct net *r, const Onnx__Node *n, const char *fmt, ...)
{
	char why[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return err_set(TT_ESUPPORT, "%s: node %.80s (%.40s): %s", r->path,
	               n->name && *n->name ? n->name : n->n_output ? n->output[0] : "?",
	               n->op_type ? n->op_type : "?", why);
}

tt_status onnx_damaged(const struct net *r, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return err_set(TT_EFORMAT, "%s: no ONNX model that can be read: %s", r->path, what);
}

void *onnx_room(struct net *r, size_t n, size_t size)
{
	void *p = n <= SIZE_MAX / 2 / (size + 1) ? arena_alloc(&r->arena, n * size + 1) : NULL;

	r->failed |= !p;
	return p;
}

/* ---- values ---- */

static struct value **slot(const struct net *r, const char *name)
{
	return &r->table[hash_text(name) % r->slots];
}

struct value *onnx_find(const struct net *r, const char *name)
{
	for (struct value *v = *slot(r, name); v; v = v->next)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

tt_status onnx_add(struct net *r, const char *name, enum value_kind kind, struct value **out)
{
	struct value *v;

	if (onnx_find(r, name))
		return onnx_damaged(r, "'%.80s' is made twice", name);
	if (!(v = onnx_room(r, 1, sizeof *v)))
		return TT_ENOMEM;
	*v = (struct value){ .name = name, .kind = kind, .input = -1, .next = *slot(r, name) };
	*slot(r, name) = v;
	*out = v;
	return TT_OK;
}

tt_status onnx_input(struct net *r, const Onnx__Node *n, size_t i, struct value **out)
{
	*out = NULL;
	if (i >= n->n_input || !*n->input[i])
		return TT_OK;
	if ((*out = onnx_find(r, n->input[i])))
		return TT_OK;
	return onnx_damaged(r, "node %.80s (%.40s) reads '%.80s', which nothing before it makes",
	                   n->name ? n->name : "?", n->op_type, n->input[i]);
}

tt_status onnx_layer(struct net *r, const Onnx__Node *n, size_t i, struct value **out)
{
	tt_status st = onnx_input(r, n, i, out);

	if (st != TT_OK)
		return st;
	if (!*out || (*out)->kind != VALUE_LAYER)
		return onnx_refuse(r, n, "input %zu is no value of a layer", i);
	if ((*out)->form != FORM_PLAIN)
		return onnx_refuse(r, n, "input %zu lies in another order than tutti has", i);
	return TT_OK;
}

size_t value_count(const struct value *v)
{
	size_t n = 1;

	for (int i = 0; i < v->ndim; i++)
		n *= (size_t)v->dim[i];
	return n;
}

int value_is_per_channel(const struct value *v, const struct value *x)
{
	const size_t count = value_count(v);

	if (count == 1)
		return 1;
	for (int i = 0; i < v->ndim; i++)
		if (v->dim[i] != (x->ndim - v->ndim + i == 1 ? x->dim[1] : 1))
			return 0;
	return x->ndim - v->ndim <= 1 && (int64_t)count == x->dim[1];
}

/* ---- dimensions ---- */

#define FACTOR_MAX (INT64_C(1) << 40)

/* c n t of a dimension. */
static void take_apart(int64_t v, int64_t part[3])
{
	const int symbol = NET_IS_SYMBOL(v) && v > -4 * FACTOR_MAX;
	const int64_t u = symbol ? -v - 1000 : 0;       /* others may be any number of a file */

	part[0] = symbol ? u / 4 : v;
	part[1] = symbol ? u >> 1 & 1 : 0;
	part[2] = symbol ? u & 1 : 0;
}

static int64_t put_together(int64_t c, int64_t n, int64_t t)
{
	if (c < 1 || c > FACTOR_MAX / 4 || n < 0 || n > 1 || t < 0 || t > 1)
		return 0;
	return n || t ? NET_SYMBOL(c, n, t) : c;
}

int64_t onnx_times(int64_t a, int64_t b)
{
	int64_t x[3], y[3], c;

	take_apart(a, x);
	take_apart(b, y);
	if (__builtin_mul_overflow(x[0], y[0], &c))
		return 0;
	return put_together(c, x[1] + y[1], x[2] + y[2]);
}

int64_t onnx_over(int64_t a, int64_t b)
{
	int64_t x[3], y[3];

	take_apart(a, x);
	take_apart(b, y);
	if (y[0] < 1 || x[0] < 1 || x[0] % y[0])
		return 0;
	return put_together(x[0] / y[0], x[1] - y[1], x[2] - y[2]);
}

int64_t onnx_fix(int64_t dim, int64_t batch)
{
	int64_t part[3];

	take_apart(dim, part);
	if (!part[1] || batch < 1)
		return dim;
	return onnx_times(batch, put_together(part[0], 0, part[2]));
}

/* ---- constants ---- */

static const struct { int type; size_t bytes; } sizes[] = {
	{ ONNX_FLOAT, 4 }, { ONNX_DOUBLE, 8 }, { ONNX_FLOAT16, 2 }, { ONNX_BFLOAT16, 2 },
	{ ONNX_INT64, 8 }, { ONNX_INT32, 4 }, { ONNX_UINT8, 1 }, { ONNX_INT8, 1 }, { ONNX_BOOL, 1 },
};

static size_t bytes_of(int type)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (sizes[i].type == type)
			return sizes[i].bytes;
	return 0;
}

/* How many numbers lie outside of raw_data. */
static size_t listed(const Onnx__Tensor *t)
{
	switch (t->data_type) {
	case ONNX_FLOAT: return t->n_float_data;
	case ONNX_DOUBLE: return t->n_double_data;
	case ONNX_INT64: return t->n_int64_data;
	default: return t->n_int32_data;
	}
}

/* Its shape, if it has as many numbers as that says. */
static tt_status check_tensor(const struct net *r, const Onnx__Tensor *t, struct value *v)
{
	const char *name = t->name ? t->name : "?";
	const size_t bytes = bytes_of(t->data_type);
	size_t n = 1;

	if (t->data_location || t->n_external_data)
		return err_set(TT_ESUPPORT, "%s: '%.80s' lies in another file: write the model as one",
		               r->path, name);
	if (!bytes)
		return err_set(TT_ESUPPORT, "%s: '%.80s' has type %d of ONNX, which tutti has not got",
		               r->path, name, (int)t->data_type);
	if (t->n_dims > TENSOR_MAX_DIMS)
		return err_set(TT_ESUPPORT, "%s: '%.80s' has %zu dimensions, tutti has %d", r->path, name,
		               t->n_dims, TENSOR_MAX_DIMS);
	v->ndim = (int)t->n_dims;
	for (int i = 0; i < v->ndim; i++) {
		v->dim[i] = t->dims[i];
		if (t->dims[i] < 0 || t->dims[i] > NET_DIM_MAX ||
		    __builtin_mul_overflow(n, (size_t)t->dims[i], &n) || n > SIZE_MAX / 16)
			return onnx_damaged(r, "'%.80s' has an impossible shape", name);
	}
	if (t->has_raw_data ? t->raw_data.len != n * bytes : listed(t) != n)
		return onnx_damaged(r, "'%.80s' has not as many numbers as its shape says", name);
	return TT_OK;
}

tt_status onnx_constant_of(struct net *r, const Onnx__Tensor *t, struct value *v)
{
	tt_status st = check_tensor(r, t, v);

	v->kind = VALUE_CONSTANT;
	v->c = (struct constant){ .t = t, .whole = t->data_type != ONNX_FLOAT &&
		t->data_type != ONNX_DOUBLE && t->data_type != ONNX_FLOAT16 &&
		t->data_type != ONNX_BFLOAT16 };
	return st;
}

static void read_floats(const Onnx__Tensor *t, size_t n, float *f)
{
	const void *raw = t->has_raw_data ? t->raw_data.data : NULL;
	double d;
	uint16_t h;
	uint32_t bits;

	for (size_t i = 0; i < n; i++) {
		if (t->data_type == ONNX_DOUBLE) {
			memcpy(&d, raw ? (const char *)raw + i * 8 : (const char *)&t->double_data[i], 8);
			f[i] = (float)d;
			continue;
		}
		h = raw ? 0 : (uint16_t)t->int32_data[i];
		if (raw)
			memcpy(&h, (const char *)raw + i * 2, 2);
		bits = (uint32_t)h << 16;
		memcpy(&f[i], &bits, 4);
		if (t->data_type == ONNX_FLOAT16)
			convert_to_f32(TT_F16, &h, 1, &f[i]);
	}
}

static void read_wholes(const Onnx__Tensor *t, size_t n, int64_t *out)
{
	const char *raw = t->has_raw_data ? (const char *)t->raw_data.data : NULL;
	int32_t w;

	for (size_t i = 0; i < n; i++)
		switch (t->data_type) {
		case ONNX_INT64:
			memcpy(&out[i], raw ? raw + i * 8 : (const char *)&t->int64_data[i], 8);
			break;
		case ONNX_INT32:
			memcpy(&w, raw ? raw + i * 4 : (const char *)&t->int32_data[i], 4);
			out[i] = w;
			break;
		default:
			out[i] = !raw ? t->int32_data[i] : t->data_type == ONNX_INT8 ? (int8_t)raw[i]
			                                                            : (uint8_t)raw[i];
		}
}

tt_status onnx_floats(struct net *r, const struct value *v, const float **f, size_t *count)
{
	struct constant *c = (struct constant *)&v->c;          /* read when it is asked for */

	if (v->kind != VALUE_CONSTANT || c->whole)
		return err_set(TT_ESUPPORT, "%s: '%.80s' is no constant of floats", r->path, v->name);
	*count = value_count(v);
	if (!c->f && *count && c->t->data_type == ONNX_FLOAT) {
		/* as they lie in the message */
		c->f = c->t->has_raw_data ? (float *)(void *)c->t->raw_data.data : c->t->float_data;
	} else if (!c->f) {
		if (!(c->f = onnx_room(r, *count + 1, sizeof *c->f)))
			return TT_ENOMEM;
		read_floats(c->t, *count, c->f);
	}
	*f = c->f;
	return TT_OK;
}

tt_status onnx_wholes(struct net *r, const struct value *v, const int64_t **i, size_t *count)
{
	struct constant *c = (struct constant *)&v->c;

	if (v->kind != VALUE_CONSTANT || !c->whole)
		return err_set(TT_ESUPPORT, "%s: '%.80s' is no constant of whole numbers", r->path,
		               v->name);
	*count = value_count(v);
	if (!c->i) {
		if (!(c->i = onnx_room(r, *count + 1, sizeof *c->i)))
			return TT_ENOMEM;
		read_wholes(c->t, *count, c->i);
	}
	*i = c->i;
	return TT_OK;
}

int onnx_number(struct net *r, const struct value *v, double *out)
{
	const float *f;
	size_t n;

	if (!v || v->kind != VALUE_CONSTANT || v->c.whole || value_count(v) != 1 ||
	    onnx_floats(r, v, &f, &n) != TT_OK)
		return 0;
	*out = f[0];
	return 1;
}

/* ---- nodes ---- */

const Onnx__Attribute *onnx_attribute(const Onnx__Node *n, const char *name)
{
	for (size_t i = 0; i < n->n_attribute; i++)
		if (n->attribute[i]->name && strcmp(n->attribute[i]->name, name) == 0)
			return n->attribute[i];
	return NULL;
}

int64_t onnx_int(const Onnx__Node *n, const char *name, int64_t fallback)
{
	const Onnx__Attribute *a = onnx_attribute(n, name);

	return a && a->has_i ? a->i : fallback;
}

double onnx_float(const Onnx__Node *n, const char *name, double fallback)
{
	const Onnx__Attribute *a = onnx_attribute(n, name);

	return a && a->has_f ? (double)a->f : fallback;
}

int onnx_word_is(const Onnx__Node *n, const char *name, const char *word, const char *def)
{
	const Onnx__Attribute *a = onnx_attribute(n, name);

	if (!a || !a->has_s)
		return strcmp(word, def) == 0;
	return a->s.len == strlen(word) && memcmp(a->s.data, word, a->s.len) == 0;
}

tt_status onnx_axes(struct net *r, const Onnx__Node *n, int ndim, int64_t *axes, int *count)
{
	const Onnx__Attribute *a = onnx_attribute(n, "axes");
	const int64_t *v = a ? a->ints : NULL;
	size_t k = a ? a->n_ints : 0;
	struct value *list = NULL;
	tt_status st = a ? TT_OK : onnx_input(r, n, 1, &list);

	if (st == TT_OK && list)
		st = onnx_wholes(r, list, &v, &k);
	if (st != TT_OK)
		return st;
	if (k > TENSOR_MAX_DIMS)
		return onnx_refuse(r, n, "it has %zu axes", k);
	for (size_t i = 0; i < k; i++) {
		if (v[i] < -2 * TENSOR_MAX_DIMS || v[i] >= 2 * TENSOR_MAX_DIMS)
			return onnx_refuse(r, n, "there is no axis %lld", (long long)v[i]);
		axes[i] = v[i] < 0 ? v[i] + ndim : v[i];
	}
	*count = (int)k;
	return TT_OK;
}

int onnx_reads(const Onnx__Node *n, const char *name)
{
	for (size_t i = 0; i < n->n_input; i++)
		if (strcmp(n->input[i], name) == 0)
			return 1;
	return 0;
}

const Onnx__Node *onnx_next(const struct net *r, const Onnx__Node *n)
{
	const Onnx__Node *found = NULL;

	if (strcmp(n->output[0], r->g->output[0]->name) == 0)
		return NULL;
	for (size_t i = r->at + 1; i < r->g->n_node; i++) {
		if (!onnx_reads(r->g->node[i], n->output[0]))
			continue;
		if (found)
			return NULL;
		found = r->g->node[i];
	}
	return found;
}

void onnx_skip(struct net *r, const Onnx__Node *n)
{
	for (size_t i = r->at; i < r->g->n_node; i++)
		if (r->g->node[i] == n)
			r->done[i] = 1;
}

int onnx_is(const Onnx__Node *n, const char *op)
{
	return n && strcmp(n->op_type, op) == 0;
}

struct value *onnx_other(const struct net *r, const Onnx__Node *n, const char *op,
                        const char *name)
{
	if (!onnx_is(n, op) || n->n_input != 2 || !onnx_reads(n, name))
		return NULL;
	return onnx_find(r, n->input[strcmp(n->input[0], name) == 0]);
}

tt_status onnx_both(struct net *r, const Onnx__Node *n, struct value **a, struct value **b)
{
	tt_status st = onnx_input(r, n, 0, a);

	if (st == TT_OK)
		st = onnx_input(r, n, 1, b);
	if (st == TT_OK && (!*a || !*b))
		st = onnx_refuse(r, n, "it has not got two inputs");
	return st;
}

/* ---- saying ---- */

/* next: the number that the next one who wants this name tries first. */
struct taken { const char *name; int next; struct taken *behind; };

static struct taken **name_slot(const struct net *r, const char *name)
{
	return &r->names[hash_text(name) % r->slots];
}

static struct taken *find_taken(const struct net *r, const char *name)
{
	struct taken *t = *name_slot(r, name);

	while (t && strcmp(t->name, name) != 0)
		t = t->behind;
	return t;
}

tt_status onnx_take_name(struct net *r, const char *name)
{
	struct taken *t = onnx_room(r, 1, sizeof *t);

	if (!t)
		return TT_ENOMEM;
	*t = (struct taken){ name, 2, *name_slot(r, name) };
	*name_slot(r, name) = t;
	return TT_OK;
}

/* Letters, digits and _ - . are, and not too many. */
static char *clean(struct net *r, const char *name, size_t n)
{
	char *own = onnx_room(r, n + 2, 1);

	if (!own)
		return NULL;
	snprintf(own, n + 1, "%s", name);
	if (n > 100)
		own[100] = 0;
	for (char *p = own; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", *p))
			*p = '_';
	if (!*own)
		snprintf(own, 2, "l");
	return own;
}

/* "conv1.weight", "rnn.weight_ih_l0": what stands before. */
static size_t prefix_of_weight(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && strncmp(dot, ".weight", 7) == 0 ? (size_t)(dot - name) : 0;
}

/* "conv1/Conv", "/layer1/layer1.0/conv/Conv": the place that comes last but one. */
static const char *place_of(const char *name, size_t *n)
{
	const char *end = strrchr(name, '/'), *begin;

	if (!end || end == name) {
		*n = strlen(name);
		return name;
	}
	for (begin = end; begin > name && begin[-1] != '/'; begin--)
		;
	*n = (size_t)(end - begin);
	return begin;
}

const char *onnx_name(struct net *r, const Onnx__Node *n, const struct value *weight)
{
	const char *from = n->name && *n->name ? n->name : n->output[0];
	size_t len = weight ? prefix_of_weight(weight->name) : 0;
	const char *base = len ? weight->name : place_of(from, &len), *name;
	struct taken *by;

	if (!(name = base = clean(r, base, len)))
		return NULL;
	if ((by = find_taken(r, base)))
		name = arena_printf(&r->arena, "%s.%s", base, clean(r, n->op_type, 20));
	while (by && name && find_taken(r, name))
		name = arena_printf(&r->arena, "%s.%d", base, by->next++);
	return name && onnx_take_name(r, name) == TT_OK ? name : NULL;
}

static void add_from(struct net *r, const struct saying *s)
{
	if (s->n_in == 1 && r->latest && strcmp(s->in[0]->layer, r->latest) == 0)
		return;
	str_add(&r->yaml, s->n_in == 1 ? ", from: " : ", from: [");
	for (int i = 0; i < s->n_in; i++) {
		str_add(&r->yaml, i ? ", " : "");
		str_add_json(&r->yaml, s->in[i]->layer);
	}
	str_add(&r->yaml, s->n_in == 1 ? "" : "]");
}

static tt_status add_line(struct net *r, const struct saying *s, const char *fmt, va_list ap)
{
	char text[600];

	vsnprintf(text, sizeof text, fmt, ap);
	if (!s->name)
		return TT_ENOMEM;
	str_addf(&r->yaml, "    - %s%sname: ", text, text[strlen(text) - 1] == '{' ? "" : ", ");
	str_add_json(&r->yaml, s->name);
	add_from(r, s);
	str_add(&r->yaml, "}\n");
	r->latest = s->name;
	return TT_OK;
}

tt_status onnx_line(struct net *r, const struct saying *s, const char *fmt, ...)
{
	tt_status st;
	va_list ap;

	va_start(ap, fmt);
	st = add_line(r, s, fmt, ap);
	va_end(ap);
	return st;
}

tt_status onnx_say(struct net *r, const struct saying *s, const char *fmt, ...)
{
	struct value *v;
	tt_status st;
	va_list ap;

	va_start(ap, fmt);
	st = add_line(r, s, fmt, ap);
	va_end(ap);
	if (st != TT_OK)
		return st;
	if (s->ndim > TENSOR_MAX_DIMS)
		return onnx_refuse(r, s->n, "it has %d dimensions, tutti has %d", s->ndim, TENSOR_MAX_DIMS);
	for (int i = 1; i < s->ndim; i++) {
		if (s->dim[i] < 1 && s->dim[i] != NET_LENGTH)
			return onnx_refuse(r, s->n, "nothing is left of its input");
		if (s->dim[i] > NET_DIM_MAX)
			return onnx_refuse(r, s->n, "it makes a dimension of %lld", (long long)s->dim[i]);
	}
	if ((st = onnx_add(r, s->n->output[0], VALUE_LAYER, &v)) != TT_OK)
		return st;
	v->layer = s->name;
	v->ndim = s->ndim;
	memcpy(v->dim, s->dim, (size_t)s->ndim * sizeof *s->dim);
	return TT_OK;
}

tt_status onnx_use(struct net *r, const Onnx__Node *n, size_t count)
{
	if (r->usable - r->used < count)
		return n ? onnx_refuse(r, n, "layers use the same numbers again and again")
		         : err_set(TT_ESUPPORT, "%s: layers use the same numbers again and again", r->path);
	r->used += count;
	return TT_OK;
}

tt_status onnx_give(struct net *r, const char *name, const char *what, const struct number *x)
{
	struct number *grown;
	size_t count = 1;
	tt_status st;

	for (int i = 0; i < x->ndim; i++)
		count *= (size_t)x->dim[i];
	if ((st = onnx_use(r, NULL, count)) != TT_OK)
		return st;
	if (r->n_numbers == r->cap_numbers) {
		const size_t cap = r->cap_numbers ? 2 * r->cap_numbers : 64;

		if (!(grown = mem_realloc(r->number, cap * sizeof *grown)))
			return TT_ENOMEM;
		r->number = grown;
		r->cap_numbers = cap;
	}
	r->number[r->n_numbers] = *x;
	if (!(r->number[r->n_numbers].name = arena_printf(&r->arena, "%s.%s", name, what)))
		return TT_ENOMEM;
	r->n_numbers++;
	return TT_OK;
}

tt_status onnx_give_value(struct net *r, const char *name, const char *what,
                         const struct value *v)
{
	struct number x = { .ndim = v->ndim };
	size_t n;
	tt_status st = onnx_floats(r, v, &x.f, &n);

	memcpy(x.dim, v->dim, sizeof x.dim);
	return st == TT_OK ? onnx_give(r, name, what, &x) : st;
}

tt_status onnx_alias(struct net *r, const Onnx__Node *n, const struct value *v,
                    struct value **out)
{
	struct value *w, *next;
	tt_status st = onnx_add(r, n->output[0], v->kind, &w);

	if (st != TT_OK)
		return st;
	next = w->next;
	*w = *v;
	w->name = n->output[0];
	w->next = next;
	*out = w;
	return TT_OK;
}

tt_status onnx_give_turned(struct net *r, const Onnx__Node *n, const char *name,
                          const char *what, const struct value *w)
{
	const int64_t in = w->dim[0], out = w->dim[1];
	struct number x = { .ndim = 2, .dim = { out, in } };
	const float *f;
	float *own;
	size_t count;
	tt_status st = onnx_floats(r, w, &f, &count);

	if (st != TT_OK || (st = onnx_use(r, n, count)) != TT_OK)
		return st;
	if (!(own = onnx_room(r, count, sizeof *own)))
		return TT_ENOMEM;
	for (int64_t i = 0; i < in; i++)
		for (int64_t k = 0; k < out; k++)
			own[k * in + i] = f[i * out + k];
	x.f = own;
	return onnx_give(r, name, what, &x);
}

struct value *onnx_bias(struct net *r, const Onnx__Node *n, int64_t out, const Onnx__Node **last)
{
	const Onnx__Node *next = onnx_next(r, n);
	struct value *b = next ? onnx_other(r, next, "Add", n->output[0]) : NULL;

	if (!b || b->kind != VALUE_CONSTANT || b->c.whole || b->ndim < 1 || b->ndim > 3 ||
	    b->dim[b->ndim - 1] != out || value_count(b) != (size_t)out)
		return NULL;
	onnx_skip(r, *last = next);
	return b;
}
