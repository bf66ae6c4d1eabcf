/* feed.h -- a batch goes through a net: the one place that sets a program's inputs. */
#ifndef PREDICT_FEED_H
#define PREDICT_FEED_H

#include "compute/exec/program.h"
#include "learn/predict/program_cache.h"
#include "learn/predict/target.h"

struct feed {
	const float   *x;                 /* [n, sample shape]                                      */
	int64_t        n;
	const int64_t *index;             /* [n] of the samples in their source (their places)      */
	const void    *target;            /* of target_take; NULL: NN_PREDICT                       */
	const float   *weight;            /* [n] of the samples; NULL: 1 each                       */
	const float   *seed;              /* NN_TRAIN: what the loss' gradient begins with          */
};
/* The program that it goes through, made if need be. */
tt_status feed_program(struct program_cache *net, const struct feed *f, struct program **out);
/* *out: the program that ran, for its outputs; set too if the run failed.  TT_EFORMAT,
 * TT_EINVAL: a token that the net does not know. */
tt_status feed_run(struct program_cache *net, const struct feed *f, const struct program_run *run,
                   struct program **out);

#endif
