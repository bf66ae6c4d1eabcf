#include "kit/program_report.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "sys/thread.h"
#include "kit/table.h"
#include "learn/predict/program_cache.h"

#define MAX_INPUTS 4
#define RUNS_MIN 5
#define RUNS_MAX 50
#define RUN_SECONDS 3.0

/* A program with all it needs to run on made-up numbers. */
struct bench {
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

static tt_status make_inputs(struct bench *b, const struct ir_graph *g)
{
	tt_status st = TT_OK;

	for (int i = 0; i < g->n_values && st == TT_OK; i++) {
		const struct ir_value *v = g->value[i];

		if (v->kind != IR_INPUT)
			continue;
		if (v->index >= MAX_INPUTS)
			return err_set(TT_EINTERNAL, "a net with more than %d inputs", MAX_INPUTS);
		st = make_input(v, &b->input[v->index]);
		b->n_inputs = v->index >= b->n_inputs ? v->index + 1 : b->n_inputs;
	}
	return st;
}

static tt_status compile(struct bench *b, const tt_model *m, const struct program_report_opts *o)
{
	struct engine_opts  eo = { .threads = o->threads,
	                           .precision = (enum precision)m->spec->train.precision,
	                           .tune = o->what == STEPS_MEASURED, .cache = o->kernel_cache };
	struct program_opts po = { .profile = o->what == STEPS_MEASURED,
	                           .purpose = o->purpose == NN_TRAIN ? PROGRAM_TRAIN
	                                                             : PROGRAM_INFER };
	struct ir_graph    *g = NULL;
	tt_status           st;

	if ((st = engine_open(&b->engine, &eo)) != TT_OK)
		return st;
	engine_enter(b->engine);
	po.devices = b->engine->devices.dev;
	po.cache = b->engine->cache;
	po.precision = b->engine->precision;
	if ((st = nn_graph(m, o->batch, o->purpose, &g)) != TT_OK)
		return st;
	if (o->what == STEPS_MEASURED && (st = make_inputs(b, g)) != TT_OK) {
		ir_graph_free(&g);
		return st;
	}
	return program_new(&b->program, g, &po);
}

static tt_status measure(struct bench *b, const tt_model *m)
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

static tt_status bench_make(struct bench *b, const tt_model *m, const struct program_report_opts *o)
{
	tt_status st = compile(b, m, o);

	if (st == TT_OK && o->what == STEPS_MEASURED)
		st = measure(b, m);
	return st;
}

static void bench_release(struct bench *b)
{
	program_free(&b->program);
	engine_close(&b->engine);
	for (int i = 0; i < MAX_INPUTS; i++)
		mem_free(b->input[i]);
	mem_free(b->grads);
}

static void print_memory(const struct bench *b, const tt_model *m,
						 const struct program_report_opts *o)
{
	char planned[NUMBER_TEXT], unplanned[NUMBER_TEXT], params[NUMBER_TEXT];

	printf("\nmemory of a %s of %lld samples: %s planned (%s if nothing were shared), and %s of "
	       "parameters\n", o->purpose == NN_TRAIN ? "training step" : "prediction",
	       (long long)o->batch, text_bytes((double)program_slab_bytes(b->program), planned),
	       text_bytes((double)program_unplanned_bytes(b->program), unplanned),
	       text_bytes((double)m->param_count * sizeof(float), params));
}

static void add_step(struct table *t, const struct program_step_info *s, int measured)
{
	char flops[NUMBER_TEXT], ms[NUMBER_TEXT] = "", speed[NUMBER_TEXT] = "";

	if (measured) {
		snprintf(ms, sizeof ms, "%.3f", s->ms);
		if (s->flops > 0 && s->ms > 0)
			text_si(s->flops / s->ms * 1e3, speed);
	}
	table_add(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", s->layer, s->op, s->shape, s->device, s->kernel,
	          s->flops > 0 ? text_si(s->flops, flops) : "", ms, speed);
}

static void print_steps(const struct bench *b, const struct program_report_opts *o)
{
	int          measured = o->what == STEPS_MEASURED;
	struct table t;
	double       flops = 0, ms = 0;
	struct program_step_info s;

	table_init(&t, measured ? "lllllrrr" : "lllllr");
	table_add(&t, "layer\toperation\toutput\tdevice\tkernel\tFLOP\tms\tFLOP/s");
	table_rule(&t);
	for (int i = 0; i < program_steps(b->program); i++) {
		program_step(b->program, i, &s);
		add_step(&t, &s, measured);
		flops += s.flops;
		ms += s.ms;
	}
	table_rule(&t);
	s = (struct program_step_info){ .layer = "all", .op = "", .kernel = "", .device = "",
	                                .flops = flops, .ms = ms };
	add_step(&t, &s, measured);
	putchar('\n');
	table_print(&t, stdout);
	table_release(&t);
	if (measured && ms > 0)
		printf("\n%.0f samples/s\n", (double)o->batch / ms * 1e3);
}

tt_status program_report_print(const tt_model *m, const struct program_report_opts *o)
{
	struct bench b = { 0 };
	tt_status    st = bench_make(&b, m, o);

	if (st == TT_OK) {
		print_memory(&b, m, o);
		if (o->what != STEPS_MEMORY)
			print_steps(&b, o);
	}
	bench_release(&b);
	return st;
}

static void add_json(const struct bench *b, const struct program_report_opts *o, struct json *j)
{
	struct program_step_info s;

	json_int(j, "memory_planned_bytes", (int64_t)program_slab_bytes(b->program));
	json_int(j, "memory_unplanned_bytes", (int64_t)program_unplanned_bytes(b->program));
	if (o->what == STEPS_MEMORY)
		return;
	json_open(j, "steps", '[');
	for (int i = 0; i < program_steps(b->program); i++) {
		program_step(b->program, i, &s);
		json_open(j, NULL, '{');
		json_text(j, "layer", s.layer);
		json_text(j, "operation", s.op);
		json_text(j, "output", s.shape);
		json_text(j, "device", s.device);
		json_text(j, "kernel", s.kernel);
		json_number(j, "flops", s.flops);
		if (o->what == STEPS_MEASURED)
			json_number(j, "ms", s.ms);
		json_close(j, '}');
	}
	json_close(j, ']');
}

tt_status program_report_json(const tt_model *m, const struct program_report_opts *o,
							  struct json *j)
{
	struct bench b = { 0 };
	tt_status    st = bench_make(&b, m, o);

	if (st == TT_OK)
		add_json(&b, o, j);
	bench_release(&b);
	return st;
}
