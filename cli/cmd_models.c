/* cmd_models.c -- tutti models: checkpoints with names, versions and words that point to them. */
#include <tutti/store.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "kit/metrics.h"
#include "kit/paths.h"
#include "kit/table.h"
#include "print/json.h"

struct models_args {
	struct common common;
	const char   *store, *name, *alias, *by, *description;
};

#define AT(field) offsetof(struct models_args, field)
static const struct flag models_flags[] = {
	{ "store", 0,   FLAG_TEXT, AT(store), "URI", .help =
	  "the store of runs ($TUTTI_STORE, or runs/tutti.db)" },
	{ "name",  0,   FLAG_TEXT, AT(name), "N", .help = "register: the model (the name of the run)" },
	{ "alias", 0,   FLAG_TEXT, AT(alias), "WORD", .def = "prod", .help =
	  "promote, rollback: the word that points to a version" },
	{ "by",    0,   FLAG_TEXT, AT(by), "METRIC", .def = "valid.accuracy", .help =
	  "best: the number of its run that counts, the larger the better, or the smaller (`tutti help "
	  "metrics`)" },
	{ "description", 0, FLAG_TEXT, AT(description), "TEXT", .help = "register, stage: in words" },
	{ .kind = FLAG_END },
};

static const struct example models_examples[] = {
	{ "tutti models register runs/lenet5-20260101-120000 --name digits", "its best checkpoint" },
	{ "tutti models best digits --by valid.loss", "which version is it?" },
	{ "tutti models promote digits 3", "digits@prod is version 3 from now on" },
	{ "tutti models rollback digits", "and again what it was before" },
	{ "tutti predict models:digits@prod a.png", "whatever takes a model takes it by name" },
	{ NULL, NULL },
};

/* ---- list ---- */

struct listing { struct table table; struct json json; int n, json_wanted; };

static void add_json(struct json *j, const tt_model_version *v)
{
	json_open(j, NULL, '{');
	json_text(j, "model", v->model);
	json_int(j, "version", v->version);
	json_text(j, "run", v->run);
	json_text(j, "path", v->path);
	json_text(j, "stage", v->stage);
	json_text(j, "aliases", v->aliases);
	json_text(j, "description", v->description);
	json_number(j, "made", v->made);
	json_close(j, '}');
}

static tt_status add_listed(void *ctx, const tt_model_version *v)
{
	struct listing *l = ctx;

	l->n++;
	if (l->json_wanted)
		add_json(&l->json, v);
	else
		table_add(&l->table, "%s\t%lld\t%s\t%s\t%.8s\t%s", v->model, (long long)v->version,
		          *v->aliases ? v->aliases : "-", v->stage, *v->run ? v->run : "-", v->path);
	return TT_OK;
}

static tt_status list(tt_store *s, struct call *c)
{
	const struct models_args *o = c->opts;
	struct listing l = { .json_wanted = o->common.json };
	tt_status st;

	table_init(&l.table, "lrllll");
	table_add(&l.table, "model\tversion\taliases\tstage\trun\tcheckpoint");
	json_open(&l.json, NULL, '{');
	json_open(&l.json, "versions", '[');
	st = tt_store_versions(s, c->args.n > 1 ? c->args.v[1] : NULL, add_listed, &l);
	json_close(&l.json, ']');
	json_close(&l.json, '}');
	if (st == TT_OK && !o->common.json && l.n)
		table_print(&l.table, stdout);
	else if (st == TT_OK && !o->common.json && !o->common.quiet)
		fputs("no models\n", stderr);
	table_release(&l.table);
	if (st == TT_OK && o->common.json)
		return json_print(&l.json);
	json_release(&l.json);
	return st;
}

/* ---- show: from the data to the run to the model ---- */

struct showing { tt_store *store; int json_wanted; };

static tt_status show_fact(void *ctx, const tt_record *r)
{
	static const char *const told[] = { "data.train", "git_commit", "host" };

	(void)ctx;
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		if (r->text && strcmp(r->name, told[i]) == 0)
			text_printf(stdout, "  %-18s %s\n", r->name, r->text);
	if (r->kind == TT_RECORD_METRIC && strncmp(r->name, "valid.", 6) == 0)
		text_printf(stdout, "  %-18s %.6g\n", r->name, r->value);
	return TT_OK;
}

static tt_status show_version(void *ctx, const tt_model_version *v)
{
	const struct showing *s = ctx;
	struct json j = { 0 };

	if (s->json_wanted) {
		add_json(&j, v);
		return json_print(&j);
	}
	text_printf(stdout, "model       %s\nversion     %lld\naliases     %s\nstage       %s\n",
	            v->model,
	            (long long)v->version, *v->aliases ? v->aliases : "-", v->stage);
	if (*v->description)
		text_printf(stdout, "described   %s\n", v->description);
	text_printf(stdout, "checkpoint  %s\nrun         %s\n", v->path, *v->run ? v->run : "-");
	return *v->run ? tt_store_read(s->store, v->run, show_fact, NULL) : TT_OK;
}

static tt_status show(tt_store *s, struct call *c)
{
	const struct models_args *o = c->opts;
	struct showing w = { s, o->common.json };

	return tt_store_version(s, c->args.v[1], show_version, &w);
}

/* ---- register ---- */

struct named { struct arena *arena; const char *name, *folder; };

static tt_status keep_run(void *ctx, const tt_store_run *r)
{
	struct named *n = ctx;

	n->name = arena_strdup(n->arena, r->name);
	n->folder = arena_strdup(n->arena, r->folder);
	return n->name && n->folder ? TT_OK : TT_ENOMEM;
}

static tt_status find_run(tt_store *s, struct call *c, char id[65], struct named *out)
{
	char filter[96];
	tt_status st = tt_store_resolve(s, c->args.v[1], id);

	if (st != TT_OK)
		return st;
	snprintf(filter, sizeof filter, "id = '%s'", id);
	return tt_store_find(s, TT_STORE_QUERY(.filter = filter), keep_run, out);
}

static tt_status tell_version(const struct models_args *o, const char *model, int64_t version)
{
	struct json j = { 0 };

	if (!o->common.json) {
		text_printf(stdout, "%s/%lld\n", model, (long long)version);
		return TT_OK;
	}
	json_open(&j, NULL, '{');
	json_text(&j, "model", model);
	json_int(&j, "version", version);
	json_close(&j, '}');
	return json_print(&j);
}

static tt_status enter(tt_store *s, struct call *c)
{
	const struct models_args *o = c->opts;
	struct named run = { .arena = c->arena, .name = "", .folder = "" };
	char id[65], *path;
	const char *checkpoint = NULL;
	int64_t version = 0;
	tt_status st;

	if ((st = find_run(s, c, id, &run)) != TT_OK ||
	    (st = paths_checkpoint(c->arena, run.folder, &checkpoint)) != TT_OK)
		return st;
	if (!(path = realpath(checkpoint, NULL)))
		return err_set(TT_ENOENT, "%s: the run has left no checkpoint", checkpoint);
	st = tt_store_register(s, TT_MODEL_VERSION(.model = o->name ? o->name : run.name, .run = id,
		.path = path, .description = o->description), &version);
	free(path);
	return st == TT_OK ? tell_version(o, o->name ? o->name : run.name, version) : st;
}

/* ---- versions ---- */

static tt_status read_version(const char *word, int64_t *out)
{
	char *end;
	const long long v = strtoll(word, &end, 10);

	if (end == word || *end || v < 1)
		return err_set(TT_EINVAL, "'%s' is no version: 1, 2 ...", word);
	*out = v;
	return TT_OK;
}

static tt_status stage(tt_store *s, struct call *c)
{
	const struct models_args *o = c->opts;
	int64_t version = 0;
	tt_status st = read_version(c->args.v[2], &version);

	if (st != TT_OK)
		return st;
	return tt_store_describe(s, TT_MODEL_VERSION(.model = c->args.v[1], .version = version,
		.stage = c->args.v[3], .description = o->description));
}

static tt_status promote(tt_store *s, struct call *c)
{
	const struct models_args *o = c->opts;
	int64_t version = 0;
	tt_status st = read_version(c->args.v[2], &version);

	return st == TT_OK ? tt_store_alias(s, c->args.v[1], o->alias, version) : st;
}

static tt_status rollback(tt_store *s, struct call *c)
{
	const struct models_args *o = c->opts;
	int64_t version = 0;
	tt_status st = tt_store_rollback(s, c->args.v[1], o->alias, &version);

	return st == TT_OK ? tell_version(o, c->args.v[1], version) : st;
}

static tt_status delete(tt_store *s, struct call *c)
{
	int64_t version = 0;
	tt_status st = read_version(c->args.v[2], &version);

	return st == TT_OK ? tt_store_unregister(s, c->args.v[1], version) : st;
}

/* ---- best ---- */

struct best { tt_store *store; const char *by; int sign; double value; int64_t version; };

static tt_status look_at_fact(void *ctx, const tt_record *r)
{
	struct best *b = ctx;

	if (r->kind == TT_RECORD_METRIC && strcmp(r->name, b->by) == 0)
		b->value = r->value;
	return TT_OK;
}

static tt_status look_at_version(void *ctx, const tt_model_version *v)
{
	struct best *b = ctx, one = { .by = b->by, .value = NAN };
	tt_status st = *v->run ? tt_store_read(b->store, v->run, look_at_fact, &one) : TT_OK;

	if (st == TT_ENOENT)
		return TT_OK;            /* its run was deleted */
	if (st == TT_OK && !isnan(one.value) &&
	    (isnan(b->value) || b->sign * one.value > b->sign * b->value)) {
		b->value = one.value;
		b->version = v->version;
	}
	return st;
}

/* Of metrics that nobody knows the larger is better, unless they call themselves a loss. */
static int sign_of(const char *by)
{
	const int better = metric_better(by);

	return better ? better : strstr(by, "loss") ? -1 : 1;
}

static tt_status best(tt_store *s, struct call *c)
{
	const struct models_args *o = c->opts;
	struct best b = { s, o->by, sign_of(o->by), NAN, 0 };
	tt_status st = tt_store_versions(s, c->args.v[1], look_at_version, &b);

	if (st == TT_OK && !b.version)
		return err_set(TT_ENOENT, "no version of '%s' is of a run with %s", c->args.v[1], o->by);
	return st == TT_OK ? tell_version(o, c->args.v[1], b.version) : st;
}

/* ---- verb ---- */

static const struct action actions[] = {
	{ "list", "[NAME]", 0, 1, TT_STORE_THERE, list },
	{ "show", "NAME[@ALIAS|/VERSION]", 1, 1, TT_STORE_THERE, show },
	{ "register", "RUN", 1, 1, TT_STORE_THERE, enter },
	{ "best", "NAME", 1, 1, TT_STORE_THERE, best },
	{ "promote", "NAME VERSION", 2, 2, TT_STORE_THERE, promote },
	{ "rollback", "NAME", 1, 1, TT_STORE_THERE, rollback },
	{ "stage", "NAME VERSION WORD", 3, 3, TT_STORE_THERE, stage },
	{ "delete", "NAME VERSION", 2, 2, TT_STORE_THERE, delete },
	{ NULL },
};

static tt_status run_models(struct call *c)
{
	const struct models_args *o = c->opts;

	return actions_run(actions, c, o->store);
}

const struct verb verb_models = {
	.name = "models", .args = "[ACTION [WORD...]]", .min_args = 0, .max_args = 4,
	.summary = "checkpoints with names and versions",
	.text =
	"Keeps, in the store of runs, which checkpoints are versions 1, 2 ... of a model, and words\n"
	"that point to one of them.  Actions: list [NAME] (without one: list), register RUN (its best\n"
	"checkpoint), show NAME[@ALIAS|/VERSION], best NAME, promote NAME VERSION (--alias prod),\n"
	"rollback NAME, stage NAME VERSION WORD, delete NAME VERSION (no file is touched).\n"
	"\n"
	"eval, predict, generate, export and show take models:NAME@ALIAS, models:NAME/VERSION and\n"
	"models:NAME, the newest, for a checkpoint.\n",
	.examples = models_examples, .flags = models_flags, .opts_size = sizeof(struct models_args),
	.run = run_models,
};
