/* Which row of a table is the header, which column the target, which the weights. */
#include "data/readers/csv_own.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int is_index(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 7;
}

/* A column that a setting names: by its name in this row, which then is the header, or by its
 * number. */
static tt_status find_column(const struct table *t, const char *setting, const char *text,
                             size_t *out)
{
	const char *file = t->row.in->name;

	if (is_index(text)) {
		*out = strtoul(text, NULL, 10);
		return *out < t->width ? TT_OK
			: err_set(TT_EINVAL, "%s: there is no column %s: columns are numbered 0 to %zu", file,
			          text, t->width - 1);
	}
	if (t->header == CSV_HEADER_NO)
		return err_set(TT_EINVAL, "%s: %s=%s needs a header; give the column's number", file,
		               setting, text);
	for (*out = 0; *out < t->row.cells; ++*out)
		if (strcmp(csv_row_cell(&t->row, *out), text) == 0)
			return TT_OK;
	return err_set(TT_EINVAL, "%s: no column is called '%s'", file, text);
}

static int is_set(const char *text)
{
	return text && text[0] != '\0';
}

/* Are the features' cells 0, 1, 2, 3 ... or 1, 2, 3, 4 ..., beside a target that is a word?  Of
 * fewer a row of data may be such, too. */
static int counts_columns(const struct table *t)
{
	double v, want = -1;

	if (t->target >= t->width || csv_features(t) < 4 ||
	    str_to_double(csv_row_cell(&t->row, t->target), &v))
		return 0;
	for (size_t i = 0; i < t->row.cells; i++) {
		if (!csv_is_feature(t, i))
			continue;
		if (!str_to_double(csv_row_cell(&t->row, i), &v) || (want < 0 && v != 0 && v != 1) ||
		    (want >= 0 && v != want))
			return 0;
		want = v + 1;
	}
	return 1;
}

/* What stands in the features' cells of this row, by what stands below in the next. */
struct above { int numbers, words, over_numbers; };

static struct above compare_rows(const struct table *t)
{
	struct above a = {0};
	double v;

	for (size_t i = 0; i < t->row.cells; i++) {
		if (!csv_is_feature(t, i))
			continue;
		if (str_to_double(csv_row_cell(&t->row, i), &v)) {
			a.numbers++;
			continue;
		}
		a.words++;
		a.over_numbers += t->below.cells == t->row.cells &&
		                  str_to_double(csv_row_cell(&t->below, i), &v);
	}
	return a;
}

/* In a row of data words stand above words, and numbers beside them; in a header words stand above
 * numbers, or there is nothing else.  A header may number the columns. */
static int looks_like_header(const struct table *t)
{
	const struct above a = compare_rows(t);

	return counts_columns(t) ||
	       (a.words && (a.over_numbers || !a.numbers || t->below.cells != t->row.cells));
}

/* The column of that name in this row; t->width: none. */
static size_t column_called(const struct table *t, const char *name)
{
	size_t i = 0;

	while (i < t->width && strcmp(csv_row_cell(&t->row, i), name) != 0)
		i++;
	return i;
}

static int is_header(const struct table *t)
{
	return t->header == CSV_HEADER_YES ||
	       (t->header == CSV_HEADER_AUTO && looks_like_header(t));
}

/* Does a model read the last column?  Without names it reads all of so many. */
static int reads_last(const struct table *t, const struct known_columns *k)
{
	const char *last = csv_row_cell(&t->row, t->width - 1);

	if (!k->features || !is_header(t))
		return csv_features(t) == (size_t)k->count;
	return csv_reads(k, last);
}

/* A table without names has the columns that a model knows by their numbers, if as many others
 * are left as it reads. */
static int has_numbered(const struct table *t, const struct known_columns *k)
{
	return csv_features(t) == (size_t)k->count && !is_header(t);
}

/* t->width: it is no number of a column. */
static size_t numbered(const struct table *t, const char *name)
{
	const size_t n = name && is_index(name) ? strtoul(name, NULL, 10) : t->width;

	return n < t->width ? n : t->width;
}

/* The column that the model knows by name.  Where one side has no names it is the last, unless the
 * model reads that one: then there is none. */
static void find_target(struct table *t, const struct known_columns *k)
{
	if (k->target && (t->target = column_called(t, k->target)) < t->width &&
	    t->target != t->weight && is_header(t))
		return;
	t->target = numbered(t, k->target);
	if (t->target < t->width && t->target != t->weight && has_numbered(t, k))
		return;
	t->target = t->width;
	if (!(k->target && k->features && is_header(t)) && !reads_last(t, k))
		t->target = t->width - 1;
}

/* Weights that a model knows by name are used wherever they are; those that it knows by number, if
 * with them and the target, which may still be open, all columns are told. */
static void find_weight(struct table *t, const struct csv_opts *o)
{
	const struct known_columns *k = &t->known;
	const size_t target = t->target;

	t->weight = column_called(t, k->weight);
	if (t->weight < t->width && t->weight != t->target && is_header(t))
		return;
	t->weight = numbered(t, k->weight);
	if (!is_set(o->label) && (t->target = numbered(t, k->target)) == t->width)
		t->target = t->width - 1;
	if (t->weight == t->target || !has_numbered(t, k))
		t->weight = t->width;
	t->target = target;
}

static tt_status find_columns(struct table *t, const struct csv_opts *o)
{
	tt_status st = TT_OK;

	t->target = t->weight = t->width;
	if (is_set(o->label) && strcmp(o->label, "none") != 0)
		st = find_column(t, "label", o->label, &t->target);
	if (st == TT_OK && is_set(o->weight) && strcmp(o->weight, "none") != 0)
		st = find_column(t, "weight", o->weight, &t->weight);
	else if (st == TT_OK && !is_set(o->weight) && t->known.weight)
		find_weight(t, o);
	if (st == TT_OK && !is_set(o->label) && o->known)
		find_target(t, &t->known);
	else if (!is_set(o->label))
		t->target = t->width - 1;
	if (st == TT_OK && t->target == t->weight && t->target < t->width)
		return err_set(TT_EINVAL, "%s: column %zu cannot be target and weight; set label=",
		               t->row.in->name, t->target);
	return st;
}

static tt_status refuse_twin(const struct table *t, const char *name)
{
	const size_t first = column_called(t, name);
	size_t second = first + 1;

	while (strcmp(csv_row_cell(&t->row, second), name) != 0)
		second++;
	return err_set(TT_EFORMAT, "%s: columns %zu and %zu are both called '%.60s': give each a name "
	               "of its own", t->row.in->name, first, second, name);
}

/* Models find columns by their names. */
static tt_status check_names(const struct table *t)
{
	const char **all = mem_alloc(t->width * sizeof *all);
	tt_status st = all ? TT_OK : TT_ENOMEM;

	for (size_t i = 0; all && i < t->width; i++)
		all[i] = csv_row_cell(&t->row, i);
	if (all)
		qsort(all, t->width, sizeof *all, csv_by_name);
	for (size_t i = 1; st == TT_OK && i < t->width; i++)
		if (all[i][0] && strcmp(all[i - 1], all[i]) == 0)
			st = refuse_twin(t, all[i]);
	mem_free(all);
	return st;
}

/* Names of columns, as the header has them. */
static tt_status take_names(struct table *t, struct csv *c)
{
	tt_status st = check_names(t);

	if (st != TT_OK)
		return st;
	if (!(t->name = mem_calloc(t->width, sizeof *t->name)))
		return TT_ENOMEM;
	for (size_t i = 0; i < t->width; i++) {
		const char *name = arena_strdup(&c->arena, csv_row_cell(&t->row, i));

		if (!name)
			return TT_ENOMEM;
		t->name[i] = name;
		if (i == t->target)
			c->target = name;
		else if (i == t->weight)
			c->weigher = name;
	}
	return TT_OK;
}

/* Does a setting give a column by its name? */
static int named(const char *setting)
{
	return is_set(setting) && !is_index(setting) && strcmp(setting, "none") != 0;
}

/* What has no name and was told by its number is known by that to models. */
static tt_status take_numbers(const struct table *t, struct csv *c, const struct csv_opts *o)
{
	const struct known_columns *k = &t->known;
	const char *target = o->label, *weight = o->weight;

	if (!is_set(target) && k->target && numbered(t, k->target) == t->target)
		target = k->target;
	if (!is_set(weight) && k->weight && numbered(t, k->weight) == t->weight)
		weight = k->weight;
	if (t->target < t->width && is_set(target) && !(c->target = arena_strdup(&c->arena, target)))
		return TT_ENOMEM;
	if (t->weight < t->width && is_set(weight) && !(c->weigher = arena_strdup(&c->arena, weight)))
		return TT_ENOMEM;
	return TT_OK;
}

/* The row below; what is wrong with it is told when it is read. */
static tt_status look_below(struct table *t)
{
	tt_status st;

	csv_row_init(&t->below, t->row.in, (struct csv_form){ t->row.separator, t->row.comma });
	csv_row_seek(&t->below, csv_row_tell(&t->row));
	if ((st = csv_row_next(&t->below)) == TT_EFORMAT)
		t->below.cells = 0;
	return st == TT_EFORMAT ? TT_OK : st;
}

tt_status csv_read_head(struct table *t, struct csv *c, const struct csv_opts *o)
{
	tt_status st;

	t->first = csv_row_tell(&t->row);
	if ((st = csv_row_next(&t->row)) != TT_OK || (st = look_below(t)) != TT_OK)
		return st;
	t->header = o->header;
	if ((t->width = t->row.cells) == 0)
		return err_set(TT_EFORMAT, "%s: the table is empty", t->row.in->name);
	if ((st = find_columns(t, o)) != TT_OK)
		return st;
	if (csv_features(t) == 0)
		return err_set(TT_EFORMAT, "%s: one column is a target without features",
		               t->row.in->name);
	if (!named(o->label) && !named(o->weight) && !is_header(t))
		return take_numbers(t, c, o);
	t->first = csv_row_tell(&t->row);
	return take_names(t, c);
}
