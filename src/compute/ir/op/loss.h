/* loss.h -- what losses have in common. */
#ifndef OP_LOSS_H
#define OP_LOSS_H

#include "compute/ir/op.h"

/* Behind the other inputs of a loss or its gradient, one number for each sample. */
tt_status    loss_check_weight(struct ir_node *n, int at);
/* Is there one?  Asked once for a kernel, not for a sample. */
const float *loss_weight(const struct ref_args *a, int at);
/* Scores[N,M] and label[N]; attributes. */
tt_status    loss_check_classes(struct ir_node *n);
tt_status    loss_check_delta(struct ir_node *n);
tt_status    loss_check_gamma(struct ir_node *n);
/* y and target alike. */
tt_status    loss_infer(struct ir_node *n, struct tensor_desc *out);
tt_status    loss_infer_dx(struct ir_node *n, struct tensor_desc *out);
/* A loss is differentiated by its first input only.  dy is the gradient by the loss itself: the
 * seed, times whatever stands between. */
tt_status    loss_grad(struct ir_backward *b, struct ir_node *n, struct ir_value *dy,
                       enum ir_op op);
size_t       ctc_scratch(const struct ir_node *n);

#endif
