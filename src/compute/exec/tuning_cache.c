/* tuning_cache.c -- see tuning_cache.h. */
#include "compute/exec/tuning_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define KCACHE_HEAD "tutti-kernels 1\n"
#define KCACHE_MAX  (16u << 20)
#define ROWS_MAX    8192                  /* each is compared with all before it */

struct row { const char *key, *choice; double us; int saved; };

struct kernel_cache {
	struct arena arena;
	char        *path;             /* NULL: memory only */
	const char  *machine;
	struct row  *row;
	size_t       n, cap;
};

static struct row *find(const struct kernel_cache *c, const char *key)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->row[i].key, key) == 0)
			return &c->row[i];
	return NULL;
}

static tt_status add(struct kernel_cache *c, const char *key, const char *choice, double us)
{
	struct row *r = find(c, key);

	if (!r && c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct row *q = mem_realloc(c->row, cap * sizeof *q);

		if (!q)
			return TT_ENOMEM;
		c->row = q;
		c->cap = cap;
	}
	if (!r) {
		r = &c->row[c->n];
		*r = (struct row){ .key = arena_strdup(&c->arena, key) };
		if (!r->key)
			return TT_ENOMEM;
		c->n++;
	}
	r->us = us;
	r->saved = 0;
	return (r->choice = arena_strdup(&c->arena, choice)) ? TT_OK : TT_ENOMEM;
}

/* "machine \t key \t choice \t microseconds"; rows of other machines and damaged ones do not count.
 * The last row of a key wins, as in any log. */
static tt_status read_line(struct kernel_cache *c, char *line)
{
	char *key = strchr(line, '\t'), *choice = key ? strchr(key + 1, '\t') : NULL;
	char *us = choice ? strchr(choice + 1, '\t') : NULL;
	tt_status st;

	if (!us)
		return TT_OK;
	*key++ = *choice++ = *us++ = '\0';
	if (strcmp(line, c->machine) != 0 || c->n == ROWS_MAX)
		return TT_OK;
	if ((st = add(c, key, choice, atof(us))) == TT_OK)
		find(c, key)->saved = 1;
	return st;
}

tt_status kernel_cache_parse(struct kernel_cache *c, char *text)
{
	tt_status st = TT_OK;

	for (char *line = text, *end; *line && st == TT_OK; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		st = read_line(c, line);
	}
	return st;
}

static tt_status read_file(struct kernel_cache *c)
{
	char *text = NULL;
	size_t size = 0;
	tt_status st = file_read_all(c->path, KCACHE_MAX, &text, &size);

	if (st == TT_OK)
		st = kernel_cache_parse(c, text);
	mem_free(text);
	return st;
}

tt_status kernel_cache_open(struct kernel_cache **out, const char *path, const char *machine)
{
	struct kernel_cache *c = mem_calloc(1, sizeof *c);
	tt_status st = TT_ENOMEM;

	if (!c)
		return st;
	c->machine = arena_strdup(&c->arena, machine);
	c->path = path ? mem_strdup(path) : NULL;
	if (!c->machine || (path && !c->path))
		goto out;
	st = path && file_exists(path) ? read_file(c) : TT_OK;
	if (st == TT_OK) {
		*out = c;
		return TT_OK;
	}
out:
	mem_free(c->path);
	c->path = NULL;                           /* nothing to save */
	kernel_cache_close(&c);
	return st;
}

void kernel_cache_close(struct kernel_cache **cp)
{
	struct kernel_cache *c = *cp;

	if (!c)
		return;
	(void)kernel_cache_save(c);               /* a cache that is lost is only measured again */
	mem_free(c->path);
	mem_free(c->row);
	arena_release(&c->arena);
	mem_free(c);
	*cp = NULL;
}

const char *kernel_cache_get(const struct kernel_cache *c, const char *key)
{
	const struct row *r = find(c, key);

	return r ? r->choice : NULL;
}

tt_status kernel_cache_put(struct kernel_cache *c, const char *key, const char *choice, double us)
{
	return add(c, key, choice, us);
}

tt_status kernel_cache_note(struct kernel_cache *c, const char *key, const char *choice)
{
	tt_status st = add(c, key, choice, 0);

	if (st == TT_OK)
		find(c, key)->saved = 1;
	return st;
}

tt_status kernel_cache_save(struct kernel_cache *c)
{
	struct str s = {0};
	struct file_log *f = NULL;
	tt_status st = TT_OK;

	if (!c->path)
		return TT_OK;
	for (size_t i = 0; i < c->n; i++)
		if (!c->row[i].saved)
			str_addf(&s, "%s\t%s\t%s\t%.3f\n", c->machine, c->row[i].key, c->row[i].choice,
			         c->row[i].us);
	if (s.len == 0 || (st = str_status(&s)) != TT_OK)
		goto out;
	int fresh = !file_exists(c->path);
	if ((st = file_log_open(&f, c->path, FILE_LINKS_FOLLOWED)) != TT_OK)
		goto out;
	if (fresh)
		st = file_log_append(f, KCACHE_HEAD, strlen(KCACHE_HEAD));
	if (st == TT_OK)
		st = file_log_append(f, s.p, s.len);
	for (size_t i = 0; i < c->n && st == TT_OK; i++)
		c->row[i].saved = 1;
out:
	file_log_close(&f);
	str_release(&s);
	return st;
}
