/* column.h -- what a column is, apart from any source or net.
 *
 * Helpers on the public tt_column.  Its `size` is looked at here and where structs come in from
 * outside (column_take); inside all columns are whole. */
#ifndef DATA_COLUMN_H
#define DATA_COLUMN_H

#include <tutti/column.h>

#include "base/err.h"

static inline int column_ragged(const tt_column *c)
{
	return c->ndim > 0 && c->shape[0] < 0;
}

/* Numbers of one row of a ragged column, or of one sample of a fixed one. */
int64_t column_row(const tt_column *c);
/* Bytes of the same. */
size_t  column_bytes(const tt_column *c);

/* A caller's column, perhaps of an older or newer caller, into *out.  TT_EINVAL: not one. */
tt_status column_take(const tt_column *in, tt_column *out);

/* "u8 [3, 32, 32]", "f32", "i32 [any]" into buf; returns buf. */
#define COLUMN_TEXT 128
const char *column_text(const tt_column *c, char buf[COLUMN_TEXT]);


#endif
