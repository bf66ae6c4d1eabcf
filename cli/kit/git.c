#include "kit/git.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define PACKED_MAX ((size_t)64 << 20)    /* bytes of a file of refs */

/* The first line of FOLDER/NAME without its line end; 0 if there is none. */
static int first_line(const char *folder, const char *name, char out[PATH_MAX])
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return file_first_line(path, out, PATH_MAX);
}

/* A path that a file in `folder` names, from there unless it is a whole one. */
static int join(const char *folder, const char *path, char out[PATH_MAX])
{
	const int whole = path[0] == '/';

	return snprintf(out, PATH_MAX, "%s%s%s", whole ? "" : folder, whole ? "" : "/", path) <
	       PATH_MAX;
}

/* A work tree made by `git worktree` has a file .git that names the real folder. */
static int follow_file(const char *parent, char git[PATH_MAX])
{
	char line[PATH_MAX];

	if (file_is_dir(git))
		return 1;
	if (!first_line(parent, ".git", line) || strncmp(line, "gitdir: ", 8) != 0)
		return 0;
	return join(parent, line + 8, git);
}

static int find_repository(char git[PATH_MAX])
{
	char dir[PATH_MAX];

	if (!getcwd(dir, sizeof dir))
		return 0;
	for (;;) {
		char *slash;

		if (snprintf(git, PATH_MAX, "%s/.git", dir) >= PATH_MAX)
			return 0;
		if (file_exists(git))
			return follow_file(dir, git);
		if (!(slash = strrchr(dir, '/')))
			return 0;
		*slash = '\0';
	}
}

/* Only what is the name of a commit: any file may have been put in the place of one. */
static int keep(const char *hash, char *out)
{
	const size_t n = strspn(hash, "0123456789abcdef");

	if (hash[n] || (n != 40 && n != 64))
		return 0;
	memcpy(out, hash, n + 1);
	return 1;
}

static int look_up_packed(const char *git, const char *ref, char *out)
{
	char   path[2 * PATH_MAX], *text, *line, *rest;
	size_t size;
	int    found = 0;

	snprintf(path, sizeof path, "%s/packed-refs", git);
	if (file_read_all(path, PACKED_MAX, &text, &size) != TT_OK)
		return 0;
	rest = text;
	while (!found && (line = strsep(&rest, "\n"))) {
		char *name = strchr(line, ' ');

		if (!name || strcmp(name + 1, ref) != 0)
			continue;
		*name = '\0';
		found = keep(line, out);
	}
	mem_free(text);
	return found;
}

static int look_up_in(const char *git, const char *ref, char *out)
{
	char line[PATH_MAX];

	return first_line(git, ref, line) ? keep(line, out) : look_up_packed(git, ref, out);
}

/* Branches of a work tree lie in the repository it came from ("commondir"), which has no other. */
static int look_up(const char *git, const char *ref, char *out)
{
	char line[PATH_MAX], common[PATH_MAX];

	if (look_up_in(git, ref, out))
		return 1;
	return first_line(git, "commondir", line) && join(git, line, common) &&
	       look_up_in(common, ref, out);
}

int git_commit(char out[GIT_COMMIT_TEXT])
{
	char git[PATH_MAX], head[PATH_MAX];

	if (!find_repository(git) || !first_line(git, "HEAD", head))
		return 0;
	return strncmp(head, "ref: ", 5) == 0 ? look_up(git, head + 5, out) : keep(head, out);
}
