/* heads.h -- the ends of a net: what it answers, and what training makes small.
 *
 *   last layer ---------> loss ----------- x weight --+--> loss that training makes small
 *   layer of model.outputs --> its loss -- x weight --+
 *
 * Private to nn/. */
#ifndef NN_HEADS_H
#define NN_HEADS_H

#include "learn/nn/build.h"

/* m->output from m->net. */
tt_status nn_read_outputs(struct tt_model *m);
/* Behind a net that build_net has built: what its purpose wants, gradients too. */
tt_status heads_add(struct builder *b);

#endif
