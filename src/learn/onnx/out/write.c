/* write.c -- a model becomes an ONNX file.
 *
 *   graph for use --emit--> nodes and initializers --pack--> the file, streamed
 *
 * Inputs are called as the columns that the model was trained on; what tutti does with a raw sample
 * before the net reads it (bytes to 0..1, mean and std) stands in front as nodes. */
#include "learn/onnx/out/write.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "compute/pass/pass.h"
#include "learn/nn/loss.h"
#include "learn/onnx/out/emit.h"

#define IN_FRONT "#input"               /* no layer can be called so */

struct writer {
	struct emitter     e;
	Onnx__ValueInfo  **input;
	size_t             n_inputs;
	Onnx__ValueInfo   *output;
	Onnx__Entry       *meta[5];
	size_t             n_meta;
	struct str         classes, features, recipe, signature, loss;
};

/* ---- what goes in and comes out ---- */

static Onnx__ValueInfo *value_info(struct emitter *e, const char *name, enum onnx_type type,
                                   int ndim)
{
	struct all {
		Onnx__ValueInfo info; Onnx__Type type; Onnx__TensorType tensor; Onnx__Shape shape;
	} *all = emit_room(e, 1, sizeof *all);

	onnx__value_info__init(&all->info);
	onnx__type__init(&all->type);
	onnx__tensor_type__init(&all->tensor);
	onnx__shape__init(&all->shape);
	all->info.name = (char *)name;
	all->info.type = &all->type;
	all->type.tensor_type = &all->tensor;
	all->tensor.has_elem_type = 1;
	all->tensor.elem_type = (int32_t)type;
	all->tensor.shape = &all->shape;
	all->shape.dim = emit_room(e, (size_t)ndim, sizeof *all->shape.dim);
	return &all->info;
}

/* The next dimension: a number, or where it has a word that. */
static void add_dim(struct emitter *e, Onnx__ValueInfo *v, int64_t n, const char *word)
{
	Onnx__Shape *s = v->type->tensor_type->shape;
	Onnx__Dimension *d = emit_room(e, 1, sizeof *d);

	onnx__dimension__init(d);
	d->has_dim_value = !word;
	d->dim_value = word ? 0 : n;
	d->dim_param = (char *)word;
	if (!e->failed)
		s->dim[s->n_dim++] = d;
}

static enum onnx_type type_of(enum tt_type t)
{
	static const enum onnx_type types[] = {
		[TT_U8] = ONNX_UINT8, [TT_I32] = ONNX_INT32, [TT_I64] = ONNX_INT64,
		[TT_F16] = ONNX_FLOAT16, [TT_F32] = ONNX_FLOAT,
	};

	return types[t];
}

/* Mean or std: one for all, or one for each number along the first dimension of a sample. */
static const char *per_channel(struct emitter *e, const tt_column *c, int n, const double *v)
{
	struct tensor_desc d = { .ndim = c->ndim, .dim = { n, 1, 1, 1 } };
	float *all = emit_room(e, (size_t)n, sizeof *all);

	for (int i = 0; i < n && !e->failed; i++)
		all[i] = (float)v[i];
	return n == 1 || c->ndim == 0 ? emit_number(e, IN_FRONT, (float)v[0])
	                              : emit_f32(e, IN_FRONT, &d, all);
}

/* As the loader shows samples of the first input. */
static const char *scaled(struct emitter *e, const tt_column *c, const char *x)
{
	const tt_signature *s = &e->m->signature->view;

	if (c->type == TT_U8)
		x = EMIT(e, IN_FRONT, "Div", x, emit_number(e, IN_FRONT, 255));
	if (s->means)
		x = EMIT(e, IN_FRONT, "Sub", x, per_channel(e, c, s->means, s->mean));
	if (s->stds)
		x = EMIT(e, IN_FRONT, "Div", x, per_channel(e, c, s->stds, s->std));
	return x;
}

static int same_shape(const tt_column *c, const struct net_input *in)
{
	int same = c->ndim == in->desc.ndim - 1;

	for (int i = 0; same && i < c->ndim; i++)
		same = c->shape[i] == in->desc.dim[i + 1];
	return same;
}

/* From a column's value to the net's. */
static const char *in_front(struct writer *w, int i, const tt_column *c)
{
	struct emitter *e = &w->e;
	const struct net_input *in = &e->m->input[i];
	int64_t dims[TENSOR_MAX_DIMS] = { 0 };
	const char *x = c->name;

	if (in->desc.dtype == DTYPE_F32 && c->type != TT_F32) {
		x = EMIT(e, IN_FRONT, "Cast", x);
		emit_int(e, "to", ONNX_FLOAT);
	}
	if (i == 0 && in->desc.dtype == DTYPE_F32 && !net_input_ragged(in))
		x = scaled(e, c, x);
	if (same_shape(c, in))
		return x;
	for (int k = 1; k < in->desc.ndim; k++)
		dims[k] = in->desc.dim[k];
	return EMIT(e, IN_FRONT, "Reshape", x, emit_i64(e, IN_FRONT, dims, in->desc.ndim));
}

static tt_status add_lengths(struct writer *w, const struct ir_value *v, const tt_column *c)
{
	const char *name = arena_printf(&w->e.arena, "%s.lengths", c->name);
	Onnx__ValueInfo *info;

	if (!name)
		return TT_ENOMEM;
	info = value_info(&w->e, name, ONNX_INT32, 1);
	add_dim(&w->e, info, 0, "batch");
	w->input[w->n_inputs++] = info;
	w->e.of[v->id] = name;
	return TT_OK;
}

static const struct ir_value *graph_input(const struct ir_graph *g, int index)
{
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_INPUT && g->value[i]->index == index)
			return g->value[i];
	return NULL;
}

static tt_status add_input(struct writer *w, int i, int *at)
{
	struct emitter *e = &w->e;
	const tt_schema *s = &e->m->signature->data.view;
	const tt_column *c = s->column[schema_input(s, i)];
	const struct ir_value *v = graph_input(e->g, (*at)++);
	Onnx__ValueInfo *info;

	if (!str_is_utf8(c->name))
		return err_set(TT_ESUPPORT, "the name of input %d is no UTF-8, which ONNX asks for", i);
	info = value_info(e, c->name, type_of(c->type), c->ndim + 1);
	add_dim(e, info, 0, "batch");
	for (int k = 0; k < c->ndim; k++)
		add_dim(e, info, c->shape[k], c->shape[k] < 0 ? "length" : NULL);
	w->input[w->n_inputs++] = info;
	e->of[v->id] = in_front(w, i, c);
	return net_input_ragged(&e->m->input[i]) ? add_lengths(w, graph_input(e->g, (*at)++), c)
	                                         : TT_OK;
}

static tt_status add_inputs(struct writer *w)
{
	struct emitter *e = &w->e;
	tt_status st = TT_OK;
	int at = 0;

	w->input = emit_room(e, 2 * (size_t)e->m->n_inputs, sizeof *w->input);
	for (int i = 0; i < e->m->n_inputs && st == TT_OK && !e->failed; i++)
		st = add_input(w, i, &at);
	return st == TT_OK && e->failed ? TT_ENOMEM : st;
}

/* A value that is called as no input is. */
static const char *output_name(const struct writer *w)
{
	const char *name = w->e.m->signature->output.name;

	for (size_t i = 0; i < w->n_inputs; i++)
		if (strcmp(w->input[i]->name, name) == 0)
			return "#output";
	return name;
}

static void add_output(struct writer *w)
{
	struct emitter *e = &w->e;
	const struct tensor_desc *d = &e->m->out_desc;
	const struct ir_value *y = NULL;
	const char *name = output_name(w);

	for (int i = 0; i < e->g->n_values; i++)
		if (e->g->value[i]->output)
			y = e->g->value[i];
	emit_rename(e, e->of[y->id], name);
	w->output = value_info(e, name, ONNX_FLOAT, d->ndim);
	add_dim(e, w->output, 0, "batch");
	if (e->m->per_place)
		add_dim(e, w->output, d->dim[1], nn_has_sequences(e->m) ? "length" : NULL);
	add_dim(e, w->output, d->dim[d->ndim - 1], NULL);
}

/* ---- the graph ---- */

/* Without heads that training alone has, which end in nothing. */
static tt_status graph_of(const struct emitter *e, const struct nn_shape *s, struct ir_graph **out)
{
	tt_status st = nn_graph_of(e->m, s, out);

	return st == TT_OK ? pass_dead(*out) : st;
}

/* Twice, so that what depends on batch and length is seen. */
static tt_status build(struct emitter *e)
{
	tt_status st;

	e->shape = (struct nn_shape){ .batch = 5, .length = 2, .purpose = NN_PREDICT };
	e->other = (struct nn_shape){ .batch = 7, .length = 3, .purpose = NN_PREDICT };
	if ((st = graph_of(e, &e->shape, &e->g)) != TT_OK ||
	    (st = graph_of(e, &e->other, &e->twin)) != TT_OK)
		return st;
	if (e->g->n_values != e->twin->n_values)
		return err_set(TT_ESUPPORT, "the net is another one for each length of sequences, which "
		               "ONNX cannot say");
	e->of = emit_room(e, (size_t)e->g->n_values, sizeof(*e->of));
	return e->failed ? TT_ENOMEM : TT_OK;
}

static tt_status check_names(const struct writer *w, const Onnx__Graph *g)
{
	for (size_t i = 0; i < w->n_inputs; i++) {
		int taken = 0;

		for (size_t k = 0; k < g->n_initializer; k++)
			taken |= strcmp(g->initializer[k]->name, w->input[i]->name) == 0;
		for (size_t k = 0; k < g->n_node; k++)
			taken |= strcmp(g->node[k]->output[0], w->input[i]->name) == 0;
		if (taken)
			return err_set(TT_ESUPPORT, "the column '%.60s' is called as a part of the net: ONNX "
			               "tells them by their names", w->input[i]->name);
	}
	return TT_OK;
}

static void add_meta(struct writer *w, const char *key, struct str *value)
{
	Onnx__Entry *e = value->len ? emit_room(&w->e, 1, sizeof *e) : NULL;

	if (!e)
		return;
	onnx__entry__init(e);
	e->key = (char *)key;
	e->value = value->p;
	w->meta[w->n_meta++] = e;
}

static void list_texts(struct str *s, const char *const *text, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		str_add(s, i ? ", " : "[");
		str_add_json(s, text[i]);
	}
	str_add(s, n ? "]" : "[]");
}

/* What the numbers of each input are called that have names. */
static void list_features(struct str *out, const tt_schema *s)
{
	for (int i = 0; i < s->columns; i++) {
		const tt_column *c = s->column[i];

		if (!c->features || (s->target && strcmp(c->name, s->target) == 0))
			continue;
		str_add(out, out->len ? ", " : "{");
		str_add_json(out, c->name);
		str_add(out, ": ");
		list_texts(out, c->features, c->shape[0]);
	}
	str_add(out, out->len ? "}" : "");
}

/* The words that whoever prepares samples needs. */
static void add_metas(struct writer *w, Onnx__Model *model)
{
	const tt_schema *s = &w->e.m->signature->data.view;

	if (s->class_names)
		list_texts(&w->classes, s->class_names, s->classes);
	list_features(&w->features, s);
	str_add(&w->recipe, s->recipe ? s->recipe : "");
	signature_write(w->e.m->signature, &w->signature);
	str_add(&w->loss, loss_row(w->e.m->net.loss)->word);
	add_meta(w, ONNX_CLASSES, &w->classes);
	add_meta(w, ONNX_FEATURES, &w->features);
	add_meta(w, ONNX_RECIPE, &w->recipe);
	add_meta(w, ONNX_SIGNATURE, &w->signature);
	add_meta(w, ONNX_LOSS, &w->loss);
	model->metadata_props = w->meta;
	model->n_metadata_props = w->n_meta;
}

/* ---- the file ---- */

struct sink { ProtobufCBuffer base; struct file_new *f; tt_status st; };

static void append(ProtobufCBuffer *b, size_t n, const uint8_t *bytes)
{
	struct sink *s = (struct sink *)b;

	if (s->st == TT_OK)
		s->st = file_new_write(s->f, bytes, n);
}

static tt_status write_file(const char *path, const Onnx__Model *model)
{
	struct sink s = { .base = { append } };
	const size_t bytes = onnx__model__get_packed_size(model);

	if (bytes > INT32_MAX)
		return err_set(TT_ESUPPORT, "the model would be %zu MB: an ONNX file holds 2 GB at most",
		               bytes >> 20);
	if ((s.st = file_new_open(&s.f, path)) != TT_OK)
		return s.st;
	onnx__model__pack_to_buffer(model, &s.base);
	if (s.st == TT_OK)
		s.st = file_new_commit(s.f);
	file_new_close(&s.f);
	return s.st;
}

static tt_status write_model(struct writer *w, const char *path, const char *name)
{
	Onnx__Model model = ONNX__MODEL__INIT;
	Onnx__Graph graph = ONNX__GRAPH__INIT;
	Onnx__OperatorSet set = ONNX__OPERATOR_SET__INIT, *sets = &set;
	tt_status st;

	graph.name = (char *)name;
	graph.node = emit_nodes(&w->e);
	graph.n_node = w->e.n_nodes;
	graph.initializer = emit_initializers(&w->e);
	graph.n_initializer = w->e.n_stored;
	graph.input = w->input;
	graph.n_input = w->n_inputs;
	graph.output = &w->output;
	graph.n_output = 1;
	set.domain = "";
	set.has_version = 1;
	set.version = ONNX_OPSET;
	model.has_ir_version = 1;
	model.ir_version = ONNX_IR_VERSION;
	model.producer_name = "tutti";
	model.producer_version = TT_VERSION;
	model.graph = &graph;
	model.opset_import = &sets;
	model.n_opset_import = 1;
	add_metas(w, &model);
	if (w->e.failed)
		return TT_ENOMEM;
	if ((st = str_status(&w->classes)) != TT_OK || (st = str_status(&w->features)) != TT_OK ||
	    (st = str_status(&w->recipe)) != TT_OK || (st = str_status(&w->signature)) != TT_OK ||
	    (st = str_status(&w->loss)) != TT_OK || (st = check_names(w, &graph)) != TT_OK)
		return st;
	return write_file(path, &model);
}

tt_status onnx_write(const tt_model *m, const char *path, enum tt_file_type type)
{
	struct writer w = { .e.m = m };
	char *name = NULL;
	tt_status st;

	(void)type;                     /* f32 alone */
	if ((st = build(&w.e)) != TT_OK || (st = add_inputs(&w)) != TT_OK ||
	    (st = emit_graph(&w.e)) != TT_OK ||
	    (st = tt_spec_get(tt_model_spec(m), "name", &name)) != TT_OK)
		goto out;
	add_output(&w);
	st = w.e.failed ? TT_ENOMEM : write_model(&w, path, name);
out:
	tt_free(name);
	str_release(&w.classes);
	str_release(&w.features);
	str_release(&w.recipe);
	str_release(&w.signature);
	str_release(&w.loss);
	emit_release(&w.e);
	return st;
}
