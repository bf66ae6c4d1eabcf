/* store.c -- runs and what is known of them, as rows.
 *
 *   runs --< points    metrics over steps
 *        --< facts     by name: last number of each metric, parameters, tags, files
 */
#include "lab/store/store_own.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "base/str.h"
#include "sys/plug.h"

#define VERSION 2
#define ID_MOST 64
#define LOOK_AHEAD 64

/* ---- statements ---- */

tt_status store_run(tt_store *s, const struct db_query *q)
{
	return s->ops->run(s->db, q);
}

static tt_status say(tt_store *s, const char *sql)
{
	return store_run(s, &(struct db_query){ .sql = sql });
}

tt_status store_begin(tt_store *s)
{
	return say(s, s->ops->begin);
}

tt_status store_end(tt_store *s, tt_status st)
{
	char why[ERR_MAX];

	if (st == TT_OK && (st = say(s, "COMMIT")) == TT_OK)
		return st;
	strncpy(why, tt_last_error(), sizeof why - 1);
	why[sizeof why - 1] = '\0';
	if (say(s, "ROLLBACK") != TT_OK || strcmp(why, tt_last_error()) != 0)
		err_text("%s", why);
	return st;
}

/* ---- open and close ---- */

static tt_status take_int(void *ctx, const struct db_value *v)
{
	*(int64_t *)ctx = v->kind == DB_INT ? v->i : 0;
	return TT_OK;
}

static tt_status make_table(tt_store *s, const char *before, const char *word, const char *after)
{
	struct str sql = {0};
	tt_status st;

	str_addf(&sql, "%s%s%s", before, word, after);
	if ((st = str_status(&sql)) == TT_OK)
		st = say(s, sql.p);
	str_release(&sql);
	return st;
}

static tt_status make_tables(tt_store *s)
{
	tt_status st;

	if ((st = make_table(s, "CREATE TABLE IF NOT EXISTS runs(id ", s->ops->serial,
	                     ", uid TEXT NOT NULL UNIQUE, name TEXT, kind TEXT, parent TEXT, "
	                     "folder TEXT, status TEXT, note TEXT, host TEXT, process BIGINT, "
	                     "begun DOUBLE PRECISION, ended DOUBLE PRECISION)")) != TT_OK ||
	    (st = make_table(s, "CREATE TABLE IF NOT EXISTS points(run BIGINT NOT NULL, name TEXT NOT "
	                     "NULL, step BIGINT NOT NULL, time DOUBLE PRECISION NOT NULL, value DOUBLE "
	                     "PRECISION, PRIMARY KEY(run, name, step, time))", s->ops->table_tail,
	                     "")) != TT_OK ||
	    (st = make_table(s, "CREATE TABLE IF NOT EXISTS facts(run BIGINT NOT NULL, name TEXT NOT "
	                     "NULL, kind BIGINT NOT NULL, number DOUBLE PRECISION, text TEXT, step "
	                     "BIGINT,"
	                     " PRIMARY KEY(run, name, kind))", s->ops->table_tail, "")) != TT_OK ||
	    (st = say(s, "CREATE INDEX IF NOT EXISTS facts_by_name ON facts(name, number)")) != TT_OK ||
	    (st = store_make_models(s)) != TT_OK)
		return st;
	return store_do(s, "INSERT INTO tutti_store(version) VALUES(?1) ON CONFLICT DO NOTHING",
	                db_int(VERSION));
}

static tt_status read_version(tt_store *s, int64_t *out)
{
	return store_ask(s, take_int, out, "SELECT max(version) FROM tutti_store WHERE ?1 = 1",
	                 db_int(1));
}

/* One at a time; who comes second finds what the first has made. */
static tt_status make_all(tt_store *s)
{
	tt_status st;

	if ((s->ops->lock && (st = say(s, s->ops->lock)) != TT_OK) ||
	    (st = say(s, "CREATE TABLE IF NOT EXISTS tutti_store(version BIGINT PRIMARY KEY)")) !=
	    TT_OK)
		return st;
	return make_tables(s);
}

/* Where the table is missing the question is an error, of which nothing is said. */
static tt_status check_version(tt_store *s, const char *uri)
{
	int64_t version = 0;
	tt_status st;

	if (read_version(s, &version) == TT_OK && version > VERSION)
		return err_set(TT_ESUPPORT, "%s: this store is of version %lld, and this tutti knows up to "
		               "%d: use a newer tutti, or another store", uri, (long long)version, VERSION);
	if (version == VERSION)
		return TT_OK;
	return (st = store_begin(s)) == TT_OK ? store_end(s, make_all(s)) : st;
}

/* Which plug, by how a URI begins; what is behind it is the place. */
static const struct { const char *begin, *plug; size_t skip; } schemes[] = {
	{ "postgresql://", "postgres", 0 }, { "postgres://", "postgres", 0 },
	{ "sqlite:", "sqlite", sizeof "sqlite:" - 1 }, { "", "sqlite", 0 },
};

static tt_status choose(const char *uri, const struct plug **out, const char **place)
{
	size_t i = 0;

	while (strncmp(uri, schemes[i].begin, strlen(schemes[i].begin)) != 0)
		i++;
	if (!*schemes[i].begin && strstr(uri, "://"))
		return err_set(TT_ESUPPORT, "%.*s://: stores are files, such as runs/tutti.db, or "
		               "postgresql://HOST/DATABASE", (int)strcspn(uri, ":"), uri);
	*place = uri + schemes[i].skip;
	return plug_find(PLUG_STORE, schemes[i].plug, out);
}

/* A URI may hold a password. */
static const char *shown(const char *uri)
{
	return strstr(uri, "://") ? "this database" : uri;
}

tt_status tt_store_open(tt_store **out, const char *uri, enum tt_store_access access)
{
	const char *place = uri;
	const struct plug *p;
	struct tt_store *s;
	tt_status st;

	if (!out || !uri)
		return err_null(__func__);
	if ((st = choose(uri, &p, &place)) != TT_OK)
		return st;
	if (!(s = mem_calloc(1, sizeof *s)))
		return TT_ENOMEM;
	s->ops = p->ops;
	if ((st = s->ops->open(&s->db, place, access)) == TT_OK &&
	    (st = check_version(s, shown(uri))) == TT_OK)
		*out = s;
	else
		tt_store_close(&s);
	return st;
}

void tt_store_close(tt_store **s)
{
	if (!s || !*s)
		return;
	(*s)->ops->close(&(*s)->db);
	mem_free(*s);
	*s = NULL;
}

/* ---- runs ---- */

static tt_status check_id(const char *id)
{
	const size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	if (n && !id[n] && n <= ID_MOST)
		return TT_OK;
	return err_set(TT_EINVAL, "'%.80s' is no id of a run: up to %d letters, digits, '-' and '_'",
	               id,
	               ID_MOST);
}

static int is_status(const char *word)
{
	static const char *const all[] = { "scheduled", "running", "finished", "stopped", "failed",
	                                   "killed" };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i], word) == 0)
			return 1;
	return 0;
}

tt_status store_put_row(tt_store *s, const tt_store_run *r)
{
	return store_do(s, "INSERT INTO runs(uid, name, kind, parent, folder, status, note, host, "
	                "process, begun, ended) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
	                "ON CONFLICT(uid) DO UPDATE SET name = coalesce(?2, runs.name), "
	                "kind = coalesce(?3, runs.kind), parent = coalesce(?4, runs.parent), "
	                "folder = coalesce(?5, runs.folder), status = coalesce(?6, runs.status), "
	                "note = coalesce(?7, runs.note), host = coalesce(?8, runs.host), "
	                "process = coalesce(?9, runs.process), begun = coalesce(?10, runs.begun), "
	                "ended = coalesce(?11, runs.ended)",
	                db_text(r->id), db_text(r->name), db_text(r->kind), db_text(r->parent),
	                db_text(r->folder), db_text(r->status), db_text(r->note), db_text(r->host),
	                r->process ? db_int(r->process) : db_text(NULL),
	                r->begun != 0 ? db_real(r->begun) : db_text(NULL),
	                r->ended != 0 ? db_real(r->ended) : db_text(NULL));
}

tt_status tt_store_put(tt_store *s, const tt_store_run *run)
{
	tt_store_run r;
	tt_status st;

	if (!s || !run)
		return err_null(__func__);
	if ((st = sized_take(&r, sizeof r, run, offsetof(tt_store_run, name), "tt_store_run")) != TT_OK)
		return st;
	if (!r.id)
		return err_null(__func__);
	if ((st = check_id(r.id)) != TT_OK)
		return st;
	if (r.status && !is_status(r.status))
		return err_set(TT_EINVAL, "'%s' is no status of a run", r.status);
	return store_put_row(s, &r);
}

tt_status store_key(tt_store *s, const char *id, int64_t *out)
{
	int64_t key = 0;
	tt_status st = store_ask(s, take_int, &key, "SELECT id FROM runs WHERE uid = ?1", db_text(id));

	if (st == TT_OK && !key)
		return err_set(TT_ENOENT, "the store has no run '%.80s'", id);
	if (st == TT_OK)
		*out = key;
	return st;
}

static tt_status delete_rows(tt_store *s, const char *id)
{
	int64_t key = 0;
	tt_status st;

	if ((st = store_key(s, id, &key)) != TT_OK ||
	    (st = store_do(s, "DELETE FROM points WHERE run = ?1", db_int(key))) != TT_OK ||
	    (st = store_do(s, "DELETE FROM facts WHERE run = ?1", db_int(key))) != TT_OK)
		return st;
	return store_do(s, "DELETE FROM runs WHERE id = ?1", db_int(key));
}

tt_status tt_store_delete(tt_store *s, const char *id)
{
	tt_status st;

	if (!s || !id)
		return err_null(__func__);
	return (st = store_begin(s)) == TT_OK ? store_end(s, delete_rows(s, id)) : st;
}

/* ---- records ---- */

/* Its last number is told soon, too: one row less to write. */
static int comes_again(const tt_record *v, int i, int n)
{
	for (int k = i + 1; k < n && k <= i + LOOK_AHEAD; k++)
		if (v[k].kind == TT_RECORD_METRIC && v[k].step >= v[i].step &&
		    strcmp(v[k].name, v[i].name) == 0)
			return 1;
	return 0;
}

static tt_status write_point(tt_store *s, int64_t key, const tt_record *r)
{
	return store_do(s, "INSERT INTO points(run, name, step, time, value) VALUES(?1, ?2, ?3, ?4, "
	                "?5) ON CONFLICT(run, name, step, time) DO UPDATE SET value = ?5",
	                db_int(key), db_text(r->name), db_int(r->step), db_real(r->time),
	                isnan(r->value) ? db_text(NULL) : db_real(r->value));
}

static tt_status write_fact(tt_store *s, int64_t key, const tt_record *r)
{
	double number = r->value;
	int known = !r->text || str_to_double(r->text, &number);

	return store_do(s, "INSERT INTO facts(run, name, kind, number, text, step) VALUES(?1, ?2, "
	                "?3, ?4, ?5, ?6) ON CONFLICT(run, name, kind) DO UPDATE SET number = ?4, "
	                "text = ?5, step = ?6 WHERE facts.step <= ?6",
	                db_int(key), db_text(r->name), db_int(r->kind),
	                known && !isnan(number) ? db_real(number) : db_text(NULL), db_text(r->text),
	                db_int(r->kind == TT_RECORD_METRIC ? r->step : 0));
}

tt_status store_write_rows(tt_store *s, int64_t key, const tt_record *v, int n)
{
	tt_status st = TT_OK;

	for (int i = 0; i < n && st == TT_OK; i++) {
		const tt_record *r = &v[i];

		if (r->kind == TT_RECORD_METRIC && (st = write_point(s, key, r)) != TT_OK)
			return st;
		if (r->kind != TT_RECORD_METRIC || !comes_again(v, i, n))
			st = write_fact(s, key, r);
	}
	return st;
}

/* Ours, of the caller's, which may be of another size. */
static tt_status take_records(const tt_record *v, int n, tt_record *out)
{
	for (int i = 0; i < n; i++) {
		const void *theirs = (const char *)v + (size_t)i * v->size;
		tt_status st = sized_take(&out[i], sizeof *out, theirs, offsetof(tt_record, text),
		                          "tt_record");

		if (st != TT_OK)
			return st;
		if (!out[i].name || (unsigned)out[i].kind > TT_RECORD_ARTIFACT)
			return err_set(TT_EINVAL, "record %d has no name, or no kind that there is", i);
	}
	return TT_OK;
}

static tt_status write_taken(tt_store *s, const char *id, const tt_record *v, int n)
{
	int64_t key = 0;
	tt_status st;

	if ((st = store_begin(s)) != TT_OK)
		return st;
	if ((st = store_key(s, id, &key)) == TT_OK)
		st = store_write_rows(s, key, v, n);
	return store_end(s, st);
}

tt_status tt_store_write(tt_store *s, const char *id, const tt_record *v, int n)
{
	tt_record *own;
	tt_status st;

	if (!s || !id || (n > 0 && !v))
		return err_null(__func__);
	if (n <= 0)
		return TT_OK;
	if (!(own = mem_calloc((size_t)n, sizeof *own)))
		return TT_ENOMEM;
	if ((st = take_records(v, n, own)) == TT_OK)
		st = write_taken(s, id, own, n);
	mem_free(own);
	return st;
}

static tt_status rewind_rows(tt_store *s, const char *id, int64_t step)
{
	int64_t key = 0;
	tt_status st;

	if ((st = store_key(s, id, &key)) != TT_OK ||
	    (st = store_do(s, "DELETE FROM points WHERE run = ?1 AND step > ?2", db_int(key),
	                   db_int(step))) != TT_OK ||
	    (st = store_do(s, "DELETE FROM facts WHERE run = ?1 AND kind = 0", db_int(key))) != TT_OK)
		return st;
	return store_do(s, "INSERT INTO facts(run, name, kind, number, step) SELECT run, name, 0, "
	                "value, "
	                "step FROM points p WHERE run = ?1 AND step = (SELECT max(step) FROM points q "
	                "WHERE q.run = p.run AND q.name = p.name) ON CONFLICT(run, name, kind) DO "
	                "NOTHING",
	                db_int(key));
}

tt_status tt_store_rewind(tt_store *s, const char *id, int64_t step)
{
	tt_status st;

	if (!s || !id)
		return err_null(__func__);
	return (st = store_begin(s)) == TT_OK ? store_end(s, rewind_rows(s, id, step)) : st;
}

/* ---- reading ---- */

struct reader { tt_record_fn *f; void *ctx; const char *name; };

static tt_status give_fact(void *ctx, const struct db_value *v)
{
	const struct reader *r = ctx;

	return r->f(r->ctx, &(tt_record){ .size = sizeof(tt_record), .name = db_word(&v[1]),
		.kind = (enum tt_record_kind)v[0].i, .value = v[2].kind == DB_NULL ? NAN : db_number(&v[2]),
		.text = v[3].kind == DB_TEXT ? v[3].t : NULL, .step = v[4].kind == DB_INT ? v[4].i : 0 });
}

tt_status tt_store_read(tt_store *s, const char *id, tt_record_fn *f, void *ctx)
{
	struct reader r = { f, ctx, NULL };
	int64_t key = 0;
	tt_status st;

	if (!s || !id || !f)
		return err_null(__func__);
	if ((st = store_key(s, id, &key)) != TT_OK)
		return st;
	return store_ask(s, give_fact, &r, "SELECT kind, name, number, text, step FROM facts WHERE "
	                 "run = ?1 ORDER BY kind, name", db_int(key));
}

static tt_status give_point(void *ctx, const struct db_value *v)
{
	const struct reader *r = ctx;

	return r->f(r->ctx, &(tt_record){ .size = sizeof(tt_record), .kind = TT_RECORD_METRIC,
		.name = r->name, .step = v[0].i, .time = db_number(&v[1]),
		.value = v[2].kind == DB_NULL ? NAN : db_number(&v[2]) });
}

tt_status tt_store_history(tt_store *s, const char *id, const char *metric, tt_record_fn *f,
                           void *ctx)
{
	struct reader r = { f, ctx, metric };
	int64_t key = 0;
	tt_status st;

	if (!s || !id || !metric || !f)
		return err_null(__func__);
	if ((st = store_key(s, id, &key)) != TT_OK)
		return st;
	return store_ask(s, give_point, &r, "SELECT step, time, value FROM points WHERE run = ?1 AND "
	                 "name = ?2 ORDER BY step, time", db_int(key), db_text(metric));
}
