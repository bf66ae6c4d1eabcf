/* signature_json.c -- a signature in a checkpoint:
 *
 *   {"known": true, "inputs": [{"name": "x", "type": "f32", "shape": [2], "features": ["a", "b"]}],
 *    "target": {"name": "kind", "type": "i32", "shape": [], "kind": "class", "classes": 3,
 *               "class_names": ["apple", "pear", "plum"]}, "weight": "w",
 *    "output": {"name": "probabilities", "type": "f32", "shape": [3]}, "mean": [], "std": []} */
#include "learn/nn/signature.h"

#include <string.h>

#include "base/mem.h"
#include "data/table/recipe.h"
#include "learn/nn/model.h"

static const char *const kind_words[] = {
	[TT_TARGET_CLASS] = "class", [TT_TARGET_VALUES] = "values", [TT_TARGET_LABELS] = "labels",
	[TT_TARGET_NONE] = "none", [TT_TARGET_PLACES] = "places", NULL
};

/* ---- writing ---- */

static void write_names(struct str *out, const char *key, const char *const *names, int64_t n)
{
	str_addf(out, ", \"%s\": [", key);
	for (int64_t i = 0; i < n; i++) {
		str_add(out, i ? ", " : "");
		str_add_json(out, names[i]);
	}
	str_add(out, "]");
}

static void write_column(struct str *out, const tt_column *c)
{
	str_add(out, "{\"name\": ");
	str_add_json(out, c->name);
	str_addf(out, ", \"type\": \"%s\", \"shape\": [", tt_type_name(c->type));
	for (int i = 0; i < c->ndim; i++)
		str_addf(out, "%s%lld", i ? ", " : "", (long long)c->shape[i]);
	str_add(out, "]");
	if (c->features)
		write_names(out, "features", c->features, c->shape[0]);
}

static void write_target(struct str *out, const tt_schema *s)
{
	str_add(out, ", \"target\": ");
	write_column(out, s->column[schema_target(s)]);
	str_addf(out, ", \"kind\": \"%s\"", kind_words[s->kind]);
	if (s->classes)
		str_addf(out, ", \"classes\": %d", s->classes);
	if (s->class_names)
		write_names(out, "class_names", s->class_names, s->classes);
	str_add(out, "}");
}

static void write_numbers(struct str *out, const char *key, const double *v, int n)
{
	str_addf(out, ", \"%s\": [", key);
	for (int i = 0; i < n; i++) {
		str_add(out, i ? ", " : "");
		str_add_number(out, v[i]);
	}
	str_add(out, "]");
}

void signature_write(const struct signature *s, struct str *out)
{
	const tt_schema *d = &s->data.view;

	str_addf(out, "{\"known\": %s, \"inputs\": [", s->view.known ? "true" : "false");
	for (int i = 0; schema_input(d, i) >= 0; i++) {
		str_add(out, i ? ", " : "");
		write_column(out, d->column[schema_input(d, i)]);
		str_add(out, "}");
	}
	str_add(out, "]");
	if (d->target)
		write_target(out, d);
	if (d->recipe) {
		str_add(out, ", \"table\": ");
		str_add(out, d->recipe);
	}
	if (d->weight) {
		str_add(out, ", \"weight\": ");
		str_add_json(out, d->weight);
	}
	str_add(out, ", \"output\": ");
	write_column(out, &s->output);
	str_add(out, "}");
	write_numbers(out, "mean", s->view.mean, s->view.means);
	write_numbers(out, "std", s->view.std, s->view.stds);
	str_add(out, "}");
}

tt_status tt_model_signature_json(const tt_model *m, char **out)
{
	struct str s = {0};
	tt_status st;

	if (!m || !out || !m->signature)
		return err_null(__func__);
	signature_write(m->signature, &s);
	if ((st = str_status(&s)) == TT_OK)
		*out = s.p;             /* str's memory is mem's: tt_free gives it back */
	else
		str_release(&s);
	return st;
}

/* ---- reading ---- */

static const struct node *need(const struct node *map, const char *key)
{
	const struct node *n = map->kind == NODE_MAP ? node_get(map, key) : NULL;

	if (!n)
		err_set(TT_EFORMAT, "%s: the signature has no '%s'", map->file, key);
	return n;
}

static tt_status read_names(struct arena *a, const struct node *list, int64_t n,
                            const char *const **out)
{
	const struct node *c = list->child;
	const char **names;
	tt_status st = TT_OK;

	if (list->kind != NODE_LIST || (int64_t)node_count(list) != n)
		return err_set(TT_EFORMAT, "%s: %zu names in the signature's %s where %lld belong",
		               list->file, node_count(list), list->key, (long long)n);
	if (!(names = arena_alloc(a, ((size_t)n + 1) * sizeof *names)))
		return TT_ENOMEM;
	for (int64_t i = 0; st == TT_OK && i < n; i++, c = c->next)
		st = node_text(c, &names[i]);
	*out = names;
	return st;
}

static tt_status read_word(const struct node *map, const char *key, const char *const *words,
                           int *out)
{
	const struct node *n = need(map, key);
	const char *word;

	if (!n || node_text(n, &word) != TT_OK)
		return err_status();
	for (*out = 0; words[*out]; ++*out)
		if (strcmp(words[*out], word) == 0)
			return TT_OK;
	return err_set(TT_EFORMAT, "%s: the signature's %s is '%.40s'", map->file, key, word);
}

static tt_status read_shape(const struct node *list, tt_column *c)
{
	tt_status st = TT_OK;

	c->ndim = (int)node_count(list);
	if (list->kind != NODE_LIST || c->ndim > TT_COLUMN_DIMS)
		return err_set(TT_EFORMAT, "%s: a shape in the signature is none", list->file);
	c->ndim = 0;
	for (const struct node *n = list->child; st == TT_OK && n; n = n->next)
		st = node_int(n, -1, INT32_MAX, &c->shape[c->ndim++]);
	return st;
}

static tt_status read_column(struct arena *a, const struct node *map, tt_column *out)
{
	static const char *const types[] = { "u8", "i32", "i64", "f16", "f32", NULL };
	const struct node *name = need(map, "name"), *shape = name ? need(map, "shape") : NULL;
	const struct node *features;
	int type = 0;
	tt_status st;

	*out = (tt_column){ .size = sizeof *out };
	if (!shape)
		return err_status();
	if ((st = node_text(name, &out->name)) != TT_OK || (st = read_shape(shape, out)) != TT_OK ||
	    (st = read_word(map, "type", types, &type)) != TT_OK)
		return st;
	out->type = (enum tt_type)type;
	if (!(features = node_get(map, "features")))
		return TT_OK;
	return read_names(a, features, out->ndim == 1 ? out->shape[0] : 0, &out->features);
}

static tt_status add_column(struct signature *s, struct arena *a, const struct node *map)
{
	tt_column c;
	tt_status st = read_column(a, map, &c);

	return st == TT_OK ? schema_add(&s->data, &c) : st;
}

static tt_status read_target(struct signature *s, struct arena *a, const struct node *map)
{
	const struct node *classes = node_get(map, "classes"), *names = node_get(map, "class_names");
	struct schema_target t = {0};
	int64_t n = 0;
	int kind = 0;
	tt_status st;

	if ((st = add_column(s, a, map)) != TT_OK ||
	    (st = read_word(map, "kind", kind_words, &kind)) != TT_OK ||
	    (classes && (st = node_int(classes, 0, INT32_MAX, &n)) != TT_OK) ||
	    (names && (st = read_names(a, names, n, &t.class_names)) != TT_OK))
		return st;
	t.name = s->data.view.column[s->data.view.columns - 1]->name;
	t.kind = (enum tt_target_kind)kind;
	t.classes = (int)n;
	return schema_set_target(&s->data, &t);
}

/* All weights are alike: their name says it all. */
static tt_status read_weight(struct signature *s, const struct node *n)
{
	tt_column c = { .size = sizeof c, .type = TT_F32 };
	tt_status st;

	if (!n)
		return TT_OK;
	if ((st = node_text(n, &c.name)) != TT_OK || (st = schema_add(&s->data, &c)) != TT_OK)
		return st;
	return schema_set_weight(&s->data, c.name);
}

/* Whole, or not at all: tables will be read as it says. */
static tt_status read_table(struct signature *s, struct arena *a, const struct node *n)
{
	struct recipe recipe;
	struct str text = {0};
	tt_status st;

	if (!n)
		return TT_OK;
	node_write_json(n, &text);
	if ((st = str_status(&text)) == TT_OK &&
	    (st = recipe_read(&recipe, a, text.p, n->file)) == TT_OK)
		st = schema_set_recipe(&s->data, text.p);
	str_release(&text);
	return st;
}

static tt_status read_inputs(struct signature *s, struct arena *a, const struct node *root)
{
	const struct node *inputs = need(root, "inputs"), *target;
	tt_status st = TT_OK;

	if (!inputs)
		return err_status();
	for (const struct node *n = inputs->child; st == TT_OK && n; n = n->next)
		st = add_column(s, a, n);
	if (st != TT_OK)
		return st;
	target = node_get(root, "target");
	s->data.view.kind = TT_TARGET_NONE;
	if (target && (st = read_target(s, a, target)) != TT_OK)
		return st;
	st = read_table(s, a, node_get(root, "table"));
	return st == TT_OK ? read_weight(s, node_get(root, "weight")) : st;
}

/* What it does not say stays as it is. */
static tt_status read_numbers(struct arena *a, const struct node *root, const char *key,
                              struct option_list *out)
{
	const struct node *list = node_get(root, key);
	double *v;
	size_t n = 0;
	tt_status st = TT_OK;

	if (!list || list->kind != NODE_LIST)
		return TT_OK;
	if (!(v = arena_alloc(a, (node_count(list) + 1) * sizeof *v)))
		return TT_ENOMEM;
	for (const struct node *c = list->child; st == TT_OK && c; c = c->next)
		st = node_double(c, &v[n++]);
	*out = (struct option_list){ v, n };
	return st;
}

/* It lies beside a net, and must be that net's. */
static tt_status check(const struct signature *s, const struct tt_model *m, const char *path)
{
	const tt_schema *d = &s->data.view;

	for (int i = 0; i < s->view.stds; i++)
		if (!(s->view.std[i] > 0))
			return err_set(TT_EFORMAT, "%s: std is %g in the signature, not more than 0", path,
			               s->view.std[i]);
	for (int i = 0; i < m->n_inputs; i++) {
		const int at = schema_input(d, i);

		if (at < 0 || column_row(d->column[at]) != m->input[i].numbers ||
		    column_ragged(d->column[at]) != net_input_ragged(&m->input[i]))
			return err_set(TT_EFORMAT, "%s: the signature is not that of the model, whose input %d "
			               "has %lld numbers", path, i, (long long)m->input[i].numbers);
	}
	if (schema_input(d, m->n_inputs) >= 0)
		return err_set(TT_EFORMAT, "%s: the signature has more inputs than the model, which has "
		               "%d", path, m->n_inputs);
	return TT_OK;
}

tt_status signature_read(struct signature **out, const struct tt_model *m, const char *json,
                         const char *path)
{
	struct scaling own = m->signature
		? (struct scaling){ { m->signature->view.mean, (size_t)m->signature->view.means },
		                    { m->signature->view.std, (size_t)m->signature->view.stds } }
		: (struct scaling){0};
	struct arena a = {0};
	struct signature *s = NULL;
	struct node *root;
	const struct node *known;
	tt_status st;

	if ((st = node_parse_json(&a, path, json, strlen(json), &root)) != TT_OK ||
	    (st = read_numbers(&a, root, "mean", &own.mean)) != TT_OK ||
	    (st = read_numbers(&a, root, "std", &own.std)) != TT_OK ||
	    (st = signature_new(&s, m, &own)) != TT_OK || (st = read_inputs(s, &a, root)) != TT_OK ||
	    (st = check(s, m, path)) != TT_OK)
		goto out;
	known = node_get(root, "known");
	s->view.known = known && known->kind == NODE_TEXT && strcmp(known->text, "true") == 0;
	*out = s;
	s = NULL;
out:
	signature_free(&s);
	arena_release(&a);
	return st == TT_OK || st == TT_ENOMEM ? st : err_at(TT_EFORMAT, "%s: tutti.signature", path);
}
