/* recipe.h -- how the cells of a table become features, found in training data and kept with a net.
 *
 *   colour  category  blue, red        -->   colour=blue, colour=red       0 1
 *   age     numeric   missing: 38.5    -->   age, age is missing           38.5 1
 *   shop    category  a, b, c; apart   -->   a column of its own: i32      0: never seen, 1 to 3
 *   review  text      <unk>, the, ...  -->   tokens as a column of its own: i32 [any]
 *
 * As JSON it lies in a schema and in a checkpoint's signature; who opens a table for a net does
 * as it says, whatever that table looks like. */
#ifndef TABLE_RECIPE_H
#define TABLE_RECIPE_H

#include <tutti/data.h>

#include "base/arena.h"
#include "base/str.h"

struct recipe_column {
	const char        *name;        /* of the table's column                                  */
	enum tt_cells      kind;        /* one that is read, or an id                             */
	int                apart;       /* enum no/yes: shown as a column of its own              */
	int                fills;       /* enum no/yes: what is missing becomes `fill`            */
	int                tells;       /* enum no/yes: and a feature says so                     */
	double             fill;
	const char *const *value;       /* [values] of a category, sorted; tokens of a text       */
	int64_t            values;
	const char        *tokens;      /* of a text: a vocabulary's recipe; NULL: names say all  */
	int                max_length;  /* of a text, in tokens                                   */
};

struct recipe {
	struct recipe_column *column;   /* [columns], in the order of the features */
	int64_t               columns;
};

/* Does it say anything that features by their names do not? */
int       recipe_matters(const struct recipe *r);
/* Features that a column becomes; 0: none, or it stands apart. */
int64_t   recipe_width(const struct recipe_column *c);
/* Their names, appended to out. */
tt_status recipe_names(const struct recipe_column *c, struct arena *a, const char **out);

void      recipe_write(const struct recipe *r, struct str *out);        /* JSON, on one line */
/* All of it lies in the arena; that of texts has no columns.  TT_EFORMAT. */
tt_status recipe_read(struct recipe *out, struct arena *a, const char *json, const char *path);

#endif
