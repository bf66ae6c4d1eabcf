/* microbatch.h -- a rank's share of a batch, computed micro_batch samples at a time.  Private to
 * this folder. */
#ifndef LEARNER_MICROBATCH_H
#define LEARNER_MICROBATCH_H

#include "base/err.h"
#include "compute/exec/program.h"
#include "data/loader.h"

struct learner;
struct learner_opts;

/* How many parts a share of so many samples of all ranks has: the same on all. */
int64_t   microbatch_count(const struct learner_opts *o, int64_t samples);

/* Compile what a batch of so many samples needs, of which `share` are this rank's. */
struct microbatch_want { int64_t samples, share; int weighted; int64_t length; };
tt_status microbatch_compile(struct learner *l, const struct microbatch_want *w);

/* The functions are those of program_run; their ctx is the learner. */
struct microbatch_run {
	tt_status (*need)(void *ctx, size_t lo, size_t hi);
	void      (*ready)(void *ctx, size_t lo, size_t hi);
	all_gather_fn  *gather;
};
/* All that is this rank's of b, part by part; l->step says which is under way. */
tt_status microbatch_run(struct learner *l, const struct batch *b, const struct microbatch_run *o);
/* To be called first in `ready`: are gradients [lo, hi) now those of the whole share? */
int       microbatch_ready(struct learner *l, size_t lo, size_t hi);

#endif
