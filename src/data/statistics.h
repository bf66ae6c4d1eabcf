/* statistics.h -- mean and standard deviation of a source's first input, one for each channel (of
 * pictures) or feature.
 *
 *   two features, three samples: (1, 100) (2, 100) (3, 100)   -->   mean 2, 100   std 0.816, 1
 *
 * Of all samples, in double, in one pass; bytes count as 0..1.  What does not vary gets the std 1:
 * it becomes 0. */
#ifndef DATA_STATISTICS_H
#define DATA_STATISTICS_H

#include "base/arena.h"
#include "base/options.h"
#include "data/reader.h"

struct statistics { struct option_list mean, std; };

/* Asked now and then whether to give up; NULL: never. */
struct statistics_stop { int (*asked)(void *ctx); void *ctx; };

/* The lists lie in the arena.  TT_ESUPPORT: the input is ragged; TT_EFORMAT: a number is not
 * finite; TT_ESTOPPED. */
tt_status statistics_find(struct statistics *out, struct arena *a, const tt_source *s,
                          const struct statistics_stop *stop);

#endif
