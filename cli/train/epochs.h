/* epochs.h -- a line of JSON for each epoch, for who watches a training from outside. */
#ifndef TRAIN_EPOCHS_H
#define TRAIN_EPOCHS_H

#include <tutti/train.h>

#include "print/json.h"

struct epochs { struct json line; int open; };      /* zeroed */

/* The event of a tt_observer: at the end of an epoch all that it and its validation have told goes
 * to stdout, {"epoch": 1, "train.loss": 0.4, "valid.accuracy": 0.9}. */
tt_status epochs_event(void *epochs, const tt_observation *o);
void      epochs_close(void *epochs);

#endif
