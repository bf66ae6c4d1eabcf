/* query.c -- reading a spec: one key, or all of them. */
#include "learn/spec/spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The tree with every default, once the spec is resolved; before that what was written. */
static tt_status whole(const tt_spec *s, struct arena *a, const struct node **out)
{
	struct node *all;
	tt_status st;

	*out = s->root;
	if (!s->resolved)
		return TT_OK;
	if ((st = options_node(spec_options, a, s, &all)) == TT_OK)
		*out = all;
	return st;
}

const struct node *spec_child(const struct node *n, const char *word)
{
	char *end;
	unsigned long i;

	if (n->kind == NODE_MAP)
		return node_get(n, word);
	i = strtoul(word, &end, 10);
	if (n->kind != NODE_LIST || end == word || *end)
		return NULL;
	for (n = n->child; n && i; i--)
		n = n->next;
	return n;
}

#define WORDS_MAX 64

static tt_status no_key(const struct node *map, const char *key, const char *word)
{
	const char *words[WORDS_MAX + 1] = { NULL }, *near;
	int n = 0;

	for (const struct node *c = map->child; map->kind == NODE_MAP && c && n < WORDS_MAX;
	     c = c->next)
		words[n++] = c->key;
	near = str_nearest(word, words);
	return err_set(TT_ENOENT, "the spec has no key '%.80s'%s%s%s", key,
	               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static tt_status find(const struct node *root, struct arena *a, const char *key,
                      const struct node **out)
{
	char *rest = arena_strdup(a, key), *word;
	const struct node *n = root, *next;

	if (!rest)
		return TT_ENOMEM;
	while ((word = strsep(&rest, "."))) {
		if (!(next = spec_child(n, word)))
			return no_key(n, key, word);
		n = next;
	}
	*out = n;
	return TT_OK;
}

static tt_status text_of(const struct node *n, struct str *out)
{
	if (n->kind == NODE_TEXT)
		str_add(out, n->text);
	else
		node_write_json(n, out);
	return str_status(out);
}

tt_status tt_spec_get(const tt_spec *s, const char *key, char **out)
{
	const struct node *root, *n;
	struct arena a = {0};
	struct str text = {0};
	tt_status st;

	if (!s || !key || !out)
		return err_null(__func__);
	if ((st = whole(s, &a, &root)) == TT_OK && (st = find(root, &a, key, &n)) == TT_OK &&
	    (st = text_of(n, &text)) == TT_OK && !text.p && !(text.p = mem_strdup("")))
		st = TT_ENOMEM;
	if (st == TT_OK)
		*out = text.p;          /* str's memory is mem's: tt_free gives it back */
	else
		str_release(&text);
	arena_release(&a);
	return st;
}

/* ---- all keys ---- */

struct walk { tt_spec_fn *f; void *ctx; struct str key, value; };

static tt_status tell(struct walk *w, const struct node *n)
{
	tt_status st;

	w->value.len = 0;
	str_add(&w->value, "");
	if ((st = text_of(n, &w->value)) != TT_OK || (st = str_status(&w->key)) != TT_OK)
		return st;
	return w->f(w->ctx, w->key.p, w->value.p ? w->value.p : "");
}

/* Maps are walked, as deep as the parser lets them be; lists and scalars are told. */
static tt_status each(struct walk *w, const struct node *map)
{
	const size_t len = w->key.len;
	tt_status st = TT_OK;

	for (const struct node *n = map->child; n && st == TT_OK; n = n->next) {
		w->key.len = len;
		str_addf(&w->key, "%s%s", len ? "." : "", n->key);
		st = n->kind == NODE_MAP ? each(w, n) : tell(w, n);
	}
	w->key.len = len;
	return st;
}

tt_status tt_spec_each(const tt_spec *s, tt_spec_fn *f, void *ctx)
{
	struct walk w = { .f = f, .ctx = ctx };
	const struct node *root;
	struct arena a = {0};
	tt_status st;

	if (!s || !f)
		return err_null(__func__);
	if ((st = whole(s, &a, &root)) == TT_OK)
		st = each(&w, root);
	str_release(&w.key);
	str_release(&w.value);
	arena_release(&a);
	return st;
}
