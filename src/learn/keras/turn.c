#include "learn/keras/turn.h"

#include <string.h>

#include "base/mem.h"

/* ---- one tensor ---- */

struct tensor_desc turn_shape(const struct turn *t, const struct param *p)
{
	const int64_t *d = p->desc.dim;
	struct tensor_desc theirs = p->desc;

	if (t->kind == TURN_DENSE) {
		theirs.dim[0] = d[1];
		theirs.dim[1] = d[0];
	}
	if (t->kind == TURN_CONV) {
		theirs.dim[0] = d[2];
		theirs.dim[1] = d[3];
		theirs.dim[2] = t->times ? d[0] / t->times : d[1];
		theirs.dim[3] = t->times ? t->times : d[0];
	}
	return theirs;
}

/* A feature's place where channels come last. */
static int64_t feature(const struct turn *t, int64_t i)
{
	return t->c ? i % t->s * t->c + i / t->s : i;
}

/* Where our i-th number is theirs.  Of a channel by itself [c * times, 1, h, w] is, in their order,
 * (h, w, c, times): as if it were (h, w, 1, out). */
static int64_t place(const struct turn *t, const int64_t *d, int64_t i)
{
	switch (t->kind) {
	case TURN_CONV: {
		const int64_t taps = d[2] * d[3], tap = i % taps, in = i / taps % d[1];

		return (tap * d[1] + in) * d[0] + i / taps / d[1];
	}
	case TURN_DENSE:
		return feature(t, i % d[1]) * d[0] + i / d[1];
	case TURN_PLAIN:
		break;
	}
	return feature(t, i);
}

void turn_in(const struct turn *t, const struct param *p, const float *theirs, float *ours)
{
	for (int64_t i = 0; i < (int64_t)p->count; i++)
		ours[i] = theirs[place(t, p->desc.dim, i)];
}

void turn_out(const struct turn *t, const struct param *p, const float *ours, float *theirs)
{
	for (int64_t i = 0; i < (int64_t)p->count; i++)
		theirs[place(t, p->desc.dim, i)] = ours[i];
}

/* ---- all of a model ---- */

struct flat { int64_t c, s; };

/* The walk over the graph: what each value was before it was flattened. */
struct walk {
	const struct tt_model *m;
	const struct ir_graph *g;
	struct flat           *of;          /* by value */
	struct turns          *out;
};

static int index_of(const struct param *p, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(p[i].name, name) == 0)
			return i;
	return -1;
}

static struct turn *turn_of(struct walk *w, const struct ir_value *v)
{
	const int is_param = v->kind == IR_PARAM;
	const int i = is_param ? index_of(w->m->param, w->m->n_params, v->name)
	                       : index_of(w->m->buffer, w->m->n_buffers, v->name);

	return is_param ? &w->out->param[i] : &w->out->buffer[i];
}

static tt_status refuse(const struct ir_node *n)
{
	return err_set(TT_ESUPPORT, "layer %s (%s) reads flattened images, whose order Keras has "
	               "otherwise: put a dense layer between", n->name, ir_op_name(n->op));
}

static void set_all(struct walk *w, const struct ir_node *n, struct flat f)
{
	for (int i = 1; i < n->n_in; i++)
		if (n->in[i]->kind == IR_PARAM || n->in[i]->kind == IR_BUFFER) {
			struct turn *t = turn_of(w, n->in[i]);

			t->c = f.c;
			t->s = f.s;
		}
}

static void set_conv(struct walk *w, const struct ir_node *n)
{
	struct turn *t = turn_of(w, n->in[1]);
	const int64_t in = n->in[0]->desc.dim[1];

	t->kind = TURN_CONV;
	if (n->attr.groups > 1 && n->attr.groups == in)
		t->times = n->in[1]->desc.dim[0] / in;
}

static struct flat flattened(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc, *y = &n->out[0]->desc;

	if (x->ndim != 4 || y->ndim != 2 || x->dim[2] * x->dim[3] == 1 || x->dim[1] == 1)
		return (struct flat){ 0, 0 };
	return (struct flat){ x->dim[1], x->dim[2] * x->dim[3] };
}

static tt_status visit(struct walk *w, const struct ir_node *n)
{
	const struct flat none = { 0, 0 }, x = n->n_in ? w->of[n->in[0]->id] : none;
	struct flat *y = &w->of[n->out[0]->id];

	if ((n->op == IR_LAYERNORM || n->op == IR_SOFTMAX) && n->in[0]->desc.ndim != 2)
		return err_set(TT_ESUPPORT, "layer %s (%s) works along the width of an image here, along "
		               "the channels in Keras", n->name, ir_op_name(n->op));
	switch (n->op) {
	case IR_CONV2D:
		set_conv(w, n);
		return TT_OK;
	case IR_DENSE:
		turn_of(w, n->in[1])->kind = TURN_DENSE;
		turn_of(w, n->in[1])->c = x.c;
		turn_of(w, n->in[1])->s = x.s;
		return TT_OK;
	case IR_BATCHNORM_INFER: case IR_LAYERNORM:
		set_all(w, n, x);
		*y = x;
		return TT_OK;
	case IR_RESHAPE:
		if (x.c)
			return refuse(n);
		*y = flattened(n);
		return TT_OK;
	case IR_ACT:
		*y = x;
		return TT_OK;
	default:
		for (int i = 1; i < n->n_in; i++)
			if (w->of[n->in[i]->id].c != x.c || w->of[n->in[i]->id].s != x.s)
				return refuse(n);
		if (x.c && n->op != IR_ADD)
			return refuse(n);
		*y = x;
		return TT_OK;
	}
}

tt_status turns_find(struct turns *out, const struct tt_model *m)
{
	const size_t n = (size_t)tt_model_tensors(m) + 1;
	struct walk w = { .m = m, .out = out };
	struct ir_graph *g = NULL;
	tt_status st;

	if (!(out->param = mem_calloc(n, sizeof *out->param)))
		return TT_ENOMEM;
	out->buffer = out->param + m->n_params;
	if ((st = nn_graph(m, 1, NN_PREDICT, &g)) != TT_OK)
		goto out;
	w.g = g;
	if (!(w.of = mem_calloc((size_t)g->n_values + 1, sizeof *w.of)))
		st = TT_ENOMEM;
	for (const struct ir_node *k = g->first; k && st == TT_OK; k = k->next)
		st = visit(&w, k);
out:
	mem_free(w.of);
	ir_graph_free(&g);
	if (st != TT_OK) {
		mem_free(out->param);
		*out = (struct turns){ 0 };
	}
	return st;
}
