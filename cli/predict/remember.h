/* remember.h -- what an evaluation has found is a row of the store of runs, below the run that it
 * measured; the same model on the same source again takes the same row. */
#ifndef PREDICT_REMEMBER_H
#define PREDICT_REMEMBER_H

#include <tutti/session.h>

#include "base/arena.h"

struct remembered { const char *store, *run, *source; const tt_evaluation *numbers; };

/* `store` is as of `train --store`; without one it is tutti.db beside the run folder, if it is
 * there.  What is no run of a store is not remembered; a store that cannot be written is said. */
void remember_evaluation(struct arena *a, const struct remembered *r);

#endif
