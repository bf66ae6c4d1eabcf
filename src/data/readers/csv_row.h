/* csv_row.h -- text to rows of cells (RFC 4180 quoting; any line ending).
 *
 *   text:  length \0 width \0 kind \0        start: 0, 7, 13
 *
 * Knows nothing of what the cells mean. */
#ifndef READERS_CSV_ROW_H
#define READERS_CSV_ROW_H

#include "base/str.h"
#include "data/image/bytes.h"

struct csv_row_place { size_t at, line; };

struct csv_row {
	const struct bytes *in;        /* borrowed                                  */
	size_t      at, next_line;     /* where the next row starts                 */
	char        separator;
	int         comma;             /* enum no/yes: 1.234,5 is a number          */
	size_t      line;              /* on which this row starts, from 1          */
	struct str  text;              /* its cells, unquoted, trimmed, each with \0 */
	size_t     *start;             /* of each cell in text                      */
	int         quoted;            /* was the last cell in quotes               */
	size_t      cells, cap;
};

/* Start at the front of the bytes; separator 0: find it in the first line.  With `comma` cells that
 * are numbers in the German or French way are given with a point. */
struct csv_form { char separator; int comma; };
void      csv_row_init(struct csv_row *r, const struct bytes *in, struct csv_form form);
/* Go back, or on. */
static inline struct csv_row_place csv_row_tell(const struct csv_row *r)
{
	return (struct csv_row_place){ r->at, r->next_line };
}
static inline void csv_row_seek(struct csv_row *r, struct csv_row_place to)
{
	r->at = to.at;
	r->next_line = to.line;
}
/* Read the next row that is not blank ("" in quotes is a cell); at the end of the text, 0 cells. */
tt_status csv_row_next(struct csv_row *r);
void      csv_row_release(struct csv_row *r);

static inline const char *csv_row_cell(const struct csv_row *r, size_t i)
{
	return r->text.p + r->start[i];
}

#endif
