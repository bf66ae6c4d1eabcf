/* report.c -- a net is compiled, run on made-up numbers if asked to, and written down.
 *
 *   model --nn_graph--> layers            neighbouring nodes of one layer are one row
 *         --program---> steps, memory     as a trainer or a session compiles it */
#include <tutti/report.h>

#include <stdio.h>
#include <string.h>

#include "sys/policy.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/sized.h"
#include "learn/nn/model.h"
#include "learn/predict/program_cache.h"
#include "learn/spec/spec.h"
#include "sys/thread.h"

#define MAX_INPUTS (2 * NET_INPUTS_MAX + 3)
#define RUNS_MIN 5
#define RUNS_MAX 50
#define RUN_SECONDS 3.0

struct tt_report {
	struct arena     arena;           /* of all below */
	tt_report_info   info;
	tt_report_layer *layer;
	tt_report_step  *step;
};

static tt_status read_opts(const tt_model *m, const tt_report_opts *given, tt_report_opts *out)
{
	const struct train_opts *t = &m->spec->train;
	tt_status st = sized_options(out, sizeof *out, given, "tt_report_opts");

	if (st != TT_OK)
		return st;
	if (out->batch < 0 || out->batch > INT32_MAX || out->threads < 0 || out->threads > THREADS_MAX)
		return err_set(TT_EINVAL, "a report on %lld samples with %d threads: at most %d and %d",
		               (long long)out->batch, out->threads, INT32_MAX, THREADS_MAX);
	if (!out->batch)         /* as many as the trainer would compute in one go */
		out->batch = t->micro_batch && t->micro_batch < t->batch ? t->micro_batch : t->batch;
	return TT_OK;
}

static enum nn_purpose purpose_of(const tt_report_opts *o)
{
	return o->purpose == TT_REPORT_TRAIN ? NN_TRAIN : NN_PREDICT;
}

/* ---- layers ---- */

static const char *kind_of(const struct ir_node *n)
{
	if (n->op == IR_ACT)
		return ir_act_name(n->attr.act);
	if (n->op == IR_BATCHNORM_INFER)
		return ir_op_name(IR_BATCHNORM);
	return ir_op_name(n->op);
}

/* The shape of one sample: without the batch in front. */
static const char *sample_shape(struct arena *a, const struct ir_value *v)
{
	struct tensor_desc d = v->desc;
	char text[TENSOR_TEXT];

	if (d.ndim > 1) {
		memmove(d.dim, d.dim + 1, sizeof d.dim - sizeof d.dim[0]);
		d.ndim--;
	}
	return arena_strdup(a, tensor_text(&d, text));
}

/* Parameters that layers share are the first one's. */
static int is_first_reader(const struct ir_node *n, const struct ir_value *v)
{
	for (const struct ir_node *k = n->prev; k; k = k->prev)
		for (int i = 0; i < k->n_in; i++)
			if (k->in[i] == v)
				return 0;
	return 1;
}

/* A convolution and its activation are one layer of two kinds. */
static tt_status add_node(struct tt_report *r, const struct ir_node *n, int64_t batch)
{
	tt_report_layer *row = r->info.layers ? &r->layer[r->info.layers - 1] : NULL;

	if (!row || strcmp(row->name, n->name) != 0) {
		row = &r->layer[r->info.layers++];
		*row = (tt_report_layer){ .size = sizeof *row, .kind = "",
		                          .name = arena_strdup(&r->arena, n->name) };
	}
	row->kind = arena_printf(&r->arena, "%s%s%s", row->kind, *row->kind ? " " : "", kind_of(n));
	row->output = sample_shape(&r->arena, n->out[0]);
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i]->kind == IR_PARAM && is_first_reader(n, n->in[i]))
			row->parameters += tensor_count(&n->in[i]->desc);
	row->flops += ir_flops(n) / (double)batch;
	return row->name && row->kind && row->output ? TT_OK : TT_ENOMEM;
}

static tt_status add_layers(struct tt_report *r, const tt_model *m, const tt_report_opts *o)
{
	struct ir_graph *g = NULL;
	tt_status st = nn_graph(m, o->batch, NN_PREDICT, &g);

	if (st != TT_OK)
		return st;
	if (!(r->layer = arena_alloc(&r->arena, ((size_t)g->n_nodes + 1) * sizeof *r->layer)))
		st = TT_ENOMEM;
	for (const struct ir_node *n = g->first; n && st == TT_OK; n = n->next)
		st = add_node(r, n, o->batch);
	ir_graph_free(&g);
	return st;
}

/* ---- the program ---- */

/* A program with all it needs to run on made-up numbers. */
struct trial {
	struct engine  *engine;
	struct program *program;
	void           *input[MAX_INPUTS];
	int             n_inputs;
	float          *grads;
};

/* Images are noise; labels, seeds and word numbers zero, which is right for any net. */
static tt_status make_input(const struct ir_value *v, void **out)
{
	struct rng r;
	float     *p = mem_alloc_aligned(tensor_bytes(&v->desc));

	if (!p)
		return TT_ENOMEM;
	memset(p, 0, tensor_bytes(&v->desc));
	rng_init(&r, rng_key(1, RNG_TEST), 0, 0);
	if (v->desc.dtype == DTYPE_F32 && v->desc.ndim == 4)
		for (int64_t i = 0; i < tensor_count(&v->desc); i++)
			p[i] = (float)(rng_uniform(&r) - 0.5);
	*out = p;
	return TT_OK;
}

static tt_status make_inputs(struct trial *b, const struct ir_graph *g)
{
	tt_status st = TT_OK;

	for (int i = 0; i < g->n_values && st == TT_OK; i++) {
		const struct ir_value *v = g->value[i];

		if (v->kind != IR_INPUT)
			continue;
		if (v->index >= MAX_INPUTS)
			return err_set(TT_EINTERNAL, "a model with more than %d inputs", MAX_INPUTS);
		st = make_input(v, &b->input[v->index]);
		b->n_inputs = v->index >= b->n_inputs ? v->index + 1 : b->n_inputs;
	}
	return st;
}

static tt_status compile(struct trial *b, const tt_model *m, const tt_report_opts *o)
{
	const int measured = o->detail == TT_REPORT_MEASURED;
	struct engine_opts  eo = { .threads = o->threads, .tune = measured, .cache = o->kernel_cache,
	                           .precision = (enum precision)m->spec->train.precision };
	struct program_opts po = { .profile = measured,
	                           .purpose = o->purpose == TT_REPORT_TRAIN ? PROGRAM_TRAIN
	                                                                    : PROGRAM_INFER };
	struct ir_graph    *g = NULL;
	tt_status           st;

	if ((st = engine_open(&b->engine, &eo)) != TT_OK)
		return st;
	engine_enter(b->engine);
	po.devices = b->engine->devices.dev;
	po.cache = b->engine->cache;
	po.precision = b->engine->precision;
	if ((st = nn_graph(m, o->batch, purpose_of(o), &g)) != TT_OK)
		return st;
	if (measured && (st = make_inputs(b, g)) != TT_OK) {
		ir_graph_free(&g);
		return st;
	}
	return program_new(&b->program, g, &po);
}

static tt_status measure(struct trial *b, const tt_model *m)
{
	struct program_run run = { .seed = 1, .sample_stride = 1 };
	double             start = thread_seconds();
	tt_status          st = TT_OK;

	if (!(b->grads = mem_alloc_aligned((m->param_count + 1) * sizeof *b->grads)))
		return TT_ENOMEM;
	program_bind(b->program, m->params, b->grads, m->buffers);
	for (int i = 0; i < b->n_inputs; i++)
		program_set_input(b->program, i, b->input[i]);
	for (int i = 0; st == TT_OK && i < RUNS_MAX; i++) {
		run.step = (uint64_t)i;
		st = program_run(b->program, &run);
		if (i >= RUNS_MIN && thread_seconds() - start > RUN_SECONDS)
			break;
	}
	return st;
}

static void trial_release(struct trial *b)
{
	program_free(&b->program);
	engine_close(&b->engine);
	for (int i = 0; i < MAX_INPUTS; i++)
		mem_free(b->input[i]);
	mem_free(b->grads);
}

static tt_status add_step(struct tt_report *r, const struct program *p, int i)
{
	tt_report_step *row = &r->step[i];
	struct program_step_info s;

	program_step(p, i, &s);
	*row = (tt_report_step){
		.size = sizeof *row, .flops = s.flops, .ms = s.ms,
		.layer = arena_strdup(&r->arena, s.layer), .operation = arena_strdup(&r->arena, s.op),
		.output = arena_strdup(&r->arena, s.shape),
		.device = arena_strdup(&r->arena, s.device),
		.kernel = arena_strdup(&r->arena, s.kernel),
	};
	return row->layer && row->operation && row->output && row->device && row->kernel ? TT_OK
	                                                                                 : TT_ENOMEM;
}

static tt_status add_steps(struct tt_report *r, const struct program *p)
{
	tt_status st = TT_OK;

	r->info.steps = program_steps(p);
	r->info.planned_bytes = (int64_t)program_slab_bytes(p);
	r->info.unplanned_bytes = (int64_t)program_unplanned_bytes(p);
	if (!(r->step = arena_alloc(&r->arena, ((size_t)r->info.steps + 1) * sizeof *r->step)))
		return TT_ENOMEM;
	for (int i = 0; i < r->info.steps && st == TT_OK; i++)
		st = add_step(r, p, i);
	return st;
}

static tt_status add_program(struct tt_report *r, const tt_model *m, const tt_report_opts *o)
{
	struct trial b = { 0 };
	tt_status st = compile(&b, m, o);

	if (st == TT_OK && o->detail == TT_REPORT_MEASURED)
		st = measure(&b, m);
	if (st == TT_OK)
		st = add_steps(r, b.program);
	trial_release(&b);
	return st;
}

/* ---- the public side ---- */

tt_status tt_report_new(tt_report **out, const tt_model *m, const tt_report_opts *opts)
{
	tt_report_opts o;
	struct tt_report *r;
	tt_status st;

	if (!out || !m)
		return err_null(__func__);
	if ((st = read_opts(m, opts, &o)) != TT_OK)
		return st;
	if (!(r = mem_calloc(1, sizeof *r)))
		return TT_ENOMEM;
	r->info = (tt_report_info){ .size = sizeof r->info, .batch = o.batch,
	                            .parameters = (int64_t)m->param_count,
	                            .buffers = (int64_t)m->buffer_count };
	if ((st = add_layers(r, m, &o)) == TT_OK && (st = add_program(r, m, &o)) == TT_OK)
		*out = r;
	else
		tt_report_free(&r);
	return st;
}

void tt_report_free(tt_report **r)
{
	if (!r || !*r)
		return;
	arena_release(&(*r)->arena);
	mem_free(*r);
	*r = NULL;
}

const tt_report_info *tt_report_describe(const tt_report *r)
{
	return r ? &r->info : NULL;
}

tt_status tt_report_get_layer(const tt_report *r, int i, tt_report_layer *out)
{
	if (!r)
		return err_null(__func__);
	if (i < 0 || i >= r->info.layers)
		return err_set(TT_EINVAL, "layer %d: the model has %d layers", i, r->info.layers);
	return sized_give(out, &r->layer[i], sizeof r->layer[i], "tt_report_layer");
}

tt_status tt_report_get_step(const tt_report *r, int i, tt_report_step *out)
{
	if (!r)
		return err_null(__func__);
	if (i < 0 || i >= r->info.steps)
		return err_set(TT_EINVAL, "step %d: the program has %d steps", i, r->info.steps);
	return sized_give(out, &r->step[i], sizeof r->step[i], "tt_report_step");
}

tt_status tt_report_graph(const tt_model *m, const tt_report_opts *opts, char **out)
{
	struct ir_graph *g = NULL;
	struct str text = {0};
	tt_report_opts o;
	tt_status st;

	if (!m || !out)
		return err_null(__func__);
	if ((st = read_opts(m, opts, &o)) != TT_OK ||
	    (st = nn_graph(m, o.batch, purpose_of(&o), &g)) != TT_OK)
		return st;
	ir_print(g, &text);
	str_add(&text, "");
	if ((st = str_status(&text)) == TT_OK)
		*out = text.p;          /* str's memory is mem's: tt_free gives it back */
	else
		str_release(&text);
	ir_graph_free(&g);
	return st;
}
