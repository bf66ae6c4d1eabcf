#include "sys/quota.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 8192            /* of mountinfo: options may be long */

/* A hierarchy of groups as it is mounted, and where in it this process is. */
struct hierarchy {
	int  version;
	char top[PATH_MAX];            /* of the tree, the test's root before it */
	char at[PATH_MAX];             /* below it: "", "/docker/4f..."          */
};

/* The first line of a file, without its end. */
static int read_line(const char *dir, const char *name, char *out, int size)
{
	char path[3 * PATH_MAX];
	FILE *f;
	int got;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	if (!(f = fopen(path, "re")))
		return 0;
	got = fgets(out, size, f) != NULL;
	fclose(f);
	if (got)
		out[strcspn(out, "\n")] = '\0';
	return got;
}

/* ---- the limits of one group ---- */

static double limit_v2(const char *dir)
{
	char line[128];
	double quota, period;

	return read_line(dir, "cpu.max", line, sizeof line) &&
	       sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period : 0;
}

static double limit_v1(const char *dir)
{
	char quota[64], period[64];

	if (!read_line(dir, "cpu.cfs_quota_us", quota, sizeof quota) ||
	    !read_line(dir, "cpu.cfs_period_us", period, sizeof period) || atof(period) <= 0)
		return 0;
	return atof(quota) / atof(period);
}

/* The least limit from the group up to the top of what is mounted. */
static double least_limit(struct hierarchy *h)
{
	char dir[2 * PATH_MAX];
	double least = 0, limit;
	char *slash;

	for (;;) {
		snprintf(dir, sizeof dir, "%s%s", h->top, h->at);
		limit = h->version == 2 ? limit_v2(dir) : limit_v1(dir);
		if (limit > 0 && (least <= 0 || limit < least))
			least = limit;
		if (!(slash = strrchr(h->at, '/')))
			return least;
		*slash = '\0';
	}
}

/* ---- finding it ---- */

/* Is it among the words, divided by commas? */
static int has_word(const char *words, const char *word)
{
	const size_t n = strlen(word);

	for (const char *p = words; (p = strstr(p, word)); p += n)
		if ((p == words || p[-1] == ',') && (p[n] == '\0' || p[n] == ',' || p[n] == '\n'))
			return 1;
	return 0;
}

/* "0::/a/b" of version 2, "3:cpu,cpuacct:/a/b" of version 1: the path. */
static int find_group(const char *root, int version, char path[PATH_MAX])
{
	char name[PATH_MAX], line[LINE_MAX_BYTES];
	int found = 0;
	FILE *f;

	snprintf(name, sizeof name, "%s/proc/self/cgroup", root);
	if (!(f = fopen(name, "re")))
		return 0;
	while (!found && fgets(line, sizeof line, f)) {
		char *words = strchr(line, ':'), *at = words ? strchr(words + 1, ':') : NULL;

		if (!at || at[1] != '/')
			continue;
		*at = '\0';
		at[1 + strcspn(at + 1, "\n")] = '\0';
		found = version == 2 ? words[1] == '\0' : has_word(words + 1, "cpu");
		if (found)
			snprintf(path, PATH_MAX, "%s", strcmp(at + 1, "/") == 0 ? "" : at + 1);
	}
	fclose(f);
	return found;
}

/* The path as it is seen below the mount, which may show a part of the tree only. */
static void below(const char *mounted, const char *path, char at[PATH_MAX])
{
	const size_t n = strcmp(mounted, "/") == 0 ? 0 : strlen(mounted);

	if (strncmp(path, mounted, n) == 0 && (path[n] == '/' || path[n] == '\0'))
		snprintf(at, PATH_MAX, "%s", path + n);
	else
		at[0] = '\0';
}

/* "31 23 0:28 ROOT PLACE options - TYPE source super-options" */
static int is_mount(const char *root, char *line, struct hierarchy *out)
{
	char mounted[PATH_MAX], place[PATH_MAX], type[64], super[1024] = "", path[PATH_MAX];
	const char *rest = strstr(line, " - ");

	if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", mounted, place) != 2 ||
	    sscanf(rest, " - %63s %*s %1023s", type, super) < 1)
		return 0;
	out->version = strcmp(type, "cgroup2") == 0 ? 2 :
	               strcmp(type, "cgroup") == 0 && has_word(super, "cpu") ? 1 : 0;
	if (!out->version || !find_group(root, out->version, path))
		return 0;
	snprintf(out->top, sizeof out->top, "%s%s", root, place);
	below(mounted, path, out->at);
	return 1;
}

double quota_cores(const char *root)
{
	char name[PATH_MAX], line[LINE_MAX_BYTES];
	struct hierarchy h;
	double least = 0, limit;
	FILE *f;

	snprintf(name, sizeof name, "%s/proc/self/mountinfo", root);
	if (!(f = fopen(name, "re")))
		return 0;
	while (fgets(line, sizeof line, f)) {
		if (!is_mount(root, line, &h))
			continue;
		limit = least_limit(&h);
		if (limit > 0 && (least <= 0 || limit < least))
			least = limit;
	}
	fclose(f);
	return least;
}

int quota_threads(void)
{
	static atomic_int known = -1;
	int n = atomic_load(&known);

	if (n < 0) {
		const double cores = quota_cores("");

		n = cores <= 0 ? 0 : cores < 1 ? 1 : cores < 1e6 ? (int)(cores + 0.5) : 0;
		atomic_store(&known, n);
	}
	return n;
}
