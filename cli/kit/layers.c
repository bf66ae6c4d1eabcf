#include "kit/layers.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "kit/table.h"

/* Neighbouring nodes of one layer (a convolution and its activation) are one row. */
struct row {
	const char *name;
	char        kind[64], shape[TENSOR_TEXT];
	int64_t     params;
	double      flops;               /* per sample, forward */
};

struct rows { struct row *v; int n; };

static const char *kind_of(const struct ir_node *n)
{
	if (n->op == IR_ACT)
		return ir_act_name(n->attr.act);
	if (n->op == IR_BATCHNORM_INFER)
		return ir_op_name(IR_BATCHNORM);
	return ir_op_name(n->op);
}

/* The shape of one sample: without the batch in front. */
static void shape_of(const struct ir_value *v, char out[TENSOR_TEXT])
{
	struct tensor_desc d = v->desc;

	if (d.ndim > 1) {
		memmove(d.dim, d.dim + 1, sizeof d.dim - sizeof d.dim[0]);
		d.ndim--;
	}
	tensor_text(&d, out);
}

static void add_node(struct rows *r, const struct ir_node *n, int64_t batch)
{
	const char *kind = kind_of(n);
	struct row *row = r->n ? &r->v[r->n - 1] : NULL;
	size_t      used;

	if (!row || strcmp(row->name, n->name) != 0) {
		row = &r->v[r->n++];
		*row = (struct row){ .name = n->name };
	}
	used = strlen(row->kind);
	snprintf(row->kind + used, sizeof row->kind - used, "%s%s", used ? " " : "", kind);
	shape_of(n->out[0], row->shape);
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i]->kind == IR_PARAM)
			row->params += tensor_count(&n->in[i]->desc);
	row->flops += ir_flops(n) / (double)batch;
}

/* Names stay in the graph: it must outlive the rows. */
static tt_status rows_make(struct rows *r, const struct ir_graph *g, int64_t batch)
{
	if (!(r->v = mem_calloc((size_t)g->n_nodes + 1, sizeof *r->v)))
		return TT_ENOMEM;
	for (const struct ir_node *n = g->first; n; n = n->next)
		add_node(r, n, batch);
	return TT_OK;
}

static void print_rows(const struct rows *r, int64_t params)
{
	struct table t;
	char         count[NUMBER_TEXT], flops[NUMBER_TEXT];
	double       sum = 0;

	table_init(&t, "lllrr");
	table_add(&t, "layer\tkind\toutput\tparameters\tFLOP");
	table_rule(&t);
	for (int i = 0; i < r->n; i++) {
		const struct row *w = &r->v[i];

		table_add(&t, "%s\t%s\t%s\t%s\t%s", w->name, w->kind, w->shape,
		          w->params ? text_count(w->params, count) : "",
		          text_si(w->flops, flops));
		sum += w->flops;
	}
	table_rule(&t);
	table_add(&t, "all\t\t\t%s\t%s", text_count(params, count), text_si(sum, flops));
	table_print(&t, stdout);
	table_release(&t);
}

tt_status layers_print(const tt_model *m, int64_t batch)
{
	struct ir_graph *g = NULL;
	struct rows      r = { 0 };
	tt_status        st = nn_graph(m, batch, NN_PREDICT, &g);

	if (st == TT_OK && (st = rows_make(&r, g, batch)) == TT_OK)
		print_rows(&r, (int64_t)m->param_count);
	mem_free(r.v);
	ir_graph_free(&g);
	return st;
}

tt_status layers_json(const tt_model *m, int64_t batch, struct json *j)
{
	struct ir_graph *g = NULL;
	struct rows      r = { 0 };
	tt_status        st = nn_graph(m, batch, NN_PREDICT, &g);

	if (st == TT_OK)
		st = rows_make(&r, g, batch);
	json_open(j, "layers", '[');
	for (int i = 0; st == TT_OK && i < r.n; i++) {
		json_open(j, NULL, '{');
		json_text(j, "name", r.v[i].name);
		json_text(j, "kind", r.v[i].kind);
		json_text(j, "output", r.v[i].shape);
		json_int(j, "parameters", r.v[i].params);
		json_number(j, "flops", r.v[i].flops);
		json_close(j, '}');
	}
	json_close(j, ']');
	mem_free(r.v);
	ir_graph_free(&g);
	return st;
}
