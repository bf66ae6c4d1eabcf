/* collective.h -- what collective strategies share: all ranks are there from the start to the end,
 * are equal at the start, and exchange over host.comm, at the same steps.
 *
 * A strategy's own struct begins with struct collective. */
#ifndef SYNC_COLLECTIVE_H
#define SYNC_COLLECTIVE_H

#include "distribute/coll/coll.h"
#include "distribute/sync/options.h"
#include "distribute/sync/strategy.h"

struct collective {
	float  *scratch;                  /* of the exchanges below                                   */
	float  *buffers;                  /* this rank's, in a meeting                                */
	/* Since running means were last made equal; numbers of own.h.  */
	struct { double samples, steps; } moved;
	int     averaged;                 /* this meeting shows the average of buffers                */
	struct { int64_t next, pause; double seconds; } heard;     /* next step; steps until then     */
};

/* Collective: s->own gets `own` zeroed bytes, which begin with struct collective; the wire is
 * measured, and unless ranks stay apart all stand where rank 0 does. */
tt_status collective_open(struct sync *s, size_t own);
void      collective_close(struct sync *s);                     /* s->own may be NULL */

/* Begin a step. */
void      collective_begin(struct sync *s);
/* End it, where ranks step alone: they hear of one another about twice a second. */
tt_status collective_hear(struct sync *s);

/* This rank's part of all samples of all ranks; 1/N of each if there are none. */
tt_status collective_share(struct sync *s, double samples, float *out);
/* x[n] summed over the ranks, in place, by the trainer's thread, which waits. */
tt_status collective_sum(struct sync *s, float *x, size_t n);
/* The numbers behind the gradients. */
tt_status collective_sums(struct sync *s);
/* The end of an epoch: where ranks have one model, buffers become their average for good. */
tt_status collective_settle(struct sync *s);
/* epoch_end and end of who has nothing else to exchange: both. */
tt_status collective_end(struct sync *s);
/* The beginning of consolidate: where ranks have one model, it shows the average of buffers; the
 * end of resume. */
tt_status collective_consolidate(struct sync *s);
void      collective_resume(struct sync *s);
/* The beginning of own. */
void      collective_own(struct sync *s, struct own_list *l);
/* As sync_all_gather. */
tt_status collective_all_gather(struct sync *s, const float *mine, size_t n, float *all);

/* May allreduce share out the products of factors, as it does sums?  Inside of one host: each rank
 * makes its part from all ranks' factors, which it reads where they lie. */
int       sync_shares_products(const struct comm *c, const struct distribute_opts *o, int by_range);

/* How sums are made, as the spec has it; without scratch. */
struct comm_allreduce_opts collective_how(const struct distribute_opts *o);
/* What the sum of n floats of `wire` has cost, `sent` being what `c` had sent before. */
uint64_t  collective_bytes(const struct comm *c, uint64_t sent, size_t n, enum comm_wire wire);
/* An exchange since `start` in which this rank sent so much. */
void      collective_count(struct sync *s, double start, uint64_t bytes);

#endif
