/* tell.h -- what a run says of itself: as it begins, and how to go on with it when it ends. */
#ifndef TRAIN_TELL_H
#define TRAIN_TELL_H

#include "train/run.h"

/* Each end sets *code, the exit code, where it is none of the status's. */
void      tell_start(const struct run *r);
tt_status tell_trained(const struct run *r);
tt_status tell_nothing(const struct run *r, int *code);
/* A signal came before there was anything to go on with. */
tt_status tell_early_stop(const struct run *r, int *code);
/* A signal stopped it.  Who was started by a launcher of ours does not know that one's line. */
tt_status tell_stop(const struct run *r, int *code);
/* The end of workers that this process has watched; st is what they came to. */
tt_status tell_workers(const struct run *r, int *code, tt_status st);

#endif
