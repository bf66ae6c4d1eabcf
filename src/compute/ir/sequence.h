/* sequence.h -- recurrences over padded sequences: which inputs a node has, where steps are.
 *
 * The states at the start and the lengths stand last among the inputs and may be missing.  A
 * sequence of length L fills places 0 to L-1 of its row; behind them outputs are zeros, states stay
 * as they were, and no gradient comes from there. */
#ifndef IR_SEQUENCE_H
#define IR_SEQUENCE_H

#include "compute/ir/graph.h"

struct ir_sequence {
	int64_t n, t, h;                /* sequences, places of each, numbers of a state          */
	int     gates;                  /* of a step: w is [gates*h, h]                           */
	int     w, h0, c0, lengths;     /* numbers of inputs; -1: not there                       */
	int     reverse;                /* steps go from the last place to the first              */
};

/* Of RNN, LSTM, GRU or a gradient of theirs. */
struct ir_sequence ir_sequence(const struct ir_node *n);

/* Are the lengths 0 to t?  If not, *status says which one is wrong. */
int ir_lengths_are_good(const struct ir_node *n, int input, const int32_t *lengths, int64_t t,
                        tt_status *status);

/* Of ATTENTION_KEPT: do sequences go on at a place up to which it can be kept? */
int ir_places_are_good(const struct ir_node *n, int input, const int32_t *places,
                       tt_status *status);

/* Steps of sequence i, and the place of its k-th step. */
static inline int64_t ir_sequence_length(const struct ir_sequence *s, const int32_t *lengths,
                                         int64_t i)
{
	return lengths ? lengths[i] : s->t;
}

static inline int64_t ir_sequence_place(const struct ir_sequence *s, int64_t length, int64_t k)
{
	return s->reverse ? length - 1 - k : k;
}

#endif
