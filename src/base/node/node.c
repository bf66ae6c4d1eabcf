#include "base/node/node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/node/node_parts.h"

tt_status node_new(struct node_maker *m, enum node_kind kind, int line, struct node **out)
{
	struct node *n;

	if (++m->count > NODE_COUNT_MAX)
		return err_set(TT_ESPEC, "%s:%d: more than %d values (aliases counted in full)",
		               m->name, line, NODE_COUNT_MAX);
	if (!(n = arena_alloc(m->arena, sizeof *n)))
		return TT_ENOMEM;
	n->kind = kind;
	n->line = line;
	n->file = m->name;
	n->text = kind == NODE_TEXT ? "" : NULL;
	*out = n;
	return TT_OK;
}

char *node_copy_text(struct arena *a, const char *p, size_t n)
{
	char *s = arena_alloc(a, n + 1);

	if (s && n)
		memcpy(s, p, n);
	return s;
}

struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (struct node *n = map->child; n; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

size_t node_count(const struct node *n)
{
	size_t count = 0;

	for (const struct node *c = n ? n->child : NULL; c; c = c->next)
		count++;
	return count;
}

int node_err_text(const struct node *n, const char *fmt, ...)
{
	char text[ERR_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (!n || !n->file)
		return err_text("%s", text);
	if (n->line == 0)
		return err_text("%s: %s", n->file, text);
	return err_text("%s:%d: %s", n->file, n->line, text);
}

/* ---- scalars ---- */

static const char *name_of(const struct node *n)
{
	return n->key ? n->key : "this item";
}

/* n must be a plain TEXT that says something, or the error says what it is. */
static tt_status need_number(const struct node *n, const char *what)
{
	if (n->kind != NODE_TEXT)
		return node_err(n, TT_ESPEC, "%s must be %s, not a %s", name_of(n), what,
		                n->kind == NODE_MAP ? "map" : "list");
	if (n->quoted)
		return node_err(n, TT_ESPEC, "%s must be %s, not the quoted text \"%.40s\"", name_of(n),
		                what, n->text);
	if (!*n->text)
		return node_err(n, TT_ESPEC, "%s must be %s, but has no value", name_of(n), what);
	return TT_OK;
}

/* Whole numbers, also as 1e6 or 64.0 as far as doubles count exactly. */
int node_read_int(const char *s, int64_t *out)
{
	char *end;
	double d;

	if (strspn(s, "0123456789+-") == strlen(s)) {
		errno = 0;
		*out = strtoll(s, &end, 10);
		return end != s && *end == '\0' && errno == 0;
	}
	if (!str_to_double(s, &d) || d < -0x1p53 || d > 0x1p53 || d != (double)(int64_t)d)
		return 0;
	*out = (int64_t)d;
	return 1;
}

tt_status node_int(const struct node *n, int64_t min, int64_t max, int64_t *out)
{
	tt_status st = need_number(n, "a whole number");
	int64_t v;

	if (st != TT_OK)
		return st;
	if (!node_read_int(n->text, &v))
		return node_err(n, TT_ESPEC, "%s must be a whole number, not '%.40s'", name_of(n), n->text);
	if (v < min || v > max)
		return node_err(n, TT_ESPEC, "%s is %lld, but must lie in %lld ... %lld", name_of(n),
		                (long long)v, (long long)min, (long long)max);
	*out = v;
	return TT_OK;
}

tt_status node_double(const struct node *n, double *out)
{
	tt_status st = need_number(n, "a number");

	if (st == TT_OK && !str_to_double(n->text, out))
		st = node_err(n, TT_ESPEC, "%s must be a finite number, not '%.40s'", name_of(n), n->text);
	return st;
}

tt_status node_text(const struct node *n, const char **out)
{
	if (n->kind != NODE_TEXT)
		return node_err(n, TT_ESPEC, "%s must be a text, not a %s", name_of(n),
		                n->kind == NODE_MAP ? "map" : "list");
	*out = n->text;
	return TT_OK;
}

int node_absent(const struct node *n)
{
	return !n || (n->kind == NODE_TEXT && !n->quoted && !*n->text);
}
