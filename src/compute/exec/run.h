/* run.h -- what varies from one run of a program to the next.
 *
 * Random numbers inside a graph (dropout) are a pure function of these and of the node, never of
 * threads, workers or the order of running. */
#ifndef EXEC_RUN_H
#define EXEC_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* all[ranks][n]: what every rank of the group has here, in their order; mine[n] is this rank's. */
typedef tt_status all_gather_fn(void *ctx, const float *mine, size_t n, float *all);

struct run_context {
	uint64_t   seed, step;
	int64_t    sample, sample_stride;    /* of the batch's first sample in the global batch */
	all_gather_fn *gather;                   /* NULL: no group                                  */
	void      *gather_ctx;
	int        absent;                   /* this rank has no sample: zeros for the others   */
};

#endif
