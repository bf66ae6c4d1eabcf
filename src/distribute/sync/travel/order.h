/* order.h -- in which order buckets leave.
 *
 *   backward makes    0 1 2 3 4 5       bucket 0 is the end of the vector: the last layers
 *   forward needs     5 4 3 2 1 0
 *   they leave, say   0 1 5 4 3 2       when the wire takes as long as backward
 *
 * Whenever the wire is free, the bucket that should leave is that of the first layers among those
 * that are ready, so that the next forward pass can start while the others are still under way
 * (P3: Jayarajan et al., "Priority-based parameter propagation", 2019; ByteScheduler: Peng et al.,
 * 2019).  Buckets become ready in the order of their numbers, so that this is a stack.
 *
 * But at any moment other buckets are ready on other ranks, and ranks that begin with different
 * ones would wait for each other for ever.  So the order is a list, made in advance and the same on
 * all ranks: at first as backward makes them; after 4, 16, 64 ... rounds as the stack would have
 * let them out, by the times measured meanwhile.  Sums do not depend on it. */
#ifndef SYNC_ORDER_H
#define SYNC_ORDER_H

#include "distribute/comm/comm.h"

struct order {
	int    n, lead;                  /* buckets; the first of them, which keep their places    */
	int   *bucket;                   /* [n] by place                                           */
	int   *until;                    /* [n + 1] places after which buckets i ... n-1 have left */
	float *times;                    /* [n + 1] see below; seconds, since the last list        */
	float *all;                      /* [ranks][n + 1] the same of all ranks                   */
	int    rounds, wires;            /* in `times`                                              */
	int    next;                     /* how many rounds make a new list; 0: never               */
};

enum order_kind { ORDER_FIXED, ORDER_LEARNT };

/* ranks: of the group that will agree.  Empty on failure. */
tt_status order_init(struct order *o, enum order_kind kind, int n, int lead, int ranks);
void      order_release(struct order *o);

/* A round begins: is it time for a new list?  Then order_agree, on all ranks alike. */
int       order_due(struct order *o);
/* Buckets [from, to) became ready so many seconds after bucket 0; one takes the wire so long. */
void      order_ready(struct order *o, int from, int to, double seconds);
void      order_wire(struct order *o, double seconds);
/* Collective: a new list by the slowest rank's times, and new times. */
tt_status order_agree(struct order *o, struct comm *c);

/* The list by these times: ready[n] ascending, of a bucket on the wire, and how much later than
 * foreseen a bucket may be ready without keeping the wire waiting. */
struct order_times { const float *ready; double wire, slack; };
void      order_list(struct order *o, const struct order_times *t);

#endif
