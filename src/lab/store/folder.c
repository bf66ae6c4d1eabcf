#include "lab/store/folder.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include <tutti/run.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/node/node.h"
#include "learn/observe/metrics_csv.h"
#include "learn/observe/run_dir.h"

#define LOG_MOST ((size_t)64 << 20)
#define JSON_MOST ((size_t)1 << 20)

/* ---- id ---- */

static int read_id(const char *path, char id[TT_STORE_ID])
{
	char line[TT_STORE_ID + 2] = "";

	if (!file_first_line(path, line, sizeof line) || strlen(line) != TT_STORE_ID - 1 ||
	    line[strspn(line, "0123456789abcdef")])
		return 0;
	memcpy(id, line, TT_STORE_ID);
	return 1;
}

static void id_by_path(const char *folder, char id[TT_STORE_ID])
{
	char *path = realpath(folder, NULL);
	const uint64_t h = hash_text(path ? path : folder);

	snprintf(id, TT_STORE_ID, "%016llx%016llx", (unsigned long long)h,
	         (unsigned long long)hash_bytes(h, &h, sizeof h));
	free(path);
}

tt_status folder_id(const char *folder, char id[TT_STORE_ID])
{
	uint64_t drawn[2] = { 0 };
	struct str path = {0};
	tt_status st = run_dir_path(&path, folder, TT_RUN_ID);

	if (st == TT_OK && !read_id(path.p, id)) {
		id_by_path(folder, id);
		if (getrandom(drawn, sizeof drawn, GRND_NONBLOCK) == (ssize_t)sizeof drawn) {
			char made[TT_STORE_ID + 1];

			snprintf(made, sizeof made, "%016llx%016llx\n", (unsigned long long)drawn[0],
			         (unsigned long long)drawn[1]);
			if (file_write_all(path.p, made, TT_STORE_ID) == TT_OK)
				(void)read_id(path.p, id);
		}
	}
	str_release(&path);
	return st;
}

/* ---- facts ---- */

static int make_room(struct facts *f)
{
	const int room = f->room ? 2 * f->room : 64;
	tt_record *v;

	if (f->n < f->room)
		return 1;
	if (!(v = arena_alloc(f->arena, (size_t)room * sizeof *v)))
		return 0;
	if (f->n)
		memcpy(v, f->v, (size_t)f->n * sizeof *v);
	f->v = v;
	f->room = room;
	return 1;
}

void facts_add(struct facts *f, enum tt_record_kind kind, const char *name, const char *text)
{
	tt_record r = { .size = sizeof r, .kind = kind, .name = arena_strdup(f->arena, name),
	                .text = text ? arena_strdup(f->arena, text) : NULL };

	if (!r.name || (text && !r.text) || !make_room(f))
		f->st = TT_ENOMEM;
	else
		f->v[f->n++] = r;
}

static tt_status add_key(void *ctx, const char *key, const char *value)
{
	struct facts *f = ctx;

	if (*value)
		facts_add(f, TT_RECORD_PARAM, key, value);
	return f->st;
}

void facts_add_spec(struct facts *f, const tt_spec *s)
{
	tt_status st = tt_spec_each(s, add_key, f);

	if (st != TT_OK)
		f->st = st;
}

static double time_of(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S%z", &tm);
	const long offset = tm.tm_gmtoff;

	return end ? (double)(timegm(&tm) - offset) : 0;
}

void facts_add_environment(struct facts *f, const char *folder, double *begun)
{
	static const char *const told[] = { "git_commit", "host", "tutti", "cpu", "folder" };
	struct arena a = { 0 };
	struct str path = {0};
	struct node *root;
	char *text = NULL;
	size_t size;

	if (run_dir_path(&path, folder, TT_RUN_ENVIRONMENT) == TT_OK && file_exists(path.p) &&
	    file_read_all(path.p, JSON_MOST, &text, &size) == TT_OK &&
	    node_parse_json(&a, path.p, text, size, &root) == TT_OK && root->kind == NODE_MAP) {
		const struct node *started = node_get(root, "started");

		for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
			const struct node *n = node_get(root, told[i]);

			if (n && n->kind == NODE_TEXT && *n->text)
				facts_add(f, TT_RECORD_TAG, told[i], n->text);
		}
		facts_add(f, TT_RECORD_TAG, "environment", text);
		if (started && started->kind == NODE_TEXT && time_of(started->text) > 0)
			*begun = time_of(started->text);
	}
	mem_free(text);
	str_release(&path);
	arena_release(&a);
}

static void add_file(struct facts *f, const char *folder, const char *path)
{
	struct stat s;

	if (stat(path, &s) != 0)
		return;
	facts_add(f, TT_RECORD_ARTIFACT, path + strlen(folder) + 1, NULL);
	if (f->st == TT_OK)
		f->v[f->n - 1].value = (double)s.st_size;
}

/* What the user had kept: kept/v1/notebook.ipynb. */
static void add_kept(struct facts *f, const char *folder)
{
	struct str pattern = {0};
	glob_t found = { 0 };

	str_addf(&pattern, "%s/kept/*/*", folder);
	if (str_status(&pattern) == TT_OK && glob(pattern.p, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			add_file(f, folder, found.gl_pathv[i]);
	globfree(&found);
	str_release(&pattern);
}

void facts_add_files(struct facts *f, const char *folder)
{
	static const enum tt_run_file files[] = { TT_RUN_SPEC, TT_RUN_ENVIRONMENT, TT_RUN_LOG,
		TT_RUN_METRICS, TT_RUN_CURVES, TT_RUN_BEST, TT_RUN_LAST };
	struct str path = {0};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (run_dir_path(&path, folder, files[i]) == TT_OK)
			add_file(f, folder, path.p);
	add_kept(f, folder);
	str_release(&path);
}

/* ---- import ---- */

struct import {
	tt_store  *store;
	const char *folder;
	char        id[TT_STORE_ID];
	int64_t     key;
	tt_status   st;
	double      begun, ended;
	const char *status;
};

/* A row of metrics.csv that the store has not got; times are not told there. */
static void add_metric(void *ctx, const struct csv_metric *m)
{
	struct import *i = ctx;
	char name[128];

	if (i->st != TT_OK)
		return;
	snprintf(name, sizeof name, "%s.%s", m->split, m->name);
	i->st = store_do(i->store, "INSERT INTO points(run, name, step, time, value) SELECT ?1, ?2, "
	                 "?3, 0, ?4 WHERE NOT EXISTS (SELECT 1 FROM points WHERE run = ?1 AND "
	                 "name = ?2 AND step = ?3)", db_int(i->key), db_text(name), db_int(m->step),
	                 db_real(m->value));
	if (i->st == TT_OK)
		i->st = store_do(i->store, "INSERT INTO facts(run, name, kind, number, step) "
		                 "VALUES(?1, ?2, 0, ?3, ?4) ON CONFLICT(run, name, kind) DO UPDATE SET "
		                 "number = ?3, step = ?4 WHERE facts.step <= ?4", db_int(i->key),
		                 db_text(name), db_real(m->value), db_int(m->step));
}

/* How it ended, from the last line of the log that says so: "... end: finished". */
static void read_end(struct import *i)
{
	struct str path = {0};
	char *text = NULL, *last = NULL;
	struct stat s;
	size_t size;

	i->status = "killed";
	if (run_dir_path(&path, i->folder, TT_RUN_LOG) == TT_OK && stat(path.p, &s) == 0 &&
	    file_read_all(path.p, LOG_MOST, &text, &size) == TT_OK) {
		i->ended = (double)s.st_mtime;
		for (char *at = text; (at = strstr(at, "end: ")); at++)
			last = at + 5;
		if (last && !strchr(last, '\n'))
			last = NULL;
		if (last && strstr(strchr(last, '\n'), "epoch "))
			last = NULL;            /* it went on after that */
	}
	if (last)
		i->status = strncmp(last, "stopped", 7) == 0 ? "stopped" :
		            strncmp(last, "finished", 8) == 0 ? "finished" : "failed";
	mem_free(text);
	str_release(&path);
}

/* Who writes the row now knows better. */
static tt_status is_running(void *ctx, const tt_store_run *r)
{
	*(int *)ctx = strcmp(r->status, "running") == 0;
	return TT_OK;
}

static tt_status put_run(struct import *i, const tt_spec *s)
{
	char filter[64 + TT_STORE_ID], *name = NULL, *path = realpath(i->folder, NULL);
	int running = 0;
	tt_status st;

	snprintf(filter, sizeof filter, "id = '%s'", i->id);
	if ((st = tt_store_find(i->store, TT_STORE_QUERY(.filter = filter), is_running,
	                        &running)) == TT_OK && (st = tt_spec_get(s, "name", &name)) == TT_OK)
		st = tt_store_put(i->store, TT_STORE_RUN(.id = i->id, .name = name, .folder = path,
			.status = running ? NULL : i->status, .begun = running ? 0 : i->begun,
			.ended = running ? 0 : i->ended));
	if (st == TT_OK)
		st = store_do(i->store, "UPDATE runs SET kind = 'train' WHERE uid = ?1 AND kind IS NULL",
		              db_text(i->id));
	tt_free(name);
	free(path);
	return st;
}

static tt_status add_rows(struct import *i, const struct facts *f)
{
	struct str path = {0};
	tt_status st;

	if ((st = store_key(i->store, i->id, &i->key)) == TT_OK &&
	    (st = store_write_rows(i->store, i->key, f->v, f->n)) == TT_OK &&
	    (st = run_dir_path(&path, i->folder, TT_RUN_METRICS)) == TT_OK && file_exists(path.p) &&
	    (st = metrics_csv_each(path.p, INT64_MAX, add_metric, i)) == TT_OK)
		st = i->st;
	str_release(&path);
	return st;
}

static tt_status load_spec(const char *folder, tt_spec **out)
{
	struct str path = {0};
	tt_status st = run_dir_path(&path, folder, TT_RUN_SPEC);

	if (st == TT_OK && !file_exists(path.p))
		st = err_set(TT_ENOENT, "%s: no run folder: there is no spec.yaml in it", folder);
	if (st == TT_OK && (st = tt_spec_load(out, path.p)) == TT_OK)
		(void)tt_spec_resolve(*out);            /* one that cannot be stands as it is */
	str_release(&path);
	return st;
}

tt_status tt_store_import(tt_store *s, const char *folder)
{
	struct import i = { .store = s, .folder = folder };
	struct arena a = { 0 };
	struct facts f = { .arena = &a };
	tt_spec *spec = NULL;
	tt_status st;

	if (!s || !folder)
		return err_null(__func__);
	if ((st = load_spec(folder, &spec)) == TT_OK && (st = folder_id(folder, i.id)) == TT_OK) {
		read_end(&i);
		facts_add_spec(&f, spec);
		facts_add_environment(&f, folder, &i.begun);
		facts_add_files(&f, folder);
		st = f.st;
	}
	if (st == TT_OK && (st = put_run(&i, spec)) == TT_OK && (st = store_begin(s)) == TT_OK)
		st = store_end(s, add_rows(&i, &f));
	tt_spec_free(&spec);
	arena_release(&a);
	return st;
}
