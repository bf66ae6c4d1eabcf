/* runs_compare.h -- several runs side by side: what they were told otherwise, and what came of
 * it. */
#ifndef CLI_RUNS_COMPARE_H
#define CLI_RUNS_COMPARE_H

#include <tutti/store.h>

#include "verbs.h"

#define COMPARED_MOST 10
struct compare_how { const char *svg; int json; };

/* Of the words from the second on.  A picture of their curves goes to how->svg, if it is there. */
tt_status runs_compare(tt_store *s, struct call *c, const struct compare_how *how);

#endif
