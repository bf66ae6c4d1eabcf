/* bucket.h -- a vector that is summed over the ranks piece by piece, while it is still being made.
 *
 *      <------ made from the end ------
 *   | bucket 3 | bucket 2 | bucket 1 | bucket 0 |
 *                                        ^ leaves first
 *
 * A thread of this rank with its own end of the group sends buckets in the order of their numbers,
 * which is the same on all ranks (never of readiness).  Nothing is allocated after open. */
#ifndef SYNC_BUCKET_H
#define SYNC_BUCKET_H

#include "dist/sync/sync.h"

struct buckets;
struct buckets_opts {
	struct sync *sync;               /* host, options; borrowed */
	float       *x;                  /* borrowed                */
	size_t       count;
};
/* Collective: measures how large buckets should be unless the options say it. */
tt_status buckets_open(struct buckets **out, const struct buckets_opts *o);
void      buckets_close(struct buckets **b);                        /* NULL is fine */
/* A new round, nothing ready. */
void      buckets_begin(struct buckets *b);
/* All of [lo, count) is final. */
void      buckets_ready(struct buckets *b, size_t lo);
/* Wait for the sum of the next bucket, [*lo, *hi); *lo == *hi: there is none left in this round. */
tt_status buckets_next(struct buckets *b, size_t *lo, size_t *hi);
int       buckets_count(const struct buckets *b);
/* The same, all of them. */
tt_status buckets_wait(struct buckets *b);

#endif
