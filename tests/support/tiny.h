/* tiny.h -- the smallest trainings that still have everything: a second holds hundreds of steps. */
#ifndef SUPPORT_TINY_H
#define SUPPORT_TINY_H

#include <tutti/session.h>
#include <tutti/train.h>

/* Convolution, batch norm, dropout, Adam, shuffled and augmented pictures of 3 classes, a short
 * last batch, validation: 4 steps (16 + 16 + 16 + 2 samples) an epoch. */
extern const char tiny_conv[];
/* Two dense layers over synth pictures, SGD with momentum: 3 steps (16 + 16 + 8) an epoch. */
extern const char tiny_mlp[];

/* A spec of this text, with "key", "value" pairs set after it; NULL ends them. */
tt_spec *tiny_spec(const char *text, ...) __attribute__((sentinel));
/* The model of such a spec. */
tt_model *tiny_model(const char *text, ...) __attribute__((sentinel));

#endif
