#include "train/record.h"

#include <string.h>

#include <tutti/plug.h>

#include "base/file.h"
#include "base/mem.h"
#include "kit/paths.h"
#include "kit/table.h"

#define KEEP_MOST ((size_t)1 << 30)     /* bytes of a file that is kept */

/* Builds without SQLite record where they are told to, and say why they cannot. */
static int has_stores(void)
{
	tt_plug p = TT_SIZED(tt_plug);

	for (int i = 0; i < tt_plug_count(); i++)
		if (tt_plug_get(i, &p) == TT_OK && strcmp(p.kind, "store") == 0 && p.version)
			return 1;
	return 0;
}

/* *out is NULL where nothing is to be recorded. */
static tt_status choose_store(const struct run *r, const char *folder, const char **out)
{
	const char *given = paths_store_given(r->args->store);

	*out = NULL;
	if (!given && !has_stores())
		return TT_OK;
	return paths_store_of(r->arena, given, folder, out);
}

static void tell(void *ctx, const char *text)
{
	const struct run *r = ctx;

	text_printf(stderr, "tutti train: %s (training goes on; `tutti runs import %s` adds it)\n",
	            text,
	            r->dir);
}

/* ---- files to keep ---- */

static int is_same(const char *path, const char *bytes, size_t n)
{
	char *there = NULL;
	size_t size = 0;
	const int same = file_read_all(path, KEEP_MOST, &there, &size) == TT_OK && size == n &&
	                 memcmp(there, bytes, n) == 0;

	mem_free(there);
	return same;
}

/* Where the next version of a file goes; *last: the one before, NULL: there is none. */
static tt_status next_version(const struct run *r, const char *name, const char **last,
                              const char **folder)
{
	*last = NULL;
	for (int v = 1; ; v++) {
		const char *path;

		*folder = arena_printf(r->arena, "%s/kept/v%d", r->dir, v);
		path = *folder ? arena_printf(r->arena, "%s/%s", *folder, name) : NULL;
		if (!path)
			return TT_ENOMEM;
		if (!file_exists(path))
			return TT_OK;
		*last = path;
	}
}

static tt_status keep_file(const struct run *r, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *last, *folder, *to;
	char *bytes = NULL;
	size_t n;
	tt_status st;

	if ((st = file_read_all(path, KEEP_MOST, &bytes, &n)) != TT_OK)
		return err_at(st, "--keep");
	if ((st = next_version(r, name, &last, &folder)) == TT_OK &&
	    !(last && is_same(last, bytes, n)) && (st = file_mkdirs(folder)) == TT_OK) {
		to = arena_printf(r->arena, "%s/%s", folder, name);
		st = to ? file_write_all(to, bytes, n) : TT_ENOMEM;
	}
	mem_free(bytes);
	return st;
}

/* ---- the run ---- */

tt_status record_start(struct run *r)
{
	const char *parent = NULL, *store = NULL;
	tt_observer o = TT_SIZED(tt_observer);
	tt_status st;

	if (!run_is_first(r))
		return TT_OK;
	for (int i = 0; i < r->args->keep.n; i++)
		if ((st = keep_file(r, r->args->keep.v[i])) != TT_OK)
			return st;
	if (r->args->folds && !(parent = paths_above(r->arena, r->dir)))
		return TT_ENOMEM;
	if ((st = choose_store(r, parent ? parent : r->dir, &store)) != TT_OK || !store)
		return st;
	st = tt_recorder_open(&r->recorder, TT_RECORDER_OPTS(.store = store, .folder = r->dir,
		.parent = parent, .kind = parent ? "fold" : "train", .spec = tt_model_spec(r->model),
		.resumed = r->first_step, .tell = tell, .tell_ctx = r));
	if (st != TT_OK) {
		tell(r, tt_last_error());
		return TT_OK;
	}
	if ((st = tt_recorder_observer(r->recorder, &o)) == TT_OK)
		st = tt_trainer_observe(r->trainer, &o);
	return st;
}

void record_end(struct run *r, tt_status st)
{
	tt_recorder_close(&r->recorder, st);
}
