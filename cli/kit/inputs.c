#include "kit/inputs.h"

#include <tutti/data.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/plain.h"
#include "base/str.h"

#define DEPTH_MAX 32            /* folders below one another: links may go round */

static tt_status add_file(struct inputs *in, struct arena *a, const char *path)
{
	const int64_t room = in->room ? 2 * in->room : 64;
	const char **wider;

	if (in->n == in->room) {
		if (!(wider = mem_realloc(in->file, (size_t)room * sizeof *wider)))
			return TT_ENOMEM;
		in->file = wider;
		in->room = room;
	}
	return (in->file[in->n++] = arena_strdup(a, path)) ? TT_OK : TT_ENOMEM;
}

/* ---- folders ---- */

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static tt_status add_folder(struct inputs *in, struct arena *a, const char *dir, int depth);

static tt_status add_entry(struct inputs *in, struct arena *a, const char *path, int depth)
{
	struct stat s;
	const int there = stat(path, &s) == 0;

	if (there && S_ISDIR(s.st_mode))
		return add_folder(in, a, path, depth + 1);
	if (there && S_ISREG(s.st_mode) && tt_image_is_named(path))
		return add_file(in, a, path);
	in->skipped++;
	return TT_OK;
}

static tt_status add_folder(struct inputs *in, struct arena *a, const char *dir, int depth)
{
	struct dirent **entry;
	tt_status st = TT_OK;
	int n;

	if (depth > DEPTH_MAX)
		return err_set(TT_EINVAL, "%s: more than %d folders deep", dir, DEPTH_MAX);
	if ((n = scandir(dir, &entry, visible, by_bytes)) < 0)
		return err_set(TT_EIO, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		const size_t end = strlen(dir);
		const char *path = arena_printf(a, "%s%s%s", dir, end && dir[end - 1] == '/' ? "" : "/",
		                                entry[i]->d_name);

		if (st == TT_OK)
			st = path ? add_entry(in, a, path, depth) : TT_ENOMEM;
		free(entry[i]);
	}
	free(entry);
	return st;
}

/* ---- stdin ---- */

/* An image sent where a list is read is bytes; a file may have a name that is as odd. */
static tt_status add_line(struct inputs *in, struct arena *a, const char *line)
{
	char *plain = arena_strdup(a, line);

	if (!plain)
		return TT_ENOMEM;
	if (plain_make(plain) && !file_exists(line))
		return err_set(TT_EFORMAT, "stdin: line %lld names no file but holds other bytes: - reads "
		               "names of files, /dev/stdin is an image itself", (long long)in->n + 1);
	return add_file(in, a, line);
}

static tt_status add_lines(struct inputs *in, struct arena *a)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	tt_status st = TT_OK;

	while (st == TT_OK && (n = getline(&line, &room, stdin)) > 0) {
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		if (n > 0)
			st = add_line(in, a, line);
	}
	free(line);
	return st;
}

tt_status inputs_add(struct inputs *in, struct arena *a, const char *word)
{
	if (strcmp(word, "-") == 0)
		return add_lines(in, a);
	return file_is_dir(word) ? add_folder(in, a, word, 0) : add_file(in, a, word);
}

void inputs_release(struct inputs *in)
{
	mem_free(in->file);
	*in = (struct inputs){ 0 };
}

int inputs_is_source(const char *word)
{
	const char *colon = strchr(word, ':'), *slash = strchr(word, '/');

	return colon && colon > word && (!slash || colon < slash) && !file_exists(word);
}

int inputs_is_table(const char *word)
{
	return str_ends_with(word, ".csv");
}

const char *inputs_row_by_row(struct arena *a, const char *uri)
{
	const char *path = uri + 4;

	if (strncmp(uri, "csv:", 4) != 0 || strstr(uri, "bad_rows="))
		return uri;
	return arena_printf(a, "%s%cbad_rows=later", uri,
	                    strchr(path, '?') && !file_exists(path) ? '&' : '?');
}
