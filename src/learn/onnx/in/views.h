/* views.h -- attention, which other tools say in many nodes: products whose features are cut into
 * heads, turned and multiplied.
 *
 *   x --MatMul--> part --Reshape, Transpose, Split, Gather ..--> MatMul, Mul, Add .., Softmax --> .
 *     .. MatMul --> context --Transpose, Reshape--> MatMul: one layer, attention
 *
 * A view says of each dimension which of batch, places and features lie in it, and how: whatever
 * the order in which a tool cuts and turns, what comes out is known, number by number. */
#ifndef ONNX_VIEWS_H
#define ONNX_VIEWS_H

#include "learn/onnx/in/net.h"

/* The product w x + b, which is on its way to attention: *begun is 1, and `last` gives a view. */
struct product { const Onnx__Node *n, *last; struct value *x, *w, *b; int turned; };
tt_status views_begin(struct net *r, const struct product *p, int *begun);
/* Does the node go on with views?  Then *done is 1. */
tt_status views_step(struct net *r, const Onnx__Node *n, int *done);

#endif
