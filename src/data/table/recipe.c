#include "data/table/recipe.h"

#include <math.h>
#include <string.h>

#include "base/node/node.h"
#include "data/table/cell.h"

#define VALUES_MAX 10000000
#define LENGTH_MAX (1 << 20)

int recipe_matters(const struct recipe *r)
{
	for (int64_t i = 0; i < r->columns; i++) {
		const struct recipe_column *c = &r->column[i];

		if (c->kind != TT_CELLS_NUMERIC || c->apart || c->fills)
			return 1;
	}
	return 0;
}

int64_t recipe_width(const struct recipe_column *c)
{
	if (c->apart || c->kind == TT_CELLS_ID)
		return 0;
	return (c->kind == TT_CELLS_CATEGORY ? c->values : 1) + c->tells;
}

tt_status recipe_names(const struct recipe_column *c, struct arena *a, const char **out)
{
	int64_t n = 0;

	if (!recipe_width(c))
		return TT_OK;
	for (int64_t i = 0; c->kind == TT_CELLS_CATEGORY && i < c->values; i++)
		if (!(out[n++] = arena_printf(a, "%s=%s", c->name, c->value[i])))
			return TT_ENOMEM;
	if (c->kind != TT_CELLS_CATEGORY)
		out[n++] = c->name;
	if (c->tells && !(out[n] = arena_printf(a, "%s is missing", c->name)))
		return TT_ENOMEM;
	return TT_OK;
}

/* ---- JSON ---- */

static void write_values(const struct recipe_column *c, struct str *out)
{
	str_add(out, ", \"values\": [");
	for (int64_t i = 0; i < c->values; i++) {
		str_add(out, i ? ", " : "");
		str_add_json(out, c->value[i]);
	}
	str_add(out, "]");
}

static void write_column(const struct recipe_column *c, struct str *out)
{
	str_add(out, "{\"name\": ");
	str_add_json(out, c->name);
	str_addf(out, ", \"kind\": \"%s\"", cell_words[c->kind]);
	if (c->apart)
		str_add(out, ", \"apart\": true");
	if (c->fills) {
		str_add(out, ", \"fill\": ");
		str_add_number(out, c->fill);
	}
	if (c->tells)
		str_add(out, ", \"tells_missing\": true");
	if (c->kind == TT_CELLS_TEXT)
		str_addf(out, ", \"max_length\": %d", c->max_length);
	if (c->tokens) {
		str_add(out, ", \"tokens\": ");
		str_add(out, c->tokens);
	} else if (c->kind == TT_CELLS_CATEGORY || c->kind == TT_CELLS_TEXT) {
		write_values(c, out);
	}
	str_add(out, "}");
}

void recipe_write(const struct recipe *r, struct str *out)
{
	str_add(out, "{\"columns\": [");
	for (int64_t i = 0; i < r->columns; i++) {
		str_add(out, i ? ", " : "");
		write_column(&r->column[i], out);
	}
	str_add(out, "]}");
}

static tt_status malformed(const struct node *n, const char *what)
{
	return err_set(TT_EFORMAT, "%s: the table's recipe: %s", n->file, what);
}

static int is_true(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind == NODE_TEXT && strcmp(n->text, "true") == 0;
}

static tt_status read_kind(const struct node *map, enum tt_cells *out)
{
	const struct node *n = node_get(map, "kind");

	for (int i = 0; n && n->kind == NODE_TEXT && cell_words[i]; i++)
		if (strcmp(cell_words[i], n->text) == 0) {
			*out = (enum tt_cells)i;
			if (i <= TT_CELLS_TEXT || i == TT_CELLS_ID)
				return TT_OK;
		}
	return malformed(map, "a column of no known kind");
}

static tt_status read_values(const struct node *list, struct arena *a, struct recipe_column *c)
{
	const size_t n = list ? node_count(list) : 0;
	const char **value;

	if (!list || list->kind != NODE_LIST || n > VALUES_MAX)
		return err_set(TT_EFORMAT, "the table's recipe: category '%.60s' has no values", c->name);
	if (!(value = arena_alloc(a, (n + 1) * sizeof *value)))
		return TT_ENOMEM;
	c->value = value;
	for (const struct node *v = list->child; v; v = v->next) {
		if (v->kind != NODE_TEXT)
			return malformed(v, "a category that is no text");
		value[c->values++] = v->text;
		if (c->kind == TT_CELLS_CATEGORY && c->values > 1 &&
		    strcmp(value[c->values - 2], v->text) >= 0)
			return malformed(v, "categories out of order");
	}
	return TT_OK;
}

/* A text's vocabulary; it is looked into where it is used. */
static tt_status read_tokens(const struct node *map, struct arena *a, struct recipe_column *c)
{
	const struct node *length = node_get(map, "max_length"), *tokens = node_get(map, "tokens");
	struct str s = {0};
	int64_t most;
	tt_status st;

	if (!length || node_int(length, 1, LENGTH_MAX, &most) != TT_OK || !c->apart)
		return malformed(map, "a text without a max_length");
	c->max_length = (int)most;
	if (!tokens)
		return read_values(node_get(map, "values"), a, c);
	node_write_json(tokens, &s);
	if ((st = str_status(&s)) == TT_OK && !(c->tokens = arena_strdup(a, s.p)))
		st = TT_ENOMEM;
	str_release(&s);
	return st;
}

static tt_status read_column(const struct node *map, struct arena *a, struct recipe_column *c)
{
	const struct node *fill, *name = map->kind == NODE_MAP ? node_get(map, "name") : NULL;
	tt_status st;

	if (!name || name->kind != NODE_TEXT)
		return malformed(map, "a column has no name");
	c->name = name->text;
	if ((st = read_kind(map, &c->kind)) != TT_OK)
		return st;
	c->apart = is_true(map, "apart") && c->kind != TT_CELLS_ID;
	c->tells = is_true(map, "tells_missing") && c->kind != TT_CELLS_ID;
	if ((fill = node_get(map, "fill"))) {
		if ((st = node_double(fill, &c->fill)) != TT_OK)
			return st;
		if (!isfinite((float)c->fill))
			return malformed(fill, "fill is not finite");
		c->fills = 1;
	}
	if (c->kind == TT_CELLS_TEXT)
		return read_tokens(map, a, c);
	return c->kind == TT_CELLS_CATEGORY ? read_values(node_get(map, "values"), a, c) : TT_OK;
}

tt_status recipe_read(struct recipe *out, struct arena *a, const char *json, const char *path)
{
	const struct node *list;
	struct node *root;
	tt_status st = node_parse_json(a, path, json, strlen(json), &root);

	*out = (struct recipe){0};
	if (st != TT_OK)
		return st;
	if (root->kind == NODE_MAP && node_get(root, "tokenizer") && !node_get(root, "columns"))
		return TT_OK;                   /* of texts: who opens some reads it */
	list = root->kind == NODE_MAP ? node_get(root, "columns") : NULL;
	if (!list || list->kind != NODE_LIST)
		return malformed(root, "no columns");
	if (!(out->column = arena_alloc(a, (node_count(list) + 1) * sizeof *out->column)))
		return TT_ENOMEM;
	for (const struct node *n = list->child; st == TT_OK && n; n = n->next)
		st = read_column(n, a, &out->column[out->columns++]);
	return st;
}
