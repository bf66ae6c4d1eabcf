/* What is said of a cell that is wrong, and what becomes of its row. */
#include "data/readers/csv_own.h"

#include <stdio.h>

#include "base/mem.h"
#include "data/table/cell.h"

#define BAD_MAX 10000           /* rows that are told when they are read */

/* What can be done about it, where nothing was said yet. */
static const char *way_out(const struct table *t, size_t line, const char *gap)
{
	if (t->bad_rows != CSV_BAD_ERROR)
		return "";
	if (t->header == CSV_HEADER_NO && line == 1)
		return "; if this row holds names: ?header=yes";
	return gap ? "; mend it, or leave such rows out: ?bad_rows=skip, or fill the gaps: "
	             "?missing=mean"
	           : "; mend it, or leave such rows out: ?bad_rows=skip";
}

/* Where the cell is and whose, in the file's words. */
static tt_status tell(const struct table *t, size_t line, size_t column, const char *what,
                      const char *gap)
{
	const char *name = t->name && t->name[column][0] ? t->name[column] : NULL;

	return err_set(TT_EFORMAT, "%s:%zu: column %zu%s%.40s%s: %s%s", t->row.in->name, line, column,
	               name ? " ('" : "", name ? name : "", name ? "')" : "", what,
	               way_out(t, line, gap));
}

static tt_status tell_cell(const struct table *t, size_t line, size_t column, const char *cell,
                           const char *what)
{
	char text[160];

	if (cell[0])
		snprintf(text, sizeof text, "'%.40s' is %s", cell, what);
	else
		snprintf(text, sizeof text, "the %s is empty", column == t->target ? "target" : "cell");
	return tell(t, line, column, text,
	            csv_is_feature(t, column) && !t->known.count && cell_missing(cell) ? cell : NULL);
}

tt_status csv_bad_cell(const struct table *t, size_t column, const char *cell, const char *what)
{
	return tell_cell(t, t->row.line, column, cell, what);
}

tt_status csv_bad_target(const struct table *t, size_t row, const char *cell, const char *what)
{
	return tell_cell(t, t->text[row].line, t->target, cell, what);
}

tt_status csv_bad_width(const struct table *t)
{
	return err_set(TT_EFORMAT, "%s:%zu: %zu cell%s, the first row has %zu%s", t->row.in->name,
	               t->row.line, t->row.cells, t->row.cells == 1 ? "" : "s", t->width,
	               way_out(t, t->row.line, NULL));
}

/* ---- what becomes of it ---- */

static tt_status note(struct csv *c, const char *why)
{
	const size_t room = c->bad_room ? 2 * c->bad_room : 16;
	struct bad_sample *wider;

	if (c->bad_rows == BAD_MAX)
		return err_set(TT_EFORMAT, "more than %d rows are wrong, the last of them %s", BAD_MAX,
		               why);
	if (c->bad_rows == c->bad_room) {
		if (!(wider = mem_realloc(c->bad, room * sizeof *wider)))
			return TT_ENOMEM;
		c->bad = wider;
		c->bad_room = room;
	}
	c->bad[c->bad_rows++] = (struct bad_sample){ (int64_t)c->rows, why };
	return TT_OK;
}

tt_status csv_forgive(const struct table *t, struct csv *c, tt_status st)
{
	const char *why;

	if (st != TT_EFORMAT || t->bad_rows == CSV_BAD_ERROR)
		return st;
	if (t->bad_rows == CSV_BAD_SKIP && c->skipped++)
		return TT_OK;
	if (!(why = arena_strdup(&c->arena, tt_last_error())))
		return TT_ENOMEM;
	if (t->bad_rows == CSV_BAD_LATER)
		return note(c, why);
	c->first_skipped = why;
	return TT_OK;
}
