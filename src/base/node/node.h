/* node.h -- a document as a tree: what YAML and JSON have in common.
 *
 *   MAP  --child--> (key "model") --next--> (key "train") ...
 *   LIST --child--> item --next--> item
 *   TEXT            every scalar is kept as the text that was written
 *
 * Nodes live in the arena given to the parser and know their line, so that an
 * error can point at it.  Trees are read-only after parsing, save for node_set. */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	int            line;        /* 1-based; 0 if it came from elsewhere (--set)  */
	int            quoted;      /* TEXT that was quoted: never null, bool, number */
	const char    *file;        /* name for messages                             */
	const char    *key;         /* in a MAP; else NULL                           */
	const char    *text;        /* of a TEXT; "" for null                        */
	struct node   *child, *next;
};

/* Parse text (not NUL-terminated) into *root.  Depth, aliases and size are
 * bounded.  TT_ESPEC (YAML) or TT_EFORMAT (JSON) with file and line on bad input;
 * a duplicate key is an error.  YAML merges `<<` and anchors/aliases are supported. */
tt_status node_parse_yaml(struct arena *a, const char *name, const char *text, size_t size,
                          struct node **root);
tt_status node_parse_json(struct arena *a, const char *name, const char *text, size_t size,
                          struct node **root);

struct node *node_get(const struct node *map, const char *key);      /* or NULL */
size_t       node_count(const struct node *n);                       /* children */
int          node_absent(const struct node *n);      /* NULL, or written as nothing or null */

/* Set dotted path "train.optimizer.lr" to a value given as YAML text ("0.1",
 * "[1, 2]"), making maps on the way; list items by number ("layers.0.out"). */
tt_status node_set(struct arena *a, struct node *root, const char *path, const char *value);

/* Scalars.  The error names file, line and key. */
tt_status node_int(const struct node *n, int64_t min, int64_t max, int64_t *out);
tt_status node_double(const struct node *n, double *out);
tt_status node_text(const struct node *n, const char **out);         /* borrowed from the tree */

/* err_set with "file:line: " of n before the text. */
#define node_err(n, st, ...) err_give(st, node_err_text(n, __VA_ARGS__))
int node_err_text(const struct node *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void node_write_yaml(const struct node *n, struct str *out);         /* parses back equal */
void node_write_json(const struct node *n, struct str *out);         /* on one line       */

#endif
