/* rows.h -- the operators of ONNX that tutti reads.  Private to this folder. */
#ifndef ONNX_IN_ROWS_H
#define ONNX_IN_ROWS_H

#include "learn/onnx/in/net.h"

/* A layer of one input, whose output is that of node n. */
#define SAY(r, n, name, x, ndim, dim, ...) \
	onnx_say(r, &(struct saying){ n, name, (struct value *const[]){ x }, 1, ndim, dim }, \
	         __VA_ARGS__)

#define IN_OPS(X) \
	X(conv) X(conv_transpose) X(pool) X(global_pool) X(gemm) X(matmul) X(batchnorm) \
	X(instancenorm) X(layernorm) X(lrn) X(prelu) X(embedding) \
	X(act) X(clip) X(hard) X(sigmoid) X(softmax) X(same) X(add) X(sub) X(mul) X(div) \
	X(concat) X(flatten) X(reshape) X(squeeze) X(unsqueeze) X(transpose) X(slice) \
	X(split) X(pad) X(reduce) X(gather) X(resize) \
	X(recurrent) X(scaler) X(linear_classifier) X(linear_regressor)
#define X(op) tt_status in_##op(struct net *r, const Onnx__Node *n);
IN_OPS(X)
#undef X

/* The first input times a list, and perhaps a sum with another behind it: its mean and
 * deviation. */
tt_status scaled_features(struct net *r, const Onnx__Node *n, struct value *x,
                          const struct value *by, int *said);
/* Two classes of one score: sigmoid, and what is left of 1 before it. *said: it is so. */
tt_status two_classes(struct net *r, const Onnx__Node *n, struct value *x, int *said);

#endif
