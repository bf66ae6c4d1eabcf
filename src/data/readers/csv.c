#include "data/readers/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/readers/csv_row.h"
#include "data/readers/memory_source.h"

#define CLASSES_MAX  100000
#define CLASSES_AUTO 50         /* whole numbers with no more different values are classes */

static const char *const header_words[] = { "auto", "no", "yes", NULL };
static const char *const task_words[] = { "auto", "classify", "regress", NULL };
static const char *const separator_words[] = { "auto", "comma", "semicolon", "tab", NULL };
static const char separator_bytes[] = { 0, ',', ';', '\t' };

static const struct option settings[] = {
	OPT_TEXT(struct csv_opts, label, NULL,
	         "target column: its name, or its number from 0; the last if not set; none: no target"),
	OPT_ENUM(struct csv_opts, task, "auto", task_words,
	         "auto: text, or whole numbers with at most 50 different values, are classes"),
	OPT_ENUM(struct csv_opts, header, "auto", header_words, "whether the first row holds names"),
	OPT_ENUM(struct csv_opts, separator, "auto", separator_words,
	         "between cells; auto: the most frequent one of the first line"),
	OPT_DOUBLE(struct csv_opts, holdout, "0", 0, 0.9,
	           "share of the rows, drawn at random, that forms the test split"),
	OPT_ENUM(struct csv_opts, split, "train", split_words, "which rows, if holdout is set"),
	OPT_END
};

/* A table under construction. */
struct table {
	struct csv_row row;
	size_t         width;        /* cells of every row                         */
	size_t         target;       /* its column; width: none                    */
	struct str     texts;        /* targets of all rows, each with \0          */
	size_t        *text_at;      /* [cap] where a row's target starts in texts */
	size_t         cap;          /* rows for which there is room               */
};

/* ---- which row is the header, which column the target ----------------------- */

static int is_index(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 7;
}

static tt_status target_by_name(struct table *t, const struct csv_opts *o)
{
	for (size_t i = 0; i < t->row.cells; i++)
		if (strcmp(csv_row_cell(&t->row, i), o->label) == 0) {
			t->target = i;
			return TT_OK;
		}
	return err_set(TT_EINVAL, "%s: no column is called '%s'", t->row.in->name, o->label);
}

static tt_status find_target(struct table *t, const struct csv_opts *o)
{
	if (!o->label || o->label[0] == '\0')
		t->target = t->width - 1;
	else if (strcmp(o->label, "none") == 0)
		t->target = t->width;
	else if (is_index(o->label))
		t->target = strtoul(o->label, NULL, 10);
	else if (o->header == CSV_HEADER_NO)
		return err_set(TT_EINVAL, "%s: label=%s needs a header; give the column's number",
		               t->row.in->name, o->label);
	else
		return target_by_name(t, o);
	if (t->target >= t->width && is_index(o->label ? o->label : "none"))
		return err_set(TT_EINVAL, "%s: there is no column %s: columns are numbered 0 to %zu",
		               t->row.in->name, o->label, t->width - 1);
	return TT_OK;
}

/* In a row of data every feature is a number. */
static int looks_like_header(const struct table *t)
{
	double v;

	for (size_t i = 0; i < t->row.cells; i++)
		if (i != t->target && !str_to_double(csv_row_cell(&t->row, i), &v))
			return 1;
	return 0;
}

/* Leave t->row on the first row of data. */
static tt_status read_head(struct table *t, const struct csv_opts *o)
{
	tt_status st = csv_row_next(&t->row);
	int named = o->label && o->label[0] && !is_index(o->label) && strcmp(o->label, "none");

	if (st != TT_OK)
		return st;
	if ((t->width = t->row.cells) == 0)
		return err_set(TT_EFORMAT, "%s: the table is empty", t->row.in->name);
	if ((st = find_target(t, o)) != TT_OK)
		return st;
	if (t->width - (t->target < t->width) == 0)
		return err_set(TT_EFORMAT, "%s: one column is a target without features",
		               t->row.in->name);
	if (o->header == CSV_HEADER_YES || named ||
	    (o->header == CSV_HEADER_AUTO && looks_like_header(t)))
		st = csv_row_next(&t->row);
	return st;
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

		if (i == t->target)
			continue;
		if (!str_to_double(cell, &v) || !isfinite((float)v))
			return err_set(TT_EFORMAT, "%s:%zu: column %zu: '%.40s' is no finite number",
			               t->row.in->name, t->row.line, i + 1, cell);
		*x++ = (float)v;
	}
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
	if ((st = read_features(t, c->x + c->rows * c->columns)) != TT_OK)
		return st;
	t->text_at[c->rows++] = t->texts.len;
	if (t->target < t->width) {
		const char *cell = csv_row_cell(&t->row, t->target);

		if (cell[0] == '\0')
			return err_set(TT_EFORMAT, "%s:%zu: column %zu: the target is empty",
			               t->row.in->name, t->row.line, t->target + 1);
		str_add_bytes(&t->texts, cell, strlen(cell) + 1);
	}
	return str_status(&t->texts);
}

static tt_status read_rows(struct table *t, struct csv *c)
{
	tt_status st = TT_OK;

	c->columns = t->width - (t->target < t->width);
	while (st == TT_OK && t->row.cells > 0)
		if ((st = take_row(t, c)) == TT_OK)
			st = csv_row_next(&t->row);
	if (st == TT_OK && c->rows == 0)
		st = err_set(TT_EFORMAT, "%s: a header without rows", t->row.in->name);
	return st;
}

/* ---- targets ----------------------------------------------------------------- */

typedef int (*order)(const void *a, const void *b);

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* 9 before 10; what is written differently ("1", "1.0") stays apart. */
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

/* The sorted different targets, up to `most` of them; more: c->classes is most + 1. */
static tt_status find_classes(const struct table *t, struct csv *c, order o, size_t most)
{
	const char **all = mem_alloc(c->rows * sizeof *all);
	size_t n = 0;
	tt_status st = all ? TT_OK : TT_ENOMEM;

	for (size_t i = 0; st == TT_OK && i < c->rows; i++)
		all[i] = text_of(t, i);
	if (st == TT_OK) {
		qsort(all, c->rows, sizeof *all, o);
		for (size_t i = 0; i < c->rows && n <= most; i++)
			if (i == 0 || strcmp(all[i - 1], all[i]) != 0)
				all[n++] = all[i];
		c->classes = (int)n;
		st = reader_copy_names(&c->arena, all, c->classes,
		                       (const char *const **)(void *)&c->class_names);
	}
	mem_free(all);
	return st;
}

static tt_status classify(const struct table *t, struct csv *c, order o)
{
	if (!(c->label = mem_calloc(c->rows, sizeof *c->label)))
		return TT_ENOMEM;
	for (size_t i = 0; i < c->rows; i++) {
		const char *text = text_of(t, i);
		const char **at = bsearch(&text, c->class_names, (size_t)c->classes,
		                          sizeof *c->class_names, o);
		c->label[i] = (int32_t)(at - c->class_names);
	}
	return TT_OK;
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
			return err_set(TT_EFORMAT, "%s: row %zu of the data: the target '%.40s' is no finite "
			               "number", t->row.in->name, i + 1, text_of(t, i));
		c->value[i] = (float)v;
	}
	return TT_OK;
}

/* What the targets look like: all numbers, all whole numbers. */
static void inspect(const struct table *t, size_t rows, int *numbers, int *whole)
{
	double v;

	*numbers = *whole = 1;
	for (size_t i = 0; i < rows && *numbers; i++) {
		*numbers = str_to_double(text_of(t, i), &v);
		*whole = *whole && *numbers && v == floor(v);
	}
}

static tt_status take_targets(struct table *t, struct csv *c, const struct csv_opts *o)
{
	int numbers, whole;
	tt_status st;

	if (t->target == t->width)
		return TT_OK;
	inspect(t, c->rows, &numbers, &whole);
	if (o->task == CSV_REGRESS || (o->task == CSV_AUTO && numbers && !whole))
		return regress(t, c);
	order by = numbers ? by_number : by_name;
	size_t most = o->task == CSV_AUTO && numbers ? CLASSES_AUTO : CLASSES_MAX;
	if ((st = find_classes(t, c, by, most)) != TT_OK)
		return st;
	if ((size_t)c->classes <= most)
		return classify(t, c, by);
	if (most == CLASSES_AUTO)
		return regress(t, c);
	return err_set(TT_EFORMAT, "%s: more than %d different targets are no classes; set "
	               "label= or task=", t->row.in->name, CLASSES_MAX);
}

tt_status csv_parse(struct csv *out, const struct bytes *in, const struct csv_opts *o)
{
	struct table t = {0};
	tt_status st;

	csv_row_init(&t.row, in, separator_bytes[o->separator]);
	st = read_head(&t, o);
	if (st == TT_OK)
		st = read_rows(&t, out);
	if (st == TT_OK)
		st = take_targets(&t, out, o);
	csv_row_release(&t.row);
	str_release(&t.texts);
	mem_free(t.text_at);
	return st;
}

void csv_release(struct csv *c)
{
	mem_free(c->x);
	mem_free(c->label);
	mem_free(c->value);
	arena_release(&c->arena);
	*c = (struct csv){0};
}

/* ---- the reader -------------------------------------------------------------- */

struct csv_source {
	struct reader reader;
	struct csv    csv;
};

static void csv_close(struct reader *r)
{
	struct csv_source *s = (struct csv_source *)r;

	if (!s)
		return;
	csv_release(&s->csv);
	mem_free(s);
}

static const void *csv_peek(const struct reader *r, int64_t index)
{
	const struct csv *c = &((const struct csv_source *)r)->csv;

	return c->x + (size_t)index * c->columns;
}

static tt_status csv_read(const struct reader *r, int64_t index, void *x, int32_t *label,
                          float *values)
{
	const struct csv *c = &((const struct csv_source *)r)->csv;

	if (x)
		memcpy(x, csv_peek(r, index), c->columns * sizeof *c->x);
	if (label && c->label)
		*label = c->label[index];
	if (values && c->value)
		*values = c->value[index];
	return TT_OK;
}

/* Keep the rows of one split: a random permutation's first ones are the test rows. */
static tt_status keep_split(struct csv *c, const struct csv_opts *o, const char *path)
{
	struct rng_key key = rng_key(0, RNG_SHUFFLE);
	uint64_t n = c->rows, test = (uint64_t)(o->holdout * (double)n);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if ((rng_permute(key, 0, n, i) < test) != (o->split == SPLIT_TEST))
			continue;
		memmove(c->x + kept * c->columns, c->x + i * c->columns, c->columns * sizeof *c->x);
		if (c->label)
			c->label[kept] = c->label[i];
		if (c->value)
			c->value[kept] = c->value[i];
		kept++;
	}
	if (kept == 0)
		return err_set(TT_EINVAL, "%s: no rows are left for split=%s; set holdout=", path,
		               split_words[o->split]);
	c->rows = kept;
	return TT_OK;
}

static void describe(struct csv_source *s)
{
	const struct csv *c = &s->csv;

	s->reader.info = (tt_source_info){
		.count = (int64_t)c->rows, .ndim = 1, .shape = { (int64_t)c->columns },
		.type = TT_SAMPLE_F32, .target = c->label ? TT_TARGET_CLASS : TT_TARGET_VALUES,
		.classes = c->classes, .values = c->value ? 1 : 0, .class_names = c->class_names };
}

static tt_status csv_open(struct reader **out, const char *path, const struct node *args)
{
	struct csv_opts o;
	struct arena a = {0};
	struct bytes in = { .name = path };
	struct csv_source *s = mem_calloc(1, sizeof *s);
	tt_status st = s ? reader_settings(settings, &a, args, &o) : TT_ENOMEM;

	if (st == TT_OK)
		st = file_map(path, &in.p, &in.n);
	if (st == TT_OK) {
		st = csv_parse(&s->csv, &in, &o);
		file_unmap(in.p, in.n);
	}
	if (st == TT_OK && (o.holdout > 0 || o.split == SPLIT_TEST))
		st = keep_split(&s->csv, &o, path);
	if (st == TT_OK) {
		s->reader.ops = &csv_reader;
		describe(s);
		*out = &s->reader;
		s = NULL;
	}
	if (s)
		csv_close(&s->reader);
	arena_release(&a);
	return st;
}

const struct reader_ops csv_reader = {
	.scheme = "csv", .settings = settings,
	.help = "csv:FILE -- a table of numbers, one column of it the class or value to predict",
	.open = csv_open, .close = csv_close, .read = csv_read, .peek = csv_peek,
};
