/* dags.h -- models drawn at random, as a spec would say them: several inputs (images, tables,
 * sequences of words), layers that read any earlier one, joins, layers of layers, recurrent ones
 * and attention, layers that share parameters, several outputs.  The same seed, the same model. */
#ifndef SUPPORT_DAGS_H
#define SUPPORT_DAGS_H

#include "base/str.h"
#include "learn/nn/model.h"

/* The text of a spec. */
void             dag_spec(int seed, struct str *out);
/* Its graph, for as many samples and places as the seed says; owned. */
struct ir_graph *dag_graph(int seed, enum nn_purpose purpose);

#endif
