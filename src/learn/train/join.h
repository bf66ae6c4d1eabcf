/* join.h -- a trainer among those of the other ranks: they begin alike, and end together. */
#ifndef TRAIN_JOIN_H
#define TRAIN_JOIN_H

#include "base/err.h"

struct tt_trainer;

/* Collective, before the first step: are we the same, and from where do we start? */
tt_status trainer_join(struct tt_trainer *t);
/* An error ends the training of all; the first rank of a process waits until its others have heard
 * it.  Gives st back, with its text. */
tt_status trainer_part(struct tt_trainer *t, tt_status st);
/* What all ranks of this process did when, in one file. */
tt_status trainer_write_trace(struct tt_trainer *t, tt_status end);

#endif
