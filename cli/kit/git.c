#include "kit/git.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* The first line of FOLDER/NAME without its line end; 0 if there is none. */
static int first_line(const char *folder, const char *name, char out[PATH_MAX])
{
	char  path[2 * PATH_MAX];
	FILE *f;
	int   ok;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (!(f = fopen(path, "re")))
		return 0;
	ok = fgets(out, PATH_MAX, f) != NULL;
	fclose(f);
	if (ok)
		out[strcspn(out, "\r\n")] = '\0';
	return ok;
}

/* A work tree made by `git worktree` has a file .git that names the real folder. */
static int follow_file(const char *parent, char git[PATH_MAX])
{
	char line[PATH_MAX];

	if (file_is_dir(git))
		return 1;
	if (!first_line(parent, ".git", line) || strncmp(line, "gitdir: ", 8) != 0)
		return 0;
	return snprintf(git, PATH_MAX, "%s%s%s", line[8] == '/' ? "" : parent,
	                line[8] == '/' ? "" : "/", line + 8) < PATH_MAX;
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

static int look_up_packed(const char *git, const char *ref, char *out)
{
	char  path[2 * PATH_MAX], line[PATH_MAX], hash[GIT_COMMIT_TEXT], name[PATH_MAX];
	FILE *f;
	int   found = 0;

	snprintf(path, sizeof path, "%s/packed-refs", git);
	if (!(f = fopen(path, "re")))
		return 0;
	while (!found && fgets(line, sizeof line, f))
		if (sscanf(line, "%79s %4095s", hash, name) == 2 && strcmp(name, ref) == 0) {
			strcpy(out, hash);
			found = 1;
		}
	fclose(f);
	return found;
}

/* Branches of a work tree lie in the repository it came from ("commondir"). */
static int look_up(const char *git, const char *ref, char *out)
{
	char line[PATH_MAX], common[PATH_MAX], base[2 * PATH_MAX];

	if (first_line(git, ref, line)) {
		snprintf(out, GIT_COMMIT_TEXT, "%.*s", GIT_COMMIT_TEXT - 1, line);
		return 1;
	}
	if (first_line(git, "commondir", common)) {
		snprintf(base, sizeof base, "%s/%s", git, common);
		return look_up(base, ref, out);
	}
	return look_up_packed(git, ref, out);
}

int git_commit(char out[GIT_COMMIT_TEXT])
{
	char git[PATH_MAX], head[PATH_MAX];

	if (!find_repository(git) || !first_line(git, "HEAD", head))
		return 0;
	if (strncmp(head, "ref: ", 5) == 0)
		return look_up(git, head + 5, out);
	snprintf(out, GIT_COMMIT_TEXT, "%.*s", GIT_COMMIT_TEXT - 1, head);
	return 1;
}
