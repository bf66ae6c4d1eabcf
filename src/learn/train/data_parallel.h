/* data_parallel.h -- one rank's part in a training of several: what the trainer of a group does
 * that one alone does not.
 *
 * Behind the gradients lie the numbers of enum data_parallel_sum; a rule of synchronisation sums
 * them over the ranks whenever it talks.  So all ranks know the same losses, see the same stop and
 * the same NaN in the same step, without a message of its own for any of these. */
#ifndef TRAIN_DATA_PARALLEL_H
#define TRAIN_DATA_PARALLEL_H

#include "base/err.h"
#include "data/loader.h"

struct tt_trainer;

enum data_parallel_sum {
	SUM_SAMPLES, SUM_LOSS, SUM_CORRECT, SUM_IN_TOP,
	SUM_STOP,                        /* ranks that were asked to stop                  */
	SUM_BAD, SUM_BAD_RANK,           /* ranks whose loss is not finite, sum of these   */
	SUMS
};

/* Is there a rule for what the spec asks of several ranks? */
tt_status data_parallel_check(const struct tt_trainer *t);
/* Collective, before the first step: are we the same, and from where do we start? */
tt_status data_parallel_join(struct tt_trainer *t);
/* One step; b->n may be 0. */
tt_status data_parallel_step(struct tt_trainer *t, const struct batch *b);
/* What steps have left under way is taken in: parameters are those after the last one. */
tt_status data_parallel_settle(struct tt_trainer *t);
/* Collective, at the end of an epoch: of the last one, or of one before. */
enum data_parallel_epoch { EPOCH_GOES_ON, EPOCH_LAST };
tt_status data_parallel_epoch_end(struct tt_trainer *t, enum data_parallel_epoch e);
/* Around validation and checkpoints; alone they do nothing. */
tt_status data_parallel_meet(struct tt_trainer *t);
void      data_parallel_part(struct tt_trainer *t);
/* Bytes and seconds between ranks so far, into t->progress. */
void      data_parallel_measure(struct tt_trainer *t);
/* What went wrong between ranks, outside of the above, is another rank's fault: TT_EPEER. */
tt_status data_parallel_blame(const struct tt_trainer *t, tt_status st);
/* An error ends the training of all. */
void      data_parallel_give_up(struct tt_trainer *t);
/* All ranks of this process, in one file. */
tt_status data_parallel_write_trace(struct tt_trainer *t);
void      data_parallel_leave(struct tt_trainer *t);

#endif
