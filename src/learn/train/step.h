/* step.h -- one optimizer step of a trainer. */
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "base/err.h"

struct tt_trainer;

/* The loader's next batch through the learner; *more is 0 if the epoch had none left. */
tt_status trainer_batch(struct tt_trainer *t, int *more);

#endif
