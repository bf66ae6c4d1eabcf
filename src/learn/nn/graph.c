/* From layers to a whole graph: input, body, and the heads that losses want. */
#include "learn/nn/model.h"

#include <stdlib.h>

#include "base/mem.h"
#include "compute/pass/pass.h"
#include "learn/nn/build.h"
#include "learn/nn/heads.h"
#include "learn/nn/place.h"

#define PIECE ((size_t)1 << 19)    /* weights: 2 MB */

/* The input that it is, perhaps in another shape, or NULL. */
static struct net_input *input_of(const struct tt_model *m, const struct builder *b,
                                  const struct ir_value *v)
{
	while (v->maker && v->maker->op == IR_RESHAPE)
		v = v->maker->in[0];
	for (int i = 0; i < m->n_inputs; i++)
		if (v == b->input[i])
			return &m->input[i];
	return NULL;
}

static tt_status find_tokens(struct tt_model *m, const struct builder *b)
{
	for (const struct ir_node *n = b->g->first; n; n = n->next) {
		struct net_input *in = n->op == IR_EMBEDDING ? input_of(m, b, n->in[0]) : NULL;

		if (!in || (in->tokens && in->tokens <= n->in[1]->desc.dim[0]))
			continue;
		in->tokens = n->in[1]->desc.dim[0];
		if (!(in->embedding = arena_strdup(&m->arena, n->name)))
			return TT_ENOMEM;
	}
	return TT_OK;
}

static int is_read(const struct ir_graph *g, const struct ir_value *v)
{
	for (const struct ir_node *n = g->first; n; n = n->next)
		for (int i = 0; i < n->n_in; i++)
			if (n->in[i] == v)
				return 1;
	return 0;
}

static tt_status check_inputs(const struct tt_model *m, const struct builder *b)
{
	for (int i = 0; m->n_inputs > 1 && i < m->n_inputs; i++)
		if (!is_read(b->g, b->input[i]))
			return node_err(m->net.inputs, TT_ESPEC, "no layer reads the input '%.60s': a layer "
			                "does by `from: %.60s`", m->input[i].name, m->input[i].name);
	return TT_OK;
}

static tt_status look_at_inputs(struct tt_model *m, const struct builder *b)
{
	tt_status st = check_inputs(m, b);

	return st == TT_OK ? find_tokens(m, b) : st;
}

static tt_status build_graph(struct builder *b, struct ir_graph **out)
{
	tt_status st;

	if ((st = ir_graph_new(&b->g)) != TT_OK)
		return st;
	st = build_net(b);
	if (st == TT_OK && b->shape.purpose == NN_TRAIN)
		st = pass_defer(b->g);
	if (st == TT_OK && b->shape.group && b->shape.group->factors.hosts)
		pass_factor(b->g, &b->shape.group->factors);
	if (st == TT_OK && b->shape.purpose == NN_TRAIN)
		st = pass_lookup(b->g);
	if (st == TT_OK && b->shape.purpose == NN_TRAIN)
		st = pass_split(b->g, PIECE);
	if (st == TT_OK)
		st = heads_add(b);
	if (st == TT_OK && b->shape.group && b->shape.group->norm_ranks)
		st = pass_sync_batchnorm(b->g);
	if (st == TT_OK && b->grow)
		st = look_at_inputs(b->grow, b);
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
	return nn_graph_of(m, &(struct nn_shape){ .batch = batch, .length = NN_LENGTH,
	                                          .purpose = purpose }, out);
}

tt_status nn_graph_of(const struct tt_model *m, const struct nn_shape *s, struct ir_graph **out)
{
	struct builder b = { .m = m, .shape = *s };

	return build_graph(&b, out);
}

tt_status nn_states(const struct tt_model *m, const struct nn_shape *s, struct nn_states *out)
{
	struct nn_states found = {0};
	struct builder b = { .m = m, .shape = *s, .states = &found };
	struct ir_graph *g = NULL;
	tt_status st = build_graph(&b, &g);

	ir_graph_free(&g);
	if (st == TT_OK)
		*out = found;
	else
		nn_states_release(&found);
	return st;
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
	const struct nn_shape s = { .batch = g->factors.rows, .length = NN_LENGTH,
	                            .purpose = NN_TRAIN, .group = g };
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

tt_status nn_collect(struct tt_model *m)
{
	struct pattern_list freeze;
	struct builder b = { .m = m, .grow = m, .freeze = &freeze, .shape = {
		.batch = 1, .length = NN_LENGTH, .purpose = NN_EVAL } };
	struct ir_graph *g;
	tt_status st;

	if ((st = pattern_list_make(&freeze, m->freeze, "train.freeze")) != TT_OK)
		return st;
	if ((st = nn_read_inputs(m)) != TT_OK || (st = nn_read_outputs(m)) != TT_OK ||
	    (st = nn_name_columns(m)) != TT_OK ||
	    (st = build_graph(&b, &g)) != TT_OK)
		goto out;
	m->inputs = m->input[0].numbers;
	m->outputs = m->out_desc.dim[m->out_desc.ndim - 1];
	ir_graph_free(&g);
	if ((st = nn_check_used(&freeze, m, "train.freeze")) == TT_OK)
		nn_place(m);
out:
	pattern_list_release(&freeze);
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
