/* find.c -- runs that pass a filter, in an order. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <tutti/run.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sized.h"
#include "lab/store/filter.h"
#include "lab/store/store_own.h"

#define HOST_MOST 256
#define NAMES_MOST 4096
#define SHORTEST 4
#define FOUND "SELECT r.id, r.uid, r.name, r.kind, r.parent, r.folder, r.status, r.note, r.host, " \
	"r.process, r.begun, r.ended FROM runs r WHERE "

struct found { struct found *next; int64_t key; tt_store_run run; };
struct list { struct arena arena; struct found *first, **end; };

/* ---- rows ---- */

static const char *keep(struct list *l, const struct db_value *v)
{
	return arena_strdup(&l->arena, db_word(v));
}

/* A process that was killed wrote no end; whether one on this machine is there can be seen. */
static int is_gone(const tt_store_run *r)
{
	char host[HOST_MOST] = "";

	return strcmp(r->status, "running") == 0 && r->process > 0 &&
	       gethostname(host, sizeof host - 1) == 0 && strcmp(host, r->host) == 0 &&
	       kill((pid_t)r->process, 0) != 0 && errno == ESRCH;
}

static tt_status add_found(void *ctx, const struct db_value *v)
{
	struct list *l = ctx;
	struct found *f = arena_alloc(&l->arena, sizeof *f);

	if (!f)
		return TT_ENOMEM;
	f->key = v[0].i;
	f->run = (tt_store_run){ .size = sizeof f->run, .id = keep(l, &v[1]), .name = keep(l, &v[2]),
		.kind = keep(l, &v[3]), .parent = keep(l, &v[4]), .folder = keep(l, &v[5]),
		.status = keep(l, &v[6]), .note = keep(l, &v[7]), .host = keep(l, &v[8]),
		.process = v[9].kind == DB_INT ? v[9].i : 0, .begun = db_number(&v[10]),
		.ended = db_number(&v[11]) };
	if (!f->run.id || !f->run.name || !f->run.kind || !f->run.parent || !f->run.folder ||
	    !f->run.status || !f->run.note || !f->run.host)
		return TT_ENOMEM;
	if (is_gone(&f->run))
		f->run.status = "killed";
	*l->end = f;
	l->end = &f->next;
	return TT_OK;
}

/* ---- names that no run has ---- */

struct names { struct arena *arena; const char *v[NAMES_MOST + 1]; int n; };

static tt_status add_name(void *ctx, const struct db_value *v)
{
	struct names *l = ctx;

	if (l->n < NAMES_MOST && (l->v[l->n] = arena_strdup(l->arena, db_word(v))))
		l->n++;
	return TT_OK;
}

static tt_status unknown(tt_store *s, struct filter *f, const char *name)
{
	struct names *l = arena_alloc(&f->arena, sizeof *l);
	const char *near;
	tt_status st;

	if (!l)
		return TT_ENOMEM;
	l->arena = &f->arena;
	if ((st = store_ask(s, add_name, l, "SELECT DISTINCT name FROM facts WHERE kind <= ?1",
	                    db_int(TT_RECORD_TAG))) != TT_OK || !l->n)
		return st;
	if ((near = str_nearest(name, l->v)))
		return err_set(TT_ENOENT, "no run has a metric, parameter or tag '%.80s'; did you mean %s?",
		               name, near);
	return err_set(TT_ENOENT, "no run has a metric, parameter or tag '%.80s'", name);
}

static tt_status note_it(void *ctx, const struct db_value *v)
{
	(void)v;
	*(int *)ctx = 1;
	return TT_OK;
}

static tt_status check_names(tt_store *s, struct filter *f)
{
	for (int i = 0; i < f->names; i++) {
		int there = 0;
		tt_status st = store_ask(s, note_it, &there, "SELECT 1 FROM facts WHERE name = ?1 LIMIT 1",
		                         db_text(f->name[i]));

		if (st == TT_OK && !there)
			st = unknown(s, f, f->name[i]);
		if (st != TT_OK)
			return st;
	}
	return TT_OK;
}

/* ---- the question ---- */

static tt_status add_order(struct filter *f, const char *sort, struct str *sql)
{
	static const char down[] = " desc";
	struct str number = {0}, text = {0};
	const size_t n = strlen(sort);
	const int desc = n > sizeof down - 1 && strcmp(sort + n - (sizeof down - 1), down) == 0;
	char *name = arena_strdup(&f->arena, sort);
	tt_status st;

	if (!name)
		return TT_ENOMEM;
	name[strcspn(name, " ")] = '\0';
	if (!*name || strlen(name) + (desc ? sizeof down - 1 : 0) != n)
		return err_set(TT_EINVAL, "'%.80s' is no order: NAME, or \"NAME desc\"", sort);
	if ((st = filter_name(f, name, &number, &text)) == TT_OK)
		st = str_status(&number) != TT_OK ? TT_ENOMEM : str_status(&text);
	if (st == TT_OK)
		str_addf(sql, " ORDER BY (%s IS NULL AND %s IS NULL), %s%s, %s%s, r.begun DESC", number.p,
		         text.p, number.p, desc ? " DESC" : "", text.p, desc ? " DESC" : "");
	str_release(&number);
	str_release(&text);
	return st;
}

static tt_status ask(tt_store *s, struct filter *f, const tt_store_query *q, struct list *l)
{
	struct str sql = {0};
	tt_status st = TT_OK;

	str_addf(&sql, FOUND "%s", f->sql.p);
	if (q->sort && *q->sort)
		st = add_order(f, q->sort, &sql);
	else
		str_add(&sql, " ORDER BY coalesce(r.begun, 0) DESC, r.id DESC");
	if (q->limit > 0)
		str_addf(&sql, " LIMIT %lld", (long long)q->limit);
	if (st == TT_OK && (st = str_status(&sql)) == TT_OK && (st = check_names(s, f)) == TT_OK)
		st = store_run(s, &(struct db_query){ sql.p, f->value, f->values, add_found, l });
	str_release(&sql);
	return st;
}

/* ---- columns ---- */

struct cell { struct arena *arena; const char *text; };

static tt_status take_cell(void *ctx, const struct db_value *v)
{
	struct cell *c = ctx;
	struct str number = {0};

	if (v[1].kind == DB_TEXT)
		c->text = arena_strdup(c->arena, v[1].t);
	else if (v[0].kind != DB_NULL) {
		str_add_number(&number, db_number(&v[0]));
		c->text = number.p ? arena_strdup(c->arena, number.p) : NULL;
	}
	str_release(&number);
	return c->text ? TT_OK : TT_ENOMEM;
}

static tt_status read_cell(tt_store *s, int64_t key, const char *name, struct cell *c)
{
	struct filter f = { 0 };
	struct str number = {0}, text = {0}, sql = {0};
	tt_status st = filter_name(&f, name, &number, &text);

	if (st == TT_OK && !number.failed && !text.failed) {
		str_addf(&sql, "SELECT %s, %s FROM runs r WHERE r.id = ?%d", number.p, text.p,
		         f.values + 1);
		f.value[f.values++] = db_int(key);
	}
	if (st == TT_OK && (st = str_status(&sql)) == TT_OK)
		st = store_run(s, &(struct db_query){ sql.p, f.value, f.values, take_cell, c });
	str_release(&number);
	str_release(&text);
	str_release(&sql);
	filter_release(&f);
	return st;
}

static tt_status fill_columns(tt_store *s, const tt_store_query *q, struct list *l, struct found *f)
{
	const char **v = arena_alloc(&l->arena, ((size_t)q->columns + 1) * sizeof *v);
	tt_status st = v ? TT_OK : TT_ENOMEM;

	for (int i = 0; i < q->columns && st == TT_OK; i++) {
		struct cell c = { &l->arena, "" };

		st = read_cell(s, f->key, q->column[i], &c);
		v[i] = c.text;
	}
	f->run.values = q->columns;
	f->run.value = v;
	return st;
}

tt_status tt_store_find(tt_store *s, const tt_store_query *query, tt_store_run_fn *fn, void *ctx)
{
	tt_store_query q;
	struct filter *f;
	struct list l = { .end = &l.first };
	tt_status st;

	if (!s || !fn)
		return err_null(__func__);
	if ((st = sized_options(&q, sizeof q, query, "tt_store_query")) != TT_OK)
		return st;
	if (q.columns && !q.column)
		return err_null(__func__);
	if (!(f = mem_calloc(1, sizeof *f)))
		return TT_ENOMEM;
	if ((st = filter_parse(f, q.filter ? q.filter : "")) == TT_OK)
		st = ask(s, f, &q, &l);
	for (struct found *r = l.first; r && st == TT_OK; r = r->next)
		if ((st = fill_columns(s, &q, &l, r)) == TT_OK)
			st = fn(ctx, &r->run);
	filter_release(f);
	mem_free(f);
	arena_release(&l.arena);
	return st;
}

/* ---- one run by what people write ---- */

struct ids { char id[65]; int n; };

static tt_status take_id(void *ctx, const struct db_value *v)
{
	struct ids *ids = ctx;

	if (!ids->n++)
		strncpy(ids->id, db_word(v), sizeof ids->id - 1);
	return TT_OK;
}

tt_status tt_store_resolve(tt_store *s, const char *word, char id[65])
{
	struct ids found = { .n = 0 };
	char *path = NULL, of_folder[65] = "";
	const char *begin = word;
	tt_status st;

	if (!s || !word || !id)
		return err_null(__func__);
	if (file_is_dir(word) && (st = tt_run_path(word, TT_RUN_ID, &path)) != TT_OK)
		return st;
	if (path && file_first_line(path, of_folder, sizeof of_folder))
		begin = of_folder;
	mem_free(path);
	if (strlen(begin) < SHORTEST)
		return err_set(TT_ENOENT, "'%s' is no run: a run folder, or %d letters of an id at least",
		               word,
		               SHORTEST);
	if ((st = store_ask(s, take_id, &found, "SELECT uid FROM runs WHERE substr(uid, 1, "
	                    "length(?1)) = ?1"
	                    " ORDER BY length(uid) LIMIT 2", db_text(begin))) != TT_OK)
		return st;
	if (!found.n)
		return err_set(TT_ENOENT, "the store has no run '%.200s'%s", word, path ?
		               "; `tutti runs import` adds a run folder" : "");
	if (found.n > 1 && strcmp(found.id, begin) != 0)
		return err_set(TT_EINVAL, "several runs begin with '%.64s': write more of the id", begin);
	memcpy(id, found.id, sizeof found.id);
	return TT_OK;
}
