/* travel.h -- the port: a way in which the numbers of a bucket travel.
 *
 * A way sends what this rank has of a bucket and receives what makes the sum of all ranks; all
 * ranks choose the same one.  One file per way, which shows the world one row; its name stands in
 * TRAVEL_WAYS.  Ways allocate in open only. */
#ifndef TRAVEL_TRAVEL_H
#define TRAVEL_TRAVEL_H

#include "distribute/coll/coll.h"
#include "distribute/sync/strategy.h"

struct bucket;
struct buckets_sum;
struct cut;

/* A sender's end of the group, and how it makes sums there; scratch is enough for any bucket. */
struct travel_end { struct comm *comm; struct comm_allreduce_opts how; };

/* What is to travel: numbers that all should know first, a range of sums, or one of factors
 * (sync_factored). */
enum travel_kind { TRAVEL_LEAD, TRAVEL_SUMS, TRAVEL_FACTORS };

/* What a way may ask before it is chosen; the same on all ranks. */
struct travel_case {
	enum travel_kind        kind;
	const struct travel_end *end;
	int                     shared;           /* as in buckets_opts              */
	int                     share_products;   /* as in sync_host                 */
};

struct travel {
	const char *name, *help;
	unsigned    summed : 1;       /* x[lo, hi) passes through comm's sums: scratch for so many    */
	unsigned    in_parts : 1;     /* each rank has applied its part on the way; the optimizer's   */
	                              /* state is true for that part alone                            */
	unsigned    whole : 1;        /* a range is one bucket: it is not for the wire to cut         */
	int       (*fits)(const struct travel_case *c);
	tt_status (*open)(struct cut *c, struct bucket *u);            /* room for it; NULL: no need */
	void      (*close)(struct cut *c, struct bucket *u);           /* after a failed open, too   */
	/* By a sender's thread. */
	tt_status (*send)(const struct cut *c, const struct bucket *u, struct travel_end *end);
	/* By the trainer's, when it takes the bucket: what is there now.  NULL: [lo, hi). */
	tt_status (*take)(struct cut *c, struct bucket *u, struct buckets_sum *out);
};

#define TRAVEL_WAYS(X) X(lead) X(products) X(factors) X(sharded) X(sum)

#define TRAVEL_ROW(name) extern const struct travel travel_##name;
TRAVEL_WAYS(TRAVEL_ROW)
#undef TRAVEL_ROW

extern const struct travel *const travel_ways[];          /* NULL-terminated, in this order */
/* The first of them that fits. */
const struct travel *travel_pick(const struct travel_case *c);

#endif
