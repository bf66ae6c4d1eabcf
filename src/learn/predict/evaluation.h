/* evaluation.h -- all numbers of one pass over a source, kept. */
#ifndef PREDICT_EVALUATION_H
#define PREDICT_EVALUATION_H

#include <tutti/session.h>

#include "learn/predict/evaluator.h"

/* *out is owned: tt_evaluation_free. */
tt_status evaluation_run(tt_evaluation **out, const struct evaluator_opts *o);

#endif
