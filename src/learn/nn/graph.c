/* From layers to a whole graph: input, body, and the head that the loss wants. */
#include "learn/nn/model.h"

#include <stdlib.h>

#include "base/mem.h"
#include "compute/pass/pass.h"
#include "learn/nn/build.h"
#include "learn/nn/loss.h"

#define PIECE ((size_t)1 << 19)    /* weights: 2 MB */

static struct tensor_desc input_desc(const struct model_opts *o, int64_t batch)
{
	struct tensor_desc d = { .dtype = DTYPE_F32, .ndim = (int)o->input.n + 1 };

	d.dim[0] = batch;
	for (size_t i = 0; i < o->input.n; i++)
		d.dim[i + 1] = (int64_t)o->input.v[i];
	return d;
}

/* The last value must be rows of scores, and must not have been through the softmax already. */
static tt_status check_scores(const struct builder *b)
{
	const struct model_opts *o = &b->m->net;
	const struct loss_row *loss = loss_row(o->loss);
	const struct ir_value *y = b->last;
	char text[LAYER_VALUE_TEXT];

	if (y->desc.ndim != 2)
		return node_err(o->layers, TT_ESHAPE, "the model ends with %s, but the loss needs a list "
		                "of numbers per sample: end with `flatten`, `globalpool` or `dense`",
		                layer_value_text(y, text));
	if (loss->answers == ANSWERS_SOFTMAX && y->maker && y->maker->op == IR_SOFTMAX)
		return node_err(o->layers, TT_ESPEC, "%s is a softmax, which %s brings itself: "
		                "leave it out", y->name, loss->word);
	return TT_OK;
}

static tt_status add_loss(struct builder *b, struct ir_value **loss)
{
	const struct model_opts *o = &b->m->net;
	const struct loss_row *row = loss_row(o->loss);
	const struct tensor_desc *y = &b->last->desc;
	struct tensor_desc target = *y;
	struct ir_attr a = { .smoothing = (float)o->label_smoothing, .delta = (float)o->huber_delta };
	const struct tensor_desc weight = tensor_desc_make(DTYPE_F32, 1, y->dim);
	struct ir_value *in[3] = { b->last };
	struct ir_node *n;

	if (row->takes == TAKES_CLASS)
		target = (struct tensor_desc){ .dtype = DTYPE_S32, .ndim = 1, .dim = { y->dim[0] } };
	if (!(in[1] = ir_input(b->g, "target", &target)) ||
	    (b->weighted && !(in[2] = ir_input(b->g, "weight", &weight))) ||
	    !(n = ir_emit(b->g, row->op, "loss", in, 2 + b->weighted, &a)))
		return err_status();
	*loss = n->out[0];
	ir_output(b->g, *loss);
	ir_output(b->g, b->last);
	return TT_OK;
}

/* What users want to see: probabilities where the loss works on scores. */
static tt_status add_answer(struct builder *b)
{
	const enum loss_answers how = loss_row(b->m->net.loss)->answers;
	struct ir_attr sigmoid = { .act = ACT_SIGMOID };
	struct ir_value *y = b->last;
	struct ir_node *n = NULL;

	if (how == ANSWERS_SOFTMAX)
		n = ir_emit(b->g, IR_SOFTMAX, "answer", &y, 1, NULL);
	else if (how == ANSWERS_SIGMOID)
		n = ir_emit(b->g, IR_ACT, "answer", &y, 1, &sigmoid);
	if (!n && how != ANSWERS_VALUES)
		return err_status();
	ir_output(b->g, n ? n->out[0] : y);
	return TT_OK;
}

static tt_status add_head(struct builder *b)
{
	struct ir_value *loss;
	tt_status st;

	if ((st = check_scores(b)) != TT_OK)
		return st;
	if (b->purpose == NN_PREDICT)
		return add_answer(b);
	if ((st = add_loss(b, &loss)) != TT_OK || b->purpose == NN_EVAL)
		return st;
	return ir_backward(b->g, loss);
}

static tt_status build_graph(struct builder *b, struct ir_graph **out)
{
	tt_status st;

	if ((st = ir_graph_new(&b->g)) != TT_OK)
		return st;
	st = build_net(b);
	if (st == TT_OK && b->purpose == NN_TRAIN)
		st = pass_defer(b->g);
	if (st == TT_OK && b->group && b->group->factors.hosts)
		pass_factor(b->g, &b->group->factors);
	if (st == TT_OK && b->purpose == NN_TRAIN)
		st = pass_split(b->g, PIECE);
	if (st == TT_OK)
		st = add_head(b);
	if (st == TT_OK && b->group && b->group->norm_ranks)
		st = pass_sync_batchnorm(b->g);
	if (st == TT_OK)
		*out = b->g;
	else
		ir_graph_free(&b->g);
	build_release(b);
	return st;
}

tt_status nn_graph(const struct tt_model *m, int64_t batch, enum nn_purpose purpose,
                   struct ir_graph **out)
{
	return nn_graph_of(m, &(struct nn_shape){ .batch = batch, .purpose = purpose }, out);
}

tt_status nn_graph_of(const struct tt_model *m, const struct nn_shape *s, struct ir_graph **out)
{
	struct builder b = { .m = m, .purpose = s->purpose, .weighted = s->weighted,
	                     .group = s->group, .x = input_desc(&m->net, s->batch) };

	return build_graph(&b, out);
}

static int ascending(const void *a, const void *b)
{
	const size_t x = ((const struct nn_factored *)a)->at, y = ((const struct nn_factored *)b)->at;

	return (x > y) - (x < y);
}

tt_status nn_factored(const struct tt_model *m, const struct nn_group *g,
                      struct nn_factored **out, int *n)
{
	struct nn_factored *f = mem_calloc((size_t)m->n_params + 1, sizeof *f);
	struct ir_graph *graph = NULL;
	const struct nn_shape s = { .batch = g->factors.rows, .purpose = NN_TRAIN, .group = g };
	tt_status st = f ? nn_graph_of(m, &s, &graph) : TT_ENOMEM;

	*n = 0;
	if (st != TT_OK) {
		mem_free(f);
		return st;
	}
	for (const struct ir_node *d = graph->first; d; d = d->next)
		if ((d->op == IR_DENSE || d->op == IR_CONV2D) && d->attr.rows &&
		    ir_layer_factors(d, d->attr.rows, &f[*n].factors))
			f[(*n)++].at = d->in[1]->offset;
	qsort(f, (size_t)*n, sizeof *f, ascending);
	ir_graph_free(&graph);
	*out = f;
	return TT_OK;
}

/* Is it the input, perhaps in another shape? */
static int is_input(const struct builder *b, const struct ir_value *v)
{
	while (v != b->input && v->maker && v->maker->op == IR_RESHAPE)
		v = v->maker->in[0];
	return v == b->input;
}

static tt_status find_tokens(struct tt_model *m, const struct builder *b)
{
	for (const struct ir_node *n = b->g->first; n; n = n->next) {
		if (n->op != IR_EMBEDDING || !is_input(b, n->in[0]))
			continue;
		if (m->tokens && m->tokens <= n->in[1]->desc.dim[0])
			continue;
		m->tokens = n->in[1]->desc.dim[0];
		if (!(m->embedding = arena_strdup(&m->arena, n->name)))
			return TT_ENOMEM;
	}
	return TT_OK;
}

tt_status nn_collect(struct tt_model *m)
{
	struct builder b = { .m = m, .grow = m, .purpose = NN_EVAL,
	                     .x = input_desc(&m->net, 1) };
	struct ir_graph *g;
	tt_status st;

	if ((st = build_graph(&b, &g)) != TT_OK)
		return st;
	m->out_desc = b.last->desc;
	m->inputs = tensor_count(&b.x);
	m->outputs = tensor_count(&m->out_desc);
	st = find_tokens(m, &b);
	ir_graph_free(&g);
	return st;
}

tt_status nn_count(const struct model_opts *o, size_t *parameters, size_t *buffers)
{
	struct tt_model m = { .net = *o };
	tt_status st = nn_collect(&m);

	*parameters = m.param_count;
	*buffers = m.buffer_count;
	arena_release(&m.arena);
	return st;
}
