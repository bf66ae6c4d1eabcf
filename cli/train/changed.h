/* changed.h -- what a resumed run does otherwise than before: settings of the command line that it
 * was begun with, and that are not said again, were lost without a word else. */
#ifndef TRAIN_CHANGED_H
#define TRAIN_CHANGED_H

#include "train/run.h"

/* One line on stderr, if there is something to say; before the trainer writes the spec anew. */
void changed_tell(const struct run *r);

#endif
