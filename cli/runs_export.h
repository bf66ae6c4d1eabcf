/* runs_export.h -- all that a store knows of runs, with numbers over steps, as one JSON object. */
#ifndef CLI_RUNS_EXPORT_H
#define CLI_RUNS_EXPORT_H

#include <tutti/store.h>

#include "verbs.h"

/* Of the runs that pass the filter, the second word; without one of all. */
tt_status runs_export(tt_store *s, struct call *c);

#endif
