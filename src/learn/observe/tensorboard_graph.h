/* tensorboard_graph.h -- a graph as TensorBoard's graph page reads it. */
#ifndef OBSERVE_TENSORBOARD_GRAPH_H
#define OBSERVE_TENSORBOARD_GRAPH_H

#include "compute/ir/graph.h"

/* Append the message GraphDef: a node per input, parameter and operation, with shapes.  Layers
 * become boxes: the parts of a name between dots are nested. */
void tensorboard_graph(const struct ir_graph *g, struct str *out);

#endif
