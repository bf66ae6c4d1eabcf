/* all_gather.h -- the one op that talks: a step that calls whoever runs the program. */
#ifndef HOST_ALL_GATHER_H
#define HOST_ALL_GATHER_H

#include "compute/exec/plan.h"

/* Add the step of an ALL_GATHER node. */
tt_status all_gather_prepare(struct plan *p, const struct ir_node *n);

#endif
