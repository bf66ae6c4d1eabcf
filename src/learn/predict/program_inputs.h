/* program_inputs.h -- the columns of a batch become what a net's program reads.
 *
 *   image u8/f32 [3, 32, 32]  ->  x  f32 [n, 3, 32, 32]     where it lies, if it is f32
 *   words i64 [-1], offsets   ->  words s32 [n, length], filled up with 0;  words.lengths s32 [n]
 *
 * The length is that of the longest sequence, rounded up, so that few programs are ever made.
 * Whatever an embedding looks up is looked at: a number that it has no row for is an error.  Room
 * grows to that of the largest batch.  Not for several threads at once. */
#ifndef PREDICT_PROGRAM_INPUTS_H
#define PREDICT_PROGRAM_INPUTS_H

#include "data/batch.h"
#include "learn/nn/model.h"

struct program_inputs {
	const struct tt_model *model;           /* borrowed                                  */
	int64_t                at_least;        /* of the length                             */
	struct { void *p; size_t bytes; } value[NET_INPUTS_MAX], lengths[NET_INPUTS_MAX];
};

struct input_values {
	const void *v[2 * NET_INPUTS_MAX];      /* as nn_graph wants them                    */
	int         n;
	int64_t     samples, length;            /* length 0: no input is a sequence          */
};

/* The first columns of b are the net's inputs in their order.  index [n]: of the samples in their
 * source, for messages; NULL: their place.  *out points into b and k.  TT_EFORMAT of a source,
 * TT_EINVAL of a call: names the sample and the number that the net does not know. */
tt_status program_inputs_take(struct program_inputs *k, const tt_batch *b, const int64_t *index,
                      struct input_values *out);
/* The length that program_inputs_take would find. */
int64_t   program_inputs_length(const struct tt_model *m, const tt_batch *b);
void      program_inputs_release(struct program_inputs *k);

#endif
