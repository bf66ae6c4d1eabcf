/* What the columns of a table are: by settings, and by what a model knows. */
#include "data/readers/csv_own.h"

#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "data/table/cell.h"

/* ---- what a model knows ---- */

/* Features by the names of the table's columns, for who knows a recipe. */
static tt_status know_recipe(struct table *t, struct csv *c, const char *file)
{
	const char **names;
	tt_status st = recipe_read(&t->recipe, &c->arena, t->known.recipe, file);

	if (st != TT_OK)
		return st;
	if (!(names = arena_alloc(&c->arena, ((size_t)t->recipe.columns + 1) * sizeof *names)))
		return TT_ENOMEM;
	t->known.features = names;
	t->known.count = 0;
	for (int64_t i = 0; i < t->recipe.columns; i++)
		if (t->recipe.column[i].kind != TT_CELLS_ID)
			names[t->known.count++] = t->recipe.column[i].name;
	return TT_OK;
}

tt_status csv_know(struct table *t, struct csv *c, const struct csv_opts *o)
{
	if (!o->known)
		return TT_OK;
	t->known = *o->known;
	return t->known.recipe ? know_recipe(t, c, t->row.in->name) : TT_OK;
}

int csv_reads(const struct known_columns *k, const char *name)
{
	for (int64_t i = 0; i < k->count; i++)
		if (strcmp(k->features[i], name) == 0)
			return 1;
	return 0;
}

/* ---- names ---- */

const char *csv_column_name(const struct table *t, struct csv *c, size_t column)
{
	return t->name ? t->name[column] : arena_printf(&c->arena, "%zu", column);
}

static size_t column_of(const struct table *t, const char *name)
{
	char *end;
	const size_t n = strtoul(name, &end, 10);

	for (size_t i = 0; t->name && i < t->width; i++)
		if (strcmp(t->name[i], name) == 0)
			return i;
	return *name >= '0' && *name <= '9' && !*end && n < t->width ? n : t->width;
}

/* ---- settings ---- */

static tt_status set_kind(struct table *t, const char *name, enum tt_cells kind)
{
	const size_t at = column_of(t, name);

	if (at == t->width)
		return err_set(TT_EINVAL, "%s: no column is called '%s' (%s=)", t->row.in->name, name,
		               kind == TT_CELLS_IGNORED ? "ignore" : cell_words[kind]);
	if (!csv_is_feature(t, at))
		return err_set(TT_EINVAL, "%s: column '%s' is the %s and cannot be %s, too",
		               t->row.in->name, name, at == t->target ? "target" : "weight",
		               cell_words[kind]);
	if (t->column[at].told == CSV_TOLD && t->column[at].kind != kind)
		return err_set(TT_EINVAL, "%s: column '%s' cannot be %s and %s", t->row.in->name, name,
		               cell_words[t->column[at].kind], cell_words[kind]);
	t->column[at].kind = kind;
	t->column[at].told = CSV_TOLD;
	return TT_OK;
}

/* "a,b": a name may be that of a column with a comma in it. */
static tt_status set_kinds(struct table *t, struct csv *c, const char *list, enum tt_cells kind)
{
	char *own, *save = NULL;
	tt_status st = TT_OK;

	if (!list || !*list)
		return TT_OK;
	if (column_of(t, list) < t->width)
		return set_kind(t, list, kind);
	if (!(own = arena_strdup(&c->arena, list)))
		return TT_ENOMEM;
	for (char *s = strtok_r(own, ",", &save); st == TT_OK && s; s = strtok_r(NULL, ",", &save))
		st = set_kind(t, s, kind);
	return st;
}

static tt_status take_settings(struct table *t, struct csv *c, const struct csv_opts *o)
{
	tt_status st = TT_OK;

	for (int k = 0; st == TT_OK && k < TT_CELLS_TARGET; k++)
		st = set_kinds(t, c, o->cells[k], (enum tt_cells)k);
	return st;
}

int csv_names_rows(const struct table *t, size_t column)
{
	static const char *const words[] = { "id", "uuid", "guid", NULL };
	const char *name = t->name ? t->name[column] : "";
	const size_t n = strlen(name);

	for (int i = 0; words[i]; i++)
		if (strcasecmp(name, words[i]) == 0)
			return 1;
	return n > 3 && strcasecmp(name + n - 3, "_id") == 0;
}

/* The column by which data.split keeps rows together is an id. */
static tt_status take_group(struct table *t)
{
	const char *name = t->known.cut.split ? t->known.cut.split->group : NULL;

	t->group = t->width;
	if (!name || !*name)
		return TT_OK;
	t->group = column_of(t, name);
	return set_kind(t, name, TT_CELLS_ID);
}

/* ---- what a model reads ---- */

static tt_status take_recipe(struct table *t)
{
	for (size_t i = 0; i < t->width; i++)
		if (csv_is_feature(t, i) && t->column[i].told == CSV_LOOKS) {
			t->column[i].kind = csv_names_rows(t, i) ? TT_CELLS_ID : TT_CELLS_IGNORED;
			t->column[i].told = CSV_TOLD;
		}
	for (int64_t k = 0; k < t->recipe.columns; k++) {
		const struct recipe_column *r = &t->recipe.column[k];
		const size_t at = column_of(t, r->name);
		struct csv_column *c = &t->column[at < t->width ? at : 0];
		uint32_t code;
		tt_status st = TT_OK;

		if (at == t->width && r->kind == TT_CELLS_ID)
			continue;
		if (at == t->width || !csv_is_feature(t, at) || c->known)
			return err_set(TT_ESHAPE, "%s: the source has no feature '%.60s', which the model "
			               "reads", t->row.in->name, r->name);
		*c = (struct csv_column){ .kind = r->kind, .told = CSV_TOLD, .known = r,
			.apart = r->kind == TT_CELLS_TEXT ? INPUT_TOKENS : INPUT_NONE };
		for (int64_t i = 0; r->kind == TT_CELLS_CATEGORY && st == TT_OK && i < r->values; i++)
			st = words_add(&c->words, r->value[i], &code);
		if (st != TT_OK)
			return st;
	}
	return TT_OK;
}

/* A model without a recipe reads numbers alone; what it does not read need not be such. */
static void take_features(struct table *t)
{
	int64_t next = 0;

	for (size_t i = 0; i < t->width; i++) {
		struct csv_column *c = &t->column[i];

		if (!csv_is_feature(t, i) || c->told == CSV_TOLD)
			continue;
		c->told = CSV_TOLD;
		if (!t->name || !t->known.features)
			continue;
		if (next < t->known.count && strcmp(t->known.features[next], t->name[i]) == 0)
			next++;                 /* most often they stand in order */
		else
			c->unread = !csv_reads(&t->known, t->name[i]);
		if (c->unread && csv_names_rows(t, i)) {
			c->kind = TT_CELLS_ID;
			c->unread = 0;
		}
	}
}

/* A model that is not trained yet may have inputs for single columns: whole numbers are categories
 * there. */
static void take_inputs(struct table *t)
{
	for (size_t i = 0; t->name && i < t->width; i++)
		for (int k = 0; k < t->known.n_inputs; k++) {
			const struct known_input *in = &t->known.inputs[k];
			struct csv_column *c = &t->column[i];

			if (!csv_is_feature(t, i) || strcmp(in->name, t->name[i]) != 0)
				continue;
			if (in->sequence && (c->told == CSV_LOOKS || c->kind == TT_CELLS_TEXT)) {
				c->kind = TT_CELLS_TEXT;
				c->told = CSV_TOLD;
				c->apart = INPUT_TOKENS;
			} else if (in->sequence) {
				continue;
			} else if (in->type == TT_I32 && (c->told == CSV_LOOKS ||
			                                  c->kind == TT_CELLS_CATEGORY)) {
				c->kind = TT_CELLS_CATEGORY;
				c->told = CSV_TOLD;
				c->apart = INPUT_CODE;
			} else if (in->type != TT_I32) {
				c->apart = INPUT_NUMBER;
			}
		}
}

/* ---- all of it ---- */

/* Where no model says what it reads, texts are tokens if a setting calls them such, or if there is
 * nothing else. */
static void take_texts(struct table *t)
{
	int others = 0;

	for (size_t i = 0; i < t->width; i++)
		others |= t->column[i].kind <= TT_CELLS_DATE;
	for (size_t i = 0; i < t->width; i++)
		if (t->column[i].kind == TT_CELLS_TEXT && (!others || t->column[i].told == CSV_TOLD))
			t->column[i].apart = INPUT_TOKENS;
}

void csv_place_columns(struct table *t)
{
	if (!t->known.n_inputs && !t->known.recipe && !t->known.features)
		take_texts(t);
	t->numbers = t->codes = t->ids = t->cells = 0;
	for (size_t i = 0; i < t->width; i++) {
		struct csv_column *c = &t->column[i];

		if (c->kind == TT_CELLS_CATEGORY)
			c->place = t->codes++;
		else if (c->kind == TT_CELLS_ID)
			c->place = t->ids++;
		else if (c->apart == INPUT_TOKENS)
			c->place = t->cells++;
		else if (c->kind <= TT_CELLS_DATE)
			c->place = t->numbers++;
	}
}

tt_status csv_set_columns(struct table *t, struct csv *c, const struct csv_opts *o)
{
	tt_status st;

	if (!(t->column = mem_calloc(t->width, sizeof *t->column)))
		return TT_ENOMEM;
	t->missing = o->missing;
	for (size_t i = 0; i < t->width; i++)
		if (!csv_is_feature(t, i)) {
			t->column[i].kind = i == t->target ? TT_CELLS_TARGET : TT_CELLS_WEIGHT;
			t->column[i].told = CSV_TOLD;
		}
	if ((st = take_settings(t, c, o)) != TT_OK || (st = take_group(t)) != TT_OK)
		return st;
	if (t->known.recipe)
		st = take_recipe(t);
	else if (t->known.features || (t->known.target && t->known.count))
		take_features(t);
	else
		take_inputs(t);
	csv_place_columns(t);
	return st;
}

int csv_wants_survey(const struct table *t)
{
	for (size_t i = 0; i < t->width; i++)
		if (t->column[i].told == CSV_LOOKS && csv_names_rows(t, i))
			return 1;
	return 0;
}
