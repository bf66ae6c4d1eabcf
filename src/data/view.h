/* view.h -- a source as somebody else wants it: other columns, another order of features, other
 * numbers for its classes.
 *
 *   source:  x = (width, length)   kind: 0 = pear, 1 = apple
 *   view:    x = (length, width)   kind: 0 = apple, 1 = pear, 2 = plum
 *
 * Samples stay where they are; a view is read as any source. */
#ifndef DATA_VIEW_H
#define DATA_VIEW_H

#include "data/reader.h"

struct view_plan {
	struct schema schema;                   /* what the view shows                            */
	int           from[BATCH_COLUMNS];      /* each one's column in the source                */
	/* These lie in the schema's arena; NULL: as they are. */
	int64_t      *pick[BATCH_COLUMNS];      /* of a vector: its numbers' places in the
	                                         * source's, -1: 0                                */
	int32_t      *class;                    /* by the source's class: the one shown           */
	int           changes;                  /* enum no/yes: is anything other than in the source? */
};

/* *out is owned and closed by tt_source_close before s, which is borrowed.  *p is taken, on an
 * error as well. */
tt_status source_view(tt_source **out, const tt_source *s, struct view_plan *p);

#endif
