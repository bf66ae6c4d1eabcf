/* table.h -- texts in straight columns, and numbers as people write them. */
#ifndef KIT_TABLE_H
#define KIT_TABLE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

#define TABLE_COLUMNS 12
#define NUMBER_TEXT 32
#define NAME_TEXT 96

/* Rows of cells, kept until table_print knows how wide each column is. */
struct table {
	struct arena      arena;
	struct table_row *first, *last;
	const char       *align;     /* one letter a column: l or r; the first row is the head */
	int               columns, failed;
};

void table_init(struct table *t, const char *align);
/* Add a row of cells, one format per row, cells divided by tabs. */
void table_add(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_rule(struct table *t);                /* a line across */
void table_print(const struct table *t, FILE *f);
void table_release(struct table *t);

/* As fprintf; names from outside move no cursor. */
void text_printf(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A name that would not be seen as it is, in quotes in buf: nothing, one with a blank or another
 * character without ink at its edge, or with a tab or an end of line: "\u00a0". */
const char *text_name(const char *name, char buf[NAME_TEXT]);

/* "1,234,567"; "1.23 G", "45.6 k"; "12.3 MiB"; "2:03", "1:02:03";
 * "0.0831", or the digits that count where these are others: "3.142e-06", "434855".
 * Each returns buf. */
const char *text_count(long long n, char buf[NUMBER_TEXT]);
const char *text_si(double v, char buf[NUMBER_TEXT]);
const char *text_bytes(double v, char buf[NUMBER_TEXT]);
const char *text_time(double seconds, char buf[NUMBER_TEXT]);
const char *text_loss(double v, char buf[NUMBER_TEXT]);

#endif
