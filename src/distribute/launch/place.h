/* place.h -- who computes where: the threads and cores of workers that share a machine. */
#ifndef LAUNCH_PLACE_H
#define LAUNCH_PLACE_H

#include <tutti/launch.h>

#include "distribute/comm/comm.h"

/* Of a thread of this process that is to train: `threads` (0: all) are dealt out to all of them. */
void      place_of_thread(int threads, int worker, int workers, tt_place *out);
/* Ranks of one machine that may use the same cores share them.  Collective. */
tt_status place_share_cores(struct comm *c);

#endif
