/* run.h -- steps in a row, as told: by the caller, or by rank 0 of the process. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include "learn/train/local_workers.h"

/* A peer's trainer does what rank 0 is about to do. */
tt_status run_obey(void *trainer, enum local_workers_command c, int64_t steps);

#endif
