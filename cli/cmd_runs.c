/* cmd_runs.c -- tutti runs: what was trained, and how well. */
#include <tutti/store.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actions.h"
#include "kit/paths.h"
#include "kit/table.h"
#include "print/json.h"
#include "runs_compare.h"
#include "runs_export.h"

#define COLUMNS_MOST 7                  /* beside those of every run */
#define SHORT_ID     8
#define STAMP        32

struct runs_args {
	struct common common;
	const char   *store, *sort, *columns, *svg;
	int64_t       limit;
	int           csv;
};

#define AT(field) offsetof(struct runs_args, field)
static const struct flag runs_flags[] = {
	{ "store",   0,   FLAG_TEXT, AT(store), "URI", .help =
	  "the store of runs ($TUTTI_STORE, or runs/tutti.db)" },
	{ "sort",    0,   FLAG_TEXT, AT(sort), "NAME", .help =
	  "list: by this metric, parameter or tag; \"NAME desc\": largest first (the newest run "
	  "first)" },
	{ "columns", 'c', FLAG_TEXT, AT(columns), "A,B,C", .help =
	  "list: these metrics, parameters and tags (valid.accuracy,valid.loss,train.loss)" },
	{ "limit",   'n', FLAG_INT,  AT(limit), "N", .max = INT64_MAX, .help =
	  "list: at most so many (0: all)" },
	{ "svg",     0,   FLAG_TEXT, AT(svg), "FILE", .help = "compare: draw their curves there" },
	{ "csv",     0,   FLAG_YES,  AT(csv), .help = "list: as a table for other programs" },
	{ .kind = FLAG_END },
};

static const struct example runs_examples[] = {
	{ "tutti runs", "the newest first" },
	{ "tutti runs list \"valid.accuracy > 0.9 and train.optimizer.lr < 0.01\" --sort valid.loss",
	  "some of them, in an order" },
	{ "tutti runs show runs/lenet5-20260101-120000", "all that is known of a run" },
	{ "tutti runs compare 3f2a 81c0 --svg both.svg", "settings that differ, numbers, and curves" },
	{ "tutti runs tag 3f2a data=clean", "a word of yours, which filters know" },
	{ "tutti runs import runs/*", "add runs that were made without a store, or elsewhere" },
	{ NULL, NULL },
};

/* ---- list ---- */

struct listing {
	const struct runs_args *args;
	const char *column[COLUMNS_MOST];
	int         columns, n;
	struct table table;
	struct json  json;
	tt_store   *store;
};

static tt_status read_columns(struct listing *l, struct arena *a, const char *given)
{
	char *rest = arena_strdup(a, given), *word;

	if (!rest)
		return TT_ENOMEM;
	while ((word = strsep(&rest, ","))) {
		if (l->columns == COLUMNS_MOST)
			return err_set(TT_EINVAL, "--columns: at most %d", COLUMNS_MOST);
		if (*word)
			l->column[l->columns++] = word;
	}
	return TT_OK;
}

static const char *stamp(double seconds, char out[STAMP])
{
	const time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds <= 0 || !localtime_r(&t, &tm) || !strftime(out, STAMP, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(out, "-");
	return out;
}

static const char *duration(const tt_store_run *r, char out[NUMBER_TEXT])
{
	if (r->begun > 0 && r->ended >= r->begun)
		return text_time(r->ended - r->begun, out);
	strcpy(out, "-");
	return out;
}

/* Numbers as people read them: four digits that count. */
static const char *cell(const char *text, char out[NUMBER_TEXT])
{
	double v;

	if (!*text)
		return "-";
	if (!str_to_double(text, &v))
		return text;
	snprintf(out, NUMBER_TEXT, "%.5g", v);
	return out;
}

static void add_values(struct str *s, const tt_store_run *r)
{
	char n[NUMBER_TEXT];

	for (int i = 0; i < r->values; i++) {
		const char *text = cell(r->value[i], n);

		str_add(s, "\t");
		str_add_bytes(s, text, strcspn(text, "\t\n"));
	}
}

static tt_status list_text(struct listing *l, const tt_store_run *r)
{
	char when[STAMP], took[NUMBER_TEXT];
	struct str line = {0};

	str_addf(&line, "%.*s\t%s\t%s\t%s\t%s", SHORT_ID, r->id, *r->name ? r->name : "-", r->status,
	         stamp(r->begun, when), duration(r, took));
	add_values(&line, r);
	if (line.p)
		table_add(&l->table, "%s", line.p);
	str_release(&line);
	return TT_OK;
}

static void csv_cell(const char *text, int first)
{
	const int quoted = strpbrk(text, ",\"\r\n") != NULL;

	fputs(first ? "" : ",", stdout);
	if (!quoted) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void list_csv(const tt_store_run *r)
{
	char n[2][NUMBER_TEXT];
	const char *own[] = { r->id, r->name, r->kind, r->status, r->folder, n[0], n[1] };

	snprintf(n[0], NUMBER_TEXT, "%.3f", r->begun);
	snprintf(n[1], NUMBER_TEXT, "%.3f", r->ended);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		csv_cell(own[i], i == 0);
	for (int i = 0; i < r->values; i++)
		csv_cell(r->value[i], 0);
	putchar('\n');
}

static void json_run(struct json *j, const tt_store_run *r)
{
	json_text(j, "id", r->id);
	json_text(j, "name", r->name);
	json_text(j, "kind", r->kind);
	json_text(j, "status", r->status);
	json_text(j, "parent", r->parent);
	json_text(j, "folder", r->folder);
	json_text(j, "note", r->note);
	json_number(j, "begun", r->begun > 0 ? r->begun : NAN);
	json_number(j, "ended", r->ended > 0 ? r->ended : NAN);
}

static void list_json(struct listing *l, const tt_store_run *r)
{
	double v;

	json_open(&l->json, NULL, '{');
	json_run(&l->json, r);
	json_open(&l->json, "values", '{');
	for (int i = 0; i < r->values; i++)
		if (*r->value[i] && str_to_double(r->value[i], &v))
			json_number(&l->json, l->column[i], v);
		else if (*r->value[i])
			json_text(&l->json, l->column[i], r->value[i]);
	json_close(&l->json, '}');
	json_close(&l->json, '}');
}

static tt_status add_listed(void *ctx, const tt_store_run *r)
{
	struct listing *l = ctx;

	l->n++;
	if (l->args->common.json)
		list_json(l, r);
	else if (l->args->csv)
		list_csv(r);
	else
		return list_text(l, r);
	return TT_OK;
}

static void begin_list(struct listing *l)
{
	struct str head = {0};

	str_add(&head, "run\tname\tstatus\tbegun\ttime");
	for (int i = 0; i < l->columns; i++)
		str_addf(&head, "\t%s", l->column[i]);
	if (head.p)
		table_add(&l->table, "%s", head.p);
	str_release(&head);
	if (l->args->csv)
		fputs("id,name,kind,status,folder,begun,ended", stdout);
	for (int i = 0; i < l->columns && l->args->csv; i++)
		csv_cell(l->column[i], 0);
	if (l->args->csv)
		putchar('\n');
	json_open(&l->json, NULL, '{');
	json_open(&l->json, "runs", '[');
}

static tt_status end_list(struct listing *l)
{
	json_close(&l->json, ']');
	json_close(&l->json, '}');
	if (l->args->common.json)
		return json_print(&l->json);
	if (!l->args->csv && l->n)
		table_print(&l->table, stdout);
	else if (!l->args->csv && !l->args->common.quiet)
		fputs("no runs\n", stderr);
	return TT_OK;
}

static tt_status list(tt_store *s, struct call *c)
{
	static const char usual[] = "valid.accuracy,valid.loss,train.loss", align[] = "llllrrrrrrrr";
	const struct runs_args *o = c->opts;
	struct listing l = { .args = o };
	tt_status st = read_columns(&l, c->arena, o->columns ? o->columns : usual);

	if (st != TT_OK)
		return st;
	if (c->args.n > 2)
		return err_set(TT_EINVAL, "list: a filter is one word: quote it, as \"valid.loss < 1\"");
	table_init(&l.table, arena_printf(c->arena, "%.*s", 5 + l.columns, align));
	begin_list(&l);
	st = tt_store_find(s, TT_STORE_QUERY(.filter = c->args.n > 1 ? c->args.v[1] : NULL,
		.sort = o->sort, .limit = o->limit, .columns = l.columns, .column = l.column), add_listed,
		    &l);
	if (st == TT_OK)
		st = end_list(&l);
	else
		json_release(&l.json);
	if (o->common.json && st == TT_OK)
		l.json = (struct json){ 0 };
	table_release(&l.table);
	if (!o->common.json && st == TT_OK)
		json_release(&l.json);
	return st;
}

/* ---- show ---- */

struct showing { struct json *json; enum tt_record_kind kind; int n; };

static const char *const kind_words[] = { "metrics", "parameters", "tags", "files" };

static tt_status show_text(void *ctx, const tt_record *r)
{
	struct showing *s = ctx;
	char n[NUMBER_TEXT];

	if (s->n++ == 0 || s->kind != r->kind)
		printf("\n%s\n", kind_words[r->kind]);
	s->kind = r->kind;
	if (r->kind == TT_RECORD_METRIC)
		text_printf(stdout, "  %-32s %-12.6g step %lld\n", r->name, r->value, (long long)r->step);
	else if (r->kind == TT_RECORD_ARTIFACT)
		text_printf(stdout, "  %-32s %s\n", r->name, text_bytes(r->value, n));
	else
		text_printf(stdout, "  %-32s %.300s%s\n", r->name, r->text ? r->text : "",
		            r->text && strlen(r->text) > 300 ? " ..." : "");
	return TT_OK;
}

static tt_status show_json(void *ctx, const tt_record *r)
{
	struct showing *s = ctx;

	for (; s->n <= (int)r->kind; s->n++) {
		if (s->n)
			json_close(s->json, '}');
		json_open(s->json, kind_words[s->n], '{');
	}
	if (r->text)
		json_text(s->json, r->name, r->text);
	else
		json_number(s->json, r->name, r->value);
	return TT_OK;
}

static tt_status head_text(void *ctx, const tt_store_run *r)
{
	char when[STAMP], took[NUMBER_TEXT];

	(void)ctx;
	text_printf(stdout, "run     %s\nname    %s\nkind    %s\nstatus  %s\nbegun   %s\ntime    %s\n",
	            r->id,
	            r->name, r->kind, r->status, stamp(r->begun, when), duration(r, took));
	if (*r->parent)
		text_printf(stdout, "parent  %s\n", r->parent);
	if (*r->folder)
		text_printf(stdout, "folder  %s\n", r->folder);
	if (*r->note)
		text_printf(stdout, "note    %s\n", r->note);
	return TT_OK;
}

static tt_status head_json(void *ctx, const tt_store_run *r)
{
	json_run(ctx, r);
	return TT_OK;
}

static tt_status add_all(tt_store *s, const char *id, struct json *j)
{
	struct showing w = { .json = j };
	char filter[96];
	tt_status st;

	snprintf(filter, sizeof filter, "id = '%s'", id);
	if ((st = tt_store_find(s, TT_STORE_QUERY(.filter = filter), j ? head_json : head_text,
	                        j)) != TT_OK)
		return st;
	st = tt_store_read(s, id, j ? show_json : show_text, &w);
	if (j && w.n)
		json_close(j, '}');
	return st;
}

static tt_status show(tt_store *s, struct call *c)
{
	const struct runs_args *o = c->opts;
	struct json j = { 0 };
	char id[65];
	tt_status st;

	if ((st = tt_store_resolve(s, c->args.v[1], id)) != TT_OK)
		return st;
	if (!o->common.json)
		return add_all(s, id, NULL);
	json_open(&j, NULL, '{');
	st = add_all(s, id, &j);
	json_close(&j, '}');
	if (st == TT_OK)
		return json_print(&j);
	json_release(&j);
	return st;
}

static tt_status compare(tt_store *s, struct call *c)
{
	const struct runs_args *o = c->opts;

	return runs_compare(s, c, &(struct compare_how){ o->svg, o->common.json });
}

/* ---- changes ---- */

static tt_status each_run(tt_store *s, struct call *c, tt_status (*f)(tt_store *s, const char *id))
{
	char id[65];
	tt_status st = TT_OK;

	for (int i = 1; i < c->args.n && st == TT_OK; i++)
		if ((st = tt_store_resolve(s, c->args.v[i], id)) == TT_OK)
			st = f(s, id);
	return st;
}

static tt_status delete(tt_store *s, struct call *c)
{
	return each_run(s, c, tt_store_delete);
}

static tt_status tag(tt_store *s, struct call *c)
{
	char id[65];
	tt_status st = tt_store_resolve(s, c->args.v[1], id);

	for (int i = 2; i < c->args.n && st == TT_OK; i++) {
		char *equals = strchr(c->args.v[i], '=');
		tt_record r = { .size = sizeof r, .kind = TT_RECORD_TAG, .name = c->args.v[i], .text = "" };

		if (equals == c->args.v[i])
			return err_set(TT_EINVAL, "'%s' is no tag: NAME or NAME=TEXT", c->args.v[i]);
		if (equals) {
			*equals = '\0';
			r.text = equals + 1;
		}
		st = tt_store_write(s, id, &r, 1);
	}
	return st;
}

static tt_status note(tt_store *s, struct call *c)
{
	char id[65];
	tt_status st = tt_store_resolve(s, c->args.v[1], id);

	return st == TT_OK ? tt_store_put(s, TT_STORE_RUN(.id = id, .note = c->args.v[2])) : st;
}

static tt_status import(tt_store *s, struct call *c)
{
	const struct runs_args *o = c->opts;
	tt_status st = TT_OK;
	int n = 0;

	for (int i = 1; i < c->args.n && st == TT_OK; i++)
		if ((st = tt_store_import(s, c->args.v[i])) == TT_OK)
			n++;
	if (st == TT_OK && !o->common.quiet)
		fprintf(stderr, "%d run%s imported\n", n, n == 1 ? "" : "s");
	return st;
}

/* ---- verb ---- */

static const struct action actions[] = {
	{ "list", "[FILTER]", 0, 1, TT_STORE_THERE, list },
	{ "show", "RUN", 1, 1, TT_STORE_THERE, show },
	{ "compare", "RUN RUN...", 2, COMPARED_MOST, TT_STORE_THERE, compare },
	{ "export", "[FILTER]", 0, 1, TT_STORE_THERE, runs_export },
	{ "tag", "RUN NAME[=TEXT]...", 2, 64, TT_STORE_THERE, tag },
	{ "note", "RUN TEXT", 2, 2, TT_STORE_THERE, note },
	{ "delete", "RUN...", 1, 100000, TT_STORE_THERE, delete },
	{ "import", "FOLDER...", 1, 100000, TT_STORE_MAKE, import },
	{ NULL },
};

static tt_status run_runs(struct call *c)
{
	const struct runs_args *o = c->opts;

	return actions_run(actions, c, o->store);
}

const struct verb verb_runs = {
	.name = "runs", .args = "[ACTION [WORD...]]", .min_args = 0, .max_args = 100001,
	.summary = "what was trained, and how well",
	.text =
	"`tutti train` records what it does in a store, a file tutti.db beside the run folders (its\n"
	"option --store): settings, numbers, tags and files.  Actions: list [FILTER] (without one:\n"
	"list), show RUN, compare RUN RUN..., export [FILTER] (JSON), tag RUN NAME[=TEXT]...,\n"
	"note RUN TEXT, delete RUN... (from the store; folders stay), import FOLDER...  A RUN is its\n"
	"folder, or the first letters of its id.\n"
	"\n"
	"A FILTER compares metrics (their last numbers), parameters (keys of the spec), tags, and\n"
	"id name kind parent folder status note host begun ended seconds, by = != < <= > >= and like,\n"
	"joined by and, or, not and parentheses.\n",
	.examples = runs_examples, .flags = runs_flags, .opts_size = sizeof(struct runs_args),
	.run = run_runs,
};
