/* record.h -- a training is recorded in a store of runs, unless --store none says otherwise. */
#ifndef TRAIN_RECORD_H
#define TRAIN_RECORD_H

#include "train/run.h"

/* The trainer is there and knows where it goes on.  A store that cannot be written is said, and is
 * no reason not to train. */
tt_status record_start(struct run *r);
/* It has ended so. */
void      record_end(struct run *r, tt_status st);

#endif
