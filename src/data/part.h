/* part.h -- some samples of a source, in their order, as a source. */
#ifndef DATA_PART_H
#define DATA_PART_H

#include "data/cut.h"
#include "data/reader.h"

/* *whole is taken on success and closed with *out.  TT_ESUPPORT: it only goes forward, or its
 * samples have no groups. */
tt_status source_part(tt_source **out, tt_source *whole, const struct cut *c);

#endif
