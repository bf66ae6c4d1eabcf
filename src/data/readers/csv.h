/* csv.h -- tables in text.
 *
 * One column is the target, the others are features:
 *
 *   key,length,colour,kind     header: found by itself, if a feature's cell is no number
 *   a7,5.1,red,"setosa"        text targets become classes, sorted by name
 *
 *   columns  id, numeric, category, target: as settings say, or as cells look
 *   recipe   colour is blue or red: found in the rows to train on, or a model's
 *   x        length, colour=blue, colour=red
 */
#ifndef READERS_CSV_H
#define READERS_CSV_H

#include "base/arena.h"
#include "data/image/bytes.h"
#include "data/reader.h"
#include "data/readers/memory_source.h"
#include "data/text/wanted.h"

enum csv_header { CSV_HEADER_AUTO, CSV_HEADER_NO, CSV_HEADER_YES };
enum csv_task { CSV_AUTO, CSV_CLASSIFY, CSV_REGRESS, CSV_SPELL };
enum csv_bad_rows { CSV_BAD_ERROR, CSV_BAD_SKIP, CSV_BAD_LATER };
enum csv_decimal { CSV_DECIMAL_POINT, CSV_DECIMAL_COMMA };
enum csv_missing { CSV_MISSING_ERROR, CSV_MISSING_MEAN, CSV_MISSING_MEDIAN, CSV_MISSING_ZERO };

struct csv_opts {
	const char *label;          /* name or 0-based column; NULL: the last; "none": no target */
	const char *weight;         /* the same of sample weights; NULL: that which a model knows */
	/* Lists of names or numbers of columns, by enum tt_cells; NULL: none is told.              */
	const char *cells[TT_CELLS_TARGET];
	const char *separator;      /* a byte, or a word for it; NULL: found by itself          */
	int         task, header, decimal, missing, bad_rows;
	struct tokens_wanted wanted;         /* of text columns                                 */
	int         max_length;              /* tokens of one                                   */
	double      holdout;        /* this share of the rows is the test split                  */
	int         split;
	const struct known_columns *known;   /* where label is not set: a model's; NULL: none    */
};

/* A column that a model reads by its name and not among the features. */
struct csv_apart {
	const char  *name;
	enum tt_type type;
	void        *data;
	int64_t     *offsets;           /* of texts, which are ragged; else NULL */
	int          max_length;        /* of these                              */
};

/* The labels of a row: places in struct csv's `spelling`. */
struct csv_spelt { size_t at, n; };

struct csv {
	size_t       rows, columns;    /* columns: of features                              */
	float       *x;                /* owned, [rows][columns]                            */
	int32_t     *label;            /* owned, [rows]; classification only; -1: it has none */
	float       *value;            /* owned, [rows]; regression only; NAN: it has none  */
	struct csv_spelt *spelt;       /* owned, [rows]; lists of labels only               */
	int32_t     *spelling;         /* owned, the labels of all rows                     */
	float       *weight;           /* owned, [rows]; NULL without                       */
	const char **feature;          /* [columns], in the arena; NULL without a header    */
	struct csv_apart apart[BATCH_COLUMNS];      /* [aparts], data owned                 */
	int          aparts;
	struct str   id_texts;         /* names of rows, each with \0                       */
	size_t      *id;               /* owned, [rows][ids] where they begin               */
	const char **id_name;          /* [ids], in the arena                               */
	size_t       ids;
	const char  *recipe;           /* in the arena; NULL: features by name say it all   */
	tt_table_column *table;        /* [width], in the arena                             */
	size_t       width;
	const char  *unseen;           /* in the arena; NULL: no category is new            */
	const char  *target, *weigher; /* names in the header, or NULL: target, weight      */
	const char **class_names;      /* [classes], in the arena                           */
	int          classes;
	size_t       skipped;          /* rows that were left out                           */
	const char  *first_skipped;    /* what was wrong with the first of them             */
	struct bad_sample *bad;        /* owned, [bad_rows] that are told when they are read */
	size_t       bad_rows, bad_room;
	struct arena arena;
};

/* Parse a whole table.  Zero-initialise out and release it after an error as well.  TT_EFORMAT
 * names line and column of the bad cell. */
tt_status csv_parse(struct csv *out, const struct bytes *in, const struct csv_opts *o);
void      csv_release(struct csv *c);

#endif
