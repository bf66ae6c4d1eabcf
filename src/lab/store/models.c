/* models.c -- models with versions, and names that point to one of them.
 *
 *   models N --< versions 1, 2 ... of a run's checkpoint
 *            --< aliases: each move is a row, the last one holds, so that a move can be taken back
 */
#include "lab/store/store_own.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/sized.h"
#include "base/str.h"

#define NAME_MOST 128
#define SELECT "SELECT v.model, v.version, v.run, v.path, v.stage, v.description, v.made FROM " \
	"versions v WHERE "

tt_status store_make_models(tt_store *s)
{
	static const char *const tables[] = {
		"CREATE TABLE IF NOT EXISTS versions(model TEXT NOT NULL, version BIGINT NOT NULL, run "
		    "TEXT, "
		"path TEXT NOT NULL, stage TEXT, description TEXT, made DOUBLE PRECISION, "
		"PRIMARY KEY(model, version))",
		"CREATE TABLE IF NOT EXISTS aliases(model TEXT NOT NULL, alias TEXT NOT NULL, move "
		    "BIGINT NOT "
		"NULL, version BIGINT NOT NULL, PRIMARY KEY(model, alias, move))",
	};
	tt_status st = TT_OK;

	for (size_t i = 0; i < sizeof tables / sizeof *tables && st == TT_OK; i++)
		st = store_run(s, &(struct db_query){ .sql = tables[i] });
	return st;
}

static tt_status check_name(const char *what, const char *name)
{
	const size_t n = strcspn(name, "@/: \t\r\n");

	if (n && !name[n] && n <= NAME_MOST)
		return TT_OK;
	return err_set(TT_EINVAL, "'%.140s' is no name of %s: at most %d bytes without '@', '/', ':' "
	               "and "
	               "blanks", name, what, NAME_MOST);
}

static tt_status take_int(void *ctx, const struct db_value *v)
{
	*(int64_t *)ctx = v->kind == DB_INT ? v->i : 0;
	return TT_OK;
}

/* ---- versions ---- */

static tt_status add_version(tt_store *s, const tt_model_version *v, int64_t *version)
{
	tt_status st = store_ask(s, take_int, version, "SELECT max(version) FROM versions WHERE "
	                         "model = ?1", db_text(v->model));

	if (st != TT_OK)
		return st;
	++*version;
	return store_do(s, "INSERT INTO versions(model, version, run, path, stage, description, made) "
	                "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", db_text(v->model), db_int(*version),
	                db_text(v->run), db_text(v->path), db_text(v->stage ? v->stage : "none"),
	                db_text(v->description), db_real(v->made > 0 ? v->made : (double)time(NULL)));
}

tt_status tt_store_register(tt_store *s, const tt_model_version *version, int64_t *out)
{
	tt_model_version v;
	int64_t made = 0;
	tt_status st;

	if (!s || !version || !out)
		return err_null(__func__);
	if ((st = sized_take(&v, sizeof v, version, offsetof(tt_model_version, stage),
	                     "tt_model_version")) != TT_OK)
		return st;
	if (!v.model || !v.path)
		return err_null(__func__);
	if ((st = check_name("a model", v.model)) != TT_OK || (st = store_begin(s)) != TT_OK)
		return st;
	if ((st = store_end(s, add_version(s, &v, &made))) == TT_OK)
		*out = made;
	return st;
}

static tt_status no_version(const char *model, int64_t version)
{
	return err_set(TT_ENOENT, "there is no version %lld of a model '%.140s'", (long long)version,
	               model);
}

static tt_status check_version(tt_store *s, const char *model, int64_t version)
{
	int64_t there = 0;
	tt_status st = store_ask(s, take_int, &there, "SELECT version FROM versions WHERE model = ?1 "
	                         "AND "
	                         "version = ?2", db_text(model), db_int(version));

	return st == TT_OK && !there ? no_version(model, version) : st;
}

tt_status tt_store_describe(tt_store *s, const tt_model_version *version)
{
	tt_model_version v;
	tt_status st;

	if (!s || !version)
		return err_null(__func__);
	if ((st = sized_take(&v, sizeof v, version, offsetof(tt_model_version, stage),
	                     "tt_model_version")) != TT_OK)
		return st;
	if (!v.model)
		return err_null(__func__);
	if ((st = check_version(s, v.model, v.version)) != TT_OK)
		return st;
	return store_do(s, "UPDATE versions SET stage = coalesce(?3, stage), description = "
	                "coalesce(?4, description) WHERE model = ?1 AND version = ?2", db_text(v.model),
	                db_int(v.version), db_text(v.stage), db_text(v.description));
}

static tt_status delete_version(tt_store *s, const char *model, int64_t version)
{
	tt_status st;

	if ((st = check_version(s, model, version)) != TT_OK ||
	    (st = store_do(s, "DELETE FROM aliases WHERE model = ?1 AND version = ?2", db_text(model),
	                   db_int(version))) != TT_OK)
		return st;
	return store_do(s, "DELETE FROM versions WHERE model = ?1 AND version = ?2", db_text(model),
	                db_int(version));
}

tt_status tt_store_unregister(tt_store *s, const char *model, int64_t version)
{
	tt_status st;

	if (!s || !model)
		return err_null(__func__);
	return (st = store_begin(s)) == TT_OK ? store_end(s, delete_version(s, model, version)) : st;
}

/* ---- aliases ---- */

#define NOW_OF "(SELECT max(move) FROM aliases b WHERE b.model = a.model AND b.alias = a.alias)"

static tt_status move_alias(tt_store *s, const char *model, const char *alias, int64_t version)
{
	tt_status st = check_version(s, model, version);

	if (st != TT_OK)
		return st;
	return store_do(s, "INSERT INTO aliases(model, alias, move, version) SELECT ?1, ?2, "
	                "coalesce(max(move), 0) + 1, ?3 FROM aliases WHERE model = ?1 AND alias = ?2",
	                db_text(model), db_text(alias), db_int(version));
}

tt_status tt_store_alias(tt_store *s, const char *model, const char *alias, int64_t version)
{
	tt_status st;

	if (!s || !model || !alias)
		return err_null(__func__);
	if ((st = check_name("an alias", alias)) != TT_OK || (st = store_begin(s)) != TT_OK)
		return st;
	return store_end(s, move_alias(s, model, alias, version));
}

static tt_status take_back(tt_store *s, const char *model, const char *alias, int64_t *version)
{
	int64_t moves = 0;
	tt_status st = store_ask(s, take_int, &moves, "SELECT count(*) FROM aliases WHERE model = ?1 "
	                         "AND "
	                         "alias = ?2", db_text(model), db_text(alias));

	if (st != TT_OK)
		return st;
	if (moves < 2)
		return err_set(TT_ENOENT, "%.140s@%.140s has not been another version before", model,
		               alias);
	if ((st = store_do(s, "DELETE FROM aliases WHERE model = ?1 AND alias = ?2 AND move = (SELECT "
	                   "max(move) FROM aliases WHERE model = ?1 AND alias = ?2)", db_text(model),
	                   db_text(alias))) != TT_OK)
		return st;
	return store_ask(s, take_int, version, "SELECT version FROM aliases a WHERE model = ?1 AND "
	                 "alias = ?2 AND move = " NOW_OF, db_text(model), db_text(alias));
}

tt_status tt_store_rollback(tt_store *s, const char *model, const char *alias, int64_t *version)
{
	int64_t now = 0;
	tt_status st;

	if (!s || !model || !alias || !version)
		return err_null(__func__);
	if ((st = store_begin(s)) != TT_OK)
		return st;
	if ((st = store_end(s, take_back(s, model, alias, &now))) == TT_OK)
		*version = now;
	return st;
}

/* ---- looking ---- */

struct looker { struct arena arena; tt_model_version *v; int n, room; tt_store *store; };

static const char *keep(struct looker *l, const struct db_value *v)
{
	return arena_strdup(&l->arena, db_word(v));
}

static tt_status take_version(void *ctx, const struct db_value *v)
{
	struct looker *l = ctx;
	tt_model_version *more, *to;

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		if (!(more = arena_alloc(&l->arena, (size_t)l->room * sizeof *more)))
			return TT_ENOMEM;
		if (l->n)
			memcpy(more, l->v, (size_t)l->n * sizeof *more);
		l->v = more;
	}
	to = &l->v[l->n];
	*to = (tt_model_version){ .size = sizeof *to, .model = keep(l, &v[0]), .version = v[1].i,
		.run = keep(l, &v[2]), .path = keep(l, &v[3]), .stage = keep(l, &v[4]),
		.description = keep(l, &v[5]), .made = db_number(&v[6]), .aliases = "" };
	if (!to->model || !to->run || !to->path || !to->stage || !to->description)
		return TT_ENOMEM;
	l->n++;
	return TT_OK;
}

static tt_status add_alias(void *ctx, const struct db_value *v)
{
	str_addf(ctx, "%s%s", ((struct str *)ctx)->len ? "," : "", db_word(v));
	return TT_OK;
}

static tt_status fill_aliases(tt_store *s, struct looker *l, tt_model_version *v)
{
	struct str names = {0};
	tt_status st = store_ask(s, add_alias, &names, "SELECT alias FROM aliases a WHERE model = ?1 "
	                         "AND "
	                         "version = ?2 AND move = " NOW_OF " ORDER BY alias", db_text(v->model),
	                         db_int(v->version));

	if (st == TT_OK && names.p && !(v->aliases = arena_strdup(&l->arena, names.p)))
		st = TT_ENOMEM;
	str_release(&names);
	return st;
}

static tt_status give(tt_store *s, struct looker *l, tt_version_fn *f, void *ctx)
{
	tt_status st = TT_OK;

	for (int i = 0; i < l->n && st == TT_OK; i++)
		if ((st = fill_aliases(s, l, &l->v[i])) == TT_OK)
			st = f(ctx, &l->v[i]);
	arena_release(&l->arena);
	return st;
}

tt_status tt_store_versions(tt_store *s, const char *model, tt_version_fn *f, void *ctx)
{
	struct looker l = { .n = 0 };
	tt_status st;

	if (!s || !f)
		return err_null(__func__);
	st = store_ask(s, take_version, &l, SELECT "CAST(?1 AS TEXT) IS NULL OR v.model = ?1 "
	               "ORDER BY v.model, v.version", db_text(model));
	if (st == TT_OK)
		return give(s, &l, f, ctx);
	arena_release(&l.arena);
	return st;
}

/* "N@alias", "N/3" or "N": the newest. */
static tt_status look_up(tt_store *s, struct looker *l, char *name)
{
	char *at = strpbrk(name, "@/");
	const int is_alias = at && *at == '@';
	const char *word = at ? at + 1 : "";

	if (at)
		*at = '\0';
	if (is_alias)
		return store_ask(s, take_version, l, SELECT "v.model = ?1 AND v.version = (SELECT "
		                 "a.version "
		                 "FROM aliases a WHERE a.model = ?1 AND a.alias = ?2 AND a.move = "
		                 "" NOW_OF ")",
		                 db_text(name), db_text(word));
	if (at)
		return store_ask(s, take_version, l, SELECT "v.model = ?1 AND v.version = ?2",
		                 db_text(name),
		                 db_int(strtoll(word, NULL, 10)));
	return store_ask(s, take_version, l, SELECT "v.model = ?1 ORDER BY v.version DESC LIMIT 1",
	                 db_text(name));
}

tt_status tt_store_version(tt_store *s, const char *word, tt_version_fn *f, void *ctx)
{
	static const char scheme[] = "models:";
	struct looker l = { .n = 0 };
	char *name;
	tt_status st;

	if (!s || !word || !f)
		return err_null(__func__);
	if (strncmp(word, scheme, sizeof scheme - 1) == 0)
		word += sizeof scheme - 1;
	word += *word == '/';
	if (!(name = arena_strdup(&l.arena, word)))
		return TT_ENOMEM;
	if ((st = look_up(s, &l, name)) == TT_OK && !l.n)
		st = err_set(TT_ENOENT, "the store has no model '%.140s' (`tutti models` lists them)",
		             word);
	if (st == TT_OK)
		return give(s, &l, f, ctx);
	arena_release(&l.arena);
	return st;
}
