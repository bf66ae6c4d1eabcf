/* hostkernel.h -- a kernel that is one C function over plain pointers.
 *
 * What the reference device and every other device that runs ordinary functions on host memory
 * share: keep the node and the pointers, call the function. */
#ifndef HOST_HOSTKERNEL_H
#define HOST_HOSTKERNEL_H

#include "compute/exec/plan.h"

struct host_args {
	const struct ir_node     *node;
	const struct run_context *run;
	tt_status                *status;      /* TT_OK; the function's own error */
	void                     *ptr[];        /* as in plan_step's args; NULL for -1 */
};
typedef void (*host_fn)(const struct host_args *a);

/* Add a step that calls fn.  name lives as long as the plan. */
tt_status host_step(struct plan *p, const char *name, host_fn fn, const int *args, int n_args);

/* Buffers for all inputs (plain) and wanted outputs (plain) of n, inputs first, into args. */
tt_status host_plain_args(struct plan *p, const struct ir_node *n, int *args);

#endif
