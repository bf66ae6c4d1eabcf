/* epoch.h -- what happens between the epochs of a trainer. */
#ifndef TRAIN_EPOCH_H
#define TRAIN_EPOCH_H

#include "base/err.h"

struct tt_trainer;

/* Validate, remember the best, write checkpoints, go to the next epoch. */
tt_status trainer_epoch_end(struct tt_trainer *t);
int       trainer_done(const struct tt_trainer *t);       /* nothing is left to train */
/* Around checkpoints and validation: learner_consolidate. */
tt_status trainer_consolidate(struct tt_trainer *t);

#endif
