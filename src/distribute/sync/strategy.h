/* strategy.h -- the port: what a synchronisation strategy is.
 *
 * A strategy decides when a worker exchanges what it has learnt with others, and what it does to
 * ranges of parameters and gradients; it applies the optimizer itself, by sync_host.apply.  It says
 * for each step whether gradients are those of the whole batch (`summed`: divided by its samples,
 * so that their SUM over the ranks is its gradient, however unequal the ranks' shares) or of this
 * rank's share alone (divided by the share).
 *
 * How the others are reached is the strategy's affair.  Collective ones (collective.h) use
 * host.comm, in which all ranks do the same at the same steps; others need none.  Threads of one
 * process that share memory (team.h) wait for one another between epochs only.
 *
 * A strategy may leave part of a step for the next step's wait_params: whoever else looks at
 * parameters flushes first (the frame does, before epoch_end, end and consolidate).  Ranges of
 * wait_params ascend, those of grad_ready descend; both cover the vector, and all is waited for
 * before the first is ready.
 *
 * Behind the gradients lie a few numbers that are added up over the ranks at each exchange:
 *
 *   grads: | 0 ... param_count | sums |       the trainer adds to them, and clears them once
 *                                             `exchanged` says that they are those of all ranks
 *
 * A meeting (consolidate ... resume) only looks: afterwards each rank is where it was, to the bit,
 * so that a run does not depend on when it was saved.  What a rank has of its own beyond what all
 * have in common it lists (own.h), and gets back when a run goes on.
 *
 * Strategies allocate in open only.  One file per strategy, which shows the world one row; its
 * name stands in registry.h. */
#ifndef SYNC_STRATEGY_H
#define SYNC_STRATEGY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct comm;
struct distribute_opts;
struct own_list;
struct strategy;
struct sync;
struct team;
struct trace;

/* In this range of the gradients each rank leaves up to n numbers of its own, at the beginning, of
 * which everybody's make the gradient.  The first, a uint32_t, says how many they are; 0:
 * it is alone.  work: floats of room that this takes besides. */
struct sync_factored { size_t lo, hi, n, work; };

/* What a strategy sees of the trainer; borrowed from open to close. */
struct sync_host {
	const struct strategy *strategy;    /* as sync_pick says */
	struct comm *comm;                  /* of collective ones: this rank's end; else NULL is fine */
	struct team *team;                  /* of those in_process: what its workers share, ...       */
	int     worker;                     /* ... and which of them this is                          */
	const struct distribute_opts *opts;
	float  *params, *grads, *buffers;
	size_t  param_count, buffer_count, sums;
	/* Behind these in the same vectors lies what nobody changes: at the start it becomes rank 0's
	 * on all ranks, as the others do, and then it rests. */
	size_t  frozen_params, frozen_buffers;
	int     by_range;          /* may ranges be applied as they come (else whole, after clipping) */
	/* Optimizer on [lo, hi) of grads.  By ranges: from threads of the strategy's too, on ranges
	 * that do not overlap. */
	void  (*apply)(void *ctx, size_t lo, size_t hi);
	void   *ctx;
	int     n_factored;             /* where strategy->factors; ranges ascend and are apart       */
	struct sync_factored (*factored)(void *ctx, int i);
	/* grads of factored(i) from all[ranks], everybody's numbers, and work[work], which may hold
	 * anything: the sum over all ranks, the same bits on all. */
	tt_status (*multiply)(void *ctx, int i, const float *const *all, float *work);
	int     share_products;         /* sync_shares_products, and a rank's one thread is enough    */
	/* Then: the optimizer on [lo, hi), a part of factored(i), of which the sum is made for this;
	 * grads stay what they are.  From a thread of the strategy's. */
	tt_status (*apply_product)(void *ctx, int i, const float *const *all, size_t lo, size_t hi,
	                           float *work);
	int     slots;                  /* optimizer state, vectors of param_count                    */
	/* Behind these lies one more if `averaged`: what the parameters have been over the steps, a
	 * moving average (sync_vectors, sync_ema).  `apply` takes it along, but for a strategy
	 * with own_average: that calls average_in with what its model is, in [lo, hi), `steps` steps
	 * after it did so last. */
	int     averaged;
	float *(*slot)(void *ctx, int i);
	void  (*average_in)(void *ctx, const float *x, size_t lo, size_t hi, int64_t steps);
	struct trace *trace;            /* NULL: none */
	const char *(*name)(void *ctx, size_t at);       /* what grads[at] is part of, for messages */
	/* Where ranks stay apart: what all have, in the order of ranks; what rank 0 has there at open
	 * counts, and sync_consolidate fills it in.  Optimizer state comes together on rank 0 alone. */
	float *all_params, *all_buffers;
	float *(*all_slot)(void *ctx, int i);
};

/* step from 1, epoch from 0; the others of this rank.  weight: of its samples, 1 each without. */
struct sync_step { int64_t step, epoch; int samples, wants_stop; double weight; };

struct sync_stats {
	double   wire_seconds;          /* somebody of this rank was communicating                    */
	double   exposed_seconds;       /* the trainer waited for it                                  */
	uint64_t bytes_sent;            /* by this rank; in shared memory: what a ring would send     */
	int64_t  exchanges;
};

struct strategy {
	const char *name, *help;
	/* Abilities, and what it cannot do without. */
	unsigned    collective : 1;     /* all ranks start alike and do the same, over host.comm      */
	unsigned    in_process : 1;     /* workers are threads of one process, and share host.team    */
	unsigned    apart : 1;          /* each rank has a net of its own, for good                   */
	unsigned    factors : 1;        /* gradients may be left as factors (host.factored)           */
	unsigned    sync_batchnorm : 1; /* every step is one batch of all ranks                       */
	unsigned    needs_period : 1;   /* without exchanges the result stays what it was         */
	unsigned    own_momentum : 1;   /* the optimizer's must be 0                                  */
	unsigned    own_average : 1;    /* what the optimizer makes is not what is saved as the model */

	tt_status (*open)(struct sync *s);
	tt_status (*begin)(struct sync *s);
	tt_status (*wait_params)(struct sync *s, size_t lo, size_t hi);  /* NULL: all is there  */
	tt_status (*flush)(struct sync *s);                              /* NULL: all is there  */
	tt_status (*grad_ready)(struct sync *s, size_t lo, size_t hi);
	tt_status (*finish)(struct sync *s);
	tt_status (*epoch_end)(struct sync *s);              /* of an epoch that is not the last */
	tt_status (*end)(struct sync *s);
	tt_status (*consolidate)(struct sync *s);                        /* NULL: all are equal */
	void      (*resume)(struct sync *s);                             /* NULL: nothing to do */
	/* Add what is this rank's own, in a meeting (s->met) or not.     NULL: nothing is */
	void      (*own)(struct sync *s, struct own_list *l);
	/* Where a step may be summed. */
	tt_status (*all_gather)(struct sync *s, const float *mine, size_t n, float *all);
	void      (*close)(struct sync *s);                  /* after an open that failed, too   */
};

struct sync {
	const struct strategy *strategy;
	struct sync_host       host;
	struct sync_stats      stats;
	struct sync_step       at;
	int                    summed;    /* gradients of this step are of the whole batch            */
	int                    exchanged; /* the last call has summed what lies behind the gradients */
	int                    alone;     /* ranks do not exchange within an epoch ...                */
	int                    stop;      /* ... but have heard just now that one wants to stop       */
	int                    met;       /* between consolidate and resume                           */
	int                    pending;   /* numbers behind the gradients wait for an exchange        */
	int                    ended;     /* `end` was called, and no step since                      */
	void                  *own;       /* the strategy's                                           */
};

/* Vectors that begin as rank 0's: the optimizer's state, and the average if there is one. */
static inline int sync_vectors(const struct sync_host *h) { return h->slots + h->averaged; }
/* NULL: none is kept. */
static inline float *sync_ema(const struct sync_host *h)
{
	return h->averaged ? h->slot(h->ctx, h->slots) : NULL;
}
/* For those with own_average: the model is x now, after each step. */
void sync_average_in(struct sync *s, const float *x);

/* grad_ready of strategies whose ranks step alone: the optimizer takes the range if it may. */
tt_status sync_apply_range(struct sync *s, size_t lo, size_t hi);
/* Their finish: it takes the whole if it must see that. */
void      sync_apply_whole(struct sync *s);

#endif
