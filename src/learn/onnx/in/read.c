/* read.c -- an ONNX file becomes a spec, and a model with its numbers.
 *
 *   bytes --protobuf-c--> messages --rows--> YAML, and parameters by name
 *
 * A file is hostile until it is read: what its messages take is bounded by its size, what they say
 * is checked where it is used, and nothing is made before all of it is known. */
#include "learn/onnx/in/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/nn/model.h"
#include "learn/onnx/in/marks.h"
#include "learn/onnx/in/names.h"
#include "learn/onnx/in/net.h"
#include "learn/onnx/in/views.h"

#define NODES_MAX 10000
#define OPSET_MIN 7
#define OPSET_MAX 26

/* ---- messages ---- */

struct budget { size_t left; };

static void *take(void *ctx, size_t n)
{
	struct budget *b = ctx;

	if (n > b->left)
		return NULL;
	b->left -= n;
	return mem_alloc(n);
}

static void give_back(void *ctx, void *p)
{
	(void)ctx;
	mem_free(p);
}

/* ---- inputs ---- */

static const Onnx__TensorType *type_of(const Onnx__ValueInfo *v)
{
	return v->type ? v->type->tensor_type : NULL;
}

static int is_initializer(const struct net *r, const char *name)
{
	const struct value *v = onnx_find(r, name);

	return v && v->kind == VALUE_CONSTANT;
}

static tt_status bad_input(const struct net *r, const char *name, const char *why)
{
	return err_set(TT_ESUPPORT, "%s: input %.80s: %s", r->path, name, why);
}

/* One whole number for each sample: how long its sequence is. */
static int is_lengths(const Onnx__ValueInfo *info)
{
	const Onnx__TensorType *t = type_of(info);

	return t && t->shape && t->shape->n_dim == 1 &&
	       (t->elem_type == ONNX_INT32 || t->elem_type == ONNX_INT64);
}

static tt_status read_dims(struct net *r, const Onnx__Shape *s, struct onnx_in *in)
{
	in->ndim = (int)s->n_dim;
	for (int i = 0; i < in->ndim; i++) {
		const Onnx__Dimension *d = s->dim[i];
		const int free = !d->has_dim_value || d->dim_value < 1;

		in->dim[i] = free ? (i == 1 ? NET_LENGTH : 0) : d->dim_value;
		if (i == 0)
			r->batch = free ? r->batch : d->dim_value;
		if (i > 0 && (in->dim[i] == 0 || in->dim[i] > NET_DIM_MAX))
			return bad_input(r, in->name, "a dimension behind the first two has no fixed size");
	}
	in->dim[0] = NET_BATCH;
	in->ragged = in->dim[1] == NET_LENGTH;
	return TT_OK;
}

static tt_status add_input(struct net *r, const Onnx__ValueInfo *info)
{
	const Onnx__TensorType *t = type_of(info);
	struct onnx_in *in = &r->input[r->n_inputs];
	tt_status st;

	if (is_lengths(info))
		return onnx_add(r, info->name, VALUE_LENGTHS, &in->v);
	*in = (struct onnx_in){ .name = info->name };
	if (!t || !t->shape || t->shape->n_dim < 2 || t->shape->n_dim > TENSOR_MAX_DIMS)
		return bad_input(r, info->name, "it has no shape, or none of a batch of samples");
	if (t->elem_type != ONNX_FLOAT && t->elem_type != ONNX_UINT8 && t->elem_type != ONNX_INT32 &&
	    t->elem_type != ONNX_INT64 && t->elem_type != ONNX_DOUBLE)
		return bad_input(r, info->name, "floats, bytes and whole numbers are read");
	if (t->elem_type == ONNX_UINT8 && r->n_inputs)
		return bad_input(r, info->name, "the first one alone may be bytes");
	in->whole = t->elem_type == ONNX_INT32 || t->elem_type == ONNX_INT64;
	if ((st = read_dims(r, t->shape, in)) != TT_OK ||
	    (st = onnx_add(r, info->name, VALUE_LAYER, &in->v)) != TT_OK)
		return st;
	in->v->form = t->elem_type == ONNX_UINT8 ? FORM_BYTES : FORM_PLAIN;
	in->v->layer = info->name;
	in->v->input = r->n_inputs++;
	in->v->ndim = in->ndim;
	memcpy(in->v->dim, in->dim, sizeof in->dim);
	return TT_OK;
}

/* A net with one plain input has `model.input`, of which its layers know the name `input` alone. */
static int is_plain(const struct net *r)
{
	return r->n_inputs == 1 && !r->input[0].whole && !r->input[0].ragged;
}

/* What layers read the inputs by; none may be called so itself. */
static tt_status name_inputs(struct net *r)
{
	const int plain = is_plain(r);
	tt_status st = onnx_take_name(r, "input");

	if (plain)
		r->input[0].v->layer = "input";
	for (int i = 0; i < r->n_inputs && st == TT_OK; i++)
		st = onnx_take_name(r, plain ? "x" : r->input[i].name);
	return st;
}

static tt_status add_inputs(struct net *r)
{
	tt_status st = TT_OK;

	if (r->g->n_input > 2 * NET_INPUTS_MAX)
		return onnx_damaged(r, "it has %zu inputs", r->g->n_input);
	if (!(r->input = onnx_room(r, r->g->n_input + 1, sizeof *r->input)))
		return TT_ENOMEM;
	for (size_t i = 0; i < r->g->n_input && st == TT_OK; i++)
		st = add_input(r, r->g->input[i]);
	if (st == TT_OK && (!r->n_inputs || r->n_inputs > NET_INPUTS_MAX))
		st = err_set(TT_ESUPPORT, "%s: it has %d inputs: 1 to %d are read", r->path, r->n_inputs,
		             NET_INPUTS_MAX);
	return st == TT_OK ? name_inputs(r) : st;
}

/* ---- nodes ---- */

static tt_status add_constants(struct net *r)
{
	struct value *v;
	tt_status st;

	for (size_t i = 0; i < r->g->n_initializer; i++) {
		if ((st = onnx_add(r, r->g->initializer[i]->name, VALUE_CONSTANT, &v)) != TT_OK ||
		    (st = onnx_constant_of(r, r->g->initializer[i], v)) != TT_OK)
			return st;
	}
	return TT_OK;
}

/* Every node has a kind, and an output; texts are not NULL. */
static tt_status check_nodes(struct net *r)
{
	if (r->g->n_node > NODES_MAX)
		return err_set(TT_ESUPPORT, "%s: it has %zu nodes, %d are read", r->path, r->g->n_node,
		               NODES_MAX);
	for (size_t i = 0; i < r->g->n_node; i++) {
		const Onnx__Node *n = r->g->node[i];

		if (!n->op_type || !n->n_output || !*n->output[0])
			return onnx_damaged(r, "node %zu has no operator, or no output", i);
		if (n->domain && *n->domain && strcmp(n->domain, "ai.onnx") != 0 &&
		    strcmp(n->domain, "ai.onnx.ml") != 0)
			return onnx_refuse(r, n, "it is no operator of ONNX, but of %.60s", n->domain);
	}
	return TT_OK;
}

/* Constants may stand behind those who are looked ahead from. */
static tt_status fold_ahead(struct net *r)
{
	for (size_t i = 0; i < r->g->n_node; i++) {
		const Onnx__Node *n = r->g->node[i];
		int folded = strcmp(n->op_type, "Shape") != 0;
		tt_status st = TT_OK;

		for (size_t k = 0; k < n->n_input && folded; k++)
			folded = !*n->input[k] || is_initializer(r, n->input[k]);
		if (folded)
			st = onnx_fold(r, n, &folded);
		r->done[i] = (char)folded;
		if (st != TT_OK)
			return st;
	}
	return TT_OK;
}

static tt_status say_node(struct net *r, const Onnx__Node *n)
{
	const struct in_row *row = onnx_in_rows;
	int folded, marked;
	tt_status st = onnx_fold(r, n, &folded);

	if (st != TT_OK || folded || (st = views_step(r, n, &marked)) != TT_OK || marked ||
	    (st = marks_step(r, n, &marked)) != TT_OK || marked)
		return st;
	while (row->op && strcmp(row->op, n->op_type) != 0)
		row++;
	return row->op ? row->say(r, n) : onnx_refuse(r, n, "tutti has no such layer");
}

static tt_status say_nodes(struct net *r)
{
	tt_status st = fold_ahead(r);

	for (r->at = 0; r->at < r->g->n_node && st == TT_OK; r->at++)
		if (!r->done[r->at])
			st = say_node(r, r->g->node[r->at]);
	return st == TT_OK && r->failed ? TT_ENOMEM : st;
}

/* The spec says layers one after the other: the answer is the last. */
static tt_status check_answer(struct net *r)
{
	const struct value *y = onnx_find(r, r->g->output[0]->name);

	if (!y || y->kind != VALUE_LAYER)
		return onnx_damaged(r, "nothing makes its output '%.80s'", r->g->output[0]->name);
	if (y->form != FORM_PLAIN || y->ndim < 2 || y->ndim > 3)
		return err_set(TT_ESUPPORT, "%s: its output is neither a list of numbers for each sample "
		               "nor one for each place", r->path);
	if (r->latest && strcmp(y->layer, r->latest) == 0)
		return TT_OK;
	return err_set(TT_ESUPPORT, "%s: layers stand behind its output, or there are none", r->path);
}

/* ---- the spec ---- */

static void add_list(struct net *r, struct str *s, const char *key, const struct value *v)
{
	const float *f;
	size_t n;
	char number[32];

	if (!v || onnx_floats(r, v, &f, &n) != TT_OK)
		return;
	str_addf(s, "  %s: [", key);
	for (size_t i = 0; i < n; i++) {
		for (int digits = 1; digits <= 9; digits++) {   /* the fewest that give the float back */
			snprintf(number, sizeof number, "%.*g", digits, (double)f[i]);
			if (strtof(number, NULL) == f[i])
				break;
		}
		str_addf(s, "%s%s", i ? ", " : "", number);
	}
	str_add(s, "]\n");
}

static void add_shape(const struct onnx_in *in, struct str *s)
{
	for (int i = 1; i < in->ndim; i++)
		str_addf(s, "%s%lld", i > 1 ? ", " : "[",
		         in->dim[i] == NET_LENGTH ? -1LL : (long long)in->dim[i]);
	str_add(s, "]");
}

static void add_model(struct net *r, struct str *s)
{
	if (is_plain(r)) {
		str_add(s, "model:\n  input: ");
		add_shape(&r->input[0], s);
	} else {
		str_add(s, "model:\n  inputs: {");
		for (int i = 0; i < r->n_inputs; i++) {
			str_add(s, i ? ", " : "");
			str_add_json(s, r->input[i].name);
			str_add(s, ": {shape: ");
			add_shape(&r->input[i], s);
			str_add(s, r->input[i].whole ? ", type: i32}" : "}");
		}
		str_add(s, "}");
	}
	str_addf(s, "\n  loss: %s\n  layers:\n%s", onnx_loss(r),
	         r->yaml.p ? r->yaml.p : "");
}

static tt_status parse_spec(struct net *r, tt_spec **out)
{
	struct str s = {0};
	tt_status st;

	str_add(&s, "name: ");
	str_add_json(&s, r->g->name && *r->g->name ? r->g->name : "onnx");
	str_add(&s, "\n");
	if (r->input[0].mean || r->input[0].std)
		str_add(&s, "data:\n");
	add_list(r, &s, "mean", r->input[0].mean);
	add_list(r, &s, "std", r->input[0].std);
	add_model(r, &s);
	if ((st = str_status(&s)) == TT_OK && (st = str_status(&r->yaml)) == TT_OK)
		st = r->failed ? TT_ENOMEM : tt_spec_parse(out, r->path, s.p);
	str_release(&s);
	return st;
}

static tt_status check_model(struct net *r)
{
	const Onnx__Model *m = r->model;

	if (!m->graph)
		return onnx_damaged(r, "it has no graph");
	for (size_t i = 0; i < m->n_opset_import; i++)
		if (!m->opset_import[i]->domain || !*m->opset_import[i]->domain)
			r->opset = m->opset_import[i]->version;
	if (r->opset < OPSET_MIN || r->opset > OPSET_MAX)
		return err_set(TT_ESUPPORT, "%s: opset %lld: %d to %d are read", r->path,
		               (long long)r->opset, OPSET_MIN, OPSET_MAX);
	return TT_OK;
}

static tt_status make_spec(struct net *r, tt_spec **out)
{
	tt_status st;

	if ((st = check_model(r)) != TT_OK)
		return st;
	r->g = r->model->graph;
	if ((st = check_nodes(r)) != TT_OK || (st = onnx_reach(r)) != TT_OK)
		return st;
	r->slots = r->g->n_node + r->g->n_initializer + 64;
	if (!(r->table = onnx_room(r, r->slots, sizeof(*r->table))) ||
	    !(r->names = onnx_room(r, r->slots, sizeof(*r->names))) ||
	    !(r->done = onnx_room(r, r->g->n_node, 1)))
		return TT_ENOMEM;
	if ((st = add_constants(r)) != TT_OK ||
	    (st = add_inputs(r)) != TT_OK || (st = say_nodes(r)) != TT_OK ||
	    (st = check_answer(r)) != TT_OK)
		return st;
	return parse_spec(r, out);
}

static void release(struct net *r)
{
	mem_free(r->number);
	str_release(&r->yaml);
	arena_release(&r->arena);
}

/* ---- the model ---- */

static const struct param *find_param(const struct tt_model *m, const char *name, float **at)
{
	for (int i = 0; i < tt_model_tensors(m); i++) {
		const struct param *p = i < m->n_params ? &m->param[i] : &m->buffer[i - m->n_params];

		if (strcmp(p->name, name) == 0) {
			*at = (i < m->n_params ? m->params : m->buffers) + p->offset;
			return p;
		}
	}
	return NULL;
}

static tt_status load_number(const struct net *r, const struct number *x, struct tt_model *m)
{
	const struct tensor_desc is = tensor_desc_make(DTYPE_F32, x->ndim, x->dim);
	char a[TENSOR_TEXT], b[TENSOR_TEXT];
	const struct param *p;
	float *at;

	if (!(p = find_param(m, x->name, &at)))
		return err_set(TT_EINTERNAL, "%s: no tensor '%s' was made", r->path, x->name);
	if (!tensor_same(&is, &p->desc))
		return err_set(TT_EFORMAT, "%s: %s is %s, its layer needs %s", r->path, x->name,
		               tensor_text(&is, a), tensor_text(&p->desc, b));
	memcpy(at, x->f, p->count * sizeof *at);
	return TT_OK;
}

static tt_status make_model(struct net *r, tt_model **out)
{
	tt_spec *s = NULL;
	tt_model *m = NULL;
	tt_status st;

	if ((st = make_spec(r, &s)) == TT_OK)
		st = tt_model_new(&m, s);
	for (size_t i = 0; i < r->n_numbers && st == TT_OK; i++)
		st = load_number(r, &r->number[i], m);
	if (st == TT_OK && (st = onnx_names(r, m)) == TT_OK) {
		*out = m;
		m = NULL;
	}
	tt_model_free(&m);
	tt_spec_free(&s);
	return st;
}

/* What of messages may be more than their bytes: tables of pointers, and small structs. */
static tt_status unpack(struct net *r, const void *bytes, size_t n, struct budget *b)
{
	ProtobufCAllocator a = { take, give_back, b };

	b->left = ((size_t)64 << 20) + 2 * n;
	if (!(r->model = onnx__model__unpack(&a, n, bytes)))
		return onnx_damaged(r, "its bytes are no such messages, or too many for its size");
	return TT_OK;
}

tt_status onnx_read_bytes(tt_model **out, const char *name, const void *bytes, size_t n)
{
	struct net r = { .path = name };
	struct budget b;
	ProtobufCAllocator a = { take, give_back, &b };
	tt_status st = unpack(&r, bytes, n, &b);

	if (st != TT_OK)
		return st;
	r.usable = ((size_t)1 << 22) + 2 * n;           /* each float eight times */
	st = make_model(&r, out);
	release(&r);
	onnx__model__free_unpacked((Onnx__Model *)r.model, &a);
	return st;
}

tt_status onnx_read(tt_model **out, const char *path)
{
	char *bytes;
	size_t n;
	tt_status st = file_read_all(path, INT32_MAX, &bytes, &n);

	if (st != TT_OK)
		return st;
	st = onnx_read_bytes(out, path, bytes, n);
	mem_free(bytes);
	return st;
}
