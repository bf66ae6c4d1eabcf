/* sync.h -- how the workers of a training stay together: what the trainer calls, on every rank.
 *
 *   sync_begin(step)                       before the program runs
 *   sync_wait_params(lo, hi) ...           in forward: parameters [lo, hi) are about to be read
 *   sync_flush()                           before backward: all steps before are applied
 *   sync_grad_ready(lo, hi) ...            in backward: this rank's gradients [lo, hi) are final
 *   sync_finish()                          after it
 *   sync_epoch_end(), sync_end()           average, agree
 *   sync_consolidate() ... sync_resume()   validation and checkpoints: what all have in common
 *   sync_gather_own(), sync_deal_own()     and what each has besides (own.h)
 *
 * With a collective strategy all ranks make the same calls in the same order.  What a strategy is
 * allowed to do with each: strategy.h.  Used by the rank's trainer thread. */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include "distribute/sync/options.h"
#include "distribute/sync/own.h"
#include "distribute/sync/strategy.h"

extern const struct strategy *const sync_strategies[];    /* NULL-terminated, order of sync_words */

/* The row that the options ask for, in a group of `world` ranks.  Of one, the strategies of groups
 * have nothing to do: that is a row outside of the table, which starts no thread, measures and
 * copies nothing, applies the optimizer in sync_grad_ready (if not by ranges: in sync_finish) and
 * never waits in sync_wait_params or sync_flush. */
const struct strategy *sync_pick(const struct distribute_opts *o, int world);

/* What else a run asks of its strategy. */
struct sync_demands {
	const struct distribute_opts *opts;
	double                        momentum;         /* the optimizer's                            */
	int                           processes;        /* that a launcher has started                */
	int                           every_steps;      /* checkpoints within an epoch; 0: none       */
};
/* Can it do that?  TT_ESPEC with what to change. */
tt_status sync_check(const struct strategy *row, const struct sync_demands *d);

/* Ranks that are to be alike then have the parameters, buffers and optimizer state of rank 0. */
tt_status sync_open(struct sync **out, const struct sync_host *h);
void      sync_close(struct sync **s);                              /* NULL is fine */
tt_status sync_begin(struct sync *s, const struct sync_step *at);
tt_status sync_wait_params(struct sync *s, size_t lo, size_t hi);
tt_status sync_flush(struct sync *s);
tt_status sync_grad_ready(struct sync *s, size_t lo, size_t hi);
tt_status sync_finish(struct sync *s);
/* Afterwards the sums behind the gradients are those of all ranks, unless `stop` says that somebody
 * wanted to stop first: then the epoch has not ended. */
tt_status sync_epoch_end(struct sync *s);           /* of an epoch that is not the last */
tt_status sync_end(struct sync *s);            /* of the last: then all ranks have the same model */
/* Between the two, params and buffers are, on all ranks, what the ranks have in common: what should
 * be validated and saved.  Of buffers (running means of batch norm) that is their average,
 * weighted by the samples each rank has seen since the last end of an epoch, when they become it
 * for good: averaging and running means commute.  With shared batch norms they are equal already.
 * `exchanged` says that the sums behind the gradients have become those of all ranks. */
tt_status sync_consolidate(struct sync *s);
void      sync_resume(struct sync *s);

/* all[ranks][n]: everybody's numbers, within a step that is summed (shared batch norms, weights of
 * samples).  By the thread that runs the program, whatever another one sends meanwhile. */
tt_status sync_all_gather(struct sync *s, const float *mine, size_t n, float *all);

#endif
