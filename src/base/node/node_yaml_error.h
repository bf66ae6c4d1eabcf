/* node_yaml_error.h -- what is wrong with a YAML text, in words for people who do not know its
 * grammar.  Private to node_yaml.c. */
#ifndef NODE_NODE_YAML_ERROR_H
#define NODE_NODE_YAML_ERROR_H

#include <yaml.h>

#include "base/err.h"

struct yaml_text { const char *name, *text; size_t size; };

/* The error that the parser has met: set, and its status. */
tt_status node_yaml_error(const struct yaml_text *t, const yaml_parser_t *y);

#endif
