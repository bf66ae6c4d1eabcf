/* edit.h -- change a graph that stands: for passes.
 *
 * Between edits ids keep their values: a removed node leaves holes in the table of values, and
 * node ids are no places.  A pass ends with ir_renumber, after which ir_verify holds again. */
#ifndef IR_EDIT_H
#define IR_EDIT_H

#include "compute/ir/graph.h"

/* The input, parameter or buffer of this name, or NULL. */
struct ir_value *ir_find(const struct ir_graph *g, const char *name);

/* The one node that reads v, and reads it once, if v is no output of the graph; else NULL. */
struct ir_node *ir_only_reader(const struct ir_graph *g, const struct ir_value *v);

/* Whoever reads `from` reads `to`; if `from` was an output of the graph or somebody's gradient,
 * `to` is it now.  `to` must not be an output already. */
void ir_replace_uses(struct ir_graph *g, struct ir_value *from, struct ir_value *to);

/* Give n another list of inputs (shapes as before: ir_verify will look). */
tt_status ir_set_inputs(struct ir_graph *g, struct ir_node *n, struct ir_value *const *in,
                        int n_in);

/* Move a node in the running order. */
void ir_move_before(struct ir_graph *g, struct ir_node *n, struct ir_node *at);

/* Take a node and its outputs out.  Nobody may read them any more. */
void ir_remove_node(struct ir_graph *g, struct ir_node *n);

/* Close the holes: ids are places again. */
void ir_renumber(struct ir_graph *g);

#endif
