/* window.h -- how settings describe a window: sides, steps, padding.  Private to nn/. */
#ifndef LAYERS_WINDOW_H
#define LAYERS_WINDOW_H

#include "learn/nn/layer.h"

/* One number for both directions, or [height, width]; each at least 1. */
tt_status window_pair(const struct layer *l, const char *key, const struct option_list *v,
                      int out[2]);

/* a->pad from a number, [h, w], [top, left, bottom, right] or `same`, after kernel, stride and
 * dilation are set.  `same` gives ceil(in / stride); an odd zero goes to the bottom and right. */
tt_status window_padding(const struct layer *l, const struct node *padding, struct ir_attr *a);
/* Of a pool's window none may lie in the padding alone. */
tt_status window_check_pool(const struct layer *l, const struct ir_attr *a);

/* The same of a row, channels x length, as an image of one row: out is { 1, number }; padding is a
 * number, [left, right] or `same`. */
tt_status window_row(const struct layer *l, const char *key, const struct option_list *v,
                     int out[2]);
tt_status window_row_padding(const struct layer *l, const struct node *padding, struct ir_attr *a);

#endif
