/* From cells to features: what is found in the rows to train on, or what a model knows. */
#include "data/readers/csv_own.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define ONE_HOT_MAX 1000        /* categories that become features */

/* The recipe's columns in this table. */
struct columns {
	struct table *t;
	struct csv   *c;
	const struct csv_opts *o;
	size_t       *from;         /* [recipe.columns] column of the table; width: it has none  */
	int32_t     **value;        /* [recipe.columns] by code: the place among the values, or
	                             * CODE_UNSEEN; NULL: codes are places                       */
};

static int is_trained(const struct table *t, size_t row)
{
	return !t->part || t->part[row] == SPLIT_TRAIN;
}

/* ---- fit ---- */

static tt_status all_missing(const struct table *t, const struct recipe_column *r)
{
	return err_set(TT_EFORMAT, "%s: column '%.60s' holds no value in the rows to train on: leave "
	               "it out with ?ignore=%.60s", t->row.in->name, r->name, r->name);
}

static int by_value(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

static double fill_of(int missing, float *v, size_t n, double sum)
{
	if (missing == CSV_MISSING_MEAN)
		return sum / (double)n;
	if (missing != CSV_MISSING_MEDIAN)
		return 0;
	qsort(v, n, sizeof *v, by_value);
	return ((double)v[n / 2] + (double)v[(n - 1) / 2]) / 2;
}

static tt_status fit_number(const struct columns *e, size_t column, struct recipe_column *r)
{
	const struct table *t = e->t;
	size_t n = 0, gaps = 0;
	double sum = 0;
	float *v;

	if (t->missing == CSV_MISSING_ERROR)
		return TT_OK;
	if (!(v = mem_alloc((e->c->rows + 1) * sizeof *v)))
		return TT_ENOMEM;
	for (size_t i = 0; i < e->c->rows; i++) {
		const float x = t->number[i * t->numbers + t->column[column].place];

		if (!is_trained(t, i))
			continue;
		if (isnan(x))
			gaps++;
		else
			sum += (double)(v[n++] = x);
	}
	r->fills = 1;
	r->tells = gaps > 0;
	r->fill = n ? fill_of(t->missing, v, n, sum) : 0;
	mem_free(v);
	return n ? TT_OK : all_missing(t, r);
}

static tt_status too_many(const struct table *t, const struct recipe_column *r)
{
	return err_set(TT_EFORMAT, "%s: column '%.60s' has %lld categories, and at most %d become "
	               "features: leave it out with ?ignore=%.60s, or give the model an input of that "
	               "name for an embedding: {shape: [1], type: i32}", t->row.in->name, r->name,
	               (long long)r->values, ONE_HOT_MAX, r->name);
}

/* Those of the rows to train on, sorted, and where each code is among them. */
static tt_status fit_words(struct columns *e, size_t column, struct recipe_column *r, int32_t *at)
{
	const struct csv_column *c = &e->t->column[column];
	const char **value = arena_alloc(&e->c->arena, (c->words.n + 1) * sizeof *value);

	if (!value)
		return TT_ENOMEM;
	for (size_t i = 0; i < c->words.n; i++)
		at[i] = CODE_UNSEEN;
	for (size_t i = 0; i < e->c->rows; i++) {
		const int32_t code = e->t->code[i * e->t->codes + c->place];

		if (!is_trained(e->t, i))
			continue;
		r->tells |= code == CODE_MISSING && e->t->missing != CSV_MISSING_ERROR;
		if (code < 0 || at[code] == 0)
			continue;
		at[code] = 0;
		if (!(value[r->values++] = arena_strdup(&e->c->arena, words_text(&c->words, (size_t)code))))
			return TT_ENOMEM;
	}
	qsort(value, (size_t)r->values, sizeof *value, csv_by_name);
	for (int64_t i = 0; i < r->values; i++)
		at[words_find(&c->words, value[i])] = (int32_t)i;
	r->value = value;
	for (int64_t i = 0; i < r->values; i++)
		if (!str_is_utf8(value[i]))
			return err_set(TT_EFORMAT, "%s: column '%.60s': a category is not UTF-8: convert the "
			               "file, or leave the column out with ?ignore=%.60s",
			               e->t->row.in->name, r->name, r->name);
	if (!r->values)
		return all_missing(e->t, r);
	return r->apart || r->values <= ONE_HOT_MAX ? TT_OK : too_many(e->t, r);
}

static tt_status fit_category(struct columns *e, size_t column, int64_t place)
{
	struct recipe_column *r = &e->t->recipe.column[place];
	int32_t *at = arena_alloc(&e->c->arena, (e->t->column[column].words.n + 1) * sizeof *at);

	if (!at)
		return TT_ENOMEM;
	e->value[place] = at;
	r->fills = e->t->missing != CSV_MISSING_ERROR;
	return fit_words(e, column, r, at);
}

static int stands_apart(const struct csv_column *c)
{
	return c->kind == TT_CELLS_TEXT ? c->apart == INPUT_TOKENS
	     : c->kind == TT_CELLS_CATEGORY ? c->apart == INPUT_CODE
	                                    : c->kind != TT_CELLS_ID && c->apart == INPUT_NUMBER;
}

static tt_status fit(struct columns *e)
{
	struct table *t = e->t;
	tt_status st = TT_OK;

	if (!(t->recipe.column = arena_alloc(&e->c->arena, (t->width + 1) * sizeof *t->recipe.column)))
		return TT_ENOMEM;
	for (size_t i = 0; st == TT_OK && i < t->width; i++) {
		const struct csv_column *c = &t->column[i];
		struct recipe_column *r = &t->recipe.column[t->recipe.columns];

		if (c->kind > TT_CELLS_DATE && c->kind != TT_CELLS_ID && c->apart != INPUT_TOKENS)
			continue;
		*r = (struct recipe_column){ .kind = c->kind, .apart = stands_apart(c) };
		if (!(r->name = csv_column_name(t, e->c, i)))
			return TT_ENOMEM;
		e->from[t->recipe.columns++] = i;
		if (c->kind == TT_CELLS_CATEGORY)
			st = fit_category(e, i, t->recipe.columns - 1);
		else if (c->kind == TT_CELLS_TEXT)
			st = csv_fit_text(t, e->c, i, e->o, r);
		else if (c->kind != TT_CELLS_ID)
			st = fit_number(e, i, r);
	}
	return st;
}

/* A model's: where its columns stand here. */
static tt_status find_columns(struct columns *e)
{
	for (int64_t k = 0; k < e->t->recipe.columns; k++)
		e->from[k] = e->t->width;
	for (size_t i = 0; i < e->t->width; i++)
		if (e->t->column[i].known)
			e->from[e->t->column[i].known - e->t->recipe.column] = i;
	for (int64_t k = 0; k < e->t->recipe.columns; k++)
		if (e->from[k] == e->t->width && e->t->recipe.column[k].kind != TT_CELLS_ID)
			return err_set(TT_ESHAPE, "%s: column '%.60s' of the model is of another kind here",
			               e->t->row.in->name, e->t->recipe.column[k].name);
	return TT_OK;
}

/* ---- apply ---- */

static int32_t value_at(const struct columns *e, int64_t k, size_t row)
{
	struct csv_column *c = &e->t->column[e->from[k]];
	const int32_t code = e->t->code[row * e->t->codes + c->place];
	const int32_t at = code >= 0 && e->value[k] ? e->value[k][code] : code;

	if (at == CODE_UNSEEN) {
		if (code >= 0 && !c->unseen++) {
			c->unseen_first = words_text(&c->words, (size_t)code);
			c->unseen_line = e->t->text[row].line;
		}
		c->unseen += code < 0;
	}
	return at;
}

static float number_at(const struct columns *e, int64_t k, size_t row)
{
	return e->t->number[row * e->t->numbers + e->t->column[e->from[k]].place];
}

static void encode_column(const struct columns *e, int64_t k, size_t row, float *x)
{
	const struct recipe_column *r = &e->t->recipe.column[k];
	int32_t at;
	float v;

	if (r->kind == TT_CELLS_CATEGORY) {
		at = value_at(e, k, row);
		if (at >= 0)
			x[at] = 1;
		else if (at == CODE_MISSING && r->tells)
			x[r->values] = 1;
		return;
	}
	v = number_at(e, k, row);
	x[0] = isnan(v) ? (float)r->fill : v;
	if (r->tells)
		x[1] = isnan(v);
}

static tt_status encode_features(struct columns *e)
{
	const struct recipe *r = &e->t->recipe;
	struct csv *c = e->c;
	int64_t width = 0;
	size_t bytes, at = 0;
	tt_status st = TT_OK;

	for (int64_t k = 0; k < r->columns; k++)
		width += recipe_width(&r->column[k]);
	c->columns = (size_t)width;
	if (!width)
		return TT_OK;
	if (__builtin_mul_overflow(c->rows * sizeof *c->x, c->columns, &bytes))
		return err_set(TT_ENOMEM, "%s: the table is too large", e->t->row.in->name);
	if (!(c->x = mem_calloc(c->rows, c->columns * sizeof *c->x)) ||
	    !(c->feature = arena_alloc(&c->arena, (c->columns + 1) * sizeof *c->feature)))
		return TT_ENOMEM;
	for (int64_t k = 0; st == TT_OK && k < r->columns; k++) {
		const size_t each = (size_t)recipe_width(&r->column[k]);

		for (size_t i = 0; each && i < c->rows; i++)
			encode_column(e, k, i, c->x + i * c->columns + at);
		st = recipe_names(&r->column[k], &c->arena, c->feature + at);
		at += each;
	}
	return st;
}

/* Categories count from 1: 0 is none of them. */
static tt_status encode_apart(struct columns *e, int64_t k)
{
	const struct recipe_column *r = &e->t->recipe.column[k];
	const int whole = r->kind == TT_CELLS_CATEGORY;
	struct csv_apart *a = &e->c->apart[e->c->aparts];
	union { float f; int32_t i; } *v;

	if (e->c->aparts + 4 > BATCH_COLUMNS)
		return err_set(TT_EINVAL, "%s: more than %d columns of their own", e->t->row.in->name,
		               BATCH_COLUMNS - 4);
	if (r->kind == TT_CELLS_TEXT)
		return csv_encode_text(e->t, e->c, e->from[k], r);
	if (!(v = mem_calloc(e->c->rows, sizeof *v)))
		return TT_ENOMEM;
	*a = (struct csv_apart){ .name = r->name, .type = whole ? TT_I32 : TT_F32, .data = v };
	e->c->aparts++;
	for (size_t i = 0; i < e->c->rows; i++) {
		if (whole) {
			const int32_t at = value_at(e, k, i);

			v[i].i = at < 0 ? 0 : at + 1;
		} else {
			v[i].f = number_at(e, k, i);
			v[i].f = isnan(v[i].f) ? (float)r->fill : v[i].f;
		}
	}
	return TT_OK;
}

/* ---- numbers by their names alone ---- */

static tt_status name_features(const struct table *t, struct csv *c)
{
	size_t n = 0;

	if (!t->name)
		return TT_OK;
	if (!(c->feature = arena_alloc(&c->arena, (t->numbers + 1) * sizeof *c->feature)))
		return TT_ENOMEM;
	for (size_t i = 0; i < t->width; i++)
		if (t->column[i].kind == TT_CELLS_NUMERIC)
			c->feature[n++] = t->name[i];
	return TT_OK;
}

static tt_status take_numbers(struct table *t, struct csv *c)
{
	c->columns = t->numbers;
	c->x = t->number;
	t->number = NULL;
	for (size_t i = 0; i < c->bad_rows; i++)
		memset(c->x + (size_t)c->bad[i].index * c->columns, 0, c->columns * sizeof *c->x);
	return name_features(t, c);
}

/* ---- what is said of it ---- */

static tt_status tell_unseen(const struct table *t, struct csv *c)
{
	size_t n = 0, first = t->width;

	for (size_t i = 0; i < t->width; i++) {
		if (t->column[i].kind == TT_CELLS_TEXT)
			continue;               /* tokens are no categories */
		n += t->column[i].unseen;
		if (t->column[i].unseen && first == t->width)
			first = i;
	}
	if (!n)
		return TT_OK;
	c->unseen = arena_printf(&c->arena, "%zu cell%s with categories that training has not seen, "
	                         "the first of '%.60s': '%.60s' (%s:%zu)", n, n == 1 ? "" : "s",
	                         c->table[first].name, t->column[first].unseen_first,
	                         t->row.in->name, t->column[first].unseen_line);
	return c->unseen ? TT_OK : TT_ENOMEM;
}

static tt_status tell_table(const struct table *t, struct csv *c)
{
	if (!(c->table = arena_alloc(&c->arena, (t->width + 1) * sizeof *c->table)))
		return TT_ENOMEM;
	c->width = t->width;
	for (size_t i = 0; i < t->width; i++) {
		const struct csv_column *from = &t->column[i];

		c->table[i] = (tt_table_column){
			.size = sizeof c->table[i], .name = csv_column_name(t, c, i),
			.kind = from->unread ? TT_CELLS_IGNORED : from->kind,
			.missing = (int64_t)from->missing, .unseen = (int64_t)from->unseen,
		};
		if (!c->table[i].name)
			return TT_ENOMEM;
	}
	return tell_unseen(t, c);
}

static tt_status name_ids(const struct table *t, struct csv *c)
{
	c->ids = t->ids;
	if (!(c->id_name = arena_alloc(&c->arena, (t->ids + 1) * sizeof *c->id_name)))
		return TT_ENOMEM;
	for (size_t i = 0; i < t->width; i++)
		if (t->column[i].kind == TT_CELLS_ID &&
		    !(c->id_name[t->column[i].place] = csv_column_name(t, c, i)))
			return TT_ENOMEM;
	return TT_OK;
}

static tt_status keep_recipe(const struct columns *e)
{
	struct str s = {0};
	tt_status st;

	recipe_write(&e->t->recipe, &s);
	if ((st = str_status(&s)) == TT_OK && !(e->c->recipe = arena_strdup(&e->c->arena, s.p)))
		st = TT_ENOMEM;
	str_release(&s);
	for (int64_t k = 0; k < e->t->recipe.columns; k++)
		if (st == TT_OK && e->from[k] < e->t->width)
			e->c->table[e->from[k]].values = e->t->recipe.column[k].values;
	return st;
}

static tt_status apply(struct columns *e)
{
	tt_status st = encode_features(e);

	for (int64_t k = 0; st == TT_OK && k < e->t->recipe.columns; k++)
		if (e->t->recipe.column[k].apart)
			st = encode_apart(e, k);
	return st;
}

tt_status csv_encode(struct table *t, struct csv *c, const struct csv_opts *o)
{
	const size_t most = t->width + (size_t)t->recipe.columns + 1;
	struct columns e = { .t = t, .c = c, .o = o };
	const int known = t->known.recipe != NULL;
	int plain;
	tt_status st;

	if (!(e.from = arena_alloc(&c->arena, most * sizeof *e.from)) ||
	    !(e.value = arena_alloc(&c->arena, most * sizeof *e.value)))
		return TT_ENOMEM;
	st = known ? find_columns(&e) : fit(&e);
	if (st != TT_OK || (st = csv_keep(t, c, o)) != TT_OK || (st = name_ids(t, c)) != TT_OK)
		return st;
	plain = !known && !recipe_matters(&t->recipe);
	if ((st = plain ? take_numbers(t, c) : apply(&e)) != TT_OK ||
	    (st = tell_table(t, c)) != TT_OK)
		return st;
	if (!c->columns && !c->aparts)
		return err_set(TT_EFORMAT, "%s: no column is left to be a feature", t->row.in->name);
	return plain ? TT_OK : keep_recipe(&e);
}
