/* What the kinds of layers are made with: parameters, buffers, operations, messages. */
#include "learn/nn/layer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compute/ir/edit.h"

const char *const act_words[] = {
	[ACT_NONE] = "none", [ACT_RELU] = "relu", [ACT_LEAKY_RELU] = "leaky_relu", [ACT_ELU] = "elu",
	[ACT_GELU] = "gelu", [ACT_SILU] = "silu", [ACT_SIGMOID] = "sigmoid", [ACT_TANH] = "tanh",
	[ACT_RELU6] = "relu6", [ACT_HARDSWISH] = "hardswish", [ACT_HARDSIGMOID] = "hardsigmoid", NULL
};

/* ---- messages ---- */

int layer_err_text(const struct layer *l, const char *fmt, ...)
{
	char text[ERR_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return node_err_text(l->node, "%s (%s): %s", l->name, l->kind->name, text);
}

tt_status layer_failed(const struct layer *l)
{
	if (!l->node->file)
		return err_status();
	if (l->node->line == 0)
		return err_at(err_status(), "%s", l->node->file);
	return err_at(err_status(), "%s:%d", l->node->file, l->node->line);
}

const char *layer_value_text(const struct ir_value *v, char buf[LAYER_VALUE_TEXT])
{
	char shape[TENSOR_TEXT];

	snprintf(buf, LAYER_VALUE_TEXT, "%s from %s%.100s", tensor_text(&v->desc, shape),
	         v->kind == IR_INPUT ? "input " : "", v->name);
	return buf;
}

tt_status layer_need_dims(const struct layer *l, int ndim, const char *what)
{
	char text[LAYER_VALUE_TEXT];

	if (l->in[0]->desc.ndim == ndim)
		return TT_OK;
	return layer_err(l, TT_ESHAPE, "needs %s, but gets %s", what,
	                 layer_value_text(l->in[0], text));
}

/* ---- sequences ---- */

struct timed {
	const struct ir_value *v;
	struct ir_value       *lengths;
	struct timed          *next;
};

struct ir_value *build_lengths(const struct builder *b, const struct ir_value *v)
{
	for (const struct timed *t = b->timed; t; t = t->next)
		if (t->v == v)
			return t->lengths;
	return NULL;
}

tt_status build_set_lengths(struct builder *b, const struct ir_value *v, struct ir_value *lengths)
{
	struct timed *t;

	if (!lengths || build_lengths(b, v) == lengths)
		return TT_OK;
	if (!(t = arena_alloc(&b->arena, sizeof *t)))
		return TT_ENOMEM;
	*t = (struct timed){ v, lengths, b->timed };
	b->timed = t;
	return TT_OK;
}

tt_status build_limit(struct builder *b, const struct layer *l, const struct ir_value *lengths,
                      int64_t most)
{
	for (int i = 0; b->grow && i < b->grow->n_inputs; i++) {
		struct net_input *in = &b->grow->input[i];

		if (build_lengths(b, b->input[i]) != lengths || (in->most && in->most <= most))
			continue;
		in->most = most;
		if (!(in->limit = arena_strdup(&b->grow->arena, l->name)))
			return TT_ENOMEM;
	}
	return TT_OK;
}

/* ---- parameters ---- */

/* The next row of a table, growing by doubling in the model's arena. */
static struct param *grow_table(struct arena *a, struct param **table, int n)
{
	struct param *wider;

	if (n & (n - 1) || n == 1)
		return *table + n;
	wider = arena_alloc(a, (size_t)(n ? 2 * n : 2) * sizeof *wider);
	if (!wider)
		return NULL;
	if (n)
		memcpy(wider, *table, (size_t)n * sizeof *wider);
	*table = wider;
	return wider + n;
}

static tt_status add_row(struct builder *b, struct param **table, int *n, size_t *total,
                         const struct param *row)
{
	struct param *p = grow_table(&b->grow->arena, table, *n);

	if (!p)
		return TT_ENOMEM;
	*p = *row;
	p->offset = *total;
	p->count = (size_t)tensor_count(&row->desc);
	if (!(p->name = arena_strdup(&b->grow->arena, row->name)))
		return TT_ENOMEM;
	if (__builtin_add_overflow(*total, p->count, total) || *total > PTRDIFF_MAX / sizeof(float))
		return err_set(TT_ESHAPE, "%s: the model is larger than any memory", row->name);
	++*n;
	return TT_OK;
}

static tt_status check_row(const struct param *p, const char *name, const struct tensor_desc *d)
{
	if (strcmp(p->name, name) != 0 || !tensor_same(&p->desc, d))
		return err_set(TT_EINTERNAL, "parameter %s of the graph is %s in the model", name, p->name);
	return TT_OK;
}

/* The name under which a parameter lies in the table: where the layer, or one around it, shares,
 * that of the other layer, which may share as well, but only with an earlier one. */
static const char *owner_of(struct builder *b, const char *name)
{
	for (struct shared *s = b->shared; s && name; s = s->next) {
		const size_t n = strlen(s->name);

		if (strncmp(name, s->name, n) == 0)
			name = arena_printf(&b->arena, "%s%s", s->of, name + n);
	}
	return name;
}

static const struct param *find_param(const struct builder *b, const char *name)
{
	for (int i = 0; i < b->n_params; i++)
		if (strcmp(b->m->param[i].name, name) == 0)
			return &b->m->param[i];
	return NULL;
}

static void mark_used(struct builder *b, const char *name)
{
	for (struct shared *s = b->shared; s; s = s->next)
		s->used |= strncmp(name, s->name, strlen(s->name)) == 0;
}

/* One value for all its readers, whose gradients are added. */
static tt_status take_shared(struct builder *b, const struct layer *l, const struct param *row,
                             const struct param *p, struct ir_value **out)
{
	char want[TENSOR_TEXT], has[TENSOR_TEXT];

	if (!tensor_same(&p->desc, &row->desc))
		return layer_err(l, TT_ESHAPE, "%s is %s and cannot be %s, which is %s", row->name,
		                 tensor_text(&row->desc, want), p->name, tensor_text(&p->desc, has));
	mark_used(b, row->name);
	b->at_rest = b->at_rest << 1 | (uint64_t)(p->frozen != 0);
	*out = ir_find(b->g, p->name);
	return *out ? TT_OK : err_set(TT_EINTERNAL, "%s is not in the graph", p->name);
}

tt_status build_param(struct builder *b, struct layer *l, const struct want *w,
                      struct ir_value **out)
{
	struct param row = { .role = w->role, .init = w->init,
	                     .desc = tensor_desc_make(DTYPE_F32, w->ndim, w->dim) };
	const struct param *other = NULL;
	const char *owner;
	tt_status st;
	int i;

	if (!(row.name = arena_printf(&b->arena, "%s.%s", l->name, w->what)) ||
	    !(owner = owner_of(b, row.name)))
		return TT_ENOMEM;
	if ((st = tensor_check(&row.desc)) != TT_OK)
		return err_at(layer_failed(l), "%s", row.name);
	if (owner != row.name && (other = find_param(b, owner)))
		return take_shared(b, l, &row, other, out);
	i = b->n_params++;
	row.frozen = b->freeze && pattern_list_find(b->freeze, row.name) != NULL;
	if (b->grow)
		st = add_row(b, &b->grow->param, &b->grow->n_params, &b->grow->param_count, &row);
	else
		st = check_row(&b->m->param[i], row.name, &row.desc);
	if (st != TT_OK)
		return st;
	if (!(*out = ir_param(b->g, row.name, &row.desc, b->m->param[i].offset)))
		return layer_failed(l);
	if (b->m->param[i].frozen)
		ir_freeze(*out);
	b->at_rest = b->at_rest << 1 | (uint64_t)(b->m->param[i].frozen != 0);
	return TT_OK;
}

int build_is_frozen(const struct builder *b, int n)
{
	const uint64_t all = ((uint64_t)1 << n) - 1;

	return (b->at_rest & all) == all;
}

tt_status build_buffer(struct builder *b, struct layer *l, const struct want *w,
                       struct ir_value **out)
{
	struct param row = { .role = w->role, .init = w->init, .frozen = w->frozen,
	                     .desc = tensor_desc_make(DTYPE_F32, w->ndim, w->dim) };
	int i = b->n_buffers++;
	tt_status st;

	if (!(row.name = arena_printf(&b->arena, "%s.%s", l->name, w->what)))
		return TT_ENOMEM;
	if (b->grow)
		st = add_row(b, &b->grow->buffer, &b->grow->n_buffers, &b->grow->buffer_count, &row);
	else
		st = check_row(&b->m->buffer[i], row.name, &row.desc);
	if (st != TT_OK)
		return st;
	*out = ir_buffer(b->g, row.name, &row.desc, b->m->buffer[i].offset);
	return *out ? TT_OK : layer_failed(l);
}

struct init build_weight_init(const struct builder *b, int word, int64_t fan_in, int64_t fan_out)
{
	int kind = word == 0 ? b->m->net.init : word - 1;

	return (struct init){ .kind = (enum init_kind)kind, .fan_in = fan_in, .fan_out = fan_out };
}

/* Biases begin at zero, save in PyTorch's own scheme. */
struct init build_bias_init(const struct init *weight)
{
	if (weight->kind == INIT_TORCH)
		return *weight;
	return (struct init){ .kind = INIT_ZEROS };
}

/* ---- nodes ---- */

tt_status build_op(struct builder *b, struct layer *l, enum ir_op op, struct ir_value *const *in,
                   int n_in, const struct ir_attr *attr)
{
	struct ir_node *n = ir_emit(b->g, op, l->name, in, n_in, attr);

	if (!n)
		return layer_failed(l);
	l->out = n->out[0];
	return TT_OK;
}

/* PyTorch's slopes; layers of their own can say others. */
tt_status build_act(struct builder *b, struct layer *l, int act)
{
	struct ir_attr a = { .act = (enum ir_act)act };

	if (act == ACT_NONE)
		return TT_OK;
	a.alpha = act == ACT_LEAKY_RELU ? 0.01f : act == ACT_ELU ? 1 : 0;
	return build_op(b, l, IR_ACT, &l->out, 1, &a);
}

/* FNV-1a */
static uint32_t stream_of(uint32_t h, const char *name)
{
	for (; name && *name; name++)
		h = (h ^ (unsigned char)*name) * 0x01000193u;
	return h;
}

/* Srivastava et al., 2014; scaled while training, so that in use it is nothing at all. */
tt_status build_dropout(struct builder *b, struct layer *l, const char *what, double p)
{
	const struct ir_attr a = { .p = (float)p,
	                           .stream = stream_of(stream_of(0x811c9dc5u, l->name), what) };

	if (b->shape.purpose != NN_TRAIN || !(p > 0))
		return TT_OK;
	return build_op(b, l, IR_DROPOUT, &l->out, 1, &a);
}
