/* pass.h -- graph in, better graph out.
 *
 * Passes are pure: what they do depends on the graph alone, the numbers it computes stay the same
 * (up to rounding where a fold reorders arithmetic), and the result obeys ir_verify.  They know
 * nothing of devices.  On error (memory) the graph is in no defined state: free it. */
#ifndef PASS_PASS_H
#define PASS_PASS_H

#include "compute/ir/factors.h"
#include "compute/ir/graph.h"

/* What the graph is for; only inference may compute weights from weights. */
enum pass_goal { PASS_TRAIN, PASS_INFER };

/* Batch norm with known statistics becomes part of the convolution or dense layer in front:
 * FOLD_BN makes the new weights from parameters alone, so a program runs it once. */
tt_status pass_fold(struct ir_graph *g);

/* Activations move into the convolution, dense layer, sum or batch norm in front of them, their
 * gradients into that of the batch norm; a sum of gradients into the relu's gradient behind it. */
tt_status pass_fuse(struct ir_graph *g);

/* A relu in front of a max pooling works after it, on a quarter of the numbers.  Before
 * ir_backward; not part of pass_all. */
tt_status pass_defer(struct ir_graph *g);

/* A dense layer over an embedding with far fewer rows than indices is computed for each row once.
 * Before ir_backward. */
tt_status pass_lookup(struct ir_graph *g);

/* Convolutions and dense layers with 2 * least weights or more become pieces of `least` or more,
 * each with parameters of its own, parts of the flat vector as it was: they are needed, and their
 * gradients are final, piece by piece.  Before ir_backward; not part of pass_all. */
tt_status pass_split(struct ir_graph *g, size_t least);

/* Layers whose gradients are fewer bytes as two factors, among so many ranks (two or more) on so
 * many hosts with up to `rows` samples each, and whose product costs less than these bytes, are
 * marked (attr.rows): FACTORS will be their gradient.  width: bytes on the wire of a number that is
 * summed; factors travel as f32.  Before pass_split, which leaves such layers whole, and
 * ir_backward; not part of pass_all.  hosts 1: those that cost less when ranks that share memory
 * each make a part of the product.  pay: is that so for such a layer? */
struct pass_factors { int64_t rows; int ranks, hosts, width; };
void pass_factor(struct ir_graph *g, const struct pass_factors *among);
int  pass_factors_pay(const struct pass_factors *among, const struct factors *f);

/* Batch norms with attr.ranks normalise over the batch of so many ranks, which run programs made
 * from the same graph side by side.  After ir_backward, before pass_all; not part of it. */
tt_status pass_sync_batchnorm(struct ir_graph *g);

/* Nodes that nobody needs go: whose outputs are read by no node, kept by no output and no
 * parameter's gradient, and which update no running statistics. */
tt_status pass_dead(struct ir_graph *g);

/* All of them in the right order, verified before and after each: TT_EINTERNAL names the pass. */
tt_status pass_all(struct ir_graph *g, enum pass_goal goal);

#endif
