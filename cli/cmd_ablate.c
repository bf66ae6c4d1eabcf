/* cmd_ablate.c -- tutti ablate: what each part of a net is worth: train it without. */
#include <tutti/train.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "kit/paths.h"
#include "kit/specfile.h"
#include "kit/stop.h"
#include "kit/table.h"
#include "print/json.h"
#include "print/progress.h"
#include "train/outcomes.h"
#include "verbs.h"

struct ablate_args {
	struct common    common;
	struct flag_list set;
	const char      *leave_out, *groups, *epochs, *out, *kernel_cache;
	int64_t          seeds;
	int              resume, dry_run;
};

#define AT(field) offsetof(struct ablate_args, field)
static const struct flag ablate_flags[] = {
	{ "leave-out", 0, FLAG_TEXT, AT(leave_out), "KINDS",
	  .def = "layers,groups,columns,augment", .help =
	  "kinds of parts, by commas; groups: those of --groups, columns: of a table" },
	{ "groups",  'g', FLAG_TEXT, AT(groups), "A,B", .help =
	  "all layers at once whose names begin so: block2. leaves out block2.conv and block2.bn" },
	{ "seeds",    0,  FLAG_INT, AT(seeds), "N", .def = "1", .min = 1, .max = 1000, .help =
	  "train each so many times, by train.seed and the next ones: mean and deviation" },
	{ "set",     's', FLAG_LIST, AT(set), "KEY=VALUE", .help =
	  "change a key of the spec; may be repeated" },
	{ "epochs",  'e', FLAG_TEXT, AT(epochs), "N", .help = "short for --set train.epochs=N" },
	{ "out",     'o', FLAG_TEXT, AT(out), "DIR", .def = "ablation", .help =
	  "a run folder for each training, and " OUTCOMES_FILE },
	{ "resume",   0,  FLAG_YES, AT(resume), .help =
	  "go on in --out: what has been trained is not trained again" },
	{ "dry-run",  0,  FLAG_YES, AT(dry_run), .help =
	  "say what would be left out, and train nothing" },
	{ "kernel-cache", 0, FLAG_TEXT, AT(kernel_cache), "FILE", .help =
	  "where measured choices are remembered (~/.cache/tutti/kernels.txt)" },
	{ .kind = FLAG_END },
};

static const struct example ablate_examples[] = {
	{ "tutti ablate examples/cnn6.yaml --epochs 3 --dry-run", "what can be left out" },
	{ "tutti ablate examples/cnn6.yaml --epochs 3 --leave-out layers,augment --seeds 3",
	  "which layers and augmentations are worth their time" },
	{ "tutti ablate table.yaml --leave-out columns", "which columns say nothing" },
	{ NULL, NULL },
};

/* What those of one variant came to. */
struct summary { double mean, deviation, seconds; int64_t parameters; };

struct ablation {
	const struct ablate_args *args;
	struct arena             *arena;
	struct variant_wish       wish;
	struct variants           all;
	struct outcomes           got;
	const char               *kernel_cache;
	struct progress           progress;
};

/* ---- training ---- */

/* OUT/03-conv4-seed-1 */
static const char *folder_of(const struct ablation *a, int variant, int64_t seed)
{
	char *dir = arena_printf(a->arena, "%s/%02d-%.100s-seed-%lld", a->args->out, variant,
	                         a->all.v[variant].name, (long long)(a->got.first_seed + seed));

	for (char *p = dir ? dir + strlen(a->args->out) + 1 : NULL; p && *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", *p))
			*p = '_';
	return dir;
}

static tt_status train(struct ablation *a, tt_model *m, const char *dir, struct outcome *o)
{
	tt_trainer *t = NULL;
	tt_status st = tt_trainer_new(&t, m, TT_TRAINER_OPTS(
		.run_dir = dir, .kernel_cache = a->kernel_cache, .resume = a->args->resume ? "auto" : NULL,
		.stop = stop_asked));
	const tt_progress *p;

	if (st != TT_OK)
		return st;
	stop_tell(t);
	a->got.begun = 1;
	if ((st = tt_trainer_observe(t, TT_OBSERVER(.ctx = &a->progress,
	                                            .event = progress_event))) == TT_OK)
		st = tt_trainer_run(t);
	stop_remove();
	progress_finish(&a->progress);
	p = tt_trainer_progress(t);
	*o = (struct outcome){ p->best, isnan(p->valid_loss) ? p->loss : p->valid_loss, p->seconds,
	                       (int64_t)tt_model_parameters(m), 1 };
	a->got.monitor = arena_strdup(a->arena, p->monitor ? p->monitor : "loss");
	tt_trainer_free(&t);
	return st != TT_OK || a->got.monitor ? st : TT_ENOMEM;
}

/* What ails this one alone, such as a loss without bounds, or data that do not fit: an answer to
 * what its part is worth, and no reason not to train the others.  Of the whole it is an error. */
static tt_status note_failure(struct ablation *a, int variant, int64_t seed, tt_status st)
{
	static const tt_status own[] = {
		TT_ENAN, TT_ESPEC, TT_ESHAPE, TT_EINVAL, TT_EFORMAT, TT_ESUPPORT
	};
	struct variant *v = &a->all.v[variant];

	for (size_t i = 0; variant && i < sizeof own / sizeof *own; i++)
		if (st == own[i]) {
			v->failed = arena_printf(a->arena, "seed %lld: %s",
			                         (long long)(a->got.first_seed + seed), tt_last_error());
			return v->failed ? TT_OK : TT_ENOMEM;
		}
	return st == TT_ESTOPPED ? st : err_at(st, "without %s", v->name);
}

static tt_status run_one(struct ablation *a, int variant, int64_t seed)
{
	const char *dir = folder_of(a, variant, seed);
	const char *number = arena_printf(a->arena, "%lld", (long long)(a->got.first_seed + seed));
	struct specfile file = { 0 };
	tt_model *m = NULL;
	tt_status st = dir && number ? TT_OK : TT_ENOMEM;

	stop_install("tutti ablate");
	progress_init(&a->progress, a->args->common.quiet ? PROGRESS_QUIET : PROGRESS_TALK);
	if (st == TT_OK && !a->args->common.quiet)
		text_printf(stderr, "without %s, seed %s\n", a->all.v[variant].name, number);
	if (st == TT_OK && (st = variant_load(&file, &a->wish, &a->all.v[variant])) == TT_OK &&
	    (st = tt_spec_set(file.spec, "train.seed", number)) == TT_OK &&
	    (st = tt_model_new(&m, file.spec)) == TT_OK)
		st = specfile_hint(&file, train(a, m, dir, outcome_of(&a->got, variant, seed)));
	st = st == TT_OK ? outcome_write(&a->got, variant, seed) : note_failure(a, variant, seed, st);
	tt_model_free(&m);
	specfile_release(&file);
	return st;
}

/* Without results. */
static int is_out(const struct variant *v)
{
	return v->refused || v->failed;
}

static tt_status run_all(struct ablation *a)
{
	tt_status st = TT_OK;

	for (int64_t seed = 0; seed < a->args->seeds; seed++)
		for (int i = 0; i < a->all.n && st == TT_OK; i++)
			if (!is_out(&a->all.v[i]) && !outcome_of(&a->got, i, seed)->done)
				st = run_one(a, i, seed);
	return st;
}

/* ---- telling ---- */

static void summarise(const struct ablation *a, int variant, struct summary *s)
{
	const int64_t n = a->args->seeds;

	*s = (struct summary){ .parameters = outcome_of(&a->got, variant, 0)->parameters };
	for (int64_t k = 0; k < n; k++) {
		s->mean += outcome_of(&a->got, variant, k)->best / (double)n;
		s->seconds += outcome_of(&a->got, variant, k)->seconds / (double)n;
	}
	for (int64_t k = 0; k < n; k++) {
		const double d = outcome_of(&a->got, variant, k)->best - s->mean;

		s->deviation += n > 1 ? d * d / (double)(n - 1) : 0;
	}
	s->deviation = sqrt(s->deviation);
}

static int is_share(const char *monitor)
{
	return strstr(monitor, "accuracy") != NULL;
}

static void add_row(const struct ablation *a, struct table *t, int i, const struct summary *whole)
{
	const struct variant *v = &a->all.v[i];
	const double scale = is_share(a->got.monitor) ? 100 : 1;
	const int digits = is_share(a->got.monitor) ? 2 : 4;
	const char *kind = i ? variant_words[v->kind] : "";
	char n[NUMBER_TEXT], name[NAME_TEXT], spread[NUMBER_TEXT] = "";
	struct summary s;

	if (is_out(v))
		return;
	summarise(a, i, &s);
	if (a->args->seeds > 1)
		snprintf(spread, sizeof spread, " ± %.*f", digits, scale * s.deviation);
	table_add(t, "%s\t%s\t%.*f%s\t%+.*f\t%s\t%.1f", text_name(v->name, name), kind, digits,
	          scale * s.mean, spread, digits, scale * (s.mean - whole->mean),
	          text_count((long long)s.parameters, n), s.seconds);
}

static void print_without_results(const struct ablation *a)
{
	for (int i = 0; i < a->all.n; i++) {
		const struct variant *v = &a->all.v[i];

		if (is_out(v))
			text_printf(stdout, "%s: %s: %s\n", v->refused ? "stays" : "fails", v->name,
			            v->refused ? v->refused : v->failed);
	}
}

static void print_table(const struct ablation *a)
{
	struct summary whole;
	struct table t;

	summarise(a, 0, &whole);
	table_init(&t, "llrrrr");
	table_add(&t, "without\t\t%s%s\tdifference\tparameters\tseconds", a->got.monitor,
	          is_share(a->got.monitor) ? " %" : "");
	for (int i = 0; i < a->all.n; i++)
		add_row(a, &t, i, &whole);
	table_print(&t, stdout);
	table_release(&t);
	print_without_results(a);
	text_printf(stdout, "\nresults  %s/" OUTCOMES_FILE "\n", a->args->out);
}

static void json_variant(const struct ablation *a, struct json *j, int i)
{
	const struct variant *v = &a->all.v[i];
	struct summary s;

	json_open(j, NULL, '{');
	json_text(j, "without", v->name);
	json_text(j, "kind", variant_words[v->kind]);
	if (v->refused) {
		json_text(j, "refused", v->refused);
	} else if (v->failed) {
		json_text(j, "failed", v->failed);
	} else if (!a->args->dry_run) {
		summarise(a, i, &s);
		json_number(j, "mean", s.mean);
		json_number(j, "deviation", s.deviation);
		json_number(j, "seconds", s.seconds);
		json_int(j, "parameters", s.parameters);
	}
	json_close(j, '}');
}

static tt_status print_json(const struct ablation *a)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "out", a->args->out);
	if (a->got.monitor)
		json_text(&j, "monitor", a->got.monitor);
	json_open(&j, "variants", '[');
	for (int i = 0; i < a->all.n; i++)
		json_variant(a, &j, i);
	json_close(&j, ']');
	json_close(&j, '}');
	return json_print(&j);
}

static tt_status tell(const struct ablation *a)
{
	if (a->args->common.json)
		return print_json(a);
	print_table(a);
	return TT_OK;
}

static tt_status tell_plan(const struct ablation *a)
{
	struct table t;

	if (a->args->common.json)
		return print_json(a);
	table_init(&t, "ll");
	table_add(&t, "without\t");
	for (int i = 0; i < a->all.n; i++) {
		char name[NAME_TEXT];

		if (!a->all.v[i].refused)
			table_add(&t, "%s\t%s", text_name(a->all.v[i].name, name),
			          i ? variant_words[a->all.v[i].kind] : "");
	}
	table_print(&t, stdout);
	table_release(&t);
	print_without_results(a);
	return TT_OK;
}

/* --epochs is one --set more, which holds over those before. */
static tt_status add_epochs(struct ablation *a, struct flag_list *set)
{
	*set = a->args->set;
	if (!a->args->epochs)
		return TT_OK;
	set->v = arena_alloc(a->arena, ((size_t)set->n + 1) * sizeof *set->v);
	if (!set->v)
		return TT_ENOMEM;
	if (set->n)
		memcpy(set->v, a->args->set.v, (size_t)set->n * sizeof *set->v);
	set->v[set->n++] = arena_printf(a->arena, "train.epochs=%s", a->args->epochs);
	return set->v[set->n - 1] ? TT_OK : TT_ENOMEM;
}

/* The first seed and the last, of a spec that is the same but for these. */
static tt_status find_seed(struct ablation *a)
{
	struct specfile file = { 0 };
	const char *seed = "", *last;
	tt_status st = variant_load(&file, &a->wish, &a->all.v[0]);

	if (st == TT_OK && (st = tt_spec_resolve(file.spec)) == TT_OK)
		st = specfile_text(a->arena, file.spec, "train.seed", &seed);
	a->got.first_seed = strtoll(seed, NULL, 10);
	last = arena_printf(a->arena, "%lld", (long long)(a->got.first_seed + a->args->seeds - 1));
	if (st == TT_OK)
		st = last ? tt_spec_set(file.spec, "train.seed", last) : TT_ENOMEM;
	if (st == TT_OK)
		st = tt_spec_resolve(file.spec);
	specfile_release(&file);
	return st;
}

static tt_status prepare(struct ablation *a)
{
	tt_status st;

	if ((st = variants_list(&a->all, &a->wish)) != TT_OK || (st = find_seed(a)) != TT_OK)
		return st;
	a->got.seeds = a->args->seeds;
	return TT_OK;
}

static tt_status open_results(struct ablation *a)
{
	struct specfile file = { 0 };
	tt_status st;

	if (file_exists(a->args->out) && !a->args->resume)
		return err_set(TT_EINVAL, "%s is there already: go on in it with --resume, or name another "
		               "folder with --out", a->args->out);
	if ((st = variant_load(&file, &a->wish, &a->all.v[0])) == TT_OK &&
	    (st = tt_spec_resolve(file.spec)) == TT_OK)
		st = outcomes_open(&a->got, file.spec);
	specfile_release(&file);
	return st;
}

static tt_status run_ablate(struct call *call)
{
	struct flag_list set;
	struct ablation a = { .args = call->opts, .arena = call->arena, .all.arena = call->arena };
	tt_status st = add_epochs(&a, &set);

	a.got = (struct outcomes){ .arena = a.arena, .dir = a.args->out, .all = &a.all };
	a.wish = (struct variant_wish){ call->args.v[0], &set, a.args->leave_out, a.args->groups };
	if (st == TT_OK)
		st = prepare(&a);
	if (st == TT_OK && a.args->dry_run)
		st = tell_plan(&a);
	else if (st == TT_OK &&
	         (st = paths_kernel_cache(a.arena, a.args->kernel_cache, &a.kernel_cache)) == TT_OK &&
	         (st = open_results(&a)) == TT_OK && (st = run_all(&a)) == TT_OK)
		st = tell(&a);
	if (st == TT_ESTOPPED) {
		err_text("%s; what is trained stays in %s: the same command with --resume goes on",
		         tt_last_error(), a.args->out);
		if (stop_signal())
			call->exit = TT_EXIT_SIGNAL + stop_signal();
	}
	outcomes_close(&a.got, st);
	variants_release(&a.all);
	return st;
}

const struct verb verb_ablate = {
	.name = "ablate", .args = "SPEC.yaml", .min_args = 1, .max_args = 1,
	.summary = "train a model without each of its parts in turn",
	.text =
	"Trains the spec as it is, then without one part of it at a time: each layer but the first\n"
	"and the last, each group of layers that --groups names, each column of a table, each\n"
	"augmentation.  A table says what was lost without each.  What cannot be left out, as nothing\n"
	"would fit, is named with the reason.\n",
	.examples = ablate_examples, .flags = ablate_flags, .opts_size = sizeof(struct ablate_args),
	.run = run_ablate,
};
