/* tell.h -- what a trainer says: to its observers, and in errors. */
#ifndef TRAIN_TELL_H
#define TRAIN_TELL_H

#include "learn/observe/observers.h"

struct tt_trainer;

tt_status trainer_tell(struct tt_trainer *t, enum tt_event e, struct observation *w);
tt_status trainer_note(struct tt_trainer *t, const char *text);
/* To the text of TT_ENAN: the last good checkpoint, and what may help.  Others as they are. */
tt_status trainer_not_finite(const struct tt_trainer *t, tt_status st);

#endif
