/* rotary.h -- queries and keys turned by their place: ROTARY, of the definition's bits. */
#ifndef SEQ_ROTARY_H
#define SEQ_ROTARY_H

#include "compute/ir/graph.h"

/* Bytes of scratch: every angle's cosine and sine. */
size_t rotary_scratch(const struct ir_node *n);
/* y may be qkv. */
void   rotary_turn(const struct ir_node *n, const float *qkv, float *y, void *scratch);

#endif
