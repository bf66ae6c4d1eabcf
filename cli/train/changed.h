/* changed.h -- what a resumed run does otherwise than before: settings of the command line that it
 * was begun with, and that are not said again, were lost without a word else. */
#ifndef TRAIN_CHANGED_H
#define TRAIN_CHANGED_H

#include <tutti/model.h>

/* One line on stderr, if `now` says something else than the spec in the run folder dir, which the
 * trainer is about to write anew. */
void changed_tell(const char *dir, const tt_spec *now);
/* TT_EINVAL names what `now` says otherwise than the spec in this file, train.seed aside. */
tt_status changed_refuse(const char *path, const tt_spec *now);

#endif
