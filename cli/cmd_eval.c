/* cmd_eval.c -- tutti eval: how good is a model on a source? */
#include <tutti/session.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "print/json.h"
#include "print/names.h"
#include "print/roc.h"
#include "print/spread.h"
#include "kit/paths.h"
#include "kit/table.h"
#include "kit/specfile.h"
#include "verbs.h"

#define MATRIX_MAX 11               /* classes that fit side by side on a page */

struct eval_args {
	struct common common;
	int64_t       batch, threads, top;
	const char   *kernel_cache, *curves, *part;
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
	const char   *name;          /* of the checkpoint or run, as it was given    */
	const char   *uri;           /* NULL: the data that the run validated on     */
	tt_model   *model;
	tt_session *session;
	tt_source  *source;
	tt_evaluation    *numbers;
	const tt_metrics *metrics;
	struct names names;
};

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
	e->metrics = tt_evaluation_metrics(e->numbers);
	note_unread(e);
	st = names_of_classes(&e->names, e->model, e->source, tt_evaluation_classes(e->numbers));
	if (st == TT_OK && e->args->curves)
		st = roc_write(&(struct roc){ e->numbers, &e->names, e->name, e->args->curves });
	return st;
}

static const char *class_text(const struct evaluation *e, int i, char text[NAME_TEXT])
{
	return text_name(names_get(&e->names, i, text), text);
}

static int64_t row_sum(const tt_metrics *m, int row)
{
	int64_t n = 0;

	for (int i = 0; i < m->classes; i++)
		n += m->confusion[row * m->classes + i];
	return n;
}

static int64_t column_sum(const tt_metrics *m, int column)
{
	int64_t n = 0;

	for (int i = 0; i < m->classes; i++)
		n += m->confusion[i * m->classes + column];
	return n;
}

/* "-": there is nothing to be a part of. */
static const char *percent(int64_t n, int64_t of, char text[NUMBER_TEXT])
{
	if (of > 0)
		snprintf(text, NUMBER_TEXT, "%.2f", 100 * (double)n / (double)of);
	return of > 0 ? text : "-";
}

/* Per class: how many there are, how many were found, how many findings were right. */
static void print_classes(const struct evaluation *e)
{
	const tt_metrics *m = e->metrics;
	struct table      t;
	char              name[NAME_TEXT], n[NUMBER_TEXT];
	char              recall[NUMBER_TEXT], precision[NUMBER_TEXT], f1[NUMBER_TEXT];
	int               gaps = 0;

	table_init(&t, "lrrrr");
	table_add(&t, "class\tsamples\trecall %%\tprecision %%\tf1 %%");
	table_rule(&t);
	for (int i = 0; i < m->classes; i++) {
		int64_t right = m->confusion[i * m->classes + i];

		gaps += !row_sum(m, i) || !column_sum(m, i);
		table_add(&t, "%s\t%s\t%s\t%s\t%s", class_text(e, i, name),
		          text_count(row_sum(m, i), n), percent(right, row_sum(m, i), recall),
		          percent(right, column_sum(m, i), precision),
		          percent(2 * right, row_sum(m, i) + column_sum(m, i), f1));
	}
	putchar('\n');
	table_print(&t, stdout);
	table_release(&t);
	if (gaps)
		printf("-: no sample is of that class (recall), or none was answered so (precision)\n");
}

static void add_matrix_row(const struct evaluation *e, int row, struct table *t)
{
	const int64_t *count = e->metrics->confusion + row * e->metrics->classes;
	struct str     line = { 0 };
	char           name[NAME_TEXT];

	str_add(&line, class_text(e, row, name));
	for (int i = 0; i < e->metrics->classes; i++)
		str_addf(&line, "\t%lld", (long long)count[i]);
	table_add(t, "%s", line.p ? line.p : "");
	str_release(&line);
}

/* Rows are the truth, columns the answers. */
static void print_matrix(const struct evaluation *e)
{
	int          classes = e->metrics->classes;
	char         align[MATRIX_MAX + 2] = "l", name[NAME_TEXT];
	struct table t;
	struct str   head = { 0 };

	memset(align + 1, 'r', (size_t)classes);
	table_init(&t, align);
	str_add(&head, "truth \\ answer");
	for (int i = 0; i < classes; i++)
		str_addf(&head, "\t%s", class_text(e, i, name));
	table_add(&t, "%s", head.p ? head.p : "");
	table_rule(&t);
	for (int row = 0; row < classes; row++)
		add_matrix_row(e, row, &t);
	putchar('\n');
	table_print(&t, stdout);
	table_release(&t);
	str_release(&head);
}

/* That of so many best answers tells something if there are more classes than these. */
static int tells(const struct evaluation *e, const tt_score *s)
{
	const tt_metrics *m = e->metrics;

	return s->shown && (strncmp(s->name, "top_", 4) != 0 || (m->k > 1 && m->k < m->classes));
}

static const char *score_text(const tt_score *s, char n[NUMBER_TEXT])
{
	if (strcmp(s->name, "accuracy") == 0 || strncmp(s->name, "top_", 4) == 0)
		snprintf(n, NUMBER_TEXT, "%.2f %%", 100 * s->value);
	else
		text_loss(s->value, n);
	return n;
}

static void print_scores(const struct evaluation *e)
{
	tt_score s = TT_SIZED(tt_score);
	char     n[NUMBER_TEXT], name[24];

	for (int i = 0; tt_evaluation_get(e->numbers, i, &s) == TT_OK; i++) {
		if (!tells(e, &s))
			continue;
		snprintf(name, sizeof name, "%s", s.name);
		for (char *c = name; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		printf("%-11s %s\n", name, score_text(&s, n));
	}
}

/* Several answers of yes or no to each sample: no matrix. */
static void print_labels(const struct evaluation *e)
{
	tt_class_score s = TT_SIZED(tt_class_score);
	struct table   t;
	char           name[NAME_TEXT];

	if (!tt_evaluation_classes(e->numbers))
		return;
	table_init(&t, "lrrrrr");
	table_add(&t, "label\tweight\trecall %%\tprecision %%\tf1 %%\troc auc");
	table_rule(&t);
	for (int i = 0; i < tt_evaluation_classes(e->numbers); i++)
		if (tt_evaluation_class(e->numbers, i, &s) == TT_OK)
			table_add(&t, "%s\t%.6g\t%.2f\t%.2f\t%.2f\t%.4f", class_text(e, i, name),
			          s.weight, 100 * s.recall, 100 * s.precision, 100 * s.f1, s.roc_auc);
	putchar('\n');
	table_print(&t, stdout);
	table_release(&t);
}

static void print_text(const struct evaluation *e)
{
	const tt_metrics *m = e->metrics;
	char              n[NUMBER_TEXT];

	text_printf(stdout, "source      %s\n", e->uri);
	printf("samples     %s\n", text_count(m->samples, n));
	if (tt_source_schema(e->source)->weight)
		printf("weight      %.6g: loss and accuracy are weighted; the tables below count samples\n",
		       m->weight);
	print_scores(e);
	printf("speed       %s samples/s\n", text_count(llround(m->samples_per_second), n));
	if (e->args->curves)
		printf("curves      %s/%s, %s\n", e->args->curves, roc_files[0], roc_files[1]);
	if (e->args->common.quiet)
		return;
	if (!m->confusion) {
		print_labels(e);
		return;
	}
	print_classes(e);
	if (m->classes <= MATRIX_MAX)
		print_matrix(e);
}

static void add_confusion(const struct evaluation *e, struct json *j)
{
	const tt_metrics *m = e->metrics;
	char              name[NUMBER_TEXT];

	json_open(j, "classes", '[');
	for (int i = 0; i < m->classes; i++)
		json_text(j, NULL, names_get(&e->names, i, name));
	json_close(j, ']');
	json_open(j, "confusion", '[');
	for (int row = 0; row < m->classes; row++) {
		json_open(j, NULL, '[');
		for (int i = 0; i < m->classes; i++)
			json_int(j, NULL, m->confusion[row * m->classes + i]);
		json_close(j, ']');
	}
	json_close(j, ']');
}

/* All that are known. */
static void add_scores(const struct evaluation *e, struct json *j)
{
	tt_score s = TT_SIZED(tt_score);

	json_open(j, "metrics", '{');
	for (int i = 0; tt_evaluation_get(e->numbers, i, &s) == TT_OK; i++)
		json_number(j, s.name, s.value);
	json_close(j, '}');
}

static void add_per_class(const struct evaluation *e, struct json *j)
{
	char name[NUMBER_TEXT];

	json_open(j, "per_class", '[');
	for (int i = 0; i < tt_evaluation_classes(e->numbers); i++) {
		tt_class_score s = TT_SIZED(tt_class_score);

		if (tt_evaluation_class(e->numbers, i, &s) != TT_OK)
			break;
		json_open(j, NULL, '{');
		json_text(j, "class", names_get(&e->names, i, name));
		json_number(j, "weight", s.weight);
		json_number(j, "precision", s.precision);
		json_number(j, "recall", s.recall);
		json_number(j, "f1", s.f1);
		json_number(j, "iou", s.iou);
		json_number(j, "roc_auc", s.roc_auc);
		json_number(j, "pr_auc", s.pr_auc);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void add_json(const struct evaluation *e, struct json *j)
{
	const tt_metrics *m = e->metrics;

	json_open(j, NULL, '{');
	json_text(j, "model", e->name);
	json_text(j, "source", e->uri);
	json_int(j, "samples", m->samples);
	json_number(j, "weight", m->weight);
	json_number(j, "loss", m->loss);
	json_number(j, "accuracy", m->accuracy);
	json_number(j, "top_k", m->top_k);
	json_int(j, "k", m->k);
	json_number(j, "samples_per_second", m->samples_per_second);
	add_scores(e, j);
	if (m->confusion)
		add_confusion(e, j);
	if (tt_evaluation_classes(e->numbers))
		add_per_class(e, j);
	json_close(j, '}');
}

static void release(struct evaluation *e)
{
	names_release(&e->names);
	tt_evaluation_free(&e->numbers);
	tt_source_close(&e->source);
	tt_session_free(&e->session);
	tt_model_free(&e->model);
}

static tt_status run_one(struct evaluation *e, struct call *c)
{
	struct json j = { 0 };
	tt_status st = measure(e, c);

	if (st == TT_OK && e->args->common.json) {
		add_json(e, &j);
		st = json_print(&j);
	} else if (st == TT_OK) {
		print_text(e);
	}
	release(e);
	return st;
}

/* ---- several, side by side ---- */

static void add_row(const struct evaluation *e, struct table *t)
{
	const tt_metrics *m = e->metrics;
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
