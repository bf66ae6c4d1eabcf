/* tell.h -- what a trainer says: to its observers, and in errors. */
#ifndef TRAIN_TELL_H
#define TRAIN_TELL_H

#include "learn/observe/observers.h"

struct tt_trainer;

/* An error of an observer waits until the training stands between two steps, so that who mends its
 * cause can go on from there. */
void      trainer_tell(struct tt_trainer *t, enum tt_event e, struct observation *w);
void      trainer_note(struct tt_trainer *t, const char *text);
/* The first of such errors. */
tt_status trainer_trouble(const struct tt_trainer *t);
/* To the text of TT_ENAN: the last good checkpoint, and what may help.  Others as they are. */
tt_status trainer_not_finite(const struct tt_trainer *t, tt_status st);

#endif
