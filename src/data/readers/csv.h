/* csv.h -- tables of numbers in text.
 *
 * One column is the target, the others are features:
 *
 *   length,width,kind          header: found by itself, if a feature's cell is no number
 *   5.1,3.5,"setosa"           text targets become classes, sorted by name
 */
#ifndef READERS_CSV_H
#define READERS_CSV_H

#include "base/arena.h"
#include "data/image/bytes.h"
#include "data/reader.h"
#include "data/readers/memory_source.h"

enum csv_header { CSV_HEADER_AUTO, CSV_HEADER_NO, CSV_HEADER_YES };
enum csv_task { CSV_AUTO, CSV_CLASSIFY, CSV_REGRESS };
enum csv_bad_rows { CSV_BAD_ERROR, CSV_BAD_SKIP, CSV_BAD_LATER };
enum csv_separator { CSV_SEPARATOR_AUTO, CSV_COMMA, CSV_SEMICOLON, CSV_TAB };

struct csv_opts {
	const char *label;          /* name or 0-based column; NULL: the last; "none": no target */
	const char *weight;         /* the same of sample weights; NULL: that which a model knows */
	int         task, header, separator, bad_rows;
	double      holdout;        /* this share of the rows is the test split                  */
	int         split;
	const struct known_columns *known;   /* where label is not set: a model's; NULL: none    */
};

struct csv {
	size_t       rows, columns;    /* columns: of features                              */
	float       *x;                /* owned, [rows][columns]                            */
	int32_t     *label;            /* owned, [rows]; classification only; -1: it has none */
	float       *value;            /* owned, [rows]; regression only; NAN: it has none  */
	float       *weight;           /* owned, [rows]; NULL without                       */
	const char **feature;          /* [columns], in the arena; NULL without a header    */
	const char  *target, *weigher; /* names in the header, or NULL: target, weight      */
	const char **class_names;      /* [classes], in the arena                           */
	int          classes;
	size_t       skipped;          /* rows that were left out                           */
	const char  *first_skipped;    /* what was wrong with the first of them             */
	struct bad_sample *bad;        /* owned, [bad_rows] that are told when they are read */
	size_t       bad_rows, bad_room;
	struct arena arena;
};

/* Parse a whole table (holdout and split are not looked at).  Zero-initialise out and
 * release it after an error as well.  TT_EFORMAT names line and column of the bad cell. */
tt_status csv_parse(struct csv *out, const struct bytes *in, const struct csv_opts *o);
void      csv_release(struct csv *c);

#endif
