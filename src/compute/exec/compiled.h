/* compiled.h -- what compiling decides, shared by all contexts of a program; for this folder.
 *
 *   compiled   graph, plan, chosen kernels, prepared constants    immutable, counted
 *   program    slab of activations, bound kernels, inputs          a context: one per thread
 *
 * The plan's kernels work for the first context; others clone them. */
#ifndef EXEC_COMPILED_H
#define EXEC_COMPILED_H

#include <stdatomic.h>

#include "compute/exec/plan.h"

/* A step as the hot loop sees it. */
struct go {
	struct kernel *kernel;
	size_t         need_lo, need_hi;        /* parameters first touched by it; empty if equal */
	size_t         ready_lo, ready_hi;      /* gradients final after it; empty if equal */
	int            step;                    /* in the plan */
	int            attended;                /* by a rank without samples too */
};

struct compiled {
	atomic_int          refs;
	struct ir_graph    *graph;
	struct program_opts opts;
	struct plan        *plan;
	struct go          *go;                 /* of every run */
	int                *once, n_once, n_go; /* steps that run when parameters change */
	struct plan_buf   **output;
	struct constants   *constants;          /* INFER: where `once` leaves what it makes */
	void              **kept;               /* by number of the KEPT buffer             */
};

/* The graph is taken, also on failure. */
tt_status compiled_new(struct compiled **out, struct ir_graph *g, const struct program_opts *o);
struct compiled *compiled_ref(struct compiled *c);
void compiled_unref(struct compiled **c);                 /* NULL is fine */

#endif
