/* checkpoint.h -- a run as it stands, to a checkpoint and back. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "base/err.h"

struct tt_trainer;

/* Collective, in a meeting, before what follows: rank 0 knows what each has of its own. */
tt_status checkpoint_collect(struct tt_trainer *t);
tt_status checkpoint_save(struct tt_trainer *t, const char *path); /* and tell the observers */
tt_status checkpoint_save_step(struct tt_trainer *t);              /* step-N; drops old ones */
/* Before the data are opened: what their columns are called, as far as this checkpoint says it. */
tt_status checkpoint_learn_names(struct tt_trainer *t, const char *path);
tt_status checkpoint_load(struct tt_trainer *t, const char *path);
/* Collective: all stand where rank 0 does. */
tt_status checkpoint_share_place(struct tt_trainer *t);

#endif
