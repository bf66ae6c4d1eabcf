/* attention.h -- attention of the places of sequences on one another, head by head, in f32.
 *
 * The scores of some places with all others exist at a time, never a square.  Threads share out
 * heads.  A NaN of a later place may reach earlier ones that do not see it: nothing times it. */
#ifndef CPU_ATTENTION_H
#define CPU_ATTENTION_H

#include "compute/ir/graph.h"

size_t attention_scratch(const struct ir_node *n);      /* bytes, for all threads */

/* Of ATTENTION or ATTENTION_DX; in, out: as the op has them, lse may be NULL. */
struct attention {
	const struct ir_node *node;
	const void *const    *in;
	void *const          *out;
	void                 *scratch;
	tt_status            *status;
};
void attention_run(const struct attention *a);

/* The same of ATTENTION_KEPT: some places with all that is kept, which nothing is made of first. */
size_t attention_kept_scratch(const struct ir_node *n);
void   attention_kept_run(const struct attention *a);

#endif
