#include "runs_export.h"

#include <math.h>
#include <string.h>

#include "print/json.h"

/* Names of metrics are kept until their history is asked for. */
struct name { struct name *next; const char *text; };

struct exporting {
	struct arena *arena;
	tt_store     *store;
	struct json   json;
	struct name  *first, **end;
	enum tt_record_kind kind;            /* of the object that is open; none: ARTIFACT + 1 */
};

static const char *const kind_words[] = { "last", "parameters", "tags", "files" };

static tt_status keep_name(struct exporting *e, const char *name)
{
	struct name *n = arena_alloc(e->arena, sizeof *n);

	if (!n || !(n->text = arena_strdup(e->arena, name)))
		return TT_ENOMEM;
	*e->end = n;
	e->end = &n->next;
	return TT_OK;
}

static tt_status add_fact(void *ctx, const tt_record *r)
{
	struct exporting *e = ctx;

	if (e->kind != r->kind) {
		if (e->kind <= TT_RECORD_ARTIFACT)
			json_close(&e->json, '}');
		json_open(&e->json, kind_words[r->kind], '{');
		e->kind = r->kind;
	}
	if (r->text)
		json_text(&e->json, r->name, r->text);
	else
		json_number(&e->json, r->name, r->value);
	return r->kind == TT_RECORD_METRIC ? keep_name(e, r->name) : TT_OK;
}

static tt_status add_point(void *ctx, const tt_record *r)
{
	const double v[] = { (double)r->step, r->time, r->value };

	json_list(ctx, NULL, v, 3);
	return TT_OK;
}

static tt_status add_history(struct exporting *e, const char *id)
{
	tt_status st = TT_OK;

	json_open(&e->json, "metrics", '{');
	for (const struct name *n = e->first; n && st == TT_OK; n = n->next) {
		json_open(&e->json, n->text, '[');
		st = tt_store_history(e->store, id, n->text, add_point, &e->json);
		json_close(&e->json, ']');
	}
	json_close(&e->json, '}');
	return st;
}

static tt_status add_run(void *ctx, const tt_store_run *r)
{
	struct exporting *e = ctx;
	tt_status st;

	e->first = NULL;
	e->end = &e->first;
	e->kind = TT_RECORD_ARTIFACT + 1;
	json_open(&e->json, NULL, '{');
	json_text(&e->json, "id", r->id);
	json_text(&e->json, "name", r->name);
	json_text(&e->json, "kind", r->kind);
	json_text(&e->json, "parent", r->parent);
	json_text(&e->json, "folder", r->folder);
	json_text(&e->json, "status", r->status);
	json_text(&e->json, "note", r->note);
	json_number(&e->json, "begun", r->begun > 0 ? r->begun : NAN);
	json_number(&e->json, "ended", r->ended > 0 ? r->ended : NAN);
	st = tt_store_read(e->store, r->id, add_fact, e);
	if (e->kind <= TT_RECORD_ARTIFACT)
		json_close(&e->json, '}');
	if (st == TT_OK)
		st = add_history(e, r->id);
	json_close(&e->json, '}');
	return st;
}

tt_status runs_export(tt_store *s, struct call *c)
{
	struct exporting e = { .arena = c->arena, .store = s };
	tt_status st;

	json_open(&e.json, NULL, '{');
	json_open(&e.json, "runs", '[');
	st = tt_store_find(s, TT_STORE_QUERY(.filter = c->args.n > 1 ? c->args.v[1] : NULL), add_run,
	                   &e);
	json_close(&e.json, ']');
	json_close(&e.json, '}');
	if (st == TT_OK)
		return json_print(&e.json);
	json_release(&e.json);
	return st;
}
