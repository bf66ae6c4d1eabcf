/* What the targets of a table are: classes or values. */
#include "data/readers/csv_own.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/numeral.h"

#define CLASSES_MAX  100000
#define CLASSES_AUTO 50         /* whole numbers with no more different values are classes */

typedef int (*order)(const void *a, const void *b);

/* 9 before 10; of whole numbers that round to the same the digits decide. */
static int by_number(const void *a, const void *b)
{
	double x = 0, y = 0;

	str_to_double(*(const char *const *)a, &x);
	str_to_double(*(const char *const *)b, &y);
	return x < y ? -1 : x > y ? 1 : csv_by_name(a, b);
}

static const char *text_of(const struct table *t, size_t row)
{
	return t->texts.p + t->text[row].at;
}

/* The name of a row's class, equal for equal numbers.  It may lie in buf. */
static const char *name_of(const struct table *t, size_t row, char buf[NUMERAL_TEXT])
{
	const char *text = text_of(t, row), *number = t->class_numbers ? numeral_text(text, buf) : NULL;

	return number ? number : text;
}

/* Numbers are written in the one way, in place where there is room. */
static tt_status unify(struct table *t, struct csv *c)
{
	char buf[NUMERAL_TEXT];

	for (size_t i = 0; t->class_numbers && i < c->rows; i++) {
		const char *name = name_of(t, i, buf);
		const size_t n = strlen(name) + 1, there = strlen(text_of(t, i)) + 1;

		if (n <= there) {
			memmove(t->texts.p + t->text[i].at, name, n);
			continue;
		}
		t->text[i].at = t->texts.len;
		str_add_bytes(&t->texts, name, n);
	}
	return str_status(&t->texts);
}

static order order_of(const struct table *t)
{
	return t->class_numbers ? by_number : csv_by_name;
}

/* The sorted different targets, up to `most` of them; more: c->classes is most + 1. */
static tt_status find_classes(const struct table *t, struct csv *c, size_t most)
{
	const char **all = mem_alloc(c->rows * sizeof *all);
	size_t n = 0, texts = 0;
	tt_status st = all ? TT_OK : TT_ENOMEM;

	for (size_t i = 0; st == TT_OK && i < c->rows; i++)
		if (text_of(t, i)[0])
			all[texts++] = text_of(t, i);
	if (st == TT_OK) {
		qsort(all, texts, sizeof *all, order_of(t));
		for (size_t i = 0; i < texts && n <= most; i++)
			if (i == 0 || strcmp(all[i - 1], all[i]) != 0)
				all[n++] = all[i];
		c->classes = (int)n;
		st = schema_copy_names(&c->arena, all, c->classes,
		                       (const char *const **)(void *)&c->class_names);
		if (st != TT_OK)
			st = err_at(st, "%s", t->row.in->name);
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
		c->label[i] = text[0] ? (int32_t)(at - c->class_names) : -1;
	}
	return TT_OK;
}

static tt_status not_a_number(const struct table *t, size_t row)
{
	return csv_bad_target(t, row, text_of(t, row), t->wants_numbers
		? "not a finite number, which the model's loss wants: classes are for cross_entropy"
		: "not a finite number");
}

static tt_status regress(struct table *t, struct csv *c)
{
	const size_t rows = c->rows;
	double v;
	tt_status st;

	c->classes = 0;
	c->class_names = NULL;
	if (!(c->value = mem_calloc(c->rows, sizeof *c->value)))
		return TT_ENOMEM;
	c->rows = 0;
	for (size_t i = 0; i < rows; i++) {
		const int good = str_to_double(text_of(t, i), &v) && isfinite((float)v);

		/* Who wants answers and no truth is not kept from them by it. */
		if (!good && t->bad_rows != CSV_BAD_LATER) {
			if ((st = csv_forgive(t, c, not_a_number(t, i))) != TT_OK)
				return st;
			continue;
		}
		c->value[c->rows] = good ? (float)v : NAN;
		csv_move_row(t, c, c->rows++, i);
	}
	return c->rows ? TT_OK : err_set(TT_EFORMAT, "%s: no row is good: %s", t->row.in->name,
	                                 c->first_skipped);
}

/* What the targets look like: all numbers, all whole numbers, none but 0 and 1. */
struct look { int numbers, whole, binary; };

static struct look inspect(const struct table *t, size_t rows)
{
	struct look l = { 1, 1, 1 };
	double v = 0;

	for (size_t i = 0; i < rows && l.numbers; i++) {
		if (!text_of(t, i)[0])
			continue;
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
	case WISH_SPELL:
	case WISH_ANY:     break;
	}
	return !l->numbers ? CLASSES : l->whole ? FEW_CLASSES : VALUES;
}

#define ROWS_UNLIKE 20          /* in as many rows classes that are all different are none */

/* A class for each row: nothing can be learned of it.  Who sets task= or knows the classes may have
 * them. */
static tt_status check_classes(const struct table *t, const struct csv *c, const struct csv_opts *o)
{
	if (o->task != CSV_AUTO || (o->known && o->known->class_names) || c->rows < ROWS_UNLIKE ||
	    (size_t)c->classes < c->rows)
		return TT_OK;
	return err_set(TT_EFORMAT, "%s: column %zu%s%.40s%s is the target and another one in each of "
	               "%zu rows, as the names of rows are: set label=, or task=classify",
	               t->row.in->name, t->target, t->name ? " ('" : "",
	               t->name ? t->name[t->target] : "", t->name ? "')" : "", c->rows);
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

static int has_targets(const struct table *t, size_t rows)
{
	size_t i = 0;

	while (i < rows && !text_of(t, i)[0])
		i++;
	return i < rows;
}

tt_status csv_take_targets(struct table *t, struct csv *c, const struct csv_opts *o)
{
	const struct known_columns *k = o->known;
	struct look look;
	enum verdict v;
	tt_status st;

	if (t->target == t->width || !has_targets(t, c->rows))
		return TT_OK;
	if (csv_spells(o))
		return csv_spell(t, c, o);
	look = inspect(t, c->rows);
	/* Who knows words for classes takes numbers for words, too: versions 1.1 and 1.10. */
	t->class_numbers = look.numbers && (!k || !k->class_names ||
	                                    numeral_all(k->class_names, k->classes));
	t->wants_numbers = k && k->wish == WISH_NUMBERS && o->task == CSV_AUTO;
	v = judge(o, &look);
	if (v == VALUES)
		return regress(t, c);
	return (st = classify(t, c, v)) == TT_OK && c->label ? check_classes(t, c, o) : st;
}
