#include "data/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/plain.h"
#include "base/sized.h"
#include "base/str.h"

#define CLASSES_MAX 10000000

/* Names stand in the signature of a checkpoint, which is JSON: there two names that are no UTF-8
 * might become one. */
static tt_status check_text(const char *name)
{
	char shown[80];

	if (str_is_utf8(name))
		return TT_OK;
	snprintf(shown, sizeof shown, "%s", name);
	plain_make(shown);
	return err_set(TT_EFORMAT, "the name '%s' of a column or class is no UTF-8 (each '?' is such a "
	               "byte): rename it, or turn the file into UTF-8 first (iconv -f LATIN1 -t UTF-8)",
	               shown);
}

tt_status schema_copy_names(struct arena *a, const char *const *names, int64_t n,
                            const char *const **out)
{
	const char **copy;
	tt_status st;

	*out = NULL;
	if (!names)
		return TT_OK;
	if (!(copy = arena_alloc(a, ((size_t)n + 1) * sizeof *copy)))
		return TT_ENOMEM;
	for (int64_t i = 0; i < n; i++) {
		if ((st = check_text(names[i])) != TT_OK)
			return st;
		if (!(copy[i] = arena_strdup(a, names[i])))
			return TT_ENOMEM;
	}
	*out = copy;
	return TT_OK;
}

/* ---- places ---- */

int schema_find(const tt_schema *s, const char *name)
{
	for (int i = 0; name && i < s->columns; i++)
		if (strcmp(s->column[i]->name, name) == 0)
			return i;
	return -1;
}

int schema_target(const tt_schema *s)
{
	return schema_find(s, s->target);
}

int schema_weight(const tt_schema *s)
{
	return schema_find(s, s->weight);
}

int schema_input(const tt_schema *s, int n)
{
	int target = schema_target(s), weight = schema_weight(s);

	for (int i = 0; i < s->columns; i++)
		if (i != target && i != weight && n-- == 0)
			return i;
	return -1;
}

/* ---- building ---- */

static tt_status check_new(const struct schema *s, const tt_column *c)
{
	if (s->view.columns == BATCH_COLUMNS)
		return err_set(TT_EINVAL, "column '%.60s': a source has at most %d columns", c->name,
		               BATCH_COLUMNS);
	if (schema_find(&s->view, c->name) >= 0)
		return err_set(TT_EINVAL, "two columns are called '%.60s'", c->name);
	return TT_OK;
}

tt_status schema_add(struct schema *s, const tt_column *c)
{
	tt_column whole, *own;
	tt_status st;

	if ((st = column_take(c, &whole)) != TT_OK || (st = check_new(s, &whole)) != TT_OK ||
	    (st = check_text(whole.name)) != TT_OK)
		return st;
	if (!(own = arena_alloc(&s->arena, sizeof *own)))
		return TT_ENOMEM;
	*own = whole;
	own->data = NULL;
	own->offsets = NULL;
	if (!(own->name = arena_strdup(&s->arena, whole.name)))
		return TT_ENOMEM;
	if ((st = schema_copy_names(&s->arena, whole.features, whole.shape[0], &own->features)) !=
	    TT_OK)
		return st;
	s->pointer[s->view.columns++] = own;
	s->view.size = sizeof s->view;
	s->view.column = s->pointer;
	return TT_OK;
}

/* What may be the column of a target of each kind. */
static int fits_kind(const tt_column *c, const struct schema_target *t)
{
	const int whole = c->type == TT_U8 || c->type == TT_I32 || c->type == TT_I64;

	switch (t->kind) {
	case TT_TARGET_CLASS:  return whole && column_row(c) == 1 && !column_ragged(c);
	case TT_TARGET_VALUES: return c->ndim <= 1 && !column_ragged(c);
	case TT_TARGET_LABELS: return c->ndim == 1 && c->shape[0] == t->classes;
	case TT_TARGET_PLACES: return c->ndim == 1 && whole;
	default:               return 0;
	}
}

static tt_status check_target(const struct schema *s, const struct schema_target *t, int at)
{
	static const char *const wants[] = {
		[TT_TARGET_CLASS] = "one whole number for each sample (u8, i32, i64)",
		[TT_TARGET_VALUES] = "numbers, as many for each sample",
		[TT_TARGET_LABELS] = "a 0 or 1 for each class", [TT_TARGET_NONE] = "no target",
		[TT_TARGET_PLACES] = "a list of whole numbers for each sample",
	};
	const int kind_known = (unsigned)t->kind < sizeof wants / sizeof *wants;
	char text[COLUMN_TEXT];

	if (at < 0)
		return err_set(TT_EINVAL, "there is no column '%.60s' to be the target", t->name);
	if (!kind_known || !fits_kind(s->view.column[at], t))
		return err_set(TT_EINVAL, "column '%.60s' is %s; a target of that kind is %s", t->name,
		               column_text(s->view.column[at], text), kind_known ? wants[t->kind] : "?");
	if (t->kind != TT_TARGET_VALUES && (t->classes < 1 || t->classes > CLASSES_MAX))
		return err_set(TT_EINVAL, "column '%.60s': %d classes", t->name, t->classes);
	for (int i = 0; t->class_names && t->kind != TT_TARGET_VALUES && i < t->classes; i++)
		if (!t->class_names[i])
			return err_set(TT_EINVAL, "column '%.60s': class %d has no name", t->name, i);
	return TT_OK;
}

tt_status schema_set_target(struct schema *s, const struct schema_target *t)
{
	int at = schema_find(&s->view, t->name);
	const char *const *names = t->kind == TT_TARGET_VALUES ? NULL : t->class_names;
	tt_status st;

	if ((st = check_target(s, t, at)) != TT_OK ||
	    (st = schema_copy_names(&s->arena, names, t->classes, &s->view.class_names)) != TT_OK)
		return st;
	s->view.target = s->view.column[at]->name;
	s->view.kind = t->kind;
	s->view.classes = t->kind == TT_TARGET_VALUES ? 0 : t->classes;
	return TT_OK;
}

tt_status schema_set_weight(struct schema *s, const char *name)
{
	int at = schema_find(&s->view, name);
	char text[COLUMN_TEXT];

	if (at < 0)
		return err_set(TT_EINVAL, "there is no column '%.60s' with weights", name);
	if (at == schema_target(&s->view))
		return err_set(TT_EINVAL, "column '%.60s' cannot be target and weight", name);
	if (s->view.column[at]->type != TT_F32 || column_row(s->view.column[at]) != 1 ||
	    column_ragged(s->view.column[at]))
		return err_set(TT_EINVAL, "column '%.60s' is %s; weights are one f32 for each sample", name,
		               column_text(s->view.column[at], text));
	s->view.weight = s->view.column[at]->name;
	return TT_OK;
}

tt_status schema_set_recipe(struct schema *s, const char *recipe)
{
	const char *own = recipe ? arena_strdup(&s->arena, recipe) : NULL;

	if (recipe && !own)
		return TT_ENOMEM;
	s->view.recipe = own;
	return TT_OK;
}

static tt_status take_roles(struct schema *s, const tt_schema *in)
{
	tt_status st = TT_OK;

	if (in->target && in->kind != TT_TARGET_NONE)
		st = schema_set_target(s, &(struct schema_target){ in->target, in->kind, in->classes,
		                                                   in->class_names });
	else
		s->view.kind = TT_TARGET_NONE;
	if (st == TT_OK && in->weight)
		st = schema_set_weight(s, in->weight);
	if (st == TT_OK)
		st = schema_set_recipe(s, in->recipe);
	if (st == TT_OK && schema_input(&s->view, 0) < 0)
		return err_set(TT_EINVAL, "no column is left to be the input");
	return st;
}

tt_status schema_take(struct schema *out, const tt_schema *in)
{
	struct schema s = {0};
	tt_schema whole;
	tt_status st;

	if ((st = sized_take(&whole, sizeof whole, in, offsetof(tt_schema, target),
	                     "tt_schema")) != TT_OK)
		return st;
	if (whole.columns < 1 || !whole.column)
		return err_set(TT_EINVAL, "a schema of %d columns: there is at least one", whole.columns);
	for (int i = 0; st == TT_OK && i < whole.columns; i++)
		st = schema_add(&s, whole.column[i]);
	if (st == TT_OK)
		st = take_roles(&s, &whole);
	if (st != TT_OK) {
		schema_release(&s);
		return st;
	}
	schema_move(out, &s);
	return TT_OK;
}

void schema_move(struct schema *to, struct schema *from)
{
	*to = *from;
	to->view.column = to->pointer;
	*from = (struct schema){0};
}

void schema_release(struct schema *s)
{
	arena_release(&s->arena);
	*s = (struct schema){0};
}

tt_status schema_pictures(struct schema *s, const int64_t shape[3], int classes,
                          const char *const *class_names)
{
	tt_status st = schema_add(s, TT_COLUMN(.name = "image", .type = TT_U8, .ndim = 3,
	                                       .shape = { shape[0], shape[1], shape[2] }));

	if (st == TT_OK)
		st = schema_add(s, TT_COLUMN(.name = "label", .type = TT_I32));
	if (st == TT_OK)
		st = schema_set_target(s, &(struct schema_target){ "label", TT_TARGET_CLASS, classes,
		                                                   class_names });
	return st;
}
