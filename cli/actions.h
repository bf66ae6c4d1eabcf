/* actions.h -- verbs of several words on the store: `tutti runs list`, `tutti models best`. */
#ifndef CLI_ACTIONS_H
#define CLI_ACTIONS_H

#include <tutti/store.h>

#include "verbs.h"

struct action {
	const char          *name, *args;        /* of help: "NAME VERSION" */
	int                  least, most;        /* words behind it         */
	enum tt_store_access access;
	tt_status          (*run)(tt_store *s, struct call *c);
};

/* Run the row that the call's first word names, the first one if there is none, on the store of
 * this URI (NULL: the usual one).  rows end with a NULL name. */
tt_status actions_run(const struct action *rows, struct call *c, const char *uri);

#endif
