/* cmd_compare.c -- tutti compare: one spec under several strategies, side by side. */
#include <tutti/train.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/curves.h"
#include "base/file.h"
#include "base/mem.h"
#include "print/entries.h"
#include "print/json.h"
#include "kit/paths.h"
#include "print/progress.h"
#include "kit/specfile.h"
#include "kit/stop.h"
#include "kit/table.h"
#include "verbs.h"

#define MEGABYTE 1e6
#define STRATEGIES_MAX 64

struct compare_args {
	struct common    common;
	struct flag_list set;
	const char      *strategies, *workers, *epochs, *out, *kernel_cache;
};

#define AT(field) offsetof(struct compare_args, field)
static const struct flag compare_flags[] = {
	{ "strategies", 0, FLAG_TEXT, AT(strategies), "A,B,C", .def = "allreduce,average,easgd", .help =
	  "words of distribute.strategy, at most four" },
	{ "set",     's', FLAG_LIST, AT(set), "KEY=VALUE", .help =
	  "change a key of the spec, such as distribute.period=8; may be repeated" },
	{ "workers", 'w', FLAG_TEXT, AT(workers), "N", .help = "short for --set distribute.workers=N" },
	{ "epochs",  'e', FLAG_TEXT, AT(epochs), "N", .help = "short for --set train.epochs=N" },
	{ "out",     'o', FLAG_TEXT, AT(out), "DIR", .def = "compare", .help =
	  "a run folder for each strategy, and compare.svg" },
	{ "kernel-cache", 0, FLAG_TEXT, AT(kernel_cache), "FILE", .help =
	  "where measured choices are remembered (~/.cache/tutti/kernels.txt)" },
	{ .kind = FLAG_END },
};

static const struct example compare_examples[] = {
	{ "tutti compare examples/lenet5.yaml --workers 4 --strategies allreduce,average,easgd",
	  "which strategy gets how far in how many seconds, with how many bytes" },
	{ NULL, NULL },
};

/* What a run under one strategy has reached. */
struct result {
	const char     *strategy, *dir;
	struct progress progress;
	struct series   by_seconds, by_bytes;    /* of what is watched: see score */
	tt_progress     last;
	int             in_percent;
};

struct compare {
	const struct compare_args *args;
	struct arena  *arena;
	const char    *kernel_cache, *title;
	struct result *result[CURVES_MAX_LINES];
	int            n;
};

/* The best number that there is: accuracy before loss, validation before training. */
static double score(const tt_progress *p, int *in_percent)
{
	*in_percent = !isnan(p->accuracy);
	if (*in_percent)
		return isnan(p->valid_accuracy) ? p->accuracy : p->valid_accuracy;
	return isnan(p->valid_loss) ? p->loss : p->valid_loss;
}

static tt_status watch(void *ctx, const tt_observation *o)
{
	const tt_progress *p = o->progress;
	struct result *r = ctx;

	if (o->event != TT_EVENT_EPOCH)
		return TT_OK;
	series_add(&r->by_seconds, p->seconds, score(p, &r->in_percent));
	series_add(&r->by_bytes, (double)p->bytes_sent / MEGABYTE, score(p, &r->in_percent));
	return TT_OK;
}

/* ---- running ---- */

static tt_status make_spec(const struct compare *c, const char *path, const char *strategy,
                           struct specfile *out)
{
	const struct { const char *key, *value; } set[] = {
		{ "distribute.workers", c->args->workers }, { "train.epochs", c->args->epochs },
		{ "distribute.strategy", strategy },
	};
	tt_status st = specfile_load(out, path, &c->args->set);

	for (size_t i = 0; st == TT_OK && i < sizeof set / sizeof *set; i++)
		if (set[i].value)
			st = tt_spec_set(out->spec, set[i].key, set[i].value);
	return st == TT_OK ? tt_spec_resolve(out->spec) : st;
}

static tt_status train(const struct compare *c, tt_model *m, struct result *r)
{
	tt_trainer *t = NULL;
	tt_status st = tt_trainer_new(&t, m, TT_TRAINER_OPTS(
		.run_dir = r->dir, .kernel_cache = c->kernel_cache, .stop = stop_asked));

	if (st != TT_OK)
		return st;
	stop_tell(t);
	if ((st = tt_trainer_observe(t, TT_OBSERVER(.ctx = &r->progress,
	                                            .event = progress_event))) == TT_OK &&
	    (st = tt_trainer_observe(t, TT_OBSERVER(.ctx = r, .event = watch))) == TT_OK)
		st = tt_trainer_run(t);
	stop_remove();
	progress_finish(&r->progress);
	r->last = *tt_trainer_progress(t);
	tt_trainer_free(&t);
	return st;
}

static tt_status run_one(struct compare *c, const char *path, struct result *r)
{
	struct specfile file = {0};
	tt_model *m = NULL;
	const char *name;
	int workers;
	tt_status st;

	stop_install("tutti compare");
	progress_init(&r->progress, c->args->common.quiet ? PROGRESS_QUIET : PROGRESS_TALK);
	if ((st = make_spec(c, path, r->strategy, &file)) == TT_OK &&
	    (st = tt_model_new(&m, file.spec)) == TT_OK &&
	    (st = specfile_text(c->arena, file.spec, "name", &name)) == TT_OK &&
	    (st = specfile_int(file.spec, "distribute.workers", &workers)) == TT_OK) {
		if (!c->args->common.quiet)
			text_printf(stderr, "%s by %s, %d workers\n", name, r->strategy, workers);
		if (!c->title)
			c->title = arena_printf(c->arena, "%s, %d workers", name, workers);
		st = specfile_hint(&file, train(c, m, r));
	}
	tt_model_free(&m);
	specfile_release(&file);
	return st == TT_OK ? st : err_at(st, "%s", r->strategy);
}

static tt_status add_result(struct compare *c, const char *strategy)
{
	const char *words[STRATEGIES_MAX + 1], *near;
	struct result *r;
	int known = 0;

	entries_names(TT_STRATEGIES, words, STRATEGIES_MAX);
	near = str_nearest(strategy, words);
	for (int i = 0; words[i]; i++)
		known = known || strcmp(words[i], strategy) == 0;
	if (!known)
		return err_set(TT_EINVAL, "--strategies: no strategy '%s'%s%s%s", strategy,
		               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	if (c->n == CURVES_MAX_LINES)
		return err_set(TT_EINVAL, "--strategies: at most %d at once", CURVES_MAX_LINES);
	if (!(r = mem_calloc(1, sizeof *r)))
		return TT_ENOMEM;
	c->result[c->n++] = r;
	r->strategy = strategy;
	r->dir = arena_printf(c->arena, "%s/%s", c->args->out, strategy);
	return r->dir ? TT_OK : TT_ENOMEM;
}

static tt_status list_strategies(struct compare *c)
{
	char *rest = arena_strdup(c->arena, c->args->strategies), *word;
	tt_status st = rest ? TT_OK : TT_ENOMEM;

	while (st == TT_OK && (word = strsep(&rest, ",")))
		st = add_result(c, word);
	for (int i = 0; st == TT_OK && i < c->n; i++)
		if (file_exists(c->result[i]->dir))
			st = err_set(TT_EINVAL, "%s is there already: name another folder with --out",
			             c->result[i]->dir);
	return st;
}

/* ---- telling ---- */

static tt_status draw(const struct compare *c, const char *path)
{
	const char *title = c->result[0]->in_percent ? "accuracy" : "loss";
	const enum curve_unit unit = c->result[0]->in_percent ? CURVE_PERCENT : CURVE_PLAIN;
	struct panel panel[2] = {
		{ .title = title, .unit = unit, .x_label = "seconds" },
		{ .title = title, .unit = unit, .x_label = "megabytes sent by each worker" },
	};
	struct str s = {0};
	tt_status st;

	for (int i = 0; i < c->n; i++) {
		panel[0].name[i] = panel[1].name[i] = c->result[i]->strategy;
		panel[0].line[i] = &c->result[i]->by_seconds;
		panel[1].line[i] = &c->result[i]->by_bytes;
	}
	curves_draw(&(struct picture){ c->title, "", panel, 2 }, &s);
	if ((st = str_status(&s)) == TT_OK)
		st = file_write_all(path, s.p, s.len);
	str_release(&s);
	return st;
}

static void print_table(const struct compare *c, const char *picture)
{
	struct table t;
	char n[NUMBER_TEXT], loss[NUMBER_TEXT];

	table_init(&t, "lrrrrrr");
	table_add(&t, "strategy\t%s\tloss\tseconds\tsamples/s\tsent a step\twaited a step",
	          c->result[0]->in_percent ? "accuracy" : "best");
	for (int i = 0; i < c->n; i++) {
		const tt_progress *p = &c->result[i]->last;
		const double steps = p->step > 0 ? (double)p->step : 1;
		int percent;
		double y = score(p, &percent);

		table_add(&t, "%s\t%.*f%s\t%s\t%.1f\t%.0f\t%s\t%.2f ms", c->result[i]->strategy,
		          percent ? 2 : 4, percent ? 100 * y : y, percent ? " %" : "",
		          text_loss(isnan(p->valid_loss) ? p->loss : p->valid_loss, loss), p->seconds,
		          p->mean_samples_per_second, text_bytes((double)p->bytes_sent / steps, n),
		          1e3 * p->exposed_seconds / steps);
	}
	table_print(&t, stdout);
	table_release(&t);
	text_printf(stdout, "\npicture  %s\n", picture);
}

static tt_status print_json(const struct compare *c, const char *picture)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "picture", picture);
	json_open(&j, "strategies", '[');
	for (int i = 0; i < c->n; i++) {
		const tt_progress *p = &c->result[i]->last;

		json_open(&j, NULL, '{');
		json_text(&j, "strategy", c->result[i]->strategy);
		json_int(&j, "workers", p->workers);
		json_number(&j, "accuracy", p->accuracy);
		json_number(&j, "valid_accuracy", p->valid_accuracy);
		json_number(&j, "loss", p->loss);
		json_number(&j, "valid_loss", p->valid_loss);
		json_number(&j, "seconds", p->seconds);
		json_number(&j, "samples_per_second", p->mean_samples_per_second);
		json_int(&j, "bytes_sent", p->bytes_sent);
		json_number(&j, "exposed_seconds", p->exposed_seconds);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	return json_print(&j);
}

static tt_status tell(const struct compare *c)
{
	const char *picture = arena_printf(c->arena, "%s/compare.svg", c->args->out);
	tt_status st;

	if (!picture)
		return TT_ENOMEM;
	if ((st = draw(c, picture)) != TT_OK)
		return st;
	if (c->args->common.json)
		return print_json(c, picture);
	print_table(c, picture);
	return TT_OK;
}

/* Seconds and bytes of a run that was broken are not those of one that was not. */
static void tell_stop(const struct compare *c, int at)
{
	struct str left = { 0 };

	for (int i = at; i < c->n; i++)
		str_addf(&left, "%s%s", i > at ? "," : "", c->result[i]->strategy);
	err_text("%s; a comparison cannot go on, for its runs are measured without a break: those of "
	         "%d strateg%s are done and stay in %s; for the others: --strategies %s --out %s-2",
	         tt_last_error(), at, at == 1 ? "y" : "ies", c->args->out, left.p ? left.p : "",
	         c->args->out);
	str_release(&left);
}

static tt_status run_compare(struct call *call)
{
	struct compare c = { .args = call->opts, .arena = call->arena };
	int done = 0;
	tt_status st;

	if ((st = list_strategies(&c)) == TT_OK)
		st = paths_kernel_cache(c.arena, c.args->kernel_cache, &c.kernel_cache);
	while (st == TT_OK && done < c.n)
		if ((st = run_one(&c, call->args.v[0], c.result[done])) == TT_OK)
			done++;
	if (st == TT_OK)
		st = tell(&c);
	else if (st == TT_ESTOPPED)
		tell_stop(&c, done);
	if (st == TT_ESTOPPED && stop_signal())
		call->exit = TT_EXIT_SIGNAL + stop_signal();
	for (int i = 0; i < c.n; i++)
		mem_free(c.result[i]);
	return st;
}

const struct verb verb_compare = {
	.name = "compare", .args = "SPEC.yaml", .min_args = 1, .max_args = 1,
	.summary = "train a model under several strategies, side by side",
	.text =
	"Runs the spec once for each of --strategies, one after the other with the same seed, and\n"
	"says what each has reached, how long it took, what each worker sent and for how long it\n"
	"waited.  compare.svg draws accuracy against seconds and against bytes.  Workers that are\n"
	"threads share memory: their bytes are what a ring would send.\n",
	.examples = compare_examples, .flags = compare_flags, .opts_size = sizeof(struct compare_args),
	.run = run_compare,
};
