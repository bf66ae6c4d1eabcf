/* expand.h -- ${NAME} and ${NAME:-default} in the text of a spec.
 *
 * The library never reads the environment, so the face fills it in before the text is parsed:
 * everywhere but in comments, quoted as the place asks.  $${ stands for a plain ${. */
#ifndef KIT_EXPAND_H
#define KIT_EXPAND_H

#include "base/str.h"

/* What expanding found out. */
struct expansion {
	struct str text;
	int        data_defaulted;      /* TUTTI_DATA was asked for, unset, and had a default */
};

typedef const char *expand_lookup(void *ctx, const char *name);

/* Expand `text`, the contents of `file`; names are looked up with `get` (NULL: getenv).
 * TT_ESPEC names the variable, file and line if it is not set and has no default. */
tt_status expand_text(const char *file, const char *text, expand_lookup *get, void *ctx,
                      struct expansion *out);
void      expansion_release(struct expansion *e);

#endif
