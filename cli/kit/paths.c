#include "kit/paths.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tutti/model.h>
#include <tutti/run.h>
#include <tutti/store.h>

#include "base/file.h"
#include "base/str.h"

/* A text of the library's becomes one of the arena's. */
static tt_status keep(struct arena *a, tt_status st, char *owned, const char **out)
{
	if (st != TT_OK)
		return st;
	*out = arena_strdup(a, owned);
	tt_free(owned);
	return *out ? TT_OK : TT_ENOMEM;
}

tt_status paths_new_run(struct arena *a, const char *runs, const char *name, const char **out)
{
	char *path = NULL;
	tt_status st = tt_run_new(runs, name, &path);

	return keep(a, st, path, out);
}

tt_status paths_last(struct arena *a, const char *run, const char **out)
{
	char *path = NULL;
	tt_status st = tt_run_path(run, TT_RUN_LAST, &path);

	return keep(a, st, path, out);
}

tt_status paths_log(struct arena *a, const char *run, const char **out)
{
	char *path = NULL;
	tt_status st = tt_run_path(run, TT_RUN_LOG, &path);

	return keep(a, st, path, out);
}

tt_status paths_newest_run(struct arena *a, const char *runs, const char *name, const char **out)
{
	char *path = NULL;
	tt_status st = tt_run_newest(runs, name, &path);

	return keep(a, st, path, out);
}

static const char models[] = "models:";

const char *paths_store(const char *given)
{
	const char *usual = getenv("TUTTI_STORE");

	if (given)
		return given;
	return usual && *usual && strcmp(usual, "none") != 0 ? usual : "runs/tutti.db";
}

const char *paths_above(struct arena *a, const char *path)
{
	char *out = arena_strdup(a, path), *slash;

	if (!out)
		return NULL;
	for (size_t n = strlen(out); n > 1 && out[n - 1] == '/'; n--)
		out[n - 1] = '\0';
	slash = strrchr(out, '/');
	if (!slash)
		return ".";
	slash[slash == out] = '\0';
	return out;
}

const char *paths_store_given(const char *given)
{
	const char *usual = getenv("TUTTI_STORE");

	return given ? given : usual && *usual ? usual : NULL;
}

tt_status paths_store_of(struct arena *a, const char *given, const char *run, const char **out)
{
	const char *folder;

	given = paths_store_given(given);
	*out = given && strcmp(given, "none") != 0 ? given : NULL;
	if (given)
		return TT_OK;
	if (!(folder = paths_above(a, run)))
		return TT_ENOMEM;
	*out = strcmp(folder, ".") == 0 ? "tutti.db" : arena_printf(a, "%s/tutti.db", folder);
	return *out ? TT_OK : TT_ENOMEM;
}

struct kept { struct arena *arena; const char *path; };

static tt_status keep_version(void *ctx, const tt_model_version *v)
{
	struct kept *k = ctx;

	if (!file_exists(v->path))
		return err_set(TT_ENOENT, "%s, version %lld of %s, is not there any more", v->path,
		               (long long)v->version, v->model);
	return (k->path = arena_strdup(k->arena, v->path)) ? TT_OK : TT_ENOMEM;
}

static tt_status find_model(struct arena *a, const char *name, const char **out)
{
	struct kept k = { a, NULL };
	tt_store *s = NULL;
	tt_status st = tt_store_open(&s, paths_store(NULL), TT_STORE_THERE);

	if (st == TT_OK && (st = tt_store_version(s, name, keep_version, &k)) == TT_OK)
		*out = k.path;
	tt_store_close(&s);
	return st;
}

static int is_model(const char *name)
{
	return strncmp(name, models, sizeof models - 1) == 0 && !file_exists(name);
}

tt_status paths_kernel_cache(struct arena *a, const char *given, const char **out)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	const char *folder = NULL;

	*out = given;
	if (given)
		return TT_OK;
	if (cache && *cache == '/')
		folder = arena_printf(a, "%s/tutti", cache);
	else if (home && *home == '/')
		folder = arena_printf(a, "%s/.cache/tutti", home);
	else
		return TT_OK;
	if (!folder)
		return TT_ENOMEM;
	if (file_mkdirs(folder) != TT_OK)
		return TT_OK;                /* a read-only home is no reason not to train */
	*out = arena_printf(a, "%s/kernels.txt", folder);
	return *out ? TT_OK : TT_ENOMEM;
}

#define FOLDS_MAX 1000                  /* as of train --folds */

static const char *fold_of(struct arena *a, const char *name, int i)
{
	const char *sep = str_ends_with(name, "/") ? "" : "/";

	return arena_printf(a, "%s%sfold-%d", name, sep, i);
}

tt_status paths_folds(struct arena *a, const char *name, const char ***out, int *n)
{
	const char *path;

	*n = 0;
	do {
		if (!(path = fold_of(a, name, *n)))
			return TT_ENOMEM;
	} while (file_is_dir(path) && ++*n < FOLDS_MAX);
	if (!(*out = arena_alloc(a, ((size_t)*n + 1) * sizeof **out)))
		return TT_ENOMEM;
	for (int i = 0; i < *n; i++)
		if (!((*out)[i] = fold_of(a, name, i)))
			return TT_ENOMEM;
	return TT_OK;
}

/* A cross-validated run is a folder of runs, each with a model of its own. */
static tt_status name_folds(struct arena *a, const char *name, tt_status err)
{
	const char **fold;
	int n;
	tt_status st = err == TT_ENOENT ? paths_folds(a, name, &fold, &n) : TT_ENOENT;

	if (st != TT_OK || !n)
		return err;
	return err_set(TT_EINVAL, "%s: a cross-validation has a model for each of its %d folds and "
	               "none of its own: name one, such as %s (`tutti eval %s` measures all), or train "
	               "one on all the data", name, n, fold[0], name);
}

tt_status paths_checkpoint(struct arena *a, const char *name, const char **out)
{
	char *path = NULL;
	tt_status st;

	if (is_model(name))
		return find_model(a, name, out);
	st = tt_run_checkpoint(name, &path);
	return st == TT_OK ? keep(a, st, path, out) : name_folds(a, name, st);
}

int paths_is_checkpoint(const char *name)
{
	return str_ends_with(name, ".safetensors") || file_is_dir(name) || is_model(name);
}

#define FOLDERS_UP 8                    /* that are looked at */

/* The folder of a path that realpath has made; 0: it has none. */
static int go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return 0;
	*slash = '\0';
	return 1;
}

/* Behind the scheme and before the options, unless a file of that very name is there. */
static int is_place(const char *out, const char *in)
{
	const char *colon = strchr(in, ':');
	char place[PATH_MAX];

	if (!colon || file_exists(in))
		return 0;
	snprintf(place, sizeof place, "%.*s", (int)strcspn(colon + 1, "?"), colon + 1);
	return file_same(out, place) || file_same(out, colon + 1);
}

tt_status paths_spare(const char *out, const char *in)
{
	if (!out || !in)
		return TT_OK;
	if (!file_same(out, strcmp(in, "-") == 0 ? "/dev/stdin" : in) && !is_place(out, in))
		return TT_OK;
	return err_set(TT_EINVAL, "%s: this is what is read: name another file to write", out);
}

tt_status paths_hint(tt_status err, const char *uri, const char *beside)
{
	const char *colon = strchr(uri, ':'), *path = colon ? colon + 1 : "";
	const int n = (int)strcspn(path, "?");
	char folder[PATH_MAX], there[2 * PATH_MAX], why[ERR_MAX];

	if (err != TT_ENOENT || !n || *path == '/' || !realpath(beside, folder))
		return err;
	for (int i = 0; i < FOLDERS_UP && go_up(folder); i++) {
		snprintf(there, sizeof there, "%s/%.*s", folder, n, path);
		if (!file_exists(there))
			continue;
		snprintf(why, sizeof why, "%s", tt_last_error());
		return err_set(err, "%s; it is there from %s: paths begin at the folder that you are in",
		               why, folder);
	}
	return err;
}
