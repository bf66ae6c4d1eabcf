/* SQLite: a store of runs in one file. */
#include <sqlite3.h>

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "lab/store/database.h"
#include "sys/plug.h"

#define KEPT    32                      /* statements that are compiled once */
#define BUSY_MS 2000
#define VALUES  32

struct db {
	sqlite3 *lite;
	char    *path;
	struct { char *sql; sqlite3_stmt *made; } kept[KEPT];
	int      n;
};

static tt_status fail(const struct db *d)
{
	const int code = sqlite3_errcode(d->lite) & 0xff;
	const char *why = sqlite3_errmsg(d->lite);

	switch (code) {
	case SQLITE_NOMEM:
		return err_set(TT_ENOMEM, "%s: out of memory", d->path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(TT_EBUSY, "%s: another program has been writing to this store for %d "
		               "seconds",
		               d->path, BUSY_MS / 1000);
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return err_set(TT_EFORMAT, "%s: %s: no store, or a damaged one; move it away, and `tutti "
		               "runs "
		               "import DIR` fills a new one from run folders", d->path, why);
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return err_set(TT_EFORMAT, "%s: %s", d->path, why);
	default:
		return err_set(TT_EIO, "%s: %s", d->path, why);
	}
}

/* ---- open and close ---- */

static void lite_close(struct db **p)
{
	struct db *d = *p;

	if (!d)
		return;
	for (int i = 0; i < d->n; i++) {
		sqlite3_finalize(d->kept[i].made);
		mem_free(d->kept[i].sql);
	}
	sqlite3_close(d->lite);
	mem_free(d->path);
	mem_free(d);
	*p = NULL;
}

static tt_status prepare_file(struct db *d, enum tt_store_access access)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	                  (access == TT_STORE_MAKE ? SQLITE_OPEN_CREATE : 0);

	if (sqlite3_open_v2(d->path, &d->lite, flags, NULL) != SQLITE_OK)
		return fail(d);
	sqlite3_busy_timeout(d->lite, BUSY_MS);
	/* Readers and one writer do not wait for each other; what is committed is on the disk. */
	if (sqlite3_exec(d->lite, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
	                 "PRAGMA case_sensitive_like = ON", NULL, NULL, NULL) != SQLITE_OK)
		return fail(d);
	return TT_OK;
}

static tt_status lite_open(struct db **out, const char *place, enum tt_store_access access)
{
	struct db *d;
	tt_status st;

	if (!*place || file_is_dir(place))
		return err_set(TT_EINVAL, "'%s' is no file for a store of runs", place);
	if (access == TT_STORE_THERE && !file_exists(place))
		return err_set(TT_ENOENT, "%s: there is no store of runs; a training makes one, and so "
		               "does `tutti runs import DIR`", place);
	if (!(d = mem_calloc(1, sizeof *d)) || !(d->path = mem_strdup(place))) {
		mem_free(d);
		return TT_ENOMEM;
	}
	if ((st = prepare_file(d, access)) == TT_OK)
		*out = d;
	else
		lite_close(&d);
	return st;
}

/* ---- statements ---- */

static tt_status statement(struct db *d, const char *sql, sqlite3_stmt **out, int *ours)
{
	*ours = 1;
	for (int i = 0; i < d->n; i++)
		if (strcmp(d->kept[i].sql, sql) == 0) {
			*out = d->kept[i].made;
			return TT_OK;
		}
	if (sqlite3_prepare_v2(d->lite, sql, -1, out, NULL) != SQLITE_OK)
		return fail(d);
	*ours = d->n < KEPT && (d->kept[d->n].sql = mem_strdup(sql));
	if (*ours)
		d->kept[d->n++].made = *out;
	return TT_OK;
}

static int bind(sqlite3_stmt *s, int i, const struct db_value *v)
{
	switch (v->kind) {
	case DB_INT:  return sqlite3_bind_int64(s, i, v->i);
	case DB_REAL: return sqlite3_bind_double(s, i, v->d);
	case DB_TEXT: return sqlite3_bind_text(s, i, v->t, -1, SQLITE_STATIC);
	case DB_NULL: break;
	}
	return sqlite3_bind_null(s, i);
}

static struct db_value value_at(sqlite3_stmt *s, int i)
{
	switch (sqlite3_column_type(s, i)) {
	case SQLITE_INTEGER: return db_int(sqlite3_column_int64(s, i));
	case SQLITE_FLOAT:   return db_real(sqlite3_column_double(s, i));
	case SQLITE_NULL:    return db_text(NULL);
	default:             return db_text((const char *)sqlite3_column_text(s, i));
	}
}

static tt_status step_through(struct db *d, sqlite3_stmt *s, const struct db_query *q)
{
	struct db_value v[VALUES];
	int code;

	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		const int n = sqlite3_column_count(s);
		tt_status st;

		for (int i = 0; i < n && i < VALUES; i++)
			v[i] = value_at(s, i);
		if (q->row && (st = q->row(q->ctx, v)) != TT_OK)
			return st;
	}
	return code == SQLITE_DONE ? TT_OK : fail(d);
}

static tt_status lite_run(struct db *d, const struct db_query *q)
{
	sqlite3_stmt *s = NULL;
	int ours = 1, code = SQLITE_OK;
	tt_status st = statement(d, q->sql, &s, &ours);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < q->args && code == SQLITE_OK; i++)
		code = bind(s, i + 1, &q->arg[i]);
	st = code == SQLITE_OK ? step_through(d, s, q) : fail(d);
	if (ours)
		sqlite3_reset(s);
	else
		sqlite3_finalize(s);
	return st;
}

/* ---- row ---- */

static const char *version(void) { return sqlite3_libversion(); }

static const struct database_ops ops = {
	.serial = "INTEGER PRIMARY KEY", .table_tail = " WITHOUT ROWID", .begin = "BEGIN IMMEDIATE",
	.open = lite_open, .close = lite_close, .run = lite_run,
};
extern const struct plug sqlite_plug;
const struct plug sqlite_plug = PLUG(
	.kind = PLUG_STORE, .name = "sqlite", .version = version, .order = 10, .ops = &ops,
	.serves = "stores of runs");
