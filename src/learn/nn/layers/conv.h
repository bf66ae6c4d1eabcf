/* conv.h -- what convolutions share.  Private to nn/. */
#ifndef LAYERS_CONV_H
#define LAYERS_CONV_H

#include "learn/nn/layer.h"

struct conv_opts {
	LAYER_BASE;
	int                out, groups, bias, activation, init, multiplier;
	struct option_list kernel, stride, dilation, output_padding;
	const struct node *padding;
};

/* What a layer's weights are: `in` channels see `out`, in groups, through `taps` places; filters
 * are [rows, columns, sides...] with the sides of the kernel, one or two of them. */
struct filters { int64_t rows, columns, out; int sides; };

/* weight into v[1], and bias into v[2] if the layer has one. */
tt_status conv_params(struct builder *b, struct layer *l, const struct ir_attr *a,
                      const struct filters *f, struct ir_value **v);
tt_status conv_check_groups(const struct layer *l, int64_t in);

#endif
