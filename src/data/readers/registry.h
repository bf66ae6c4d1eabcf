/* registry.h -- the kinds of sources that a URI can name, one row each.
 *
 * A new one is a file with a `NAME_reader` and its name in this list. */
#ifndef READERS_REGISTRY_H
#define READERS_REGISTRY_H

#include "data/reader.h"

#define READERS(X) X(mnist) X(cifar10) X(images) X(csv) X(text) X(synth)

#define X(name) extern const struct reader_ops name##_reader;
READERS(X)
#undef X

extern const struct reader_ops *const readers[];      /* NULL-terminated, in that order */

/* tt_source_open for a model, whose columns say which one of a table is the target (NULL: none). */
tt_status source_open_for(tt_source **out, const char *uri, const struct known_columns *known);
/* Do such columns make a difference to the source that this names? */
int       source_asks_names(const char *uri);

#endif
