/* tensorboard_settings.h -- a resolved spec as a flat list of settings, for the table of runs. */
#ifndef OBSERVE_TENSORBOARD_SETTINGS_H
#define OBSERVE_TENSORBOARD_SETTINGS_H

#include "learn/events/events.h"
#include "learn/spec/spec.h"

/* The scalars under data, train and model.loss as "train.optimizer.lr" ...; *out lives in the
 * arena, n of them. */
tt_status tensorboard_settings(const struct tt_spec *s, struct arena *a, struct event_setting **out,
                         int *n);

#endif
