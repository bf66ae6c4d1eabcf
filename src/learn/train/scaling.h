/* scaling.h -- data.normalise: mean and std are found in the training data, once. */
#ifndef TRAIN_SCALING_H
#define TRAIN_SCALING_H

#include "data/statistics.h"
#include "learn/nn/model.h"

struct tt_trainer;

/* All nets of this rank get these. */
tt_status scaling_set(struct tt_trainer *t, const struct scaling *c);
/* What the document leaves to be found is found in t->train_source; all workers of a run read the
 * same data and find the same. */
tt_status scaling_find(struct tt_trainer *t, const struct statistics_stop *stop);

#endif
