#include "kit/paths.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"

#define RUN_TRIES 1000

/* mkdir itself decides who gets a name, so two runs started at once never share a folder. */
static tt_status claim_folder(struct arena *a, const char *base, const char **out)
{
	for (int i = 1; i < RUN_TRIES; i++) {
		char *path = i == 1 ? arena_strdup(a, base) : arena_printf(a, "%s-%d", base, i);

		if (!path)
			return TT_ENOMEM;
		if (mkdir(path, 0777) == 0) {
			*out = path;
			return TT_OK;
		}
		if (errno != EEXIST)
			return err_set(TT_EIO, "%s: cannot make the run folder: %s", path,
			               strerror(errno));
	}
	return err_set(TT_EIO, "%s: %d runs of this name in one second", base, RUN_TRIES);
}

/* The part of a run's folder before its time: names of specs may hold what paths may not. */
static char *run_prefix(struct arena *a, const char *runs, const char *name)
{
	char *p = arena_printf(a, "%s/%s-", runs, name);

	for (char *c = p ? p + strlen(runs) + 1 : NULL; c && *c; c++)
		if (*c == '/' || *c == ' ')
			*c = '_';
	return p;
}

tt_status paths_new_run(struct arena *a, const char *runs, const char *name, const char **out)
{
	char      stamp[32];
	time_t    now = time(NULL);
	struct tm tm;
	char     *base, *prefix = run_prefix(a, runs, name);
	tt_status st;

	if (!localtime_r(&now, &tm) || !strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm))
		return err_set(TT_EIO, "the clock cannot be read");
	if ((st = file_mkdirs(runs)) != TT_OK)
		return st;
	if (!prefix || !(base = arena_printf(a, "%s%s", prefix, stamp)))
		return TT_ENOMEM;
	return claim_folder(a, base, out);
}

const char *paths_run_checkpoint(struct arena *a, const char *run, const char *which)
{
	return arena_printf(a, "%s/checkpoints/%s.safetensors", run, which);
}

/* Newest by the checkpoint's own time: clocks and names may have been set back. */
tt_status paths_newest_run(struct arena *a, const char *runs, const char *name, const char **out)
{
	char       *prefix = run_prefix(a, runs, name), *pattern = NULL;
	const char *best = NULL;
	glob_t      found = { 0 };
	struct stat s;
	time_t      newest = 0;

	if (!prefix || !(pattern = arena_printf(a, "%s[0-9]*/checkpoints/last.safetensors", prefix)))
		return TT_ENOMEM;
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			if (stat(found.gl_pathv[i], &s) == 0 && (!best || s.st_mtime >= newest)) {
				best = found.gl_pathv[i];
				newest = s.st_mtime;
			}
	if (best)
		*out = arena_printf(a, "%.*s", (int)(strstr(best, "/checkpoints/last") - best), best);
	globfree(&found);
	if (!best)
		return err_set(TT_ENOENT, "%s: no run of '%s' with a checkpoint to resume", runs, name);
	return *out ? TT_OK : TT_ENOMEM;
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

int paths_is_checkpoint(const char *name)
{
	return str_ends_with(name, ".safetensors") || file_is_dir(name);
}

tt_status paths_checkpoint(struct arena *a, const char *name, const char **out)
{
	static const char *const files[] = { "best", "last" };

	if (!file_is_dir(name)) {
		*out = name;
		return TT_OK;
	}
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const char *path = paths_run_checkpoint(a, name, files[i]);

		if (!path)
			return TT_ENOMEM;
		if (file_exists(path)) {
			*out = path;
			return TT_OK;
		}
	}
	return err_set(TT_ENOENT, "%s: no checkpoints/best.safetensors or last.safetensors in this "
	               "folder", name);
}
