/* token_table.h -- different strings of bytes, numbered in the order in which they are added.
 *
 *   "the" " cat" "the"   -->   0 1 0
 *
 * The bytes stay where they are; the table only points at them.  Zero-initialise, add, release. */
#ifndef TEXT_TOKEN_TABLE_H
#define TEXT_TOKEN_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* count: whatever who adds it counts. */
struct token { const char *p; size_t n; uint64_t count; };

struct token_table {
	struct token *v;
	size_t        n, room;
	uint32_t     *slot;             /* place in v, + 1; 0: free         */
	size_t        slots;            /* a power of two                   */
};

/* Its number, or -1. */
int64_t   token_table_find(const struct token_table *t, const char *p, size_t n);
/* Its number in *out, a new one (t->n before) if it was not there. */
tt_status token_table_add(struct token_table *t, const char *p, size_t n, size_t *out);
void      token_table_release(struct token_table *t);

#endif
