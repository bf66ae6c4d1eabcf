/* cmd_show.c -- tutti show: what a net is made of, and what it costs. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kit/paths.h"
#include "kit/specfile.h"
#include "print/report.h"
#include "kit/table.h"
#include "verbs.h"

struct show_args {
	struct common    common;
	struct flag_list set;
	int64_t          batch, threads;
	const char      *purpose, *kernel_cache;
	int              graph, kernels, measure;
};

#define NAMES_SHOWN 12

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
	{ "tutti show runs/lenet5-20260101-120000", "the model of a run" },
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

static void print_head(const char *name, const tt_report_info *info)
{
	char n[NUMBER_TEXT];

	text_printf(stdout, "%s: %s parameters", name, text_count(info->parameters, n));
	if (info->buffers)
		printf(", %s numbers of running statistics", text_count(info->buffers, n));
	printf("\n\n");
}

/* What is shown: a spec knows no data, and so prints no names. */
struct shown { const char *name; const tt_model *model; int checkpoint; };

/* "u8 [1, 28, 28]" */
static void print_type(const tt_column *c)
{
	printf("%s", tt_type_name(c->type));
	for (int i = 0; i < c->ndim; i++)
		printf("%s%lld", i ? ", " : " [", (long long)c->shape[i]);
	printf("%s", c->ndim ? "]" : "");
}

/* Up to NAMES_SHOWN of the names. */
static void print_names(const char *const *names, int64_t n)
{
	char quoted[NAME_TEXT];

	for (int64_t i = 0; names && i < n && i < NAMES_SHOWN; i++)
		text_printf(stdout, "%s%s", i ? ", " : ": ", text_name(names[i], quoted));
	if (names && n > NAMES_SHOWN)
		printf(" and %lld more", (long long)(n - NAMES_SHOWN));
}

static void print_numbers(const char *what, const double *v, int n)
{
	for (int i = 0; i < n && i < NAMES_SHOWN; i++)
		printf("%s%g", i ? " " : what, v[i]);
}

/* What goes in and what comes out, by name. */
static void print_signature(const tt_signature *s)
{
	const tt_schema *d = s->data;

	for (int i = 0; i < d->columns; i++) {
		const tt_column *c = d->column[i];
		const int target = d->target && strcmp(c->name, d->target) == 0;
		const int weight = d->weight && strcmp(c->name, d->weight) == 0;

		text_printf(stdout, "%s  %s ", target ? "target" : weight ? "weight" : "input ", c->name);
		print_type(c);
		print_names(c->features, c->ndim == 1 ? c->shape[0] : 0);
		if (target && d->classes)
			printf(", %d classes", d->classes);
		if (target)
			print_names(d->class_names, d->classes);
		if (!target && !weight) {
			print_numbers(", mean ", s->mean, s->means);
			print_numbers(", std ", s->std, s->stds);
		}
		printf("\n");
	}
	text_printf(stdout, "output  %s ", s->output->name);
	print_type(s->output);
	printf("\n\n");
}

static tt_status print_graph(const tt_model *m, const tt_report_opts *ro)
{
	char *text;
	tt_status st = tt_report_graph(m, ro, &text);

	if (st != TT_OK)
		return st;
	printf("\n%s", text);
	tt_free(text);
	return TT_OK;
}

static enum report_json wanted(const struct show_args *o)
{
	return o->measure ? REPORT_MILLISECONDS : o->kernels ? REPORT_STEPS : REPORT_MEMORY;
}

static int64_t count_not_finite(const tt_tensor *t, int64_t *count)
{
	int64_t bad = 0;

	*count = 1;
	for (int d = 0; d < t->ndim; d++)
		*count *= t->shape[d];
	for (int64_t k = 0; k < *count; k++)
		bad += !isfinite(t->data[k]);
	return bad;
}

/* A checkpoint that nobody can use is shown, but not in silence: to j, or as text. */
static void show_not_finite(const tt_model *m, struct json *j)
{
	for (int i = 0; i < tt_model_tensors(m); i++) {
		tt_tensor t = TT_SIZED(tt_tensor);
		int64_t   bad, count;

		if (tt_model_tensor(m, i, &t) != TT_OK || !(bad = count_not_finite(&t, &count)))
			continue;
		if (j)
			json_int(j, t.name, bad);
		else
			printf("not finite: %" PRId64 " of the %" PRId64 " numbers of %s\n\n", bad, count,
			       t.name);
	}
}

static tt_status print_json(const struct show_args *o, const struct shown *s, const tt_report *r)
{
	const tt_report_info *info = tt_report_describe(r);
	struct json j = { 0 };
	char       *signature;
	tt_status   st;

	if ((st = tt_model_signature_json(s->model, &signature)) != TT_OK)
		return st;
	json_open(&j, NULL, '{');
	json_text(&j, "name", s->name);
	json_raw(&j, "signature", signature);
	tt_free(signature);
	json_int(&j, "parameters", info->parameters);
	json_int(&j, "batch", info->batch);
	json_open(&j, "not_finite", '{');
	show_not_finite(s->model, &j);
	json_close(&j, '}');
	st = report_json(r, wanted(o), &j);
	json_close(&j, '}');
	if (st == TT_OK)
		return json_print(&j);
	str_release(&j.text);
	return st;
}

static tt_status print_text(const struct show_args *o, const struct shown *s, const tt_report *r,
                            const tt_report_opts *ro)
{
	tt_status st;

	print_head(s->name, tt_report_describe(r));
	if (s->checkpoint)
		print_signature(tt_model_signature(s->model));
	show_not_finite(s->model, NULL);
	if ((st = report_layers(r)) != TT_OK)
		return st;
	report_memory(r, ro->purpose);
	return wanted(o) == REPORT_MEMORY ? TT_OK : report_steps(r, ro->detail);
}

/* Text or JSON of the same three things: layers, program, graph. */
static tt_status show(const struct show_args *o, struct call *c, const tt_model *m,
                      const tt_report_opts *ro)
{
	struct shown s = { .model = m, .checkpoint = paths_is_checkpoint(c->args.v[0]) };
	tt_report   *r = NULL;
	tt_status    st;

	if ((st = specfile_text(c->arena, tt_model_spec(m), "name", &s.name)) != TT_OK ||
	    (st = tt_report_new(&r, m, ro)) != TT_OK)
		return st;
	st = o->common.json ? print_json(o, &s, r) : print_text(o, &s, r, ro);
	tt_report_free(&r);
	return st == TT_OK && o->graph && !o->common.json ? print_graph(m, ro) : st;
}

static tt_status run_show(struct call *c)
{
	const struct show_args *o = c->opts;
	tt_report_opts          ro = TT_SIZED(tt_report_opts);
	tt_model               *m = NULL;
	tt_status               st = load_model(o, c, &m);

	if (st == TT_OK)
		st = paths_kernel_cache(c->arena, o->kernel_cache, &ro.kernel_cache);
	if (st == TT_OK) {
		ro.batch = o->batch;
		ro.purpose = o->purpose[0] == 't' ? TT_REPORT_TRAIN : TT_REPORT_PREDICT;
		ro.threads = (int)o->threads;
		ro.detail = o->measure ? TT_REPORT_MEASURED : TT_REPORT_LAYERS;
		st = show(o, c, m, &ro);
	}
	tt_model_free(&m);
	return st;
}

const struct verb verb_show = {
	.name = "show", .args = "SPEC.yaml|CHECKPOINT", .min_args = 1, .max_args = 1,
	.summary = "what a model is made of and what it costs",
	.text =
	"Prints the layers with the shapes they give, their parameters and floating-point operations\n"
	"(a multiply-add counts as two), and the memory that a step needs: planned, where values\n"
	"share memory that is free again, and unplanned.  --kernels and --measure list the program\n"
	"step by step.  A checkpoint also tells what it was trained on: columns, features and classes\n"
	"by name, which data are matched with wherever the model is used.\n",
	.examples = show_examples, .flags = show_flags, .opts_size = sizeof(struct show_args),
	.run = run_show,
};
