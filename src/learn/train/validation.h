/* validation.h -- how good is the model, on the data of data.valid? */
#ifndef TRAIN_VALIDATION_H
#define TRAIN_VALIDATION_H

#include "learn/predict/evaluator.h"

struct tt_trainer;

/* What train.monitor, or the older train.early_stop.monitor, and train.metrics ask for.  TT_ESPEC:
 * something that this run will not know. */
tt_status trainer_init_monitor(struct tt_trainer *t);
/* Of this rank alone, over all of the data. */
struct evaluator_opts trainer_evaluator_opts(const struct tt_trainer *t);
/* A new one for the whole as it is now; none if there is nothing to validate on. */
tt_status trainer_evaluator(struct tt_trainer *t);
/* At the end of this epoch? */
int       trainer_validates(const struct tt_trainer *t);
/* Collective, if so. */
tt_status trainer_validate(struct tt_trainer *t);

#endif
