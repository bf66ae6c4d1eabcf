/* feed.h -- a batch goes through a net: the one place that sets a program's inputs. */
#ifndef PREDICT_FEED_H
#define PREDICT_FEED_H

#include "compute/exec/program.h"
#include "learn/predict/carry.h"
#include "learn/predict/program_inputs.h"
#include "learn/predict/program_cache.h"
#include "learn/predict/target.h"

struct feed {
	struct input_values  in;          /* of program_inputs_take                        */
	struct target_values target;      /* of target_take; all 0: NN_PREDICT             */
	const float         *seed;        /* NN_TRAIN: what the loss' gradient begins with */
	struct carry        *carry;       /* states that the program begins and ends with, ...  */
	int64_t              stream;      /* ... from this row on; carry NULL: there are none  */
};
/* Inputs and target of a batch. */
tt_status feed_take(struct feed *f, struct program_inputs *k, struct target *t,
                    const struct batch *b);
/* The program that it goes through, made if need be. */
tt_status feed_program(struct program_cache *net, const struct feed *f, struct program **out);
/* *out: the program that ran, for its outputs; set too if the run failed. */
tt_status feed_run(struct program_cache *net, const struct feed *f, const struct program_run *run,
                   struct program **out);

#endif
