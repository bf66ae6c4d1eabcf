/* names.h -- what the classes of a model are called. */
#ifndef KIT_NAMES_H
#define KIT_NAMES_H

#include <tutti/data.h>

#include "learn/nn/model.h"

/* The names of `classes` classes: those the model carries, else those of the source (which may be
 * NULL); *out is NULL where neither has as many.  They lie in the arena or in the source. */
tt_status names_of_classes(struct arena *a, const tt_model *m, const tt_source *source,
                           int classes, const char *const **out);

#endif
