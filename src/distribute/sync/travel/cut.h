/* cut.h -- a vector cut into buckets, from its end on.
 *
 *      <------ made from the end ------
 *   | bucket 3 | bucket 2 | bucket 1 | bucket 0 |
 *                                       lead: numbers that all should know first
 *
 * A range of factors (sync_factored) has buckets of its own.  Allocates in cut_make only. */
#ifndef TRAVEL_CUT_H
#define TRAVEL_CUT_H

#include "distribute/sync/travel/bucket.h"
#include "distribute/sync/travel/travel.h"

struct bucket {
	size_t               lo, hi;        /* of x                                                 */
	const struct travel *way;
	int                  range;         /* which of the host's ranges of factors; -1: of sums   */
	size_t               floats;        /* of factors, from lo on, at most                      */
};

/* A range of factors, in one bucket or several.  The numbers of a bucket are its sender's until it
 * has sent them, then the trainer's. */
struct cut_range {
	struct sync_factored  at;
	float                *all;          /* [ranks][at.n] everybody's: the way's                 */
	int                   buckets, taken;       /* of this round                                */
};

struct cut {
	const struct sync *sync;            /* borrowed                                             */
	float             *x;               /* borrowed                                             */
	size_t             count, top;      /* of x: of those, at the end, how many lead            */
	size_t             size;            /* of a bucket of sums behind these                     */
	int                n, lead;         /* buckets; of those that lead, one or none             */
	struct bucket     *bucket;          /* [n], from the end of x on                            */
	struct cut_range  *range;           /* [the host's n_factored]                              */
	const float      **views;           /* [ranks] everybody's, of one of these                 */
	float             *work;            /* room that products are made in                       */
};

/* o's vector for sums made at `end`, in buckets that all ranks agree on (collective) unless the
 * options say it.  To be released after a failure, too; *c is zeroed. */
tt_status cut_make(struct cut *c, const struct buckets_opts *o, const struct travel_end *end);
void      cut_release(struct cut *c);
/* The bucket that holds x[at]. */
int       cut_at(const struct cut *c, size_t at);
/* Floats of the largest sum. */
size_t    cut_largest(const struct cut *c);

#endif
