/* csv_own.h -- a table under construction: what the files of csv_parse share. */
#ifndef READERS_CSV_OWN_H
#define READERS_CSV_OWN_H

#include <string.h>

#include "base/str.h"
#include "data/readers/csv.h"
#include "data/readers/csv_row.h"
#include "data/table/recipe.h"
#include "data/table/words.h"

/* Where a row's target starts in the texts; the line that the row starts on. */
struct csv_text { size_t at, line; };

/* Who says what a column is: nobody but its cells, or a setting or model. */
enum csv_told { CSV_LOOKS, CSV_TOLD };

/* What a model reads by a column's name alone. */
enum csv_input { INPUT_NONE, INPUT_NUMBER, INPUT_CODE, INPUT_TOKENS };

struct csv_column {
	enum tt_cells  kind;
	enum csv_told  told;
	int            unread;       /* enum no/yes: a model does not know it: all 0       */
	enum csv_input apart;        /* which a model has by its name                      */
	size_t         place;        /* of its cells in a row's numbers, codes, ids, texts */
	const struct recipe_column *known;          /* a model's; NULL: none               */
	struct words   words;        /* of a category, by code                             */
	size_t         missing, unseen;
	const char    *unseen_first; /* in the arena; NULL: none                           */
	size_t         unseen_line;
};

/* Codes of categories that are no words. */
enum { CODE_MISSING = -1, CODE_UNSEEN = -2 };

struct table {
	struct csv_row row;
	struct csv_row below;        /* of a header, or of the first row           */
	struct csv_row_place first;  /* where the rows of data begin               */
	struct csv_column *column;   /* [width]                                    */
	size_t         numbers, codes, ids, cells;  /* in a row                    */
	float         *number;       /* [cap][numbers] NAN: missing                */
	int32_t       *code;         /* [cap][codes]                               */
	size_t        *cell;         /* [cap][cells] where texts begin             */
	struct str     cell_texts;   /* each with \0                               */
	uint8_t       *part;         /* [rows] enum split; NULL: all are trained on */
	struct recipe  recipe;       /* a model's, or what was found               */
	struct known_columns known;  /* what a model knows, by the table's columns  */
	int            missing;      /* enum csv_missing                           */
	int            surveyed;     /* enum no/yes: kinds are sure                */
	int            doubtful;     /* enum no/yes: a cell is not what its column looked like */
	size_t         width;        /* cells of every row                         */
	size_t         target;       /* its column; width: none                    */
	size_t         weight;       /* the same of the weights                    */
	size_t         group;        /* the same of data.split.group               */
	const char   **name;         /* [width] as the header has them; NULL: none */
	struct str     texts;        /* targets of all rows, each with \0          */
	struct csv_text *text;       /* [cap]                                      */
	size_t         cap;          /* rows for which there is room               */
	int            header;       /* enum csv_header                            */
	int            bad_rows;     /* enum csv_bad_rows                          */
	int            class_numbers;   /* enum no/yes: classes are numbers        */
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
/* csv_columns.c: what each column is, by settings and a model's knowledge. */
tt_status csv_set_columns(struct table *t, struct csv *c, const struct csv_opts *o);
/* The places of all columns' cells in a row. */
void      csv_place_columns(struct table *t);
/* What a model knows, in t->known and t->recipe. */
tt_status csv_know(struct table *t, struct csv *c, const struct csv_opts *o);
/* Is it one of the features that a model knows by their names? */
int       csv_reads(const struct known_columns *k, const char *name);
/* The name of a column: in the header, or its number, in the arena.  NULL: no memory. */
const char *csv_column_name(const struct table *t, struct csv *c, size_t column);
/* Must cells be looked at before they are read? */
int       csv_wants_survey(const struct table *t);
/* Is it called as columns are that name rows? */
int       csv_names_rows(const struct table *t, size_t column);
/* csv_survey.c: what the columns look like of which nobody says what they are.  Reads all rows. */
tt_status csv_survey(struct table *t);
/* csv_encode.c: a recipe from the rows to train on, and all rows as it says. */
tt_status csv_encode(struct table *t, struct csv *c, const struct csv_opts *o);
/* csv_text.c: the vocabulary of a text column, into its row of the recipe; and its tokens, as one
 * more column of c->apart. */
tt_status csv_fit_text(const struct table *t, struct csv *c, size_t column,
                       const struct csv_opts *o, struct recipe_column *r);
tt_status csv_encode_text(const struct table *t, struct csv *c, size_t column,
                          const struct recipe_column *r);
/* csv_split.c: which rows are for what, in t->part; and those of one part alone. */
tt_status csv_split(struct table *t, struct csv *c, const struct csv_opts *o);
tt_status csv_keep(struct table *t, struct csv *c, const struct csv_opts *o);
/* A row goes to a lower place, with all that is known of it but its target. */
void      csv_move_row(struct table *t, struct csv *c, size_t to, size_t from);
/* csv_target.c: classes or values from the texts of all rows. */
tt_status csv_take_targets(struct table *t, struct csv *c, const struct csv_opts *o);
/* csv_spell.c: lists of labels from the same; class 0 is the blank. */
int       csv_spells(const struct csv_opts *o);
tt_status csv_spell(const struct table *t, struct csv *c, const struct csv_opts *o);

/* csv_bad.c.  "FILE:12: column 2 ('age'): 'abc' is WHAT; the way out": a cell of the row under way,
 * its number of cells, a row's target. */
tt_status csv_bad_cell(const struct table *t, size_t column, const char *cell, const char *what);
tt_status csv_bad_width(const struct table *t);
tt_status csv_bad_target(const struct table *t, size_t row, const char *cell, const char *what);
/* st is what is wrong with c's next row: TT_OK where the table goes on, by t->bad_rows. */
tt_status csv_forgive(const struct table *t, struct csv *c, tt_status st);

#endif
