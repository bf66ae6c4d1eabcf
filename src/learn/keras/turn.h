/* turn.h -- how Keras lays out what tutti has: channels last.
 *
 *   convolution   [out, in, h, w]     <->  (h, w, in, out)
 *   dense         [out, in]           <->  (in, out); behind a flatten, rows in the order h, w, c
 *   norm          [n]                 <->  (n), likewise
 *
 * Which parameter is what, and what lies behind a flatten, is read off the model's graph. */
#ifndef KERAS_TURN_H
#define KERAS_TURN_H

#include "learn/nn/model.h"

enum turn_kind { TURN_PLAIN, TURN_CONV, TURN_DENSE };
struct turn {
	enum turn_kind kind;
	int64_t        c, s;        /* features were c channels of s places; 0: they were not */
	int64_t        times;       /* CONV of each channel by itself: filters for each; else 0 */
};
/* By the numbers of parameters and buffers; owned, one piece: mem_free(t->param). */
struct turns { struct turn *param, *buffer; };

/* TT_ESUPPORT names a layer that reads flattened images in a way that no order can be kept. */
tt_status turns_find(struct turns *out, const struct tt_model *m);
/* The shape that Keras has of p. */
struct tensor_desc turn_shape(const struct turn *t, const struct param *p);
void turn_in(const struct turn *t, const struct param *p, const float *theirs, float *ours);
void turn_out(const struct turn *t, const struct param *p, const float *ours, float *theirs);

#endif
