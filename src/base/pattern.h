/* pattern.h -- which names are meant: POSIX extended regular expressions.
 *
 * A pattern fits a name if it matches all of it, or all of a part that ends at a dot: "layer1" and
 * "layer[12]" fit layer1.0.conv1.weight, as "layer1[.].*" does; "conv" does not fit conv1.weight.
 * Patterns come from documents: their cost is bounded, so repetitions in braces and
 * back-references are refused. */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include <regex.h>

#include "base/node/node.h"

struct pattern {
	regex_t            re;
	const struct node *node;         /* where it was written; borrowed                      */
	const char        *text;         /* the same                                            */
	int                used;         /* names that it has fitted, as the caller counts them */
};

/* TT_ESPEC names file and line.  text NULL: that of the node. */
tt_status pattern_make(struct pattern *p, const struct node *node, const char *text);
void      pattern_release(struct pattern *p);
int       pattern_fits(const struct pattern *p, const char *name);
/* If all of the name matches: `by` with $1 ... $9 and $0 filled in is added to out.  1, or 0. */
int       pattern_replace(const struct pattern *p, const char *name, const char *by,
                          struct str *out);
/* TT_ESPEC: `by` has a $N that the pattern has no group for. */
tt_status pattern_check_replacement(const struct pattern *p, const struct node *by);

/* A text or a list of texts; key is what a message calls it.  Absent: none. */
struct pattern_list { struct pattern *v; int n; };
tt_status pattern_list_make(struct pattern_list *l, const struct node *n, const char *key);
void      pattern_list_release(struct pattern_list *l);
/* The first that fits, counted as used; NULL: none does. */
struct pattern *pattern_list_find(struct pattern_list *l, const char *name);

#endif
