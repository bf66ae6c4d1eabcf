/* names.h -- what the classes of a model are called. */
#ifndef KIT_NAMES_H
#define KIT_NAMES_H

#include <tutti/data.h>

#include "base/arena.h"

/* The names of `classes` classes: those a checkpoint carries, else those of the source; *out is
 * NULL where neither has as many.  They lie in the arena or in the source. */
tt_status names_of_classes(struct arena *a, const char *checkpoint, const tt_source *source,
                           int classes, const char *const **out);

#endif
