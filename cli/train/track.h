/* track.h -- --track: a training is told to a server of runs. */
#ifndef TRAIN_TRACK_H
#define TRAIN_TRACK_H

#include "train/run.h"

/* Of the first worker; before the trainer is made, so that what is no address leaves no folder. */
tt_status track_open(struct run *r);
tt_status track_observe(struct run *r);
/* After the trainer is freed: wait for the server, and say what it was not told. */
void      track_close(struct run *r);

#endif
