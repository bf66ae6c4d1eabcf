/* names.c -- tutti's own files say all of it in one entry, as a checkpoint does; of any file, lists
 * of classes and of features and a recipe are read.
 *
 * What the graph does counts: an entry that tells of another mean or deviation than stands in front
 * of the net was written for another file. */
#include "learn/onnx/in/names.h"

#include <string.h>

#include "base/node/node.h"
#include "data/table/recipe.h"
#include "learn/nn/loss.h"
#include "learn/spec/save.h"

/* NULL: there is none. */
static const char *meta(const struct net *r, const char *key)
{
	const char *text = NULL;

	for (size_t i = 0; i < r->model->n_metadata_props; i++)
		if (r->model->metadata_props[i]->key &&
		    strcmp(r->model->metadata_props[i]->key, key) == 0)
			text = r->model->metadata_props[i]->value;
	return text;
}

const char *onnx_loss(const struct net *r)
{
	const char *word = meta(r, ONNX_LOSS), *own = r->loss ? r->loss : "mse";
	enum loss_answers answers = ANSWERS_VALUES;

	for (int i = 0; i < LOSS_KINDS; i++)
		if (strcmp(loss_row(i)->word, own) == 0)
			answers = loss_row(i)->answers;
	for (int i = 0; word && i < LOSS_KINDS; i++)
		if (strcmp(loss_row(i)->word, word) == 0 && loss_row(i)->answers == answers)
			return loss_row(i)->word;
	return own;
}

/* ---- tutti's own ---- */

static int same_numbers(const double *a, int n, const double *b, int m)
{
	for (int i = 0; i < n && n == m; i++)
		if ((float)a[i] != (float)b[i])
			return 0;
	return n == m;
}

/* *taken: it is this file's. */
static tt_status take_signature(const struct net *r, struct tt_model *m, int *taken)
{
	const char *json = meta(r, ONNX_SIGNATURE);
	const tt_signature *is = &m->signature->view, *says;
	struct signature *s = NULL;
	tt_status st;

	*taken = 0;
	if (!json)
		return TT_OK;
	if ((st = model_signature_read(&s, m, json, r->path)) != TT_OK)
		return st;
	says = &s->view;
	*taken = same_numbers(is->mean, is->means, says->mean, says->means) &&
	         same_numbers(is->std, is->stds, says->std, says->stds);
	if (*taken) {
		signature_free(&m->signature);
		m->signature = s;
		s = NULL;
	}
	signature_free(&s);
	return TT_OK;
}

/* ---- anybody's ---- */

static tt_status read_list(const struct net *r, struct arena *a, const struct node *list, int64_t n,
                           const char *const **out)
{
	const char **name;
	size_t k = 0;
	tt_status st = TT_OK;

	if (list->kind != NODE_LIST || (int64_t)node_count(list) != n)
		return onnx_damaged(r, "its metadata hold %zu names where %lld belong", node_count(list),
		                    (long long)n);
	if (!(name = arena_alloc(a, ((size_t)n + 1) * sizeof *name)))
		return TT_ENOMEM;
	for (const struct node *c = list->child; c && st == TT_OK; c = c->next)
		st = node_text(c, &name[k++]);
	*out = name;
	return st;
}

static tt_status parse(const struct net *r, struct arena *a, const char *key, struct node **out)
{
	const char *text = meta(r, key);
	tt_status st;

	*out = NULL;
	if (!text)
		return TT_OK;
	st = node_parse_json(a, r->path, text, strlen(text), out);
	return st == TT_OK || st == TT_ENOMEM ? st : err_at(st, "%s: metadata '%s'", r->path, key);
}

static tt_status take_classes(const struct net *r, struct arena *a, struct tt_model *m)
{
	struct class_names names = { .n = (int)m->outputs };
	struct node *list;
	tt_status st = parse(r, a, ONNX_CLASSES, &list);

	if (st != TT_OK || (list && (st = read_list(r, a, list, m->outputs, &names.v)) != TT_OK))
		return st;
	if (!list && r->n_classes == (size_t)m->outputs)
		names.v = r->classes;
	return names.v ? nn_set_classes(m, &names) : TT_OK;
}

/* Features of each input by its name, or of the only one. */
static tt_status add_columns(const struct net *r, struct arena *a, const struct node *features,
                             const tt_schema *is, struct schema *out)
{
	tt_status st = TT_OK;

	for (int i = 0; i < is->columns && st == TT_OK; i++) {
		tt_column c = *is->column[i];
		const struct node *list = features && features->kind == NODE_MAP
			? node_get(features, r->n_inputs == 1 ? r->input[0].name : c.name) : features;

		if (i < r->n_inputs && list && c.ndim == 1)
			st = read_list(r, a, list, c.shape[0], &c.features);
		if (st == TT_OK)
			st = schema_add(out, &c);
	}
	return st;
}

static tt_status take_features(const struct net *r, struct arena *a, struct tt_model *m)
{
	const tt_schema *is = &m->signature->data.view;
	const char *recipe = meta(r, ONNX_RECIPE);
	struct schema s = {0};
	struct recipe read;
	struct node *features;
	tt_status st = parse(r, a, ONNX_FEATURES, &features);

	if (st != TT_OK || (!features && !recipe))
		return st;
	if ((st = add_columns(r, a, features, is, &s)) == TT_OK &&
	    (!recipe || ((st = recipe_read(&read, a, recipe, r->path)) == TT_OK &&
	                 (st = schema_set_recipe(&s, recipe)) == TT_OK)) &&
	    (st = schema_set_target(&s, &(struct schema_target){ is->target, is->kind, is->classes,
	                                                         is->class_names })) == TT_OK)
		st = nn_bind(m, &s.view);
	schema_release(&s);
	return st;
}

tt_status onnx_names(const struct net *r, struct tt_model *m)
{
	struct arena a = { NULL };
	int taken;
	tt_status st = take_signature(r, m, &taken);

	if (st == TT_OK && !taken && (st = take_classes(r, &a, m)) == TT_OK)
		st = take_features(r, &a, m);
	arena_release(&a);
	return st;
}
