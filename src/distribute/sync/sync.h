/* sync.h -- one rule of synchronisation behind one small table.
 *
 * The trainer calls, on every rank:
 *
 *   sync_begin(step)                       before the program runs
 *   sync_wait_params(lo, hi) ...               in forward: parameters [lo, hi) are about to be read
 *   sync_flush()                          before backward: all steps before are applied
 *   sync_grad_ready(lo, hi) ...              in backward: this rank's gradients [lo, hi) are final
 *   sync_finish()                          after it: what all ranks say of this step is known
 *   sync_epoch_end(), sync_end()           collective points: average, agree
 *   sync_consolidate() ... sync_resume()         at validation and checkpoints: what all have in
 * common
 *
 * A rule says for each step whether gradients are those of the whole batch (`summed`: divided by
 * its samples, so that their SUM over ranks is its gradient, however unequal the ranks' shares)
 * or of this rank's share alone (divided by the share).  It decides when it talks and what it
 * does to ranges of params and grads; it applies the optimizer itself through sync_host.apply.
 * A rule may leave part of that for the next step's `need`: whoever else looks at parameters calls
 * sync_flush first (points and meetings do).  Ranges of `need` ascend, those of `ready` descend;
 * both cover the vector, and all is needed before the first is ready.
 * One file per rule; a row in rules.c.
 *
 * Behind the gradients lie a few numbers that are summed over the ranks whenever a rule talks:
 *
 *   grads: | 0 ... param_count | sums |       the trainer adds to them, and clears them once
 *                                             `exchanged` says that they are those of all ranks
 *
 * Rules allocate in open only.  Used by the rank's trainer thread. */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include "base/options.h"
#include "distribute/comm/comm.h"

struct trace;

enum sync_optimizer_state { STATE_KEEP, STATE_AVERAGE, STATE_RESET };
enum sync_combine { COMBINE_AVERAGE, COMBINE_NET };
enum sync_factors { FACTORS_AUTO, FACTORS_NO, FACTORS_YES };
enum sync_overlap { OVERLAP_FORWARD, OVERLAP_BACKWARD, OVERLAP_NONE };

/* Spec: the keys under `distribute`. */
struct distribute_opts {
	int strategy; /* row of sync_strategies                                          */
	int         workers;            /* ranks on this machine as threads (1)                       */
	double      timeout;            /* seconds a rank may be silent (60)                          */
	int         algorithm;          /* comm_algorithm (auto: measured at start, per size)         */
	int         wire;               /* comm_wire (f32)                                            */
	int         transport;          /* comm_transport (auto: tried at start)                      */
	int64_t     bucket_bytes;       /* 0: chosen by measurement at start                          */
	int         factors;            /* allreduce: sync_factors of layers' gradients (auto)        */
	int         overlap;            /* allreduce: sync_overlap (with the next forward pass too)   */
	int         period;             /* average, easgd: steps between exchanges; 0: one at the end */
	int         post_local;         /* average: plain all-reduce for so many epochs first         */
	int         optimizer_state;    /* average: keep, average, reset                              */
	double      alpha;              /* easgd: elastic rate; 0: 0.9/N                              */
	double      delta;              /* eamsgd: momentum                                           */
	int         deterministic;      /* no/yes: ordered sums, the same bits for any bucket size    */
	int         combine;            /* ensemble: sync_combine                                     */
	int         shard_optimizer;    /* allreduce: no/yes (yes): each rank optimizes a part        */
	int         sync_batchnorm;     /* no/yes: batch norms see the batch of all ranks             */
};
extern const struct option distribute_options[];
extern const char *const   sync_words[];             /* names of the rules, NULL-terminated */

/* May allreduce share out the products of factors, as it does sums?  Inside of one host: each rank
 * makes its part from all ranks' factors, which it reads where they lie. */
int sync_shares_products(const struct comm *c, const struct distribute_opts *o, int by_range);

/* In this range of the gradients each rank leaves up to n numbers of its own, at the beginning, of
 * which everybody's make the gradient.  The first, a uint32_t, says how many they are; 0:
 * it is alone.  work: floats of room that this takes besides. */
struct sync_factored { size_t lo, hi, n, work; };

struct sync_ops;

/* What a rule sees of the trainer; borrowed from open to close. */
struct sync_host {
	const struct sync_ops *strategy;   /* NULL: sync_pick's */
	struct comm *comm;
	const struct distribute_opts *opts;
	float  *params, *grads, *buffers;
	size_t  param_count, buffer_count, sums;
	int     by_range;          /* may ranges be applied as they come (else whole, after clipping) */
	/* Optimizer on [lo, hi) of grads.  By ranges: from threads of the rule's too, on ranges that
	 * do not overlap. */
	void  (*apply)(void *ctx, size_t lo, size_t hi);
	void   *ctx;
	int     n_factored;             /* of allreduce alone; ranges ascend and are apart            */
	struct sync_factored (*factored)(void *ctx, int i);
	/* grads of factored(i) from all[ranks], everybody's numbers, and work[work], which may hold
	 * anything: the sum over all ranks, the same bits on all. */
	tt_status (*multiply)(void *ctx, int i, const float *const *all, float *work);
	int     share_products;         /* sync_shares_products, and a rank's one thread is enough    */
	/* Then: the optimizer on [lo, hi), a part of factored(i), of which the sum is made for this;
	 * grads stay what they are.  From a thread of the rule's. */
	tt_status (*apply_product)(void *ctx, int i, const float *const *all, size_t lo, size_t hi,
	                           float *work);
	int     slots;                  /* optimizer state, vectors of param_count                    */
	float *(*slot)(void *ctx, int i);
	struct trace *trace;            /* NULL: none */
	const char *(*name)(void *ctx, size_t at);       /* what grads[at] is part of, for messages */
	/* For rules whose ranks stay apart: what all have, in the order of ranks; what rank 0 has there
	 * at open counts, and meetings fill it in.  Optimizer state comes together on rank 0 alone. */
	float *all_params, *all_buffers;
	float *(*all_slot)(void *ctx, int i);
};

struct sync_stats {
	double   wire_seconds;          /* somebody of this rank was talking                          */
	double   exposed_seconds;       /* the trainer waited for it                                  */
	uint64_t bytes_sent;            /* by this rank; in shared memory: what a ring would send     */
	int64_t  exchanges;
};

/* step from 1, epoch from 0; the others of this rank. */
struct sync_step { int64_t step, epoch; int samples, wants_stop; };

struct sync;
struct sync_ops {
	const char *name, *help;
	unsigned    apart : 1;          /* each rank has a net of its own, for good */
	unsigned    collective : 1;     /* ranks start alike, and talk over host.comm */
	tt_status (*open)(struct sync *s);
	tt_status (*begin)(struct sync *s);                              /* NULL: nothing to do */
	tt_status (*need)(struct sync *s, size_t hi);           /* of [0, hi); NULL: all is there */
	tt_status (*settle)(struct sync *s);                             /* NULL: all is there  */
	tt_status (*ready)(struct sync *s, size_t lo, size_t hi);
	tt_status (*finish)(struct sync *s);
	tt_status (*epoch_end)(struct sync *s);                          /* NULL: nothing to do */
	tt_status (*end)(struct sync *s);                                /* NULL: nothing to do */
	tt_status (*meet)(struct sync *s);                               /* NULL: all are equal */
	void      (*part)(struct sync *s);
	void      (*close)(struct sync *s);
};
struct sync {
	const struct sync_ops *ops;
	struct sync_host       host;
	struct sync_stats      stats;
	struct sync_step       at;
	int                    summed;    /* gradients of this step are of the whole batch            */
	int                    exchanged; /* the last call has summed what lies behind the gradients */
	int                    alone;     /* the rule's word: ranks do not talk within an epoch ...   */
	int                    stop;      /* ... but have heard just now that one wants to stop       */
	int                    met;
	double                 moved;     /* samples since running means were last made equal         */
	struct { int64_t next, pause; double seconds; } heard;     /* next step; steps until then    */
	float                 *scratch;   /* of the exchanges below                                   */
	void                  *own;       /* the rule's                                               */
};
extern const struct sync_ops *const sync_strategies[];    /* NULL-terminated, order of sync_words */

/* The row that the options ask for, in a group of `world` ranks.  Of one, collective rules have
 * nothing to do: that is a row outside of the table, which starts no thread, measures and copies
 * nothing, applies the optimizer in sync_grad_ready (if not by ranges: in sync_finish) and never
 * waits in sync_wait_params or sync_flush.  */
const struct sync_ops *sync_pick(const struct distribute_opts *o, int world);

/* Collective.  Ranks then have the parameters and buffers of rank 0, and its optimizer state. */
tt_status sync_open(struct sync **out, const struct sync_host *h);
void      sync_close(struct sync **s);                              /* NULL is fine */
tt_status sync_begin(struct sync *s, const struct sync_step *at);
tt_status sync_wait_params(struct sync *s, size_t lo, size_t hi);
tt_status sync_flush(struct sync *s);
tt_status sync_grad_ready(struct sync *s, size_t lo, size_t hi);
tt_status sync_finish(struct sync *s);
tt_status sync_epoch_end(struct sync *s);           /* of an epoch that is not the last */
tt_status sync_end(struct sync *s);            /* of the last: then all ranks have the same model */
/* Between the two, params and buffers are, on all ranks, what the ranks have in common: what should
 * be validated and saved.  Buffers (running means of batch norm) become their average for good,
 * weighted by the samples each rank has seen since the last: averaging and running means commute.
 * With shared batch norms they are equal already. */
tt_status sync_consolidate(struct sync *s);
void      sync_resume(struct sync *s);

/* all[ranks][n]: everybody's numbers, within a step (shared batch norms).  By the thread that runs
 * the program, whatever a rule's own thread sends meanwhile. */
tt_status sync_all_gather(struct sync *s, const float *mine, size_t n, float *all);

/* ---- for rules ---- */

/* This rank's part of all samples of all ranks; 1/N of each if there are none. */
tt_status sync_share(struct sync *s, double samples, float *out);

/* `ready` of rules whose ranks step alone: the optimizer takes the range if it may. */
tt_status sync_apply_range(struct sync *s, size_t lo, size_t hi);

/* As the spec has it; without scratch. */
struct comm_allreduce_opts sync_how(const struct distribute_opts *o);
/* x[n] summed over the ranks, in place, by the trainer's thread, which waits. */
tt_status sync_sum(struct sync *s, float *x, size_t n);
/* What the sum of n floats of `wire` has cost, `sent` being what `c` had sent before. */
uint64_t  sync_bytes(const struct comm *c, uint64_t sent, size_t n, enum comm_wire wire);
/* An exchange since `start` in which this rank sent so much. */
void      sync_count(struct sync *s, double start, uint64_t bytes);
/* The numbers behind the gradients. */
tt_status sync_exchange_sums(struct sync *s);

#endif
