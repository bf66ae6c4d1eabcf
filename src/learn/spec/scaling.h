/* scaling.h -- a model's mean and std, found in data, become part of its document, and so of all
 * that is made from it: checkpoints, sessions, workers. */
#ifndef SPEC_SCALING_H
#define SPEC_SCALING_H

#include "learn/nn/model.h"

/* Are they still to be found (data.normalise: standard, and nothing given)? */
int       model_wants_scaling(const struct tt_model *m);
/* data.mean and data.std of the model's document and signature; no digit is lost. */
tt_status model_set_scaling(struct tt_model *m, const struct scaling *c);

#endif
