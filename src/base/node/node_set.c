/* node_set.c -- one place of a tree says something else. */
#include "base/node/node_parts.h"

#include <string.h>

/* The child that one part of a path names, made in a map where it is missing. */
static tt_status step_into(struct arena *a, struct node *n, char *part, struct node **out)
{
	struct node_maker m = { .arena = a, .name = n->file };
	struct node **at = &n->child;
	tt_status st;
	int64_t index = 0;

	if (n->kind == NODE_TEXT && !n->quoted && !*n->text)
		n->kind = NODE_MAP;             /* "optimizer:" with nothing yet: a map to be filled */
	if (n->kind == NODE_TEXT)
		return err_set(TT_ESPEC, "'%s' cannot be set in the text '%.40s'", part, n->text);
	if (n->kind == NODE_LIST && (!node_read_int(part, &index) || index < 0))
		return err_set(TT_ESPEC, "'%s' is no place in a list of %zu items", part, node_count(n));
	if (n->kind == NODE_LIST)
		while (*at && index-- > 0)
			at = &(*at)->next;
	else
		while (*at && strcmp((*at)->key, part) != 0)
			at = &(*at)->next;
	if (!*at && n->kind == NODE_LIST)
		return err_set(TT_ESPEC, "'%s' is beyond a list of %zu items", part, node_count(n));
	if (!*at) {
		struct node *made = NULL;

		if ((st = node_new(&m, NODE_TEXT, 0, &made)) != TT_OK)
			return st;
		if (!(made->key = arena_strdup(a, part)))
			return TT_ENOMEM;
		*at = made;
	}
	*out = *at;
	return TT_OK;
}

/* Returns how many levels n has, itself among them. */
static int forget_lines(struct node *n)
{
	int below = 0;

	n->line = 0;
	for (struct node *c = n->child; c; c = c->next) {
		const int levels = forget_lines(c);

		below = levels > below ? levels : below;
	}
	return below + 1;
}

/* Overwrite what n says, not where it stands. */
static void replace(struct node *n, const struct node *with)
{
	n->kind = with->kind;
	n->quoted = with->quoted;
	n->text = with->text;
	n->child = with->child;
	n->file = with->file;
	n->line = with->line;
}

tt_status node_set(struct arena *a, struct node *root, const char *path, const char *value)
{
	char *rest = arena_strdup(a, path), *file = arena_printf(a, "--set %s", path);
	struct node *v, *n = root;
	int depth = 0, levels;
	tt_status st;

	if (!rest || !file)
		return TT_ENOMEM;
	if ((st = node_parse_yaml(a, file, value, strlen(value), &v)) != TT_OK)
		return st;
	levels = forget_lines(v);
	while (rest) {
		char *part = strsep(&rest, ".");

		/* What is no UTF-8 would be written as longer characters, which no reader takes. */
		if (!*part || strlen(part) > NODE_KEY_MAX || !str_is_utf8(part) ||
		    ++depth + levels > NODE_DEPTH_MAX)      /* what is written must be read again */
			return err_set(TT_ESPEC, "%s: is no dotted path of names", file);
		if ((st = step_into(a, n, part, &n)) != TT_OK)
			return err_at(st, "%s", file);
	}
	replace(n, v);
	return TT_OK;
}
