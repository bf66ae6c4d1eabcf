/* marks.h -- values on the way to a layer that ONNX says in many nodes: attention, and pooling of
 * sequences whose lengths differ.
 *
 *   in_proj --Split--> parts --Reshape, Transpose--> MatMul, Mul, Where .., Softmax --> .. out_proj
 *
 * Each such value has a mark: how far it is.  A node takes marks of certain kinds, checks its
 * numbers and gives the next; any other node refuses marks, as they are no layer's. */
#ifndef ONNX_MARKS_H
#define ONNX_MARKS_H

#include "learn/onnx/in/net.h"

enum stage {
	AT_NONE,
	AT_PLACES,              /* 0, 1, .. of a sequence                                        */
	AT_COLUMN,              /* ... one below the other                                       */
	AT_LENGTHS, AT_LAST,    /* how long sequences are, and less one                          */
	AT_CAUSAL, AT_THERE,    /* pairs that see one another; places that are there             */
	AT_END,                 /* the last place                                                */
	AT_SUM, AT_MEAN, AT_ONE,        /* weights of places, whose sum is taken ..              */
	AT_FAR,                 /* ... or that are added before the maximum                      */
	AT_POOLED, AT_LIFTED,
	AT_QKV, AT_PART, AT_HEADS, AT_READY, AT_SCORES, AT_SCALED, AT_CHANCES, AT_CONTEXT, AT_BACK,
	AT_JOINED
};

struct attention { struct value *x, *w, *b; const Onnx__Node *n; int64_t heads; int causal; };

struct mark {
	enum stage        stage, pool;       /* pool: which weights of AT_POOLED                 */
	int               part;              /* 0 q, 1 k, 2 v                                    */
	struct attention *a;
	struct value     *x;                 /* what is pooled                                   */
};

/* The product w x + b, read by a split in three, begins an attention: *begun is 1. */
tt_status marks_begin(struct net *r, const Onnx__Node *last, const struct attention *a,
                      int *begun);
/* Does the node go on with marks, or make some?  Then *done is 1. */
tt_status marks_step(struct net *r, const Onnx__Node *n, int *done);

#endif
