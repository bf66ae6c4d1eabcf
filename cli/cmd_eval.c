/* cmd_eval.c -- tutti eval: how good is a model on a source? */
#include <tutti/session.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "print/json.h"
#include "print/measured.h"
#include "print/names.h"
#include "print/roc.h"
#include "print/spread.h"
#include "kit/paths.h"
#include "kit/table.h"
#include "kit/specfile.h"
#include "predict/remember.h"
#include "verbs.h"

struct eval_args {
	struct common common;
	int64_t       batch, threads, top;
	const char   *kernel_cache, *curves, *part, *store;
};

static const char *const parts[] = { "train", "valid", "test", NULL };     /* enum tt_part */

#define AT(field) offsetof(struct eval_args, field)
static const struct flag eval_flags[] = {
	{ "batch",   'b', FLAG_INT, AT(batch), "N", .min = 1, .max = 65536, .def = "64", .help =
	  "samples computed at once" },
	{ "top",     'k', FLAG_INT, AT(top), "K", .min = 1, .max = 1000, .def = "5", .help =
	  "also count answers whose K best hold the right one" },
	{ "threads", 't', FLAG_INT, AT(threads), "N", .max = 4096, .def = "0", .help =
	  "compute threads; 0: all cores" },
	{ "kernel-cache", 0, FLAG_TEXT, AT(kernel_cache), "FILE", .help =
	  "where measured choices are remembered (~/.cache/tutti/kernels.txt)" },
	{ "part",    0,   FLAG_TEXT, AT(part), "PART", .words = parts, .help =
	  "of a run whose data.split cuts its data: train, valid or test (valid)" },
	{ "curves",  0,   FLAG_TEXT, AT(curves), "DIR", .help =
	  "write ROC and precision-recall curves there: roc.svg, precision_recall.svg" },
	{ "store",   0,   FLAG_TEXT, AT(store), "URI", .help =
	  "where what is found of a run is recorded, below it (`tutti runs`), or none ($TUTTI_STORE, "
	  "or "
	  "tutti.db beside the run folder, if it is there)" },
	{ .kind = FLAG_END },
};

static const struct example eval_examples[] = {
	{ "tutti eval runs/lenet5-20260101-120000", "on the validation data of the run's spec" },
	{ "tutti eval best.safetensors 'mnist:data/mnist?split=test'", "on any other source" },
	{ "tutti eval runs/lenet5-*", "several side by side" },
	{ "tutti eval runs/shop-20260101-120000", "of a run with --folds: each fold on its own part, "
	  "then mean and deviation" },
	{ "tutti eval runs/lenet5-20260101-120000 --curves curves", "with pictures for each class" },
	{ NULL, NULL },
};

struct evaluation {
	const struct eval_args *args;
	const char    *name;         /* of the checkpoint or run, as it was given    */
	const char    *uri;          /* NULL: the data that the run validated on     */
	tt_model      *model;
	tt_session    *session;
	tt_source     *source;
	tt_evaluation *numbers;
	struct names   names;
};

static struct measured measured_of(const struct evaluation *e)
{
	return (struct measured){ e->name, e->uri, e->args->curves, e->source, e->numbers, &e->names };
}

/* Of the data that the run has cut. */
static tt_status open_part(struct evaluation *e, const struct call *c)
{
	const char *part = e->args->part ? e->args->part : parts[TT_PART_VALID];
	tt_status st = specfile_text(c->arena, tt_model_spec(e->model), "data.train", &e->uri);

	if (st != TT_OK)
		return st;
	for (int i = 0; parts[i]; i++)
		if (strcmp(parts[i], part) == 0)
			st = tt_source_open_part(&e->source, e->model, (enum tt_part)i);
	if (st == TT_EINVAL && !e->args->part)
		return err_at(st, "%s: its spec has no data.valid; name a source, such as "
		              "mnist:data/mnist?split=test", e->name);
	if (st != TT_OK)
		return paths_hint(st, e->uri, e->name);
	e->uri = arena_printf(c->arena, "%s (%s)", e->uri, part);
	return e->uri ? TT_OK : TT_ENOMEM;
}

/* The source named, else the one the model was validated on. */
static tt_status choose_source(struct evaluation *e, const struct call *c)
{
	const int named = e->uri != NULL;
	tt_status st;

	/* Its paths are those of the folder where the run was started. */
	if (!e->uri && (st = specfile_text(c->arena, tt_model_spec(e->model), "data.valid",
	                                   &e->uri)) != TT_OK)
		return st;
	if (!named && (!*e->uri || e->args->part))
		return open_part(e, c);
	st = tt_source_open_for(&e->source, e->uri, e->model);
	return paths_hint(st, e->uri, e->name);
}

static void note_unread(const struct evaluation *e)
{
	struct str s = { 0 };

	names_unread(e->model, e->source, &s);
	if (s.len && !e->args->common.quiet)
		text_printf(stderr, "tutti eval: note: %s\n", s.p);
	str_release(&s);
	if (tt_source_describe(e->source)->unseen && !e->args->common.quiet)
		text_printf(stderr, "tutti eval: note: %s\n", tt_source_describe(e->source)->unseen);
}

static tt_status measure(struct evaluation *e, struct call *c)
{
	const char *path, *cache;
	tt_status   st;

	if ((st = paths_checkpoint(c->arena, e->name, &path)) != TT_OK ||
	    (st = paths_kernel_cache(c->arena, e->args->kernel_cache, &cache)) != TT_OK ||
	    (st = tt_model_load(&e->model, path)) != TT_OK ||
	    (st = choose_source(e, c)) != TT_OK ||
	    (st = tt_session_new(&e->session, e->model, TT_SESSION_OPTS(
		.batch = (int)e->args->batch, .threads = (int)e->args->threads,
		.top_k = (int)e->args->top, .kernel_cache = cache))) != TT_OK ||
	    (st = tt_session_evaluation(&e->numbers, e->session, e->source)) != TT_OK)
		return st;
	note_unread(e);
	st = names_of_classes(&e->names, e->model, e->source, tt_evaluation_classes(e->numbers));
	if (st == TT_OK && e->args->curves)
		st = roc_write(&(struct roc){ e->numbers, &e->names, e->name, e->args->curves });
	if (st == TT_OK)
		remember_evaluation(c->arena, &(struct remembered){ e->args->store, e->name, e->uri,
		                                                    e->numbers });
	return st;
}

static void release(struct evaluation *e)
{
	names_release(&e->names);
	tt_evaluation_free(&e->numbers);
	tt_source_close(&e->source);
	tt_session_free(&e->session);
	tt_model_free(&e->model);
}

static tt_status tell(const struct evaluation *e)
{
	const struct measured m = measured_of(e);
	struct json j = { 0 };

	if (e->args->common.json) {
		measured_json(&m, &j);
		return json_print(&j);
	}
	measured_print(&m);
	if (!e->args->common.quiet)
		measured_print_classes(&m);
	return TT_OK;
}

static tt_status run_one(struct evaluation *e, struct call *c)
{
	tt_status st = measure(e, c);

	if (st == TT_OK)
		st = tell(e);
	release(e);
	return st;
}

/* ---- several, side by side ---- */

static void add_json(const struct evaluation *e, struct json *j)
{
	const struct measured m = measured_of(e);

	measured_json(&m, j);
}

static void add_row(const struct evaluation *e, struct table *t)
{
	const tt_metrics *m = tt_evaluation_metrics(e->numbers);
	char n[NUMBER_TEXT], loss[NUMBER_TEXT], speed[NUMBER_TEXT];
	char accuracy[NUMBER_TEXT] = "-", top[NUMBER_TEXT] = "-";

	if (!isnan(m->accuracy))
		snprintf(accuracy, sizeof accuracy, "%.2f %%", 100 * m->accuracy);
	if (!isnan(m->top_k) && m->k > 1 && m->k < m->classes)
		snprintf(top, sizeof top, "%.2f %%", 100 * m->top_k);
	table_add(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s", e->name, text_count(m->samples, n), accuracy,
	          top, text_loss(m->loss, loss),
	          text_count(llround(m->samples_per_second), speed), e->uri);
}

/* Measured one after the other; what folds say together comes behind them. */
struct several { const char *const *name; int n, folds; struct spread spread; };

/* Those that cannot be measured are named, and the others shown all the same. */
static tt_status run_several(const struct evaluation *like, struct several *all, struct call *c)
{
	const int    models = all->n;
	struct table t;
	struct json  j = { 0 };
	int          failed = 0;
	tt_status    st, first = TT_OK;

	table_init(&t, "lrrrrrl");
	table_add(&t, "model\tsamples\taccuracy\ttop %d\tloss\tsamples/s\tsource",
	          (int)like->args->top);
	table_rule(&t);
	json_open(&j, NULL, '{');
	json_open(&j, "models", '[');
	for (int i = 0; i < models; i++) {
		struct evaluation e = *like;

		e.name = all->name[i];
		if ((st = measure(&e, c)) == TT_OK) {
			spread_add(&all->spread, e.numbers);
			add_row(&e, &t);
			add_json(&e, &j);
		} else {
			text_printf(stderr, "tutti eval: %s: %s\n", e.name, tt_last_error());
			first = failed++ ? first : st;
		}
		release(&e);
	}
	json_close(&j, ']');
	if (all->folds && !failed)
		spread_json(&all->spread, &j);
	json_close(&j, '}');
	if (like->args->common.json) {
		st = json_print(&j);
	} else {
		st = TT_OK;
		table_print(&t, stdout);
		json_release(&j);
		if (all->folds && !failed)
			spread_print(&all->spread);
	}
	table_release(&t);
	if (failed)
		return err_set(first, "%d of %d models could not be measured", failed, models);
	return st;
}

/* All words but the last are models; so is that, if it is a file or folder of a model. */
static tt_status run_eval(struct call *c)
{
	struct evaluation e = { .args = c->opts, .name = c->args.v[0] };
	struct several all = { .name = (const char *const *)c->args.v, .n = c->args.n };
	const char **fold;
	tt_status st;

	if (all.n > 1 && !paths_is_checkpoint(c->args.v[all.n - 1]))
		e.uri = c->args.v[--all.n];
	if (e.uri && e.args->part)
		return err_set(TT_EINVAL, "--part is of the run's own data: leave '%s' out", e.uri);
	if (all.n == 1) {
		if ((st = paths_folds(c->arena, e.name, &fold, &all.folds)) != TT_OK)
			return st;
		if (all.folds) {
			all.name = fold;
			all.n = all.folds;
		}
	}
	if ((all.n > 1 || all.folds) && e.args->curves)
		return err_set(TT_EINVAL, "--curves: of one model at a time");
	return all.n > 1 || all.folds ? run_several(&e, &all, c) : run_one(&e, c);
}

const struct verb verb_eval = {
	.name = "eval", .args = "CHECKPOINT... [SOURCE]", .min_args = 1, .max_args = INT_MAX,
	.summary = "measure how good a model is",
	.text =
	"Runs the model of a checkpoint over a source and prints loss, accuracy, and per class what\n"
	"was found and what was mistaken for what.  CHECKPOINT is a .safetensors file or a run\n"
	"folder, of which the best checkpoint is taken; several make a table, and so do the folds of\n"
	"a run with --folds, each on what it validated on.  Without SOURCE the validation data of the\n"
	"model's own spec are used; `tutti help sources` lists what a SOURCE can be.\n",
	.examples = eval_examples, .flags = eval_flags, .opts_size = sizeof(struct eval_args),
	.run = run_eval,
};
