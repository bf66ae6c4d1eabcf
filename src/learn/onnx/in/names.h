/* names.h -- what a file's metadata say of the data: classes, features, how cells of a table become
 * them, what the net was trained with. */
#ifndef ONNX_NAMES_H
#define ONNX_NAMES_H

#include "learn/nn/model.h"
#include "learn/onnx/in/net.h"

/* The loss of the net: the file's, if it takes the answers that the graph gives. */
const char *onnx_loss(const struct net *r);
/* All that the metadata know, into a model that stands.  TT_EFORMAT: they are those of another. */
tt_status   onnx_names(const struct net *r, struct tt_model *m);

#endif
