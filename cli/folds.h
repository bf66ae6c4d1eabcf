/* folds.h -- cross-validation: as many trainings as there are folds, and what they say together. */
#ifndef CLI_FOLDS_H
#define CLI_FOLDS_H

#include "train/run.h"
#include "verbs.h"

/* One training of the call's arguments; *end is how it ended. */
typedef tt_status fold_fn(struct call *c, tt_progress *end);

tt_status folds_run(struct call *c, struct train_args *o, fold_fn *train);

#endif
