/* microbatch.h -- a rank's share of a batch, computed train.micro_batch samples at a time. */
#ifndef TRAIN_MICROBATCH_H
#define TRAIN_MICROBATCH_H

#include "base/err.h"
#include "compute/exec/program.h"
#include "data/loader.h"

struct tt_trainer;

/* How many pieces a batch of so many samples of all ranks has: the same on all of them. */
int64_t   microbatch_of(const struct tt_trainer *t, int64_t samples);
/* Compile what such a batch needs, of which `share` samples are this rank's. */
tt_status microbatch_compile(struct tt_trainer *t, int64_t samples, int64_t share);

/* The functions are those of program_run; their ctx is the trainer. */
struct microbatch_run {
	int64_t     samples;             /* gradients are divided by        */
	tt_status (*need)(void *ctx, size_t lo, size_t hi);
	void      (*ready)(void *ctx, size_t lo, size_t hi);
	all_gather_fn  *gather;
	tt_status (*done)(struct tt_trainer *t);     /* after each piece with samples; or NULL */
};
/* All that is this rank's of b, piece by piece; t->share says which is under way. */
tt_status microbatch_run(struct tt_trainer *t, const struct batch *b,
						 const struct microbatch_run *o);
/* To be called first in `ready`: are gradients [lo, hi) now those of the whole share? */
int       microbatch_ready(struct tt_trainer *t, size_t lo, size_t hi);

#endif
