/* csv_own.h -- a table under construction: what the files of csv_parse share. */
#ifndef READERS_CSV_OWN_H
#define READERS_CSV_OWN_H

#include <string.h>

#include "base/str.h"
#include "data/readers/csv.h"
#include "data/readers/csv_row.h"

/* Where a row's target starts in the texts; the line that the row starts on. */
struct csv_text { size_t at, line; };

struct table {
	struct csv_row row;
	size_t         width;        /* cells of every row                         */
	size_t         target;       /* its column; width: none                    */
	size_t         weight;       /* the same of the weights                    */
	const char   **name;         /* [width] as the header has them; NULL: none */
	struct str     texts;        /* targets of all rows, each with \0          */
	struct csv_text *text;       /* [cap]                                      */
	size_t         cap;          /* rows for which there is room               */
	int            header;       /* enum csv_header                            */
	int            bad_rows;     /* enum csv_bad_rows                          */
	uint8_t       *unread;       /* [width] columns that a model does not know; NULL: none  */
	int            numbers;      /* enum no/yes: classes are numbers           */
	int            wants_numbers;   /* enum no/yes: a model's loss does        */
};

static inline int csv_is_feature(const struct table *t, size_t column)
{
	return column != t->target && column != t->weight;
}

static inline size_t csv_features(const struct table *t)
{
	return t->width - (t->target < t->width) - (t->weight < t->width);
}

static inline int csv_by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* csv_head.c: which row is the header, which columns are target and weight.  Leaves t->row on the
 * first row of data. */
tt_status csv_read_head(struct table *t, struct csv *c, const struct csv_opts *o);
/* csv_target.c: classes or values from the texts of all rows. */
tt_status csv_take_targets(struct table *t, struct csv *c, const struct csv_opts *o);

/* csv_bad.c.  "FILE:12: column 2 ('age'): 'abc' is WHAT; the way out": a cell of the row under way,
 * its number of cells, a row's target. */
tt_status csv_bad_cell(const struct table *t, size_t column, const char *cell, const char *what);
tt_status csv_bad_width(const struct table *t);
tt_status csv_bad_target(const struct table *t, size_t row, const char *cell, const char *what);
/* st is what is wrong with c's next row: TT_OK where the table goes on, by t->bad_rows. */
tt_status csv_forgive(const struct table *t, struct csv *c, tt_status st);

#endif
