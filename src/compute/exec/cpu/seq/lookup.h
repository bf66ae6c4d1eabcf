/* lookup.h -- rows of a table by number, and the sums of what comes back to them: EMBEDDING and
 * EMBEDDING_DW, of the definition's bits. */
#ifndef SEQ_LOOKUP_H
#define SEQ_LOOKUP_H

#include "compute/ir/graph.h"

/* index: s32 or f32, as the node's first input is. */
void lookup_rows(const struct ir_node *n, const void *index, const float *table, float *y);
void lookup_sums(const struct ir_node *n, const void *index, const float *dy, float *dtable);

#endif
