/* build.h -- from the list of layers in a document to a graph.
 *
 *   list --build_net--> layer --kind->build--> nodes of the graph
 *
 * Private to nn/, but for the names of layers. */
#ifndef NN_BUILD_H
#define NN_BUILD_H

#include "learn/nn/layer.h"

/* A layer of a list is `kind: {settings}`, or the bare word where there is nothing to set.  The
 * word, or NULL; the name that a layer without one gets: the kind's prefix and its number among its
 * like: conv1, conv2, pool1 (NULL: no memory, or no such kind). */
const char *build_kind_word(const struct node *item);
const char *build_name_by_kind(struct arena *a, const struct node *item, const struct node *list);

/* May a layer or an output be called so? */
tt_status build_check_name(const struct node *n, const char *name);

/* What a layer of this full name, or an input, has given; NULL: there is none.  The name that is
 * nearest, or NULL. */
struct ir_value *build_find(const struct builder *b, const char *name);
const char      *build_nearest(const struct builder *b, const char *name);

/* A whole net: b->input and b->last are set.  b is the caller's, zeroed but for g, m, grow and
 * shape; build_release when done. */
tt_status build_net(struct builder *b);
void      build_release(struct builder *b);

/* What the next piece of a sequence gets becomes outputs; b->states learns of it. */
tt_status build_add_states(struct builder *b);

#endif
