/* cell.h -- what the text of one cell of a table is.
 *
 *   "3.5"         a number          "yes", "F"           a boolean
 *   "2026-01-31"  a date            "", "NA", "NaN", "?"   missing
 */
#ifndef TABLE_CELL_H
#define TABLE_CELL_H

#include <tutti/data.h>

extern const char *const cell_words[];          /* by enum tt_cells, NULL-terminated */

/* Each is 1 where the text is such; *out is set then. */
int cell_missing(const char *text);
int cell_boolean(const char *text, double *out);
/* Days since 1970-01-01, of "2026-01-31", and with " 12:30" or "T12:30:15" behind it. */
int cell_date(const char *text, double *out);
/* What a column of that kind, which is numbers to a net, has there. */
int cell_number(enum tt_cells kind, const char *text, double *out);

#endif
