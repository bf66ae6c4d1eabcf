/* bucket.h -- a vector that is summed over the ranks piece by piece, while it is still being made.
 *
 *   bucket.c  the trainer's side    send.c   the threads that send    order.c  in which order
 *   cut.c     pieces of which size  travel.c in which way each travels: a table, a file per way
 *
 * A thread of this rank with its own end of the group sends buckets in the order of a list, which
 * is the same on all ranks (order.h), and the trainer takes them in that order, when it likes: the
 * place of a round is how many have been taken.  Nothing is allocated after open. */
#ifndef SYNC_BUCKET_H
#define SYNC_BUCKET_H

#include "distribute/sync/travel/order.h"
#include "distribute/sync/strategy.h"

struct buckets;
struct buckets_opts {
	struct sync    *sync;            /* host, options; borrowed                             */
	float          *x;               /* borrowed                                            */
	size_t          count, lead;     /* lead: of those, at the end, that leave by themselves and
	                                  * first; the others are cut from their end on         */
	enum order_kind order;
	int             shared;          /* x is the gradients: where that is no slower, `next` has
	                                  * them applied already, by each rank in part          */
};
/* Collective: measures how large buckets should be unless the options say it. */
tt_status buckets_open(struct buckets **out, const struct buckets_opts *o);
void      buckets_close(struct buckets **b);                        /* NULL is fine */
/* A new round, of the step that sync is at; all of the last one have been taken. */
void      buckets_begin(struct buckets *b);
/* All of [lo, count) is final. */
void      buckets_ready(struct buckets *b, size_t lo);
/* Wait for the next bucket of the round and give its sum, [lo, hi); lo == hi: there is none left.
 * applied: it has become parameters already, or will come as one with others. */
struct buckets_sum { size_t lo, hi; int applied; };
tt_status buckets_next(struct buckets *b, struct buckets_sum *out);
/* The same, all of them. */
tt_status buckets_wait(struct buckets *b);

/* Places of a round: now, at its end, when the lead is there, when all of [0, hi) is (after the
 * lead was taken: a round may begin with a new list). */
int       buckets_place(const struct buckets *b);
int       buckets_count(const struct buckets *b);
int       buckets_lead(const struct buckets *b);
int       buckets_below(const struct buckets *b, size_t hi);

/* Where the optimizer's work is shared out its state is known to each rank in part; collective, by
 * the trainer between rounds: all of it to all (x is laid out like the gradients). */
tt_status buckets_gather(const struct buckets *b, float *x);

#endif
