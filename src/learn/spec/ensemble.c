#include "learn/spec/ensemble.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "learn/nn/build.h"

/* ---- trees ---- */

static struct node *new_node(struct arena *a, enum node_kind kind, const char *key)
{
	struct node *n = arena_alloc(a, sizeof *n);

	if (n)
		*n = (struct node){ .kind = kind, .key = key };
	return n;
}

static struct node *new_text(struct arena *a, const char *key, const char *text)
{
	struct node *n = new_node(a, NODE_TEXT, key);

	if (n)
		n->text = text;
	return n;
}

/* At the end of a map or list; child may be NULL, from a call that found no memory. */
static tt_status append(struct node *parent, struct node *child)
{
	struct node **at = &parent->child;

	if (!child)
		return TT_ENOMEM;
	while (*at)
		at = &(*at)->next;
	*at = child;
	return TT_OK;
}

/* A layer of a list with its name written out: one that nests is not called after its kind any
 * more. */
static tt_status name_item(struct arena *a, struct node *item, const struct node *list)
{
	const char *name = build_name_by_kind(a, item, list);
	struct node *settings;

	if (!name)
		return TT_ENOMEM;
	if (item->kind == NODE_TEXT) {
		if (!(item->child = new_node(a, NODE_MAP, item->text)))
			return TT_ENOMEM;
		item->child->file = item->file;
		item->child->line = item->line;
		item->kind = NODE_MAP;
		item->text = NULL;
	}
	settings = item->child;
	if (settings->kind != NODE_MAP) {
		settings->kind = NODE_MAP;
		settings->text = NULL;
	}
	return node_absent(node_get(settings, "name")) ? append(settings, new_text(a, "name", name))
	                                               : TT_OK;
}

static tt_status named_list(struct arena *a, const struct node *list, struct node **out)
{
	struct node *copy;
	tt_status st = spec_copy_node(a, list, &copy);

	for (struct node *c = st == TT_OK ? copy->child : NULL; c && st == TT_OK; c = c->next)
		st = name_item(a, c, copy);
	if (st == TT_OK)
		*out = copy;
	return st;
}

/* `kind: {name: NAME}` as an item of `list`; its settings are *out. */
static tt_status add_layer(struct arena *a, struct node *list, const char *kind, const char *name,
                           struct node **out)
{
	struct node *item = new_node(a, NODE_MAP, NULL), *settings = new_node(a, NODE_MAP, kind);

	if (!item || !settings || append(list, item) != TT_OK || append(item, settings) != TT_OK)
		return TT_ENOMEM;
	*out = settings;
	return append(settings, new_text(a, "name", name));
}

/* ---- the whole ---- */

static tt_status add_members(struct arena *a, struct node *list, const struct node *layers, int n,
                             const char *join)
{
	struct node *settings, *paths, *path;
	tt_status st;

	if ((st = add_layer(a, list, "branches", "members", &settings)) != TT_OK ||
	    (st = append(settings, new_text(a, "join", join))) != TT_OK ||
	    (st = append(settings, paths = new_node(a, NODE_LIST, "paths"))) != TT_OK)
		return st;
	for (int i = 0; i < n; i++) {
		if ((st = named_list(a, layers, &path)) != TT_OK)
			return st;
		path->key = NULL;
		path->next = NULL;
		if ((st = append(paths, path)) != TT_OK)
			return st;
	}
	return TT_OK;
}

static tt_status add_combiner(struct arena *a, struct node *list, const struct node *combiner)
{
	struct node *settings, *layers;
	tt_status st;

	if ((st = add_layer(a, list, "sequence", "combiner", &settings)) != TT_OK ||
	    (st = named_list(a, combiner, &layers)) != TT_OK)
		return st;
	layers->key = "layers";
	layers->next = NULL;
	return append(settings, layers);
}

/* Put `value` in the place of the map's child of that key; NULL takes it out. */
static void replace(struct node *map, const char *key, struct node *value)
{
	for (struct node **at = &map->child; *at; at = &(*at)->next) {
		if (strcmp((*at)->key, key) != 0)
			continue;
		if (value)
			value->next = (*at)->next;
		*at = value ? value : (*at)->next;
		return;
	}
}

/* A pattern for the net alone as one for each member. */
static tt_status for_members(struct arena *a, struct node *n)
{
	if (n->kind == NODE_TEXT && *n->text)
		return (n->text = arena_printf(a, "members[.][0-9]+[.](%s)", n->text)) ? TT_OK : TT_ENOMEM;
	for (struct node *c = n->child; c; c = c->next)
		if (for_members(a, c) != TT_OK)
			return TT_ENOMEM;
	return TT_OK;
}

/* The whole begins as the member does, and is frozen where that is; it is trained by nobody. */
static tt_status rename_patterns(tt_spec *s)
{
	struct node *train = node_get(s->root, "train");
	struct node *freeze = node_get(train, "freeze"), *optimizer = node_get(train, "optimizer");

	if (optimizer)
		replace(optimizer, "groups", NULL);
	return node_absent(freeze) ? TT_OK : for_members(&s->arena, freeze);
}

tt_status ensemble_spec(tt_spec **out, const tt_spec *member, int n, const struct node *combiner)
{
	struct node *layers;
	tt_spec *s = NULL;
	tt_status st;

	if (n < 2 || n > ENSEMBLE_MAX)
		return err_set(TT_ESPEC, "an ensemble of %d models: 2 to %d are possible", n, ENSEMBLE_MAX);
	if ((st = spec_copy(&s, member)) != TT_OK)
		return st;
	if (!(layers = new_node(&s->arena, NODE_LIST, "layers"))) {
		st = TT_ENOMEM;
		goto out;
	}
	if ((st = add_members(&s->arena, layers, member->model.layers, n,
	                      combiner ? "concat" : "mix")) != TT_OK ||
	    (combiner && (st = add_combiner(&s->arena, layers, combiner)) != TT_OK))
		goto out;
	replace(node_get(s->root, "model"), "layers", layers);
	replace(node_get(s->root, "model"), "outputs", NULL);
	replace(s->root, "distribute", NULL);
	s->members = n;
	if ((st = rename_patterns(s)) != TT_OK || (st = tt_spec_resolve(s)) != TT_OK)
		goto out;
	*out = s;
	s = NULL;
out:
	tt_spec_free(&s);
	return st;
}

/* ---- the combiner ---- */

/* What the members are told of names is nothing to it. */
static void forget_names(struct node *train)
{
	if (!train)
		return;
	replace(train, "init", NULL);
	replace(train, "freeze", NULL);
	if (node_get(train, "optimizer"))
		replace(node_get(train, "optimizer"), "groups", NULL);
}

tt_status ensemble_default_combiner(struct arena *a, const struct tt_model *member,
                                   struct node **out)
{
	const char *out_text = arena_printf(a, "%lld", (long long)member->outputs);
	struct node *list = new_node(a, NODE_LIST, NULL), *settings;
	tt_status st;

	if (!out_text || !list)
		return TT_ENOMEM;
	if ((st = add_layer(a, list, "dense", "fc1", &settings)) == TT_OK &&
	    (st = append(settings, new_text(a, "out", out_text))) == TT_OK)
		*out = list;
	return st;
}

static tt_status set_input(tt_spec *s, int64_t width)
{
	char text[32];

	snprintf(text, sizeof text, "[%lld]", (long long)width);
	return tt_spec_set(s, "model.input", text);
}

tt_status ensemble_combiner(tt_spec **out, const struct tt_model *member, int n,
                           const struct node *combiner)
{
	struct node *layers;
	tt_spec *s = NULL;
	tt_status st;

	if ((st = spec_copy(&s, member->spec)) != TT_OK)
		return st;
	if ((st = set_input(s, n * member->outputs)) != TT_OK ||
	    (st = named_list(&s->arena, combiner, &layers)) != TT_OK)
		goto out;
	layers->key = "layers";
	replace(node_get(s->root, "model"), "layers", layers);
	replace(node_get(s->root, "model"), "outputs", NULL);
	replace(s->root, "distribute", NULL);
	forget_names(node_get(s->root, "train"));
	if ((st = tt_spec_resolve(s)) != TT_OK) {
		st = err_at(st, "train.combiner.layers");
		goto out;
	}
	*out = s;
	s = NULL;
out:
	tt_spec_free(&s);
	return st;
}
