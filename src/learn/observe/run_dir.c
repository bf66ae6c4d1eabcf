#include "learn/observe/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

#define CHECKPOINTS "checkpoints"
#define TAIL ".safetensors"
#define RUN_TRIES 1000

static const char *const name_of[] = {
	[TT_RUN_SPEC] = "spec.yaml", [TT_RUN_ENVIRONMENT] = "environment.json",
	[TT_RUN_LOG] = "log.txt", [TT_RUN_METRICS] = "metrics.csv", [TT_RUN_CURVES] = "curves.svg",
	[TT_RUN_ID] = "run.id",
	[TT_RUN_LAST] = CHECKPOINTS "/last" TAIL, [TT_RUN_BEST] = CHECKPOINTS "/best" TAIL,
	[TT_RUN_TRACK] = "track.json",
};
#define FILES (sizeof name_of / sizeof *name_of)

tt_status run_dir_path(struct str *out, const char *dir, enum tt_run_file file)
{
	if ((size_t)file >= FILES)
		return err_set(TT_EINVAL, "a run folder has no file number %d", (int)file);
	out->len = 0;
	str_addf(out, "%s/%s", dir, name_of[file]);
	return str_status(out);
}

static tt_status checkpoints_of(struct str *out, const char *dir)
{
	out->len = 0;
	str_addf(out, "%s/" CHECKPOINTS, dir);
	return str_status(out);
}

/* ---- the trainer's side ---- */

tt_status run_dir_make(const char *dir)
{
	static const char *const own[] = { "spec.yaml", "environment.json", "curves.svg", "metrics.csv",
	                                   "track.json", NULL };
	static const char *const saved[] = { TAIL, NULL };
	struct str path = {0};
	tt_status st;

	if ((st = checkpoints_of(&path, dir)) == TT_OK && (st = file_mkdirs(path.p)) == TT_OK) {
		file_sweep(dir, own);
		file_sweep(path.p, saved);
	}
	str_release(&path);
	return st;
}

tt_status run_dir_write(const char *dir, enum tt_run_file file, const char *text)
{
	struct str path = {0};
	tt_status st = run_dir_path(&path, dir, file);

	if (st == TT_OK)
		st = file_write_all(path.p, text, strlen(text));
	str_release(&path);
	return st;
}

tt_status run_dir_step_path(struct str *out, const char *dir, int64_t step)
{
	out->len = 0;
	str_addf(out, "%s/" CHECKPOINTS "/step-%08lld" TAIL, dir, (long long)step);
	return str_status(out);
}

/* The step of "step-00001234.safetensors", or -1. */
static int64_t numbered(const char *name)
{
	char *end;
	long long n;

	if (strncmp(name, "step-", 5) != 0)
		return -1;
	n = strtoll(name + 5, &end, 10);
	return end > name + 5 && strcmp(end, TAIL) == 0 ? n : -1;
}

/* How many numbered files there are, and the lowest number. */
static int count_numbered(const char *folder, int64_t *lowest)
{
	DIR *d = opendir(folder);
	int n = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		int64_t step = numbered(e->d_name);

		if (step >= 0 && (n++ == 0 || step < *lowest))
			*lowest = step;
	}
	if (d)
		closedir(d);
	return n;
}

tt_status run_dir_keep_steps(const char *dir, int keep)
{
	struct str folder = {0}, path = {0};
	int64_t lowest = 0;
	tt_status st = checkpoints_of(&folder, dir);

	while (st == TT_OK && count_numbered(folder.p, &lowest) > keep)
		if ((st = run_dir_step_path(&path, dir, lowest)) == TT_OK && unlink(path.p) != 0)
			break;
	str_release(&folder);
	str_release(&path);
	return st;
}

/* ---- the caller's side ---- */

/* str's memory is mem's: tt_free gives it back. */
static tt_status hand_over(struct str *s, tt_status st, char **out)
{
	if (st == TT_OK)
		*out = s->p;
	else
		str_release(s);
	return st;
}

tt_status tt_run_path(const char *run, enum tt_run_file file, char **out)
{
	struct str path = {0};

	if (!run || !out)
		return err_null(__func__);
	return hand_over(&path, run_dir_path(&path, run, file), out);
}

/* mkdir itself decides who gets a name, so two runs started at once never share a folder. */
static tt_status claim_folder(const char *base, struct str *path)
{
	for (int i = 1; i < RUN_TRIES; i++) {
		path->len = 0;
		str_add(path, base);
		if (i > 1)
			str_addf(path, "-%d", i);
		if (str_status(path) != TT_OK)
			return TT_ENOMEM;
		if (mkdir(path->p, 0777) == 0)
			return TT_OK;
		if (errno != EEXIST)
			return err_set(TT_EIO, "%s: cannot make the run folder: %s", path->p,
			               strerror(errno));
	}
	return err_set(TT_EIO, "%s: %d runs of this name in one second", base, RUN_TRIES);
}

/* The part of a run's folder before its time: names of specs may hold what paths may not. */
static tt_status add_prefix(struct str *s, const char *runs, const char *name)
{
	str_addf(s, "%s/%s-", runs, name);
	if (str_status(s) != TT_OK)
		return TT_ENOMEM;
	for (char *c = s->p + strlen(runs) + 1; *c; c++)
		if (*c == '/' || *c == ' ')
			*c = '_';
	return TT_OK;
}

tt_status tt_run_new(const char *runs, const char *name, char **out)
{
	struct str base = {0}, path = {0};
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	tt_status st;

	if (!runs || !name || !out)
		return err_null(__func__);
	if (!localtime_r(&now, &tm) || !strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm))
		return err_set(TT_EIO, "the clock cannot be read");
	if ((st = file_mkdirs(runs)) == TT_OK && (st = add_prefix(&base, runs, name)) == TT_OK) {
		str_add(&base, stamp);
		st = str_status(&base);
	}
	if (st == TT_OK)
		st = claim_folder(base.p, &path);
	str_release(&base);
	return hand_over(&path, st, out);
}

/* Newest by the checkpoint's own time: clocks and names may have been set back. */
static const char *newest(const glob_t *found)
{
	const char *best = NULL;
	time_t at = 0;
	struct stat s;

	for (size_t i = 0; i < found->gl_pathc; i++)
		if (stat(found->gl_pathv[i], &s) == 0 && (!best || s.st_mtime >= at)) {
			best = found->gl_pathv[i];
			at = s.st_mtime;
		}
	return best;
}

tt_status tt_run_newest(const char *runs, const char *name, char **out)
{
	struct str pattern = {0}, path = {0};
	const char *best = NULL;
	glob_t found = { 0 };
	tt_status st;

	if (!runs || !name || !out)
		return err_null(__func__);
	if ((st = add_prefix(&pattern, runs, name)) == TT_OK) {
		str_addf(&pattern, "[0-9]*/%s", name_of[TT_RUN_LAST]);
		st = str_status(&pattern);
	}
	if (st == TT_OK && glob(pattern.p, 0, NULL, &found) == 0)
		best = newest(&found);
	if (st == TT_OK && !best)
		st = err_set(TT_ENOENT, "%s: no run of '%s' with a checkpoint to resume", runs, name);
	if (st == TT_OK) {
		str_add_bytes(&path, best, strlen(best) - strlen(name_of[TT_RUN_LAST]) - 1);
		st = str_status(&path);
	}
	globfree(&found);
	str_release(&pattern);
	return hand_over(&path, st, out);
}

tt_status tt_run_checkpoint(const char *name, char **out)
{
	struct str path = {0};
	tt_status st = TT_OK;

	if (!name || !out)
		return err_null(__func__);
	if (!file_is_dir(name)) {
		str_add(&path, name);
		return hand_over(&path, str_status(&path), out);
	}
	if ((st = run_dir_path(&path, name, TT_RUN_BEST)) == TT_OK && !file_exists(path.p))
		st = run_dir_path(&path, name, TT_RUN_LAST);
	if (st == TT_OK && !file_exists(path.p))
		st = err_set(TT_ENOENT, "%s: no checkpoints/best.safetensors or last.safetensors in this "
		             "folder", name);
	return hand_over(&path, st, out);
}

tt_status tt_run_each(const char *runs, tt_run_fn *f, void *ctx)
{
	struct str pattern = {0};
	glob_t found = { 0 };
	tt_status st;

	if (!runs || !f)
		return err_null(__func__);
	str_addf(&pattern, "%s/*/%s", runs, name_of[TT_RUN_SPEC]);
	if ((st = str_status(&pattern)) == TT_OK && glob(pattern.p, 0, NULL, &found) == 0)
		for (size_t i = 0; st == TT_OK && i < found.gl_pathc; i++) {
			char *path = found.gl_pathv[i];

			path[strlen(path) - strlen(name_of[TT_RUN_SPEC]) - 1] = '\0';
			st = f(ctx, path);
		}
	globfree(&found);
	str_release(&pattern);
	return st;
}
