/* From text to a table: which columns there are, rows, and what the targets are. */
#include "data/readers/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/numeral.h"
#include "data/readers/csv_row.h"

#define CLASSES_MAX  100000
#define CLASSES_AUTO 50         /* whole numbers with no more different values are classes */

static const char separators[] = { 0, ',', ';', '\t' };

/* A table under construction. */
struct table {
	struct csv_row row;
	size_t         width;        /* cells of every row                         */
	size_t         target;       /* its column; width: none                    */
	size_t         weight;       /* the same of the weights                    */
	struct str     texts;        /* targets of all rows, each with \0          */
	size_t        *text_at;      /* [cap] where a row's target starts in texts */
	size_t         cap;          /* rows for which there is room               */
	int            header;       /* enum csv_header                            */
	uint8_t       *unread;       /* [width] columns that a model does not know; NULL: none  */
	int            numbers;      /* enum no/yes: classes are numbers           */
	int            wants_numbers;   /* enum no/yes: a model's loss does        */
};

/* ---- which row is the header, which column the target ----------------------- */

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

static int is_feature(const struct table *t, size_t column)
{
	return column != t->target && column != t->weight;
}

static size_t features_of(const struct table *t)
{
	return t->width - (t->target < t->width) - (t->weight < t->width);
}

/* Are the features' cells 0, 1, 2, 3 ... or 1, 2, 3, 4 ..., beside a target that is a word?  Of
 * fewer a row of data may be such, too. */
static int counts_columns(const struct table *t)
{
	double v, want = -1;

	if (t->target >= t->width || features_of(t) < 4 ||
	    str_to_double(csv_row_cell(&t->row, t->target), &v))
		return 0;
	for (size_t i = 0; i < t->row.cells; i++) {
		if (!is_feature(t, i))
			continue;
		if (!str_to_double(csv_row_cell(&t->row, i), &v) || (want < 0 && v != 0 && v != 1) ||
		    (want >= 0 && v != want))
			return 0;
		want = v + 1;
	}
	return 1;
}

/* In a row of data every feature is a number; a header may number the columns. */
static int looks_like_header(const struct table *t)
{
	double v;

	if (counts_columns(t))
		return 1;

	for (size_t i = 0; i < t->row.cells; i++)
		if (is_feature(t, i) && !str_to_double(csv_row_cell(&t->row, i), &v))
			return 1;
	return 0;
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

static int reads(const struct known_columns *k, const char *name)
{
	for (int64_t i = 0; i < k->count; i++)
		if (strcmp(k->features[i], name) == 0)
			return 1;
	return 0;
}

/* Does a model read the last column?  Without names it reads all of so many. */
static int reads_last(const struct table *t, const struct known_columns *k)
{
	const char *last = csv_row_cell(&t->row, t->width - 1);

	if (!k->features || !is_header(t))
		return features_of(t) == (size_t)k->count;
	return reads(k, last);
}

/* The column that the model knows by name.  Where one side has no names it is the last, unless the
 * model reads that one: then there is none. */
static void find_target(struct table *t, const struct known_columns *k)
{
	if (k->target && (t->target = column_called(t, k->target)) < t->width &&
	    t->target != t->weight && is_header(t))
		return;
	t->target = t->width;
	if (!(k->target && k->features && is_header(t)) && !reads_last(t, k))
		t->target = t->width - 1;
}

/* Weights that a model knows by name are used wherever they are. */
static void find_weight(struct table *t, const struct known_columns *k)
{
	t->weight = column_called(t, k->weight);
	if (t->weight == t->target || !is_header(t))
		t->weight = t->width;
}

static tt_status find_columns(struct table *t, const struct csv_opts *o)
{
	tt_status st = TT_OK;

	t->target = t->weight = t->width;
	if (is_set(o->label) && strcmp(o->label, "none") != 0)
		st = find_column(t, "label", o->label, &t->target);
	if (st == TT_OK && is_set(o->weight) && strcmp(o->weight, "none") != 0)
		st = find_column(t, "weight", o->weight, &t->weight);
	else if (st == TT_OK && !is_set(o->weight) && o->known && o->known->weight)
		find_weight(t, o->known);
	if (st == TT_OK && !is_set(o->label) && o->known)
		find_target(t, o->known);
	else if (!is_set(o->label))
		t->target = t->width - 1;
	if (st == TT_OK && t->target == t->weight && t->target < t->width)
		return err_set(TT_EINVAL, "%s: column %zu cannot be target and weight; set label=",
		               t->row.in->name, t->target);
	return st;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
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
		qsort(all, t->width, sizeof *all, by_name);
	for (size_t i = 1; st == TT_OK && i < t->width; i++)
		if (all[i][0] && strcmp(all[i - 1], all[i]) == 0)
			st = refuse_twin(t, all[i]);
	mem_free(all);
	return st;
}

/* Names of columns, as the header has them. */
static tt_status take_names(const struct table *t, struct csv *c)
{
	size_t n = 0;
	tt_status st = check_names(t);

	if (st != TT_OK)
		return st;
	if (!(c->feature = arena_alloc(&c->arena, (features_of(t) + 1) * sizeof *c->feature)))
		return TT_ENOMEM;
	for (size_t i = 0; i < t->width; i++) {
		const char *name = arena_strdup(&c->arena, csv_row_cell(&t->row, i));

		if (!name)
			return TT_ENOMEM;
		if (is_feature(t, i))
			c->feature[n++] = name;
		else if (i == t->target)
			c->target = name;
		else
			c->weigher = name;
	}
	return TT_OK;
}

/* What a model does not read by name need not be numbers. */
static tt_status find_unread(struct table *t, const struct known_columns *k)
{
	int64_t next = 0;

	if (!k || !k->features)
		return TT_OK;
	if (!(t->unread = mem_calloc(t->width, sizeof *t->unread)))
		return TT_ENOMEM;
	for (size_t i = 0; i < t->width; i++) {
		const char *name = csv_row_cell(&t->row, i);

		if (next < k->count && strcmp(k->features[next], name) == 0)
			next++;                 /* most often they stand in order */
		else
			t->unread[i] = !reads(k, name);
	}
	return TT_OK;
}

/* Does a setting give a column by its name? */
static int named(const char *setting)
{
	return is_set(setting) && !is_index(setting) && strcmp(setting, "none") != 0;
}

/* Leave t->row on the first row of data. */
static tt_status read_head(struct table *t, struct csv *c, const struct csv_opts *o)
{
	tt_status st = csv_row_next(&t->row);

	if (st != TT_OK)
		return st;
	t->header = o->header;
	if ((t->width = t->row.cells) == 0)
		return err_set(TT_EFORMAT, "%s: the table is empty", t->row.in->name);
	if ((st = find_columns(t, o)) != TT_OK)
		return st;
	if (features_of(t) == 0)
		return err_set(TT_EFORMAT, "%s: one column is a target without features",
		               t->row.in->name);
	if (o->header != CSV_HEADER_YES && !named(o->label) && !named(o->weight) &&
	    (o->header == CSV_HEADER_NO || !looks_like_header(t)))
		return TT_OK;
	if ((st = take_names(t, c)) != TT_OK || (st = find_unread(t, o->known)) != TT_OK)
		return st;
	return csv_row_next(&t->row);
}

/* ---- rows -------------------------------------------------------------------- */

static tt_status grow(struct table *t, struct csv *c)
{
	size_t cap = t->cap ? 2 * t->cap : 256, bytes;
	size_t *at;
	float *x;

	if (__builtin_mul_overflow(cap * sizeof *x, c->columns, &bytes))
		return err_set(TT_ENOMEM, "%s: the table is too large", t->row.in->name);
	if (!(x = mem_realloc(c->x, bytes)))
		return TT_ENOMEM;
	c->x = x;
	if (t->weight < t->width) {
		if (!(x = mem_realloc(c->weight, cap * sizeof *x)))
			return TT_ENOMEM;
		c->weight = x;
	}
	if (!(at = mem_realloc(t->text_at, cap * sizeof *at)))
		return TT_ENOMEM;
	t->text_at = at;
	t->cap = cap;
	return TT_OK;
}

static tt_status read_features(const struct table *t, float *x)
{
	double v;

	for (size_t i = 0; i < t->width; i++) {
		const char *cell = csv_row_cell(&t->row, i);

		if (!is_feature(t, i))
			continue;
		if (t->unread && t->unread[i])
			v = 0;
		else if (!str_to_double(cell, &v) || !isfinite((float)v))
			return err_set(TT_EFORMAT, "%s:%zu: column %zu: '%.40s' is not a finite number",
			               t->row.in->name, t->row.line, i, cell);
		*x++ = (float)v;
	}
	return TT_OK;
}

static tt_status read_weight(const struct table *t, float *weight)
{
	const char *cell = csv_row_cell(&t->row, t->weight);
	double v;

	if (!str_to_double(cell, &v) || !isfinite((float)v) || v < 0)
		return err_set(TT_EFORMAT, "%s:%zu: column %zu: '%.40s' is no weight: a finite number, not "
		               "negative", t->row.in->name, t->row.line, t->weight, cell);
	*weight = (float)v;
	return TT_OK;
}

static tt_status take_row(struct table *t, struct csv *c)
{
	tt_status st;

	if (t->row.cells != t->width)
		return err_set(TT_EFORMAT, "%s:%zu: %zu cells, the first row has %zu", t->row.in->name,
		               t->row.line, t->row.cells, t->width);
	if (c->rows == t->cap && (st = grow(t, c)) != TT_OK)
		return st;
	if ((st = read_features(t, c->x + c->rows * c->columns)) != TT_OK ||
	    (c->weight && (st = read_weight(t, c->weight + c->rows)) != TT_OK))
		return st;
	t->text_at[c->rows++] = t->texts.len;
	if (t->target < t->width) {
		const char *cell = csv_row_cell(&t->row, t->target);

		if (cell[0] == '\0')
			return err_set(TT_EFORMAT, "%s:%zu: column %zu: the target is empty",
			               t->row.in->name, t->row.line, t->target);
		str_add_bytes(&t->texts, cell, strlen(cell) + 1);
	}
	return str_status(&t->texts);
}

static tt_status read_rows(struct table *t, struct csv *c)
{
	tt_status st = TT_OK;

	c->columns = features_of(t);
	while (st == TT_OK && t->row.cells > 0)
		if ((st = take_row(t, c)) == TT_OK)
			st = csv_row_next(&t->row);
	if (st == TT_OK && c->rows == 0)
		st = err_set(TT_EFORMAT, "%s: a header without rows", t->row.in->name);
	return st;
}

/* ---- targets ----------------------------------------------------------------- */

typedef int (*order)(const void *a, const void *b);

/* 9 before 10; of whole numbers that round to the same the digits decide. */
static int by_number(const void *a, const void *b)
{
	double x = 0, y = 0;

	str_to_double(*(const char *const *)a, &x);
	str_to_double(*(const char *const *)b, &y);
	return x < y ? -1 : x > y ? 1 : by_name(a, b);
}

static const char *text_of(const struct table *t, size_t row)
{
	return t->texts.p + t->text_at[row];
}

/* The name of a row's class, equal for equal numbers.  It may lie in buf. */
static const char *name_of(const struct table *t, size_t row, char buf[NUMERAL_TEXT])
{
	const char *text = text_of(t, row), *number = t->numbers ? numeral_text(text, buf) : NULL;

	return number ? number : text;
}

/* Numbers are written in the one way, in place where there is room. */
static tt_status unify(struct table *t, struct csv *c)
{
	char buf[NUMERAL_TEXT];

	for (size_t i = 0; t->numbers && i < c->rows; i++) {
		const char *name = name_of(t, i, buf);
		const size_t n = strlen(name) + 1, there = strlen(text_of(t, i)) + 1;

		if (n <= there) {
			memmove(t->texts.p + t->text_at[i], name, n);
			continue;
		}
		t->text_at[i] = t->texts.len;
		str_add_bytes(&t->texts, name, n);
	}
	return str_status(&t->texts);
}

static order order_of(const struct table *t)
{
	return t->numbers ? by_number : by_name;
}

/* The sorted different targets, up to `most` of them; more: c->classes is most + 1. */
static tt_status find_classes(const struct table *t, struct csv *c, size_t most)
{
	const char **all = mem_alloc(c->rows * sizeof *all);
	size_t n = 0;
	tt_status st = all ? TT_OK : TT_ENOMEM;

	for (size_t i = 0; st == TT_OK && i < c->rows; i++)
		all[i] = text_of(t, i);
	if (st == TT_OK) {
		qsort(all, c->rows, sizeof *all, order_of(t));
		for (size_t i = 0; i < c->rows && n <= most; i++)
			if (i == 0 || strcmp(all[i - 1], all[i]) != 0)
				all[n++] = all[i];
		c->classes = (int)n;
		st = schema_copy_names(&c->arena, all, c->classes,
		                       (const char *const **)(void *)&c->class_names);
	}
	mem_free(all);
	return st;
}

static tt_status number_rows(const struct table *t, struct csv *c)
{
	if (!(c->label = mem_calloc(c->rows, sizeof *c->label)))
		return TT_ENOMEM;
	for (size_t i = 0; i < c->rows; i++) {
		const char *text = text_of(t, i);
		const char **at = bsearch(&text, c->class_names, (size_t)c->classes,
		                          sizeof *c->class_names, order_of(t));
		c->label[i] = (int32_t)(at - c->class_names);
	}
	return TT_OK;
}

static tt_status not_a_number(const struct table *t, size_t row)
{
	return err_set(TT_EFORMAT, "%s: row %zu of the data: the target '%.40s' is not a finite number"
	               "%s", t->row.in->name, row + 1, text_of(t, row),
	               t->wants_numbers ? ", which the model's loss wants: classes "
	               "are for cross_entropy" : "");
}

static tt_status regress(const struct table *t, struct csv *c)
{
	double v;

	c->classes = 0;
	c->class_names = NULL;
	if (!(c->value = mem_calloc(c->rows, sizeof *c->value)))
		return TT_ENOMEM;
	for (size_t i = 0; i < c->rows; i++) {
		if (!str_to_double(text_of(t, i), &v) || !isfinite((float)v))
			return not_a_number(t, i);
		c->value[i] = (float)v;
	}
	return TT_OK;
}

/* What the targets look like: all numbers, all whole numbers, none but 0 and 1. */
struct look { int numbers, whole, binary; };

static struct look inspect(const struct table *t, size_t rows)
{
	struct look l = { 1, 1, 1 };
	double v = 0;

	for (size_t i = 0; i < rows && l.numbers; i++) {
		l.numbers = str_to_double(text_of(t, i), &v);
		l.whole = l.whole && l.numbers && v == floor(v);
		l.binary = l.binary && l.numbers && (v == 0 || v == 1);
	}
	return l;
}

/* Are they classes, and how many at most? */
enum verdict { VALUES, CLASSES, FEW_CLASSES };

static enum verdict judge(const struct csv_opts *o, const struct look *l)
{
	if (o->task != CSV_AUTO)
		return o->task == CSV_REGRESS ? VALUES : CLASSES;
	switch (o->known ? o->known->wish : WISH_ANY) {
	case WISH_CLASSES: return CLASSES;
	case WISH_NUMBERS: return VALUES;
	case WISH_YES_NO:  return l->binary || !l->numbers ? CLASSES : VALUES;
	case WISH_ANY:     break;
	}
	return !l->numbers ? CLASSES : l->whole ? FEW_CLASSES : VALUES;
}

static tt_status classify(struct table *t, struct csv *c, enum verdict v)
{
	const size_t most = v == FEW_CLASSES ? CLASSES_AUTO : CLASSES_MAX;
	tt_status st = unify(t, c);

	if (st == TT_OK)
		st = find_classes(t, c, most);
	if (st != TT_OK)
		return st;
	if ((size_t)c->classes <= most)
		return number_rows(t, c);
	if (v == FEW_CLASSES)
		return regress(t, c);
	return err_set(TT_EFORMAT, "%s: more than %d different targets are no classes; set "
	               "label= or task=", t->row.in->name, CLASSES_MAX);
}

static tt_status take_targets(struct table *t, struct csv *c, const struct csv_opts *o)
{
	const struct known_columns *k = o->known;
	struct look look;
	enum verdict v;

	if (t->target == t->width)
		return TT_OK;
	look = inspect(t, c->rows);
	/* Who knows words for classes takes numbers for words, too: versions 1.1 and 1.10. */
	t->numbers = look.numbers && (!k || !k->class_names || numeral_all(k->class_names, k->classes));
	t->wants_numbers = k && k->wish == WISH_NUMBERS && o->task == CSV_AUTO;
	v = judge(o, &look);
	return v == VALUES ? regress(t, c) : classify(t, c, v);
}

tt_status csv_parse(struct csv *out, const struct bytes *in, const struct csv_opts *o)
{
	struct table t = {0};
	tt_status st;

	csv_row_init(&t.row, in, separators[o->separator]);
	st = read_head(&t, out, o);
	if (st == TT_OK)
		st = read_rows(&t, out);
	if (st == TT_OK)
		st = take_targets(&t, out, o);
	csv_row_release(&t.row);
	str_release(&t.texts);
	mem_free(t.text_at);
	mem_free(t.unread);
	return st;
}

void csv_release(struct csv *c)
{
	mem_free(c->x);
	mem_free(c->label);
	mem_free(c->value);
	mem_free(c->weight);
	arena_release(&c->arena);
	*c = (struct csv){0};
}
