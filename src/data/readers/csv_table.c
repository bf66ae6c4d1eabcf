/* From text to a table: rows of numbers, and the texts of their targets. */
#include "data/readers/csv_own.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

static const char separators[] = { 0, ',', ';', '\t' };

static tt_status grow(struct table *t, struct csv *c)
{
	size_t cap = t->cap ? 2 * t->cap : 256, bytes;
	struct csv_text *at;
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
	if (!(at = mem_realloc(t->text, cap * sizeof *at)))
		return TT_ENOMEM;
	t->text = at;
	t->cap = cap;
	return TT_OK;
}

static tt_status read_features(const struct table *t, float *x)
{
	double v;

	for (size_t i = 0; i < t->width; i++) {
		const char *cell = csv_row_cell(&t->row, i);

		if (!csv_is_feature(t, i))
			continue;
		if (t->unread && t->unread[i])
			v = 0;
		else if (!str_to_double(cell, &v) || !isfinite((float)v))
			return csv_bad_cell(t, i, cell, "not a finite number");
		*x++ = (float)v;
	}
	return TT_OK;
}

static tt_status read_weight(const struct table *t, float *weight)
{
	const char *cell = csv_row_cell(&t->row, t->weight);
	double v;

	if (!str_to_double(cell, &v) || !isfinite((float)v) || v < 0)
		return csv_bad_cell(t, t->weight, cell, "no weight: a finite number, not negative");
	*weight = (float)v;
	return TT_OK;
}

/* The row into its place in the table, all but its target. */
static tt_status read_row(const struct table *t, struct csv *c)
{
	tt_status st;

	if (t->row.cells != t->width)
		return csv_bad_width(t);
	if ((st = read_features(t, c->x + c->rows * c->columns)) != TT_OK ||
	    (c->weight && (st = read_weight(t, c->weight + c->rows)) != TT_OK))
		return st;
	if (t->target < t->width && !csv_row_cell(&t->row, t->target)[0] &&
	    t->bad_rows != CSV_BAD_LATER)
		return csv_bad_cell(t, t->target, "", "");
	return TT_OK;
}

/* It keeps its place: who reads it is told what is wrong. */
static void blank_row(struct csv *c)
{
	memset(c->x + c->rows * c->columns, 0, c->columns * sizeof *c->x);
	if (c->weight)
		c->weight[c->rows] = 0;
}

static tt_status take_row(struct table *t, struct csv *c)
{
	const char *cell = "";
	tt_status st;

	if (c->rows == t->cap && (st = grow(t, c)) != TT_OK)
		return st;
	if ((st = read_row(t, c)) != TT_OK) {
		if ((st = csv_forgive(t, c, st)) != TT_OK || t->bad_rows == CSV_BAD_SKIP)
			return st;
		blank_row(c);
	}
	t->text[c->rows++] = (struct csv_text){ t->texts.len, t->row.line };
	if (t->target < t->row.cells && t->target < t->width)
		cell = csv_row_cell(&t->row, t->target);
	str_add_bytes(&t->texts, cell, strlen(cell) + 1);
	return str_status(&t->texts);
}

static tt_status read_rows(struct table *t, struct csv *c)
{
	tt_status st = TT_OK;

	c->columns = csv_features(t);
	while (st == TT_OK && t->row.cells > 0)
		if ((st = take_row(t, c)) == TT_OK)
			st = csv_row_next(&t->row);
	if (st != TT_OK || c->rows)
		return st;
	if (c->skipped)
		return err_set(TT_EFORMAT, "%s: no row is good: %s", t->row.in->name, c->first_skipped);
	return err_set(TT_EFORMAT, "%s: a header without rows", t->row.in->name);
}

tt_status csv_parse(struct csv *out, const struct bytes *in, const struct csv_opts *o)
{
	struct table t = { .bad_rows = o->bad_rows };
	tt_status st;

	csv_row_init(&t.row, in, separators[o->separator]);
	st = csv_read_head(&t, out, o);
	if (st == TT_OK)
		st = read_rows(&t, out);
	if (st == TT_OK)
		st = csv_take_targets(&t, out, o);
	csv_row_release(&t.row);
	str_release(&t.texts);
	mem_free(t.text);
	mem_free(t.name);
	mem_free(t.unread);
	return st;
}

void csv_release(struct csv *c)
{
	mem_free(c->x);
	mem_free(c->label);
	mem_free(c->value);
	mem_free(c->weight);
	mem_free(c->bad);
	arena_release(&c->arena);
	*c = (struct csv){0};
}
