#include "learn/onnx/out/emit.h"

#include <string.h>

#include "base/mem.h"
#include "compute/ir/op.h"

struct made {
	Onnx__Node   p;
	const char  *of;
	struct made *prev, *next;
};

struct stored {
	Onnx__Tensor   p;
	struct stored *next;
};

/* ---- room ---- */

/* Where there is none all goes on, in vain, in here. */
static _Thread_local union { char bytes[4096]; double align; } nowhere;

void *emit_room(struct emitter *e, size_t n, size_t size)
{
	void *p = n <= SIZE_MAX / (size + 1) ? arena_alloc(&e->arena, n * size + 1) : NULL;

	if (p)
		return p;
	e->failed = 1;
	memset(nowhere.bytes, 0, sizeof nowhere.bytes);
	return n * size < sizeof nowhere.bytes ? nowhere.bytes : NULL;
}

static char *text_of(struct emitter *e, char *text)
{
	if (text)
		return text;
	e->failed = 1;
	return nowhere.bytes;
}

static char *copy(struct emitter *e, const char *text)
{
	return text_of(e, arena_strdup(&e->arena, text));
}

/* ---- nodes ---- */

/* Nodes of a layer follow one another, with those of none between: how many of this kind it has. */
static int count_like(const struct emitter *e, const char *of, const char *op)
{
	int n = 0;

	for (const struct made *k = e->last; k && (*k->of == '#' || strcmp(k->of, of) == 0);
	     k = k->prev)
		n += strcmp(k->of, of) == 0 && strcmp(k->p.op_type, op) == 0;
	return n;
}

static char *name_of(struct emitter *e, const char *of, const char *op)
{
	const int n = count_like(e, of, op);

	return text_of(e, n ? arena_printf(&e->arena, "%s/%s_%d", of, op, n)
	                    : arena_printf(&e->arena, "%s/%s", of, op));
}

static size_t count_names(const char *const *names)
{
	size_t n = 0;

	while (names[n])
		n++;
	return n;
}

const char *emit(struct emitter *e, const char *of, const char *op, const char *const *in)
{
	struct made *k = arena_alloc(&e->arena, sizeof *k);
	const size_t n = count_names(in);
	char *name = name_of(e, of, op);

	if (!k || e->failed) {
		e->failed = 1;
		return name;
	}
	k->of = of;
	onnx__node__init(&k->p);
	k->p.name = name;
	k->p.op_type = copy(e, op);
	k->p.input = emit_room(e, n, sizeof *k->p.input);
	k->p.output = emit_room(e, IR_MAX_OUT, sizeof *k->p.output);
	k->p.attribute = emit_room(e, 8, sizeof *k->p.attribute);
	if (e->failed)
		return name;
	for (size_t i = 0; i < n; i++)
		k->p.input[i] = copy(e, in[i]);
	k->p.n_input = n;
	k->p.output[k->p.n_output++] = name;
	k->prev = e->last;
	if (e->last)
		e->last->next = k;
	else
		e->first = k;
	e->last = k;
	e->n_nodes++;
	return name;
}

const char *emit_output(struct emitter *e, int number)
{
	struct made *k = e->last;
	char *name;

	if (e->failed)
		return "";
	name = text_of(e, arena_printf(&e->arena, "%s:%d", k->p.name, number));
	while (k->p.n_output < (size_t)number)
		k->p.output[k->p.n_output++] = copy(e, "");
	k->p.output[k->p.n_output++] = name;
	return name;
}

void emit_rename(struct emitter *e, const char *value, const char *name)
{
	if (e->failed)
		return;
	if (!e->last || e->last->p.output[0] != value)
		EMIT(e, "#output", "Identity", value);
	if (!e->failed)
		e->last->p.output[0] = copy(e, name);
}

static Onnx__Attribute *attribute(struct emitter *e, const char *name, int type)
{
	Onnx__Attribute *a = emit_room(e, 1, sizeof *a);

	onnx__attribute__init(a);
	a->name = copy(e, name);
	a->has_type = 1;
	a->type = type;
	if (!e->failed)
		e->last->p.attribute[e->last->p.n_attribute++] = a;
	return a;
}

void emit_int(struct emitter *e, const char *name, int64_t v)
{
	Onnx__Attribute *a = attribute(e, name, ONNX_ATTR_INT);

	a->has_i = 1;
	a->i = v;
}

void emit_ints(struct emitter *e, const char *name, const int64_t *v, int n)
{
	Onnx__Attribute *a = attribute(e, name, ONNX_ATTR_INTS);

	a->ints = emit_room(e, (size_t)n, sizeof *v);
	if (!e->failed)
		memcpy(a->ints, v, (size_t)n * sizeof *v);
	a->n_ints = (size_t)n;
}

void emit_float(struct emitter *e, const char *name, float v)
{
	Onnx__Attribute *a = attribute(e, name, ONNX_ATTR_FLOAT);

	a->has_f = 1;
	a->f = v;
}

void emit_text(struct emitter *e, const char *name, const char *v)
{
	Onnx__Attribute *a = attribute(e, name, ONNX_ATTR_TEXT);

	a->has_s = 1;
	a->s.data = (uint8_t *)copy(e, v);
	a->s.len = strlen(v);
}

void emit_words(struct emitter *e, const char *name, const char *v, int n)
{
	Onnx__Attribute *a = attribute(e, name, ONNX_ATTR_TEXTS);

	a->strings = emit_room(e, (size_t)n, sizeof *a->strings);
	for (int i = 0; i < n && !e->failed; i++) {
		a->strings[i].data = (uint8_t *)copy(e, v);
		a->strings[i].len = strlen(v);
		a->n_strings++;
	}
}

/* ---- initializers ---- */

static size_t bytes_of(enum onnx_type type)
{
	return type == ONNX_INT64 || type == ONNX_DOUBLE ? 8 : 4;
}

const char *emit_stored(struct emitter *e, const char *name, enum onnx_type type,
                        const struct tensor_desc *d, const void *data)
{
	struct stored *k = arena_alloc(&e->arena, sizeof *k);

	if (!k || e->failed) {
		e->failed = 1;
		return name;
	}
	onnx__tensor__init(&k->p);
	k->p.name = copy(e, name);
	k->p.has_data_type = 1;
	k->p.data_type = (int32_t)type;
	k->p.dims = emit_room(e, TENSOR_MAX_DIMS, sizeof *k->p.dims);
	k->p.n_dims = (size_t)d->ndim;
	if (!e->failed)
		memcpy(k->p.dims, d->dim, (size_t)d->ndim * sizeof *d->dim);
	k->p.has_raw_data = 1;
	k->p.raw_data.data = (uint8_t *)data;           /* read alone */
	k->p.raw_data.len = (size_t)tensor_count(d) * bytes_of(type);
	if (e->stored_last)
		e->stored_last->next = k;
	else
		e->stored = k;
	e->stored_last = k;
	e->n_stored++;
	return k->p.name;
}

const char *emit_constant(struct emitter *e, const char *of, enum onnx_type type,
                          const struct tensor_desc *d, const void *v)
{
	const size_t bytes = (size_t)tensor_count(d) * bytes_of(type);
	const char *name = text_of(e, arena_printf(&e->arena, "%s/constant.%zu", of, e->n_stored));
	void *own = emit_room(e, bytes, 1);

	if (e->failed)
		return name;
	memcpy(own, v, bytes);
	return emit_stored(e, name, type, d, own);
}

const char *emit_i64(struct emitter *e, const char *of, const int64_t *v, int n)
{
	const int64_t dim = n;
	const struct tensor_desc d = tensor_desc_make(DTYPE_S32, 1, &dim);

	return emit_constant(e, of, ONNX_INT64, &d, v);
}

const char *emit_whole(struct emitter *e, const char *of, int64_t v)
{
	return emit_constant(e, of, ONNX_INT64, &(struct tensor_desc){ .ndim = 0 }, &v);
}

const char *emit_f32(struct emitter *e, const char *of, const struct tensor_desc *d,
                     const float *v)
{
	return emit_constant(e, of, ONNX_FLOAT, d, v);
}

const char *emit_number(struct emitter *e, const char *of, float v)
{
	return emit_f32(e, of, &(struct tensor_desc){ .ndim = 0 }, &v);
}

/* ---- values ---- */

static const char *store_leaf(struct emitter *e, const struct ir_value *v)
{
	const float *vector = v->kind == IR_PARAM ? e->m->params : e->m->buffers;

	return emit_stored(e, v->name, ONNX_FLOAT, &v->desc, vector + v->offset);
}

const char *emit_in(struct emitter *e, const struct ir_node *n, int i)
{
	const struct ir_value *v = i < n->n_in ? n->in[i] : NULL;

	if (v && !e->of[v->id] && (v->kind == IR_PARAM || v->kind == IR_BUFFER))
		e->of[v->id] = store_leaf(e, v);
	return v ? e->of[v->id] : NULL;
}

/* The graph is built twice, of unlike batches and lengths: what differs depends on them. */
enum size size_of(const struct emitter *e, const struct ir_value *v, int dim)
{
	const int64_t a = v->desc.dim[dim], b = e->twin->value[v->id]->desc.dim[dim];
	const int64_t n = e->shape.batch, nn = e->other.batch;
	const int64_t t = e->shape.length, tt = e->other.length;

	if (a == b)
		return SIZE_FIXED;
	if (a == n && b == nn)
		return SIZE_BATCH;
	if (a == t && b == tt)
		return SIZE_LENGTH;
	return (a % n == 0 && a / n * nn == b) || (a == n * t && b == nn * tt) ? SIZE_ROWS : SIZE_OTHER;
}

#define LENGTH "#length"                /* no layer can be called so */
#define BATCH  "#batch"

static const struct ir_value *first_sequence(const struct emitter *e)
{
	for (int i = 0; i < e->g->n_values; i++)
		if (e->g->value[i]->kind == IR_INPUT && e->g->value[i]->desc.ndim > 1 &&
		    size_of(e, e->g->value[i], 1) == SIZE_LENGTH)
			return e->g->value[i];
	return NULL;
}

const char *emit_places(struct emitter *e)
{
	const struct ir_value *x = first_sequence(e);
	const int64_t one = 1, two = 2;

	if (!e->places && x)
		e->places = EMIT(e, LENGTH, "Slice", EMIT(e, LENGTH, "Shape", e->of[x->id]),
		                 emit_i64(e, LENGTH, &one, 1), emit_i64(e, LENGTH, &two, 1));
	return e->places ? e->places : "";
}

const char *emit_batch(struct emitter *e)
{
	const int64_t zero = 0, one = 1;

	if (!e->batch)
		e->batch = EMIT(e, BATCH, "Slice", EMIT(e, BATCH, "Shape", e->of[e->g->value[0]->id]),
		                emit_i64(e, BATCH, &zero, 1), emit_i64(e, BATCH, &one, 1));
	return e->batch;
}

tt_status emit_reshape(struct emitter *e, const struct ir_node *n)
{
	const struct ir_value *from = n->in[0], *v = n->out[0];
	int64_t dims[TENSOR_MAX_DIMS];
	int open = 0;

	for (int i = 0; i < v->desc.ndim; i++) {
		const enum size s = size_of(e, v, i);

		dims[i] = s == SIZE_FIXED ? v->desc.dim[i]
		        : i < from->desc.ndim && s == size_of(e, from, i) ? 0 : -1;
		open += dims[i] < 0;
	}
	if (open > 1)
		return emit_refuse(n, "more than one dimension depends on the batch");
	e->of[v->id] = EMIT(e, n->name, "Reshape", emit_in(e, n, 0),
	                    emit_i64(e, n->name, dims, v->desc.ndim));
	return TT_OK;
}

tt_status emit_refuse(const struct ir_node *n, const char *why)
{
	return err_set(TT_ESUPPORT, "layer %s (%s) cannot be written for ONNX: %s", n->name,
	               ir_op_name(n->op), why);
}

/* ---- all ---- */

Onnx__Node **emit_nodes(struct emitter *e)
{
	Onnx__Node **all = emit_room(e, e->n_nodes, sizeof(*all)), **at = all;

	for (struct made *k = e->first; k && !e->failed; k = k->next)
		*at++ = &k->p;
	return all;
}

Onnx__Tensor **emit_initializers(struct emitter *e)
{
	Onnx__Tensor **all = emit_room(e, e->n_stored, sizeof(*all)), **at = all;

	for (struct stored *k = e->stored; k && !e->failed; k = k->next)
		*at++ = &k->p;
	return all;
}

void emit_release(struct emitter *e)
{
	ir_graph_free(&e->g);
	ir_graph_free(&e->twin);
	arena_release(&e->arena);
}
