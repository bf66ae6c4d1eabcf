/* schema.h -- the list of a source's columns, owned.
 *
 *   image   u8  [3, 32, 32]      input
 *   label   i32                  target: one of 10 classes, which have names
 *
 * Names and tables live in the schema's arena.  Zero-initialise, add, schema_release. */
#ifndef DATA_SCHEMA_H
#define DATA_SCHEMA_H

#include "base/arena.h"
#include "data/batch.h"

struct schema {
	tt_schema         view;                      /* what the public sees: points into the rest */
	const tt_column  *pointer[BATCH_COLUMNS];
	struct arena      arena;
};

/* Append a copy of a column's description.  TT_EINVAL: it is none, or its name is there already. */
tt_status schema_add(struct schema *s, const tt_column *c);
/* Say that the column `name`, which is there, is the target; class names (or NULL) are copied. */
struct schema_target {
	const char        *name;
	enum tt_target_kind kind;
	int                classes;
	const char *const *class_names;
};
tt_status schema_set_target(struct schema *s, const struct schema_target *t);
tt_status schema_set_weight(struct schema *s, const char *name);
tt_status schema_set_recipe(struct schema *s, const char *recipe);      /* NULL: none */
/* A caller's schema, copied whole and checked. */
tt_status schema_take(struct schema *out, const tt_schema *in);
/* *to takes all; *from is empty afterwards. */
void      schema_move(struct schema *to, struct schema *from);
void      schema_release(struct schema *s);

/* Places of columns, or -1. */
int schema_find(const tt_schema *s, const char *name);
int schema_target(const tt_schema *s);
int schema_weight(const tt_schema *s);
/* The n-th column that is neither target nor weight. */
int schema_input(const tt_schema *s, int n);

/* The two columns of today's picture sources: "image" u8 [shape], "label" with so many classes. */
tt_status schema_pictures(struct schema *s, const int64_t shape[3], int classes,
                          const char *const *class_names);

/* Copy n names (NULL: none) into an arena; *out is NULL on no names. */
tt_status schema_copy_names(struct arena *a, const char *const *names, int64_t n,
                            const char *const **out);

#endif
