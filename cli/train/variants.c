#include "train/variants.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/node/node.h"

const char *const variant_words[VARIANT_KINDS] = {
	[VARIANT_WHOLE] = "whole", [VARIANT_LAYER] = "layers", [VARIANT_GROUP] = "groups",
	[VARIANT_COLUMN] = "columns", [VARIANT_AUGMENT] = "augment",
};

/* What the lists are made from. */
struct maker {
	struct variants           *out;
	struct arena              *arena;
	const struct variant_wish *wish;
	const struct specfile     *file;       /* as it is written     */
	const tt_source           *table;      /* as it is written     */
	const char                *group;      /* of data.split, or "" */
	int                        layers;
	const char               **layer;      /* [layers] as JSON     */
	const char               **name;       /* [layers] or NULL     */
	const char               **kind;       /* [layers]             */
};

static struct variant *add(struct maker *m, enum variant_kind kind, const char *name)
{
	struct variants *all = m->out;
	struct variant *v = all->v;

	if (all->n == all->cap) {
		v = mem_realloc(v, 2 * ((size_t)all->cap + 8) * sizeof *v);
		if (!v)
			return NULL;
		all->v = v;
		all->cap = 2 * (all->cap + 8);
	}
	if (!name)
		return NULL;
	v = &all->v[all->n++];
	*v = (struct variant){ .kind = kind, .name = name };
	return v;
}

static void change(struct variant *v, const char *key, const char *value)
{
	v->change[v->changes++] = (struct change){ key, value };
}

tt_status variant_load(struct specfile *out, const struct variant_wish *w, const struct variant *v)
{
	tt_status st = specfile_load(out, w->path, w->set);

	for (int i = 0; st == TT_OK && i < v->changes; i++)
		if ((st = tt_spec_set(out->spec, v->change[i].key, v->change[i].value)) != TT_OK)
			specfile_release(out);
	return st;
}

/* Errors name the key that was set, which nobody here has set. */
static const char *reason(struct arena *a)
{
	static const char own[] = "--set model.layers: ";
	const char *text = tt_last_error();

	return arena_strdup(a, text + (strncmp(text, own, strlen(own)) == 0 ? strlen(own) : 0));
}

/* Whether it is a spec still; the error tells why not. */
static tt_status check(struct maker *m, struct variant *v)
{
	struct specfile file = { 0 };
	tt_status st = variant_load(&file, m->wish, v);

	if (st == TT_OK)
		st = tt_spec_resolve(file.spec);
	specfile_release(&file);
	if (st == TT_ENOMEM)
		return st;
	if (st != TT_OK && !(v->refused = reason(m->arena)))
		return TT_ENOMEM;
	return TT_OK;
}

/* ---- layers ---- */

/* {"conv2d": {...}} is a map with one key, relu a text. */
static tt_status read_layer(struct maker *m, int i, const char *text)
{
	struct node *item, *name;
	tt_status st = node_parse_yaml(m->arena, m->wish->path, text, strlen(text), &item);

	if (st != TT_OK)
		return st;
	m->layer[i] = text;
	m->kind[i] = item->kind == NODE_TEXT ? item->text : item->child ? item->child->key : "";
	name = item->kind == NODE_MAP && item->child && item->child->kind == NODE_MAP ?
	       node_get(item->child, "name") : NULL;
	m->name[i] = name && name->kind == NODE_TEXT ? name->text : NULL;
	return TT_OK;
}

static tt_status read_layers(struct maker *m)
{
	const char *list;
	struct node *root;
	tt_status st;

	if ((st = specfile_text(m->arena, m->file->spec, "model.layers", &list)) != TT_OK ||
	    (st = node_parse_yaml(m->arena, m->wish->path, list, strlen(list), &root)) != TT_OK)
		return st;
	m->layers = root->kind == NODE_LIST ? (int)node_count(root) : 0;
	m->layer = arena_alloc(m->arena, ((size_t)m->layers + 1) * sizeof *m->layer);
	m->name = arena_alloc(m->arena, ((size_t)m->layers + 1) * sizeof *m->name);
	m->kind = arena_alloc(m->arena, ((size_t)m->layers + 1) * sizeof *m->kind);
	if (!m->layer || !m->name || !m->kind)
		return TT_ENOMEM;
	for (int i = 0; i < m->layers && st == TT_OK; i++) {
		char key[40];
		const char *text;

		snprintf(key, sizeof key, "model.layers.%d", i);
		if ((st = specfile_text(m->arena, m->file->spec, key, &text)) == TT_OK)
			st = read_layer(m, i, text);
	}
	return st;
}

/* Whether it is in the list already: a kind or a group that is named twice. */
static int is_there(const struct variants *all, enum variant_kind kind, const char *name)
{
	for (int i = 0; i < all->n; i++)
		if (all->v[i].kind == kind && (!name || strcmp(all->v[i].name, name) == 0))
			return 1;
	return 0;
}

/* The list without layers from `from` to `to` whose name begins with prefix (NULL: all of them). */
static const char *without(const struct maker *m, int from, int to, const char *prefix)
{
	struct str s = { 0 };
	const char *list = NULL, *before = "";

	str_add(&s, "[");
	for (int i = 0; i < m->layers; i++) {
		if (i >= from && i < to &&
		    (!prefix || (m->name[i] && strncmp(m->name[i], prefix, strlen(prefix)) == 0)))
			continue;
		str_addf(&s, "%s%s", before, m->layer[i]);
		before = ", ";
	}
	str_add(&s, "]");
	if (str_status(&s) == TT_OK)
		list = arena_strdup(m->arena, s.p);
	str_release(&s);
	return list;
}

static tt_status leave_out(struct maker *m, struct variant *v, const char *layers)
{
	if (!v || !layers)
		return TT_ENOMEM;
	change(v, "model.layers", layers);
	return check(m, v);
}

static tt_status list_layers(struct maker *m)
{
	tt_status st = TT_OK;

	for (int i = 1; st == TT_OK && i < m->layers - 1; i++) {
		const char *name = m->name[i] ? m->name[i] :
		                   arena_printf(m->arena, "%s (layer %d)", m->kind[i], i);

		st = leave_out(m, add(m, VARIANT_LAYER, name), without(m, i, i + 1, NULL));
	}
	return st;
}

static tt_status list_groups(struct maker *m)
{
	char *rest = m->wish->groups ? arena_strdup(m->arena, m->wish->groups) : NULL, *prefix;
	tt_status st = rest || !m->wish->groups ? TT_OK : TT_ENOMEM;

	while (st == TT_OK && (prefix = strsep(&rest, ","))) {
		const char *name = arena_printf(m->arena, "%s*", prefix);
		int members = 0;

		for (int i = 0; i < m->layers; i++)
			members += *prefix && m->name[i] && strncmp(m->name[i], prefix, strlen(prefix)) == 0;
		if (!members)
			return err_set(TT_EINVAL, "--groups: no layer of %s has a name that begins with '%s'",
			               m->wish->path, prefix);
		if (!name || !is_there(m->out, VARIANT_GROUP, name))
			st = leave_out(m, add(m, VARIANT_GROUP, name), without(m, 0, m->layers, prefix));
	}
	return st;
}

/* ---- columns of a table ---- */

static int is_table(const char *uri)
{
	return strncmp(uri, "csv:", 4) == 0;
}

/* The URI with one column more that it ignores; commas and so on in names are as of any option. */
static const char *ignoring(struct arena *a, const char *uri, const char *column)
{
	const char *at = strstr(uri, "ignore="), *end;

	while (at && at[-1] != '?' && at[-1] != '&')
		at = strstr(at + 1, "ignore=");
	if (!at)
		return arena_printf(a, "%s%cignore=%s", uri, strchr(uri, '?') ? '&' : '?', column);
	end = at + strcspn(at, "&");
	return arena_printf(a, "%.*s,%s%s", (int)(end - uri), uri, column, end);
}

/* In double quotes, as YAML's flow takes a text. */
static const char *quoted(struct arena *a, const char *text)
{
	struct str s = { 0 };
	const char *out = NULL;

	str_add_json(&s, text);
	if (str_status(&s) == TT_OK)
		out = arena_strdup(a, s.p);
	str_release(&s);
	return out;
}

static int has_feature(const tt_column *x, const char *name)
{
	for (int64_t i = 0; x->features && i < x->shape[0]; i++)
		if (strcmp(x->features[i], name) == 0)
			return 1;
	return 0;
}

/* data.mean and data.std may have a number for each feature: those of the features left. */
static tt_status change_numbers(struct maker *m, struct variant *v, const char *key,
                                const tt_column *x)
{
	const tt_column *all = tt_source_schema(m->table)->column[0];
	struct node *list = NULL;
	const char *text, *left = "";
	int64_t i = 0;

	if (specfile_text(m->arena, m->file->spec, key, &text) != TT_OK || !*text ||
	    node_parse_yaml(m->arena, m->wish->path, text, strlen(text), &list) != TT_OK ||
	    list->kind != NODE_LIST || (int64_t)node_count(list) != all->shape[0] || !all->features)
		return TT_OK;
	for (struct node *c = list->child; c && left; c = c->next, i++)
		if (c->kind == NODE_TEXT && has_feature(x, all->features[i]))
			left = arena_printf(m->arena, "%s%s%s", left, *left ? ", " : "", c->text);
	text = left ? arena_printf(m->arena, "[%s]", left) : NULL;
	if (text)
		change(v, key, text);
	return text ? TT_OK : TT_ENOMEM;
}

/* How many numbers a sample has now: the model's input is as wide. */
static tt_status change_width(struct maker *m, struct variant *v, const char *uri)
{
	tt_source *s = NULL;
	tt_status st = tt_source_open(&s, uri);
	const tt_column *x = st == TT_OK ? tt_source_schema(s)->column[0] : NULL;

	if (x && x->ndim == 1 && x->shape[0] > 0) {
		const char *shape = arena_printf(m->arena, "[%lld]", (long long)x->shape[0]);

		if (shape)
			change(v, "model.input", shape);
		else
			st = TT_ENOMEM;
		if (st == TT_OK && (st = change_numbers(m, v, "data.mean", x)) == TT_OK)
			st = change_numbers(m, v, "data.std", x);
	} else if (st != TT_ENOMEM) {
		v->refused = arena_strdup(m->arena, st == TT_OK ? "no feature is left" : tt_last_error());
		st = v->refused ? TT_OK : TT_ENOMEM;
	}
	tt_source_close(&s);
	return st;
}

static tt_status leave_out_column(struct maker *m, const char *column)
{
	static const char *const key[] = { "data.train", "data.valid" };
	struct variant *v = add(m, VARIANT_COLUMN, arena_strdup(m->arena, column));
	const char *train = NULL;
	tt_status st = v ? TT_OK : TT_ENOMEM;

	if (st == TT_OK && strpbrk(column, ",&?%")) {
		v->refused = "its name has a character of the source's own";
		return TT_OK;
	}
	for (size_t i = 0; st == TT_OK && i < sizeof key / sizeof *key; i++) {
		const char *uri, *text;

		if (specfile_text(m->arena, m->file->spec, key[i], &uri) != TT_OK || !is_table(uri))
			continue;
		uri = ignoring(m->arena, uri, column);
		text = uri ? quoted(m->arena, uri) : NULL;
		if (!text)
			return TT_ENOMEM;
		train = i ? train : uri;
		change(v, key[i], text);
	}
	if (st == TT_OK && *m->group && !(train = ignoring(m->arena, train, m->group)))
		st = TT_ENOMEM;
	if (st == TT_OK)
		st = change_width(m, v, train);
	return st == TT_OK && !v->refused ? check(m, v) : st;
}

/* The table's own columns: those of its recipe, or features that are columns. */
static tt_status list_columns_of(struct maker *m, const tt_source *s)
{
	const tt_schema *schema = tt_source_schema(s);
	const tt_column *x = schema->column[0];
	struct node *root = NULL, *list;
	tt_status st = TT_OK;

	if (!schema->recipe) {
		for (int64_t i = 0; st == TT_OK && x->features && x->ndim == 1 && i < x->shape[0]; i++)
			st = leave_out_column(m, x->features[i]);
		return st;
	}
	st = node_parse_json(m->arena, m->wish->path, schema->recipe, strlen(schema->recipe), &root);
	list = root && root->kind == NODE_MAP ? node_get(root, "columns") : root;
	for (struct node *c = list ? list->child : NULL; c && st == TT_OK; c = c->next) {
		const struct node *name = c->kind == NODE_MAP ? node_get(c, "name") : NULL;
		const struct node *kind = c->kind == NODE_MAP ? node_get(c, "kind") : NULL;

		if (name && !(kind && strcmp(kind->text, "id") == 0))
			st = leave_out_column(m, name->text);
	}
	return st;
}

/* A table that one input reads as a whole. */
static tt_status list_columns(struct maker *m)
{
	const char *uri, *input;
	tt_source *s = NULL;
	tt_status st;

	if (specfile_text(m->arena, m->file->spec, "data.train", &uri) != TT_OK || !is_table(uri))
		return TT_OK;
	if (specfile_text(m->arena, m->file->spec, "model.input", &input) != TT_OK) {
		struct variant *v = add(m, VARIANT_COLUMN, "columns");

		if (v)
			v->refused = "the model has several inputs, or reads columns by their names";
		return v ? TT_OK : TT_ENOMEM;
	}
	if (specfile_text(m->arena, m->file->spec, "data.split.group", &m->group) != TT_OK)
		m->group = "";
	if (*m->group && !(uri = ignoring(m->arena, uri, m->group)))
		return TT_ENOMEM;
	if ((st = tt_source_open(&s, uri)) == TT_OK) {
		m->table = s;
		st = list_columns_of(m, s);
	}
	tt_source_close(&s);
	return specfile_hint(m->file, st);
}

/* ---- augmentation ---- */

#define AUGMENT "data.augment."

static tt_status leave_out_augment(void *ctx, const char *key, const char *value)
{
	struct maker *m = ctx;
	const char *name = key + strlen(AUGMENT);
	struct variant *v;
	double number;

	if (strncmp(key, AUGMENT, strlen(AUGMENT)) != 0 || strcmp(name, "until") == 0)
		return TT_OK;
	if (strcmp(value, "yes") != 0 && (!str_to_double(value, &number) || number == 0))
		return TT_OK;
	v = add(m, VARIANT_AUGMENT, arena_strdup(m->arena, name));
	key = arena_strdup(m->arena, key);
	if (!v || !key)
		return TT_ENOMEM;
	change(v, key, strcmp(value, "yes") == 0 ? "no" : "0");
	return check(m, v);
}

static tt_status list_augment(struct maker *m)
{
	return tt_spec_each(m->file->spec, leave_out_augment, m);
}

/* ---- all of them ---- */

static tt_status list_kinds(struct maker *m)
{
	static tt_status (*const list[VARIANT_KINDS])(struct maker *) = {
		[VARIANT_LAYER] = list_layers, [VARIANT_GROUP] = list_groups,
		[VARIANT_COLUMN] = list_columns, [VARIANT_AUGMENT] = list_augment,
	};
	char *rest = arena_strdup(m->arena, m->wish->kinds), *word;
	tt_status st = rest ? TT_OK : TT_ENOMEM;

	while (st == TT_OK && (word = strsep(&rest, ","))) {
		int k = VARIANT_LAYER;

		while (k < VARIANT_KINDS && strcmp(variant_words[k], word) != 0)
			k++;
		if (k == VARIANT_KINDS)
			return err_set(TT_EINVAL, "--leave-out: no '%s'; there are layers, groups, columns, "
			               "augment", word);
		if (!is_there(m->out, (enum variant_kind)k, NULL))
			st = list[k](m);
	}
	return st;
}

static int some_can(const struct variants *all)
{
	for (int i = 1; i < all->n; i++)
		if (!all->v[i].refused)
			return 1;
	return 0;
}

tt_status variants_list(struct variants *out, const struct variant_wish *w)
{
	struct specfile file = { 0 };
	struct maker m = { .out = out, .arena = out->arena, .wish = w, .file = &file };
	tt_status st;

	if ((st = specfile_load(&file, w->path, w->set)) != TT_OK)
		return st;
	if (!add(&m, VARIANT_WHOLE, "nothing"))
		st = TT_ENOMEM;
	if (st == TT_OK && (st = check(&m, &out->v[0])) == TT_OK && out->v[0].refused)
		st = err_set(TT_ESPEC, "%s", out->v[0].refused);
	if (st == TT_OK && (st = read_layers(&m)) == TT_OK && (st = list_kinds(&m)) == TT_OK &&
	    !some_can(out))
		st = err_set(TT_EINVAL, "%s: nothing of it can be left out (--leave-out %s)%s%s", w->path,
		             w->kinds, out->n > 1 ? ": " : "", out->n > 1 ? out->v[1].refused : "");
	specfile_release(&file);
	return st;
}

void variants_release(struct variants *out)
{
	mem_free(out->v);
	*out = (struct variants){ 0 };
}
