/* filter.h -- a filter over runs becomes a condition of SQL, its values apart.
 *
 *   or   = and  { "or" and }         and = not { "and" not }      not = [ "not" ] ( cmp | "(" or
 * ")" )
 *   cmp  = name op value             value = number | 'text' | "text" | word
 */
#ifndef STORE_FILTER_H
#define STORE_FILTER_H

#include "base/arena.h"
#include "base/str.h"
#include "lab/store/database.h"

#define FILTER_VALUES 128
struct filter {
	struct arena    arena;                 /* of texts                                  */
	struct str      sql;                   /* a condition on the row r of runs          */
	struct db_value value[FILTER_VALUES];
	int             values;
	const char     *name[FILTER_VALUES];   /* of facts, that some run should have       */
	int             names;
};

/* Parse; filter_release, also after an error.  TT_EINVAL shows the place. */
tt_status filter_parse(struct filter *f, const char *text);
/* What a name stands for in SQL, to sort by: a number where it has one; *as_text: else. */
tt_status filter_name(struct filter *f, const char *name, struct str *number, struct str *text);
void      filter_release(struct filter *f);

#endif
