/* run.h -- what varies from one run of a program to the next.
 *
 * Random numbers inside a graph (dropout) are a pure function of these and of the node, never of
 * threads, workers or the order of running. */
#ifndef EXEC_RUN_H
#define EXEC_RUN_H

#include <stdint.h>

struct run_context {
	uint64_t seed, step;
	int64_t  sample, sample_stride;      /* of the batch's first sample in the global batch */
};

#endif
