/* coll_internal.h -- what the files of this folder share.  Nobody else includes it. */
#ifndef COLL_COLL_INTERNAL_H
#define COLL_COLL_INTERNAL_H

#include "distribute/coll/coll.h"
#include "distribute/comm/comm_internal.h"

/* To so many of the others a rank sends at a time: were it all at once, more would arrive at a
 * receiver than a switch can hold, and be sent again after a long wait (incast).  Of many ranks
 * more are out of step: with 8 at 100 Mbit/s a step of cnn6, as sums, takes 1.15 of its bound by
 * twos, and 1.06 one by one. */
#define COMM_PARTNERS 2
static inline int comm_partners(int others) { return others < 5 ? COMM_PARTNERS : 1; }

/* ---- channels: a stream of pieces to or from one rank, some of them under way at once ----
 *
 *   begun:  0 1 2 3 4 5 6 .           piece i uses request and stage i mod LANE_DEPTH
 *   ended:  0 1 2 3 .                 between ended and begun the wire is busy
 */

/* 60 KB: MPI libraries send less than 64 over TCP at once and ask the receiver before more; on 1
 * Gbit/s that question is the difference between 76 and 99 of a hundred of what the wire can do. */
#define LANE_PIECE ((size_t)15 << 10)           /* floats: the largest piece */
#define LANE_DEPTH 32

struct channel {
	struct comm    *comm;
	int             peer, tag;
	enum comm_wire  wire;
	char           *stage;                      /* LANE_DEPTH pieces of `stride` bytes */
	size_t          stride;
	struct comm_request request[LANE_DEPTH];
	size_t          begun, ended;
};

/* How a range of n floats is cut: the same on all ranks.  Piece k is [channel_cut(n, k, K), ... k +
 * 1) and not longer than channel_piece(n), which grows with n. */
size_t channel_pieces(size_t n);
size_t channel_piece(size_t n);
size_t channel_cut(size_t n, size_t k, size_t pieces);

/* A lane for ranges of up to n floats, its stage at *scratch, which moves on by channel_scratch(n).
 */
struct channel channel_make(struct comm *c, int peer, const struct comm_allreduce_opts *o, size_t n,
                      float **scratch);
size_t channel_scratch(size_t n);

/* Empty pieces are not sent; both sides know.  send waits when the lane is full. */
tt_status channel_send(struct channel *l, const float *x, size_t n);
/* Announce a receive; channel_add or channel_take with the same x and n, in the same order, ends
 * it. channel_announce_take lets the bytes land in x at once where they can. */
tt_status channel_announce_add(struct channel *l, size_t n);
tt_status channel_announce_take(struct channel *l, float *x, size_t n);
tt_status channel_add(struct channel *l, float *x, size_t n);
tt_status channel_take(struct channel *l, float *x, size_t n);
/* Wait until the first `count` pieces have left; all of them. */
tt_status channel_settle(struct channel *l, size_t count);
tt_status channel_drain(struct channel *l);
void      channel_drop(struct channel *l);            /* after an error: forget what is under way */

/* Send `out` to one rank while adding or taking what comes from another, piece by piece. */
enum pump_mode { PUMP_ADD, PUMP_TAKE };
struct pump { int to; const float *out; size_t n_out; int from; float *in; size_t n_in; };
tt_status comm_pump(struct comm *c, struct pump p, enum pump_mode mode,
                    const struct comm_allreduce_opts *o);

/* ---- algorithms: all in place, all leave the same bits on every rank ---- */

typedef tt_status comm_algorithm_fn(struct comm *c, float *x, size_t n,
                                    const struct comm_allreduce_opts *o);
comm_algorithm_fn comm_ring, comm_tree, comm_halving, comm_hierarchical, comm_direct;
size_t comm_direct_scratch(const struct comm *c, size_t n);

/* Both halves of an all-reduce, one after the other, where ranks share hosts and memory. */
comm_algorithm_fn comm_halves;
int comm_by_memory(const struct comm *c);

/* Ranks that work together: those of a certain place on each host, or all. */
struct subgroup { int place, count, on_host; };             /* on_host: which; -1: all ranks */
int comm_subgroup_rank(const struct comm *c, struct subgroup w, int place);

/* Both halves of an ordered sum, or one: chunk `place` of x is then the sum, or was. */
enum turns { TURNS_WHOLE, TURNS_SUM, TURNS_SPREAD };
tt_status comm_direct_of(struct comm *c, struct subgroup w, enum turns turns, float *x, size_t n,
                          const struct comm_allreduce_opts *o);

/* The ring among some of the ranks. */
struct circle { int place, count, left, right; };
tt_status comm_ring_of(struct comm *c, struct circle who, float *x, size_t n,
                       const struct comm_allreduce_opts *o);

/* Sizes that are measured: class k is of this many floats, a quarter of the next; and the first
 * class that is not below n.  Of less than COMM_SMALL floats latencies count most. */
#define COMM_SMALL ((size_t)32 << 10)
size_t comm_class_size(int k);
int    comm_class_of(size_t n);

#endif
