/* act.h -- activations that hand a NaN on, and softmax.
 *
 * Libraries take the larger of two numbers where a relu, or the bounds of an exponential, are
 * meant, and so make a number of what is none: a training that has diverged would go on. */
#ifndef CPU_ACT_H
#define CPU_ACT_H

#include "compute/ir/graph.h"

/* Numbers lie alike in x and y, which may be the same. */
struct act { enum ir_act act; float alpha; int64_t n; };

int  act_knows(enum ir_act act);                 /* does it have a kernel here? */
void act_forward(const struct act *a, const float *x, float *y);
void act_forward_bf16(const struct act *a, const uint16_t *x, uint16_t *y);

/* y = max(a + b, 0); y may be either. */
struct act_sum { const void *a, *b; void *y; int64_t n; };
void act_add_relu(const struct act_sum *s);
void act_add_relu_bf16(const struct act_sum *s);

/* y = softmax(x) of each row; y may be x. */
void act_softmax(const float *x, int64_t rows, int64_t width, float *y);

#endif
