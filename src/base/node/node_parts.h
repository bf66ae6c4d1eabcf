/* node_parts.h -- what the files that make nodes share.  Only node*.c may use it. */
#ifndef NODE_NODE_PARTS_H
#define NODE_NODE_PARTS_H

#include "base/node/node.h"

/* Bounds on a document: far beyond any spec or checkpoint header, and near enough
 * that hostile input can take neither the stack nor the memory. */
#define NODE_DEPTH_MAX 64
#define NODE_COUNT_MAX 1000000
#define NODE_KEY_MAX   160              /* bytes; escaped, YAML takes 1024 on one line */
#define NODE_NAME_MAX  1024             /* the same in JSON: names of tensors that others wrote */
#define NODE_TEXT_MAX  ((size_t)100 << 20)

struct node_maker {
	struct arena *arena;
	const char   *name;             /* of the document, in the arena */
	int           count;            /* nodes made so far             */
};

/* A zeroed node; TEXT says "".  TT_ESPEC beyond NODE_COUNT_MAX. */
tt_status node_new(struct node_maker *m, enum node_kind kind, int line, struct node **out);
/* The whole number that s is, or 0. */
int       node_read_int(const char *s, int64_t *out);
char     *node_copy_text(struct arena *a, const char *p, size_t n);       /* NUL added */

#endif
