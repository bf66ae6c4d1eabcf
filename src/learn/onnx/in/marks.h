/* marks.h -- values on the way to a layer that ONNX says in many nodes: numbers of places, pooling
 * of sequences whose lengths differ, masks and waves.
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
	AT_LOWER, AT_UPPER,     /* pairs that see one another are 1, those that do not           */
	AT_BARRED,              /* added to scores: 0, or less than anything                     */
	AT_TURN, AT_COS, AT_SIN, AT_WAVES       /* waves of places, see positions and rotary     */
};

struct mark {
	enum stage        stage, pool;       /* pool: which weights of AT_POOLED                 */
	int64_t           wide;              /* of waves: features                               */
	struct value     *x;                 /* what is pooled                                   */
};

/* Does the node go on with marks, or make some?  Then *done is 1. */
tt_status marks_step(struct net *r, const Onnx__Node *n, int *done);

#endif
