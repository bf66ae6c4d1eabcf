#include "learn/observe/tensorboard_settings.h"

#include <string.h>

/* Parts of a spec that say how a run is written down, not what it is. */
static const char *const left_out[] = { "tensorboard", "checkpoint", "layers" };

struct list { struct arena *arena; struct event_setting *v; int n, cap; };

static int is_left_out(const char *key)
{
	for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
		if (strcmp(key, left_out[i]) == 0)
			return 1;
	return 0;
}

static struct event_setting setting_of(const char *name, const struct node *n)
{
	struct event_setting s = { .name = name, .kind = SETTING_TEXT, .text = n->text };

	if (n->quoted)
		return s;
	if (str_to_double(n->text, &s.number)) {
		s.kind = SETTING_NUMBER;
	} else if (strcmp(n->text, "yes") == 0 || strcmp(n->text, "no") == 0) {
		s.kind = SETTING_FLAG;
		s.number = n->text[0] == 'y';
	}
	return s;
}

/* Walk the tree; the depth is the parser's, which is bounded. */
static tt_status collect(struct list *l, const struct node *map, const char *prefix)
{
	tt_status st = TT_OK;

	for (const struct node *n = map->child; n && st == TT_OK; n = n->next) {
		char *name = NULL;

		if (!n->key || is_left_out(n->key) || (n->kind == NODE_TEXT && !*n->text))
			continue;
		if (!(name = arena_printf(l->arena, "%s%s%s", prefix, *prefix ? "." : "", n->key)))
			return TT_ENOMEM;
		if (n->kind == NODE_MAP)
			st = collect(l, n, name);
		else if (n->kind == NODE_TEXT && l->n < l->cap)
			l->v[l->n++] = setting_of(name, n);
	}
	return st;
}

static int count_texts(const struct node *n)
{
	int all = n->kind == NODE_TEXT;

	for (const struct node *c = n->child; c; c = c->next)
		all += count_texts(c);
	return all;
}

tt_status tensorboard_settings(const struct tt_spec *s, struct arena *a, struct event_setting **out,
                         int *n)
{
	struct list l = { .arena = a };
	struct node *whole;
	tt_status st = options_node(spec_options, a, s, &whole);

	if (st != TT_OK)
		return st;
	l.cap = count_texts(whole);
	if (!(l.v = arena_alloc(a, (size_t)(l.cap + 1) * sizeof *l.v)))
		return TT_ENOMEM;
	if ((st = collect(&l, whole, "")) != TT_OK)
		return st;
	*out = l.v;
	*n = l.n;
	return TT_OK;
}
