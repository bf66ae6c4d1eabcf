/* cmd_show.c -- tutti show: what a net is made of, and what it costs. */
#include <stdio.h>

#include "kit/layers.h"
#include "kit/paths.h"
#include "kit/specfile.h"
#include "kit/program_report.h"
#include "kit/table.h"
#include "learn/nn/model.h"
#include "verbs.h"

struct show_args {
	struct common    common;
	struct flag_list set;
	int64_t          batch, threads;
	const char      *purpose, *kernel_cache;
	int              graph, kernels, measure;
};

static const char *const purposes[] = { "train", "predict", NULL };

#define AT(field) offsetof(struct show_args, field)
static const struct flag show_flags[] = {
	{ "batch",   'b', FLAG_INT,  AT(batch), "N", .min = 1, .max = 65536, .help =
	  "samples at once (the spec's train.micro_batch, or train.batch)" },
	{ "for",     0,   FLAG_TEXT, AT(purpose), "train|predict", .words = purposes,
	  .def = "train", .help = "which program to plan: a training step or a prediction" },
	{ "kernels", 'k', FLAG_YES,  AT(kernels), .help =
	  "list the steps of the program and the kernels the library chooses" },
	{ "measure", 'm', FLAG_YES,  AT(measure), .help =
	  "run it: the kernels that measure fastest, and milliseconds for each" },
	{ "graph",   'g', FLAG_YES,  AT(graph), .help = "print the graph, a line for each operation" },
	{ "set",     's', FLAG_LIST, AT(set), "KEY=VALUE", .help = "change a key of the spec" },
	{ "threads", 't', FLAG_INT,  AT(threads), "N", .max = 4096, .def = "0", .help =
	  "compute threads; 0: all cores" },
	{ "kernel-cache", 0, FLAG_TEXT, AT(kernel_cache), "FILE", .help =
	  "where measured choices are remembered (~/.cache/tutti/kernels.txt)" },
	{ .kind = FLAG_END },
};

static const struct example show_examples[] = {
	{ "tutti show examples/resnet20.yaml", "layers, shapes, parameters, operations, memory" },
	{ "tutti show examples/cnn6.yaml --measure --threads 1", "where the time of a step goes" },
	{ "tutti show runs/lenet5-20260101-120000", "the net of a run" },
	{ NULL, NULL },
};

static tt_status load_model(const struct show_args *o, struct call *c, tt_model **out)
{
	const char     *name = c->args.v[0], *path;
	struct specfile f = { 0 };
	tt_status       st;

	if (!paths_is_checkpoint(name)) {
		if ((st = specfile_load(&f, name, &o->set)) == TT_OK)
			st = tt_model_new(out, f.spec);
		specfile_release(&f);
		return st;
	}
	if (o->set.n)
		return err_set(TT_EINVAL, "--set changes a spec, and %s is a checkpoint", name);
	if ((st = paths_checkpoint(c->arena, name, &path)) != TT_OK)
		return st;
	return tt_model_load(out, path);
}

static void print_head(const tt_model *m)
{
	char n[NUMBER_TEXT];

	printf("%s: %s parameters", m->spec->name, text_count((long long)m->param_count, n));
	if (m->buffer_count)
		printf(", %s numbers of running statistics", text_count((long long)m->buffer_count, n));
	printf("\n\n");
}

static tt_status print_graph(const tt_model *m, int64_t batch, enum nn_purpose purpose)
{
	struct ir_graph *g = NULL;
	struct str       s = { 0 };
	tt_status        st = nn_graph(m, batch, purpose, &g);

	if (st != TT_OK)
		return st;
	ir_print(g, &s);
	if ((st = str_status(&s)) == TT_OK)
		printf("\n%s", s.p ? s.p : "");
	str_release(&s);
	ir_graph_free(&g);
	return st;
}

/* Text or JSON of the same three things: layers, program, graph. */
static tt_status show(const struct show_args *o, const tt_model *m,
					  const struct program_report_opts *so)
{
	struct json j = { 0 };
	tt_status   st;

	if (o->common.json) {
		json_open(&j, NULL, '{');
		json_text(&j, "name", m->spec->name);
		json_int(&j, "parameters", (int64_t)m->param_count);
		json_int(&j, "batch", so->batch);
		st = layers_json(m, so->batch, &j);
		if (st == TT_OK)
			st = program_report_json(m, so, &j);
		json_close(&j, '}');
		if (st == TT_OK)
			return json_print(&j);
		str_release(&j.text);
		return st;
	}
	print_head(m);
	if ((st = layers_print(m, so->batch)) != TT_OK || (st = program_report_print(m, so)) != TT_OK)
		return st;
	return o->graph ? print_graph(m, so->batch, so->purpose) : TT_OK;
}

/* How many samples the trainer would compute in one go. */
static int64_t at_once(const struct train_opts *t)
{
	return t->micro_batch && t->micro_batch < t->batch ? t->micro_batch : t->batch;
}

static tt_status run_show(struct call *c)
{
	const struct show_args *o = c->opts;
	struct program_report_opts       so = { 0 };
	tt_model               *m = NULL;
	tt_status               st = load_model(o, c, &m);

	if (st == TT_OK)
		st = paths_kernel_cache(c->arena, o->kernel_cache, &so.kernel_cache);
	if (st == TT_OK) {
		so.batch = o->batch ? o->batch : at_once(&m->spec->train);
		so.purpose = o->purpose[0] == 't' ? NN_TRAIN : NN_PREDICT;
		so.threads = (int)o->threads;
		so.what = o->measure ? STEPS_MEASURED : o->kernels ? STEPS_LISTED : STEPS_MEMORY;
		st = show(o, m, &so);
	}
	tt_model_free(&m);
	return st;
}

const struct verb verb_show = {
	.name = "show", .args = "SPEC.yaml|CHECKPOINT", .min_args = 1, .max_args = 1,
	.summary = "what a net is made of and what it costs",
	.text =
	"Prints the layers with the shapes they give, their parameters and floating-point operations\n"
	"(a multiply-add counts as two), and the memory that a step needs: planned, where values\n"
	"share memory that is free again, and unplanned.  --kernels and --measure list the program\n"
	"step by step.\n",
	.examples = show_examples, .flags = show_flags, .opts_size = sizeof(struct show_args),
	.run = run_show,
};
