/* interp.h -- run a graph node by node with the reference kernels.
 *
 * The plainest way to run: every value has memory of its own for as long as the interpreter lives,
 * so a test can look at any of them.  The graph is borrowed; rewriting it ends the interpreter's
 * life (make another).  Single-threaded. */
#ifndef SUPPORT_INTERP_H
#define SUPPORT_INTERP_H

#include "compute/exec/ref/ref.h"
#include "compute/ir/graph.h"

struct interp;

tt_status interp_new(struct interp **out, const struct ir_graph *g);
void      interp_free(struct interp **p);

/* The numbers of a value, plain row-major: write those of inputs, parameters and buffers before a
 * run, read any after it.  Owned by the interpreter. */
void  *interp_data(const struct interp *p, const struct ir_value *v);
float *interp_f32(const struct interp *p, const struct ir_value *v);

/* The value of this kind and name, or NULL. */
struct ir_value *interp_find(const struct ir_graph *g, enum ir_kind kind, const char *name);

/* Give every input, parameter and buffer numbers that depend on (seed, name, element) only: f32
 * uniform in [-1, 1), variances in [0.5, 1.5) (names that end in "var"), labels and indices below
 * their limit, the seed of ir_backward 1. */
void interp_fill(struct interp *p, uint64_t seed);

/* Run all nodes in order; run may be NULL for zeros. */
void interp_run(struct interp *p, const struct run_context *run);

#endif
