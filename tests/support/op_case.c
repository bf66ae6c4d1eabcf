#include "support/op_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "compute/ir/op.h"
#include "support/hashed.h"
#include "support/interp.h"
#include "support/support.h"

#define MAX_CASES 600
#define MAX_LINE 400

const struct run_context op_case_run = { .seed = 7, .step = 3, .sample = 5, .sample_stride = 2 };

/* ---- reading ---- */

static enum ir_act act_by_name(const char *name)
{
	for (int a = ACT_NONE; a < ACT_COUNT; a++)
		if (strcmp(ir_act_name(a), name) == 0)
			return a;
	fail_msg("no activation is called %s", name);
	return ACT_NONE;
}

static enum ir_op op_by_name(const char *name)
{
	for (int op = 0; op < IR_OP_COUNT; op++)
		if (strcmp(ir_op_name(op), name) == 0)
			return op;
	fail_msg("no operation is called %s", name);
	return 0;
}

/* "1,2,3" into the field; returns how many numbers there were. */
static int read_numbers(void *field, enum ir_attr_kind kind, const char *text, int max)
{
	int n = 0;

	for (const char *p = text; p && n < max; p = strchr(p, ','), p = p ? p + 1 : NULL, n++) {
		if (kind == ATTR_INT)
			((int *)field)[n] = atoi(p);
		else if (kind == ATTR_I64)
			((int64_t *)field)[n] = atoll(p);
		else
			((float *)field)[n] = strtof(p, NULL);
	}
	return n;
}

static void read_attribute(struct op_case *c, const char *name, const char *value)
{
	if (strcmp(name, "act") == 0) {
		c->attr.act = act_by_name(value);
		return;
	}
	if (strcmp(name, "then") == 0) {
		c->then = act_by_name(value);
		return;
	}
	for (const struct ir_attr_row *row = ir_attr_rows; row->name; row++)
		if (strcmp(row->name, name) == 0) {
			char *field = (char *)&c->attr + row->offset;
			int n = read_numbers(field, row->kind, value, row->count);

			if (strcmp(name, "dims") == 0)
				c->attr.ndim = n;
			return;
		}
	fail_msg("case %s: no attribute is called %s", c->name, name);
}

static void read_input(struct arena *a, struct op_case *c, char *word)
{
	struct op_input *in = &c->in[c->n_in];
	char *shape = strchr(word, ':'), *kind = shape ? strchr(shape + 1, ':') : NULL;

	if (shape)
		*shape++ = '\0';
	if (kind)
		*kind++ = '\0';
	*in = (struct op_input){ .name = arena_strdup(a, word), .again = -1,
	                         .kind = arena_strdup(a, kind ? kind : "") };
	for (int i = 0; i < c->n_in; i++)
		if (strcmp(c->in[i].name, word) == 0)
			in->again = i;
	in->desc.dtype = strncmp(in->kind, "int", 3) == 0 || strncmp(in->kind, "both", 4) == 0 ?
	                 DTYPE_S32 : DTYPE_F32;
	for (char *p = shape; p; p = strchr(p, 'x'), p = p ? p + 1 : NULL)
		in->desc.dim[in->desc.ndim++] = atoll(p);
	c->n_in++;
}

static void read_case(struct arena *a, struct op_case *c, char *line)
{
	char *rest, *word = strtok_r(line, " \t", &rest);

	c->name = arena_strdup(a, word);
	word = strtok_r(NULL, " \t", &rest);
	assert_non_null(word);
	c->op = op_by_name(word);
	while ((word = strtok_r(NULL, " \t", &rest))) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		if (value)
			read_attribute(c, word, value);
		else if (strcmp(word, "grad") == 0)
			c->grad = 1;
		else
			read_input(a, c, word);
	}
}

void op_cases_read(struct op_cases *out, const char *path)
{
	char *text, *rest, *line;

	*out = (struct op_cases){ 0 };
	assert_ok(file_read_all(path, 0, &text, &(size_t){ 0 }));
	out->item = arena_alloc(&out->arena, MAX_CASES * sizeof *out->item);
	assert_non_null(out->item);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line[strcspn(line, "#")] = '\0';
		if (line[strspn(line, " \t")] == '\0')
			continue;
		assert_true(out->n < MAX_CASES);
		read_case(&out->arena, &out->item[out->n++], line);
	}
	mem_free(text);
}

void op_cases_release(struct op_cases *c)
{
	arena_release(&c->arena);
}

/* ---- numbers ---- */

static const char *kind_of(const struct op_case *c, const char *name)
{
	for (int i = 0; i < c->n_in; i++)
		if (strcmp(c->in[i].name, name) == 0)
			return c->in[i].kind;
	return "";
}

/* One in thirteen is none, of either sign: what processors make of inf - inf is a negative one. */
static void poison(float *x, int64_t n)
{
	for (int64_t i = n > 5 ? 5 : 0; i < n; i += 13)
		x[i] = i % 2 ? NAN : -NAN;
}

void op_case_fill(const struct op_case *c, const struct ir_value *v, void *data)
{
	int64_t n = tensor_count(&v->desc);
	struct hashed h = hashed_init(c->name, v->name, kind_of(c, v->name));

	for (int64_t i = 0; i < n; i++) {
		double x = strcmp(v->name, "seed") == 0 ? OP_CASE_SEED : hashed_number(&h, i, n);

		if (v->desc.dtype == DTYPE_S32)
			((int32_t *)data)[i] = (int32_t)x;
		else
			((float *)data)[i] = (float)x;
	}
	if (c->poisoned && strcmp(c->poisoned, v->name) == 0)
		poison(data, n);
}

/* ---- graph ---- */

static int is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return 1;
	return 0;
}

/* Running statistics are buffers; labels and targets are inputs; what can have a gradient is a
 * parameter; without gradients only weights are, as in a net that predicts. */
static struct ir_value *make_value(struct ir_graph *g, const struct op_case *c, int i)
{
	static const char *const buffers[] = { "mean", "var", NULL };
	static const char *const inputs[] = { "target", "label", "index", "weight", "lengths", NULL };
	static const char *const weights[] = { "w", "b", "gamma", "beta", "table", NULL };
	const struct op_input *in = &c->in[i];
	size_t n = (size_t)tensor_count(&in->desc);
	struct ir_value *v;

	if (is_one_of(in->name, buffers)) {
		v = ir_buffer(g, in->name, &in->desc, g->buffer_count);
		g->buffer_count = v->offset + n;
	} else if (!is_one_of(in->name, inputs) && (c->grad || is_one_of(in->name, weights))) {
		v = ir_param(g, in->name, &in->desc, g->param_count);
		g->param_count = v->offset + n;
	} else {
		v = ir_input(g, in->name, &in->desc);
	}
	assert_non_null(v);
	return v;
}

static struct ir_node *emit(struct ir_graph *g, enum ir_op op, const char *name,
                            struct ir_value *const in[2], const struct ir_attr *attr)
{
	struct ir_node *n = ir_emit(g, op, name, in, in[1] ? 2 : 1, attr);

	if (!n)
		fail_msg("%s: %s", name, tt_last_error());
	return n;
}

static int is_loss(enum ir_op op)
{
	return op == IR_XENT || op == IR_BCE || op == IR_MSE || op == IR_MAE || op == IR_HUBER ||
	       op == IR_FOCAL || op == IR_SIGMOID_FOCAL || op == IR_HINGE || op == IR_KL ||
	       op == IR_CTC;
}

/* The mean squared error between y, as rows, and hashed numbers. */
static struct ir_value *make_loss(struct ir_graph *g, struct ir_value *y)
{
	int64_t n = tensor_count(&y->desc);
	struct ir_attr rows = { .ndim = 2, .dims = { y->desc.dim[0], n / y->desc.dim[0] } };
	struct tensor_desc d = tensor_desc_make(DTYPE_F32, 2, rows.dims);
	struct ir_value *flat = y;

	if (!tensor_same(&y->desc, &d))
		flat = emit(g, IR_RESHAPE, "flat", (struct ir_value *[2]){ y }, &rows)->out[0];
	return emit(g, IR_MSE, "loss", (struct ir_value *[2]){ flat, ir_input(g, "goal", &d) },
	            NULL)->out[0];
}

/* All that can have a gradient side by side, sample by sample: a loss of this reaches each. */
static struct ir_value *beside(struct ir_graph *g, struct ir_node *n, struct ir_value *y)
{
	struct ir_value *part[IR_MAX_OUT + 1] = { 0 };
	const struct ir_attr columns = { .axis = 1 };
	int parts = 0;

	if (ir_op_row(n->op)->grads == 1 || n->n_out == 1)
		return y;
	for (int i = 0; i < n->n_out && ir_op_row(n->op)->grads >> i & 1; i++) {
		struct ir_value *v = i == 0 ? y : n->out[i];
		const int64_t rows = v->desc.dim[0], width = tensor_count(&v->desc) / rows;
		const struct ir_attr flat = { .ndim = 2, .dims = { rows, width } };

		part[parts++] = emit(g, IR_RESHAPE, "part", (struct ir_value *[2]){ v }, &flat)->out[0];
	}
	n = ir_emit(g, IR_CONCAT, "beside", part, parts, &columns);
	assert_non_null(n);
	return n->out[0];
}

/* Statistics that only the gradient wants, masks and places of maxima are no results: a device
 * may keep its own. */
static int counts_as_output(const struct op_case *c, int i)
{
	static const enum ir_op second[] = { IR_XENT, IR_FOLD_BN, IR_BN_JOIN, IR_BN_SUMS, IR_FACTORS,
	                                     IR_PRELU_DX };

	for (size_t k = 0; k < sizeof second / sizeof *second; k++)
		if (i == 1 && c->op == second[k])
			return 1;
	return ir_op_row(c->op)->grads >> i & 1;
}

struct ir_graph *op_case_graph(const struct op_case *c)
{
	struct ir_value *in[OP_CASE_INPUTS] = { 0 }, *y;
	struct ir_graph *g;
	struct ir_node *n;

	assert_ok(ir_graph_new(&g));
	for (int i = 0; i < c->n_in; i++)
		in[i] = c->in[i].again >= 0 ? in[c->in[i].again] : make_value(g, c, i);
	n = ir_emit(g, c->op, c->name, in, c->n_in, &c->attr);
	if (!n)
		fail_msg("%s", tt_last_error());
	y = n->out[0];
	if (c->then != ACT_NONE) {
		struct ir_attr attr = { .act = c->then, .alpha = c->attr.alpha };

		y = emit(g, IR_ACT, "then", (struct ir_value *[2]){ y }, &attr)->out[0];
	}
	for (int i = 0; i < n->n_out; i++)
		if (counts_as_output(c, i))
			ir_output(g, i == 0 ? y : n->out[i]);
	if (c->grad)
		assert_ok(ir_backward(g, is_loss(c->op) ? y : make_loss(g, beside(g, n, y))));
	assert_ok(ir_verify(g));
	return g;
}

/* ---- results ---- */

void op_case_visit(const struct ir_graph *g, op_result_fn f, void *ctx)
{
	char name[32];

	for (int o = 1; o <= g->n_outputs; o++)
		for (int i = 0; i < g->n_values; i++)
			if (g->value[i]->output == o) {
				snprintf(name, sizeof name, "y%d", o - 1);
				f(ctx, OP_RESULT_OUTPUT, name, g->value[i]);
			}
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_PARAM && g->value[i]->grad) {
			snprintf(name, sizeof name, "d_%s", g->value[i]->name);
			f(ctx, OP_RESULT_GRAD, name, g->value[i]);
		}
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_BUFFER)
			f(ctx, OP_RESULT_BUFFER, g->value[i]->name, g->value[i]);
}

void op_results_add(struct op_results *r, const char *name, const float *v, int64_t n)
{
	struct op_result *e = &r->item[r->n];

	assert_true(r->n < OP_CASE_RESULTS);
	snprintf(e->name, sizeof e->name, "%s", name);
	e->v = mem_alloc((size_t)n * sizeof *v);
	assert_non_null(e->v);
	memcpy(e->v, v, (size_t)n * sizeof *v);
	e->n = n;
	r->n++;
}

void op_results_release(struct op_results *r)
{
	for (int i = 0; i < r->n; i++)
		mem_free(r->item[i].v);
	r->n = 0;
}

struct reference { struct interp *p; struct op_results *out; };

static void add_reference(void *ctx, enum op_result_kind kind, const char *name,
                          const struct ir_value *v)
{
	const struct reference *r = ctx;
	const struct ir_value *from = kind == OP_RESULT_GRAD ? v->grad : v;

	op_results_add(r->out, name, interp_f32(r->p, from), tensor_count(&v->desc));
}

void op_case_reference(const struct op_case *c, const struct ir_graph *g, struct op_results *out)
{
	struct reference r = { .out = out };

	out->n = 0;
	assert_ok(interp_new(&r.p, g));
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind != IR_TEMP)
			op_case_fill(c, g->value[i], interp_data(r.p, g->value[i]));
	interp_run(r.p, &op_case_run);
	op_case_visit(g, add_reference, &r);
	interp_free(&r.p);
}
