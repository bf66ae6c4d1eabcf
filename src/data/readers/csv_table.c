/* From text to a table: rows of numbers and categories, and the texts of their targets. */
#include "data/readers/csv_own.h"

#include <math.h>

#include "base/mem.h"
#include "data/table/cell.h"

/* *block becomes one of cap rows of `each` things of that size. */
static tt_status widen(const struct table *t, void *block, size_t each, size_t size)
{
	void **at = block, *wider;
	size_t bytes;

	if (!each)
		return TT_OK;
	if (__builtin_mul_overflow(t->cap * size, each, &bytes))
		return err_set(TT_ENOMEM, "%s: the table is too large", t->row.in->name);
	if (!(wider = mem_realloc(*at, bytes)))
		return TT_ENOMEM;
	*at = wider;
	return TT_OK;
}

static tt_status grow(struct table *t, struct csv *c)
{
	const size_t before = t->cap;
	tt_status st;

	t->cap = before ? 2 * before : 256;
	if ((st = widen(t, &t->number, t->numbers, sizeof *t->number)) == TT_OK &&
	    (st = widen(t, &t->code, t->codes, sizeof *t->code)) == TT_OK &&
	    (st = widen(t, &c->id, t->ids, sizeof *c->id)) == TT_OK &&
	    (st = widen(t, &t->cell, t->cells, sizeof *t->cell)) == TT_OK &&
	    (st = widen(t, &c->weight, t->weight < t->width, sizeof *c->weight)) == TT_OK)
		st = widen(t, &t->text, 1, sizeof *t->text);
	if (st != TT_OK)
		t->cap = before;
	return st;
}

/* ---- cells ---- */

/* Something is missing there, and may be. */
static int is_gap(const struct table *t, const struct csv_column *c, const char *cell)
{
	return (c->known ? c->known->fills : t->missing != CSV_MISSING_ERROR) && cell_missing(cell);
}

static tt_status read_number(struct table *t, size_t i, const char *cell, float *out)
{
	struct csv_column *c = &t->column[i];
	double v = 0;

	if (!c->unread && !cell_number(c->kind, cell, &v)) {
		v = NAN;
		if (is_gap(t, c, cell))
			c->missing++;
		else if (c->told == CSV_LOOKS && !t->surveyed)
			t->doubtful = 1;
	}
	*out = (float)v;
	if (isfinite(*out) || (isnan(v) && is_gap(t, c, cell)))
		return TT_OK;
	return csv_bad_cell(t, i, cell, c->kind == TT_CELLS_DATE ? "no date such as 2026-01-31"
	                    : c->kind == TT_CELLS_BOOLEAN ? "neither yes nor no"
	                    : "not a finite number");
}

/* One that a model does not know. */
static tt_status note_unseen(const struct table *t, struct csv_column *c, struct arena *a,
                             const char *cell)
{
	if (c->unseen_first)
		return TT_OK;
	c->unseen_line = t->row.line;
	return (c->unseen_first = arena_strdup(a, cell)) ? TT_OK : TT_ENOMEM;
}

static tt_status read_code(struct table *t, size_t i, const char *cell, struct csv *csv)
{
	struct csv_column *c = &t->column[i];
	int32_t *out = t->code + csv->rows * t->codes + c->place;
	uint32_t code;
	tt_status st;

	if (cell_missing(cell)) {
		if (!is_gap(t, c, cell))
			return csv_bad_cell(t, i, cell, "nothing");
		c->missing++;
		*out = CODE_MISSING;
		return TT_OK;
	}
	if (c->known) {
		code = words_find(&c->words, cell);
		*out = code == WORDS_NONE ? CODE_UNSEEN : (int32_t)code;
		return code == WORDS_NONE ? note_unseen(t, c, &csv->arena, cell) : TT_OK;
	}
	if ((st = words_add(&c->words, cell, &code)) == TT_OK)
		*out = (int32_t)code;
	return st;
}

static tt_status read_id(const struct csv_column *c, struct csv *csv, size_t ids, const char *cell)
{
	csv->id[csv->rows * ids + c->place] = csv->id_texts.len;
	str_add_bytes(&csv->id_texts, cell, strlen(cell) + 1);
	return str_status(&csv->id_texts);
}

static tt_status read_text(struct table *t, size_t i, const char *cell, size_t row)
{
	t->cell[row * t->cells + t->column[i].place] = t->cell_texts.len;
	if (cell_missing(cell)) {
		t->column[i].missing++;
		cell = "";
	}
	str_add_bytes(&t->cell_texts, cell, strlen(cell) + 1);
	return str_status(&t->cell_texts);
}

static tt_status read_features(struct table *t, struct csv *c)
{
	float *number = t->number ? t->number + c->rows * t->numbers : NULL;
	tt_status st = TT_OK;

	for (size_t i = 0; st == TT_OK && i < t->width; i++) {
		const struct csv_column *column = &t->column[i];
		const char *cell = csv_row_cell(&t->row, i);

		if (column->kind <= TT_CELLS_DATE && column->kind != TT_CELLS_CATEGORY)
			st = read_number(t, i, cell, number++);
		else if (column->kind == TT_CELLS_CATEGORY)
			st = read_code(t, i, cell, c);
		else if (column->kind == TT_CELLS_ID)
			st = read_id(column, c, t->ids, cell);
		else if (column->apart == INPUT_TOKENS)
			st = read_text(t, i, cell, c->rows);
	}
	return st;
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

/* ---- rows ---- */

/* The row into its place in the table, all but its target. */
static tt_status read_row(struct table *t, struct csv *c)
{
	tt_status st;

	if (t->row.cells != t->width)
		return csv_bad_width(t);
	if ((st = read_features(t, c)) != TT_OK ||
	    (c->weight && (st = read_weight(t, c->weight + c->rows)) != TT_OK))
		return st;
	if (t->target < t->width && !csv_row_cell(&t->row, t->target)[0] &&
	    t->bad_rows != CSV_BAD_LATER)
		return csv_bad_cell(t, t->target, "", "");
	return TT_OK;
}

/* It keeps its place: who reads it is told what is wrong. */
static tt_status blank_row(struct table *t, struct csv *c)
{
	tt_status st = TT_OK;

	for (size_t i = 0; i < t->numbers; i++)
		t->number[c->rows * t->numbers + i] = NAN;
	for (size_t i = 0; i < t->codes; i++)
		t->code[c->rows * t->codes + i] = CODE_MISSING;
	for (size_t i = 0; st == TT_OK && i < t->width; i++)
		if (t->column[i].apart == INPUT_TOKENS)
			st = read_text(t, i, "", c->rows);
		else if (t->column[i].kind == TT_CELLS_ID)
			st = read_id(&t->column[i], c, t->ids,
			             i < t->row.cells ? csv_row_cell(&t->row, i) : "");
	if (c->weight)
		c->weight[c->rows] = 0;
	return st;
}

static tt_status take_row(struct table *t, struct csv *c)
{
	const char *cell = "";
	tt_status st;

	if (c->rows == t->cap && (st = grow(t, c)) != TT_OK)
		return st;
	if ((st = read_row(t, c)) != TT_OK) {
		if (t->doubtful || (st = csv_forgive(t, c, st)) != TT_OK || t->bad_rows == CSV_BAD_SKIP ||
		    (st = blank_row(t, c)) != TT_OK)
			return st;
	}
	t->text[c->rows++] = (struct csv_text){ t->texts.len, t->row.line };
	if (t->target < t->row.cells && t->target < t->width)
		cell = csv_row_cell(&t->row, t->target);
	str_add_bytes(&t->texts, cell, strlen(cell) + 1);
	return str_status(&t->texts);
}

static tt_status read_rows(struct table *t, struct csv *c)
{
	tt_status st;

	csv_row_seek(&t->row, t->first);
	st = csv_row_next(&t->row);
	while (st == TT_OK && t->row.cells > 0)
		if ((st = take_row(t, c)) == TT_OK)
			st = csv_row_next(&t->row);
	if (st != TT_OK || c->rows)
		return st;
	if (c->skipped)
		return err_set(TT_EFORMAT, "%s: no row is good: %s", t->row.in->name, c->first_skipped);
	return err_set(TT_EFORMAT, "%s: a header without rows", t->row.in->name);
}

/* What was read while columns looked like something else. */
static void forget_rows(struct table *t, struct csv *c)
{
	c->rows = c->skipped = c->bad_rows = 0;
	c->id_texts.len = t->texts.len = t->cell_texts.len = t->cap = 0;
	for (size_t i = 0; i < t->width; i++) {
		t->column[i].missing = 0;
		if (!t->column[i].known)
			words_release(&t->column[i].words);
	}
}

/* Most tables hold numbers alone: they are read in one go.  Others are looked at first. */
static tt_status read_table(struct table *t, struct csv *c)
{
	tt_status st = csv_wants_survey(t) ? csv_survey(t) : TT_OK;

	if (st == TT_OK)
		st = read_rows(t, c);
	if (st == TT_OK || !t->doubtful)
		return st;
	forget_rows(t, c);
	if ((st = csv_survey(t)) == TT_OK)
		st = read_rows(t, c);
	return st;
}

static void table_release(struct table *t)
{
	for (size_t i = 0; t->column && i < t->width; i++)
		words_release(&t->column[i].words);
	csv_row_release(&t->row);
	csv_row_release(&t->below);
	str_release(&t->texts);
	mem_free(t->text);
	mem_free(t->name);
	mem_free(t->column);
	mem_free(t->number);
	mem_free(t->code);
	mem_free(t->cell);
	str_release(&t->cell_texts);
	mem_free(t->part);
}

static tt_status separator_of(const struct csv_opts *o, const char *file, char *out)
{
	static const struct { const char *word; char byte; } words[] = {
		{ "auto", 0 }, { "comma", ',' }, { "semicolon", ';' }, { "tab", '\t' }, { "pipe", '|' },
		{ "space", ' ' }, { "colon", ':' },
	};
	const char *s = o->separator ? o->separator : "auto";

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(s, words[i].word) == 0) {
			*out = words[i].byte;
			return TT_OK;
		}
	*out = s[0];
	if (strlen(s) == 1 && !strchr("\"\r\n.+-", s[0]) && !(s[0] >= '0' && s[0] <= '9'))
		return TT_OK;
	return err_set(TT_EINVAL, "%s: separator=%s is no byte that separates, nor auto, comma, "
	               "semicolon, tab, pipe, space or colon", file, s);
}

tt_status csv_parse(struct csv *out, const struct bytes *in, const struct csv_opts *o)
{
	struct table t = { .bad_rows = o->bad_rows };
	struct csv_form form = { .comma = o->decimal == CSV_DECIMAL_COMMA };
	tt_status st = separator_of(o, in->name, &form.separator);

	if (st != TT_OK)
		return st;
	csv_row_init(&t.row, in, form);
	if ((st = csv_know(&t, out, o)) == TT_OK && (st = csv_read_head(&t, out, o)) == TT_OK &&
	    (st = csv_set_columns(&t, out, o)) == TT_OK && (st = read_table(&t, out)) == TT_OK &&
	    (st = csv_take_targets(&t, out, o)) == TT_OK && (st = csv_split(&t, out, o)) == TT_OK)
		st = csv_encode(&t, out, o);
	table_release(&t);
	return st;
}

static void free_apart(struct csv_apart *a)
{
	mem_free(a->data);
	mem_free(a->offsets);
}

void csv_release(struct csv *c)
{
	mem_free(c->x);
	mem_free(c->label);
	mem_free(c->value);
	mem_free(c->spelt);
	mem_free(c->spelling);
	mem_free(c->weight);
	mem_free(c->bad);
	mem_free(c->id);
	for (int i = 0; i < c->aparts; i++)
		free_apart(&c->apart[i]);
	str_release(&c->id_texts);
	arena_release(&c->arena);
	*c = (struct csv){0};
}
