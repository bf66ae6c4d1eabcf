/* evaluator.h -- one pass over a source: how good is the net as it stands?
 *
 * Compiled once for inference (batch norm folded), run whenever the parameters have changed: the
 * trainer's validation and tt_session_evaluate are both this.  Single-threaded. */
#ifndef PREDICT_EVALUATOR_H
#define PREDICT_EVALUATOR_H

#include <stdatomic.h>

#include <tutti/session.h>

#include "distribute/comm/comm.h"
#include "learn/predict/program_cache.h"
#include "learn/score/scores.h"

/* All borrowed until evaluator_free. */
struct evaluator_opts {
	struct engine         *engine;
	const struct tt_model *model;
	tt_source             *source;
	const struct program_cache *programs;  /* NN_EVAL, of parameters that do not change: share
	                                        * them; NULL: programs of its own                  */
	int                    batch;
	int                    top_k;
	enum { EVALUATE_CHEAP, EVALUATE_CONFUSION, EVALUATE_ALL } what;   /* ALL: every row, too  */
	uint64_t               rows;       /* of learn/score/rows.c, beside the cheap ones         */
	const atomic_int      *stop;       /* set: leave with TT_ESTOPPED; NULL: never */
	struct comm           *comm;       /* ranks that share the work and the result; NULL: none */
};

struct evaluator;
tt_status evaluator_new(struct evaluator **out, const struct evaluator_opts *o);
void      evaluator_free(struct evaluator **e);           /* NULL is fine */
/* out->confusion is borrowed until the next run.  Collective with a comm. */
tt_status evaluator_run(struct evaluator *e, tt_metrics *out);
/* What is measured; after a run, its numbers. */
const struct scores *evaluator_scores(const struct evaluator *e);
/* The same, for who looks at them when the evaluator, which does not run again, is gone: owned. */
void      evaluator_hand_over(struct evaluator *e, struct scores *out);

#endif
