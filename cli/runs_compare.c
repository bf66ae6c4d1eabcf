#include "runs_compare.h"

#include <stdio.h>
#include <string.h>

#include "base/curves.h"
#include "base/file.h"
#include "kit/table.h"
#include "print/json.h"

#define SHORT_ID 8
#define CELL     24

/* What some of them have: a text each, NULL where one has none. */
struct fact {
	struct fact        *next;
	enum tt_record_kind kind;
	const char         *name, *text[COMPARED_MOST];
};

struct comparison {
	struct arena *arena;
	tt_store     *store;
	char          id[COMPARED_MOST][65];
	int           n, at;                 /* at: which one is being read */
	struct fact  *first, **end;
};

/* ---- facts ---- */

static struct fact *fact_of(struct comparison *c, const tt_record *r)
{
	struct fact *f = c->first;

	while (f && (f->kind != r->kind || strcmp(f->name, r->name) != 0))
		f = f->next;
	if (f)
		return f;
	if (!(f = arena_alloc(c->arena, sizeof *f)) || !(f->name = arena_strdup(c->arena, r->name)))
		return NULL;
	f->kind = r->kind;
	*c->end = f;
	c->end = &f->next;
	return f;
}

static tt_status add_fact(void *ctx, const tt_record *r)
{
	struct comparison *c = ctx;
	struct fact *f;

	if (r->kind == TT_RECORD_ARTIFACT || strcmp(r->name, "environment") == 0 ||
	    strcmp(r->name, "folder") == 0)
		return TT_OK;
	if (!(f = fact_of(c, r)))
		return TT_ENOMEM;
	f->text[c->at] = r->text ? arena_strdup(c->arena, r->text) :
	                 arena_printf(c->arena, "%.6g", r->value);
	return f->text[c->at] ? TT_OK : TT_ENOMEM;
}

/* Numbers always; settings and tags where not all say the same. */
static int is_told(const struct comparison *c, const struct fact *f)
{
	if (f->kind == TT_RECORD_METRIC)
		return 1;
	for (int i = 1; i < c->n; i++)
		if (strcmp(f->text[i] ? f->text[i] : "", f->text[0] ? f->text[0] : "") != 0)
			return 1;
	return 0;
}

/* ---- the table ---- */

static void print_table(const struct comparison *c)
{
	struct str line = {0};
	struct table t;

	table_init(&t, arena_printf(c->arena, "l%.*s", c->n, "rrrrrrrrrr"));
	for (int i = 0; i < c->n; i++)
		str_addf(&line, "\t%.*s", SHORT_ID, c->id[i]);
	table_add(&t, "run%s", line.p ? line.p : "");
	for (const struct fact *f = c->first; f; f = f->next) {
		line.len = 0;
		for (int i = 0; is_told(c, f) && i < c->n; i++) {
			const char *text = f->text[i] ? f->text[i] : "-";

			str_addf(&line, "\t%.*s%s", (int)strcspn(text, "\t\n") < CELL ? (int)strcspn(text,
			                                                                             "\t\n")
			         : CELL, text, strlen(text) > CELL ? "..." : "");
		}
		if (line.len)
			table_add(&t, "%s%s", f->name, line.p);
	}
	table_print(&t, stdout);
	table_release(&t);
	str_release(&line);
}

static tt_status print_json(const struct comparison *c)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_open(&j, "runs", '[');
	for (int i = 0; i < c->n; i++)
		json_text(&j, NULL, c->id[i]);
	json_close(&j, ']');
	for (const struct fact *f = c->first; f; f = f->next) {
		if (!is_told(c, f))
			continue;
		json_open(&j, f->name, '[');
		for (int i = 0; i < c->n; i++)
			json_text(&j, NULL, f->text[i]);
		json_close(&j, ']');
	}
	json_close(&j, '}');
	return json_print(&j);
}

/* ---- the picture ---- */

static tt_status add_point(void *ctx, const tt_record *r)
{
	series_add(ctx, (double)r->step, r->value);
	return TT_OK;
}

/* A panel of this metric; points: how many all runs have of it. */
static tt_status fill_panel(struct comparison *c, const char *metric, struct panel *p, int *points)
{
	*p = (struct panel){ .title = metric,
		.unit = strstr(metric, "accuracy") ? CURVE_PERCENT : CURVE_PLAIN };
	*points = 0;
	for (int i = 0; i < c->n; i++) {
		struct series *line = arena_alloc(c->arena, sizeof *line);
		tt_status st;

		if (!line || !(p->name[i] = arena_printf(c->arena, "%.*s", SHORT_ID, c->id[i])))
			return TT_ENOMEM;
		p->line[i] = line;
		if ((st = tt_store_history(c->store, c->id[i], metric, add_point, line)) != TT_OK)
			return st;
		*points += line->n;
	}
	return TT_OK;
}

static tt_status draw(struct comparison *c, const char *path)
{
	static const char *const metrics[] = { "train.loss", "valid.loss", "train.accuracy",
	                                       "valid.accuracy" };
	struct panel panel[sizeof metrics / sizeof *metrics];
	struct str s = {0};
	int n = 0, points;
	tt_status st;

	for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
		if ((st = fill_panel(c, metrics[i], &panel[n], &points)) != TT_OK)
			return st;
		n += points > 0;
	}
	if (!n)
		return err_set(TT_ENOENT, "--svg: none of these runs has a loss or an accuracy over steps");
	curves_draw(&(struct picture){ "runs", "steps", panel, n }, &s);
	if ((st = str_status(&s)) == TT_OK)
		st = file_write_all(path, s.p, s.len);
	str_release(&s);
	return st;
}

tt_status runs_compare(tt_store *s, struct call *call, const struct compare_how *how)
{
	struct comparison *c = arena_alloc(call->arena, sizeof *c);
	tt_status st = TT_OK;

	if (!c)
		return TT_ENOMEM;
	c->arena = call->arena;
	c->store = s;
	c->end = &c->first;
	for (int i = 1; i < call->args.n && st == TT_OK; i++) {
		c->at = c->n++;
		if ((st = tt_store_resolve(s, call->args.v[i], c->id[c->at])) == TT_OK)
			st = tt_store_read(s, c->id[c->at], add_fact, c);
	}
	if (st == TT_OK && how->svg)
		st = draw(c, how->svg);
	if (st != TT_OK || how->json)
		return st == TT_OK ? print_json(c) : st;
	print_table(c);
	return TT_OK;
}
