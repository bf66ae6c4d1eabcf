/* place.h -- where each parameter and buffer lies in its flat vector. */
#ifndef NN_PLACE_H
#define NN_PLACE_H

#include "base/pattern.h"
#include "learn/nn/model.h"

/* Offsets of a model whose tables are collected: what is trained in the order of layers, behind it
 * what is frozen; of members one after the other. */
void      nn_place(struct tt_model *m);
/* Has each pattern of `key` fitted a parameter?  TT_ESPEC: the first that has not, and the name
 * that is nearest. */
tt_status nn_check_used(const struct pattern_list *l, const struct tt_model *m, const char *key);

#endif
