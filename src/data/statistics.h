/* statistics.h -- what a source's first input is centred on and divided by, one number for each
 * channel (of pictures) or feature: mean and standard deviation; smallest number and range; or
 * median and distance of the quartiles, which a few wild numbers do not move.
 *
 *   two features, three samples: (1, 100) (2, 100) (3, 100)   -->   mean 2, 100   std 0.816, 1
 *
 * Of all samples, in double, in one pass; bytes count as 0..1.  What does not vary is divided by 1:
 * it becomes 0.  Quantiles lie between two numbers in proportion, as numpy's. */
#ifndef DATA_STATISTICS_H
#define DATA_STATISTICS_H

#include "base/arena.h"
#include "base/options.h"
#include "data/reader.h"

struct statistics { struct option_list mean, std; };
struct statistics_of { const tt_source *source; int how; };     /* how: NORMALISE_... in loader.h */

/* Asked now and then whether to give up; NULL: never. */
struct statistics_stop { int (*asked)(void *ctx); void *ctx; };

/* The lists lie in the arena.  TT_ESUPPORT: the input is ragged, or has more numbers than can be
 * put in order; TT_EFORMAT: a number is not finite; TT_ESTOPPED. */
tt_status statistics_find(struct statistics *out, struct arena *a, const struct statistics_of *of,
                          const struct statistics_stop *stop);

#endif
