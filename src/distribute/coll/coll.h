/* coll.h -- what all ranks of a group do together, over the messages of comm/comm.h.
 *
 * Every rank calls the same ones in the same order.  One file per algorithm; sums are f32, whatever
 * travels.  A failure is the group's: see comm.h. */
#ifndef COLL_COLL_H
#define COLL_COLL_H

#include "distribute/comm/comm.h"

enum comm_wire { WIRE_F32, WIRE_F16, WIRE_BF16 };              /* sums are always f32 */
enum comm_algorithm { ALGO_AUTO, ALGO_RING, ALGO_TREE, ALGO_HALVING_DOUBLING, ALGO_HIERARCHICAL,
                      ALGO_LIBRARY, ALGO_DIRECT, ALGO_COUNT };
extern const char *const comm_algorithm_words[];               /* "auto", "ring", ... NULL */
extern const char *const comm_wire_words[];

struct comm_allreduce_opts {
	enum comm_algorithm algorithm;
	enum comm_wire      wire;
	float              *scratch;      /* comm_allreduce_scratch(c, n) floats, 64-byte aligned   */
};
/* Do the bits of a sum depend on where in a vector, or in which piece of it, its numbers lie? */
int       comm_order_shows_cuts(const struct comm_allreduce_opts *o);
/* Grows with n up to some megabytes; what is enough for n is enough for less. */
size_t comm_allreduce_scratch(const struct comm *c, size_t n);
/* x[n] = sum over ranks, in place; afterwards bit-identical on all ranks.  Allocates nothing.
 * DIRECT adds in rank order: the same bits whatever the number of chunks or buckets.  So does
 * AUTO, but inside a host first, where ranks read one another's memory.
 * TT_ESUPPORT: LIBRARY where the transport has none, or with a wire other than f32. */
tt_status comm_allreduce(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o);
/* Its two halves, f32 on the wire: afterwards x[own] of each rank is the sum, the rest undefined;
 * and, after something was made of y[own] on each rank, y is everybody's.  own depends on n and
 * the options alone, and may be empty.  Until the next reduce_scatter of this end others may still
 * read y[own]: who is to change or free it first meets them in any collective.  What was summed is
 * the caller's again when the parts have been gathered. */
struct comm_span { size_t lo, hi; };
tt_status comm_reduce_scatter(struct comm *c, float *x, size_t n,
                              const struct comm_allreduce_opts *o, struct comm_span *own);
tt_status comm_gather_parts(struct comm *c, float *y, size_t n,
                            const struct comm_allreduce_opts *o);
/* Is there this way to do what o asks for?  The same on all ranks. */
int       comm_has_halves(const struct comm *c, const struct comm_allreduce_opts *o);
/* Instead of the first half, where all ranks share memory: all[size], everybody's x[n], to be read
 * in place, or from room[size][n], until this end's next gather_parts; and a rank's part of n. */
int       comm_has_views(const struct comm *c, const struct comm_allreduce_opts *o);
tt_status comm_view_all(struct comm *c, const float *x, size_t n,
                        const struct comm_allreduce_opts *o, float *room, const float **all);
struct comm_span comm_own_part(struct comm *c, size_t n, const struct comm_allreduce_opts *o);
/* Time sums of up to `largest` floats, made as o says (without its scratch); the ranks agree on the
 * times.  Ends handed out by comm_split later know them too.  Takes about `seconds`. */
tt_status comm_measure(struct comm *c, size_t largest, const struct comm_allreduce_opts *o,
                       double seconds);
/* For a sum of n floats (0: unknown). */
double    comm_seconds(const struct comm *c, size_t n);
/* The largest n that was measured; 0: none. */
size_t    comm_measured_size(const struct comm *c);

tt_status comm_broadcast(struct comm *c, int root, void *p, size_t n);
/* all[size][n]: everybody's bytes, in rank order. */
tt_status comm_allgather(struct comm *c, const void *mine, size_t n, void *all);
/* The same, but each rank has so many bytes of its own, up to `most`, which is the same on all;
 * they begin at every `step` of all.  How many a rank has, what it says must tell. */
tt_status comm_allgather_uneven(struct comm *c, const void *mine, size_t n, size_t most, void *all,
                                size_t step);
tt_status comm_barrier(struct comm *c);
/* Rank 0 compares `text` of all ranks line by line; unequal: TT_ESPEC on every rank, naming the
 * first rank, the line and both versions. */
tt_status comm_agree(struct comm *c, const char *text);

#endif
