/* Layers that slide a window over rows of numbers, channels x length: images of one row. */
#include "learn/nn/layers/conv.h"
#include "learn/nn/layers/window.h"

#define T struct conv_opts
#define STRIDE_ROWS(stride_def, stride_help) \
	OPT_DOUBLES(T, stride, stride_def, stride_help), \
	OPT_NODE   (T, padding, "zeros around the row: number, [left, right], or same " \
	                        "(out = in / stride) (0)")
static const struct option conv1d_options[] = {
	LAYER_ROWS(T),
	OPT_INT    (T, out, "0", 0, 1000000, "channels out; must be given"),
	OPT_DOUBLES(T, kernel, "3", "length of the filters"),
	STRIDE_ROWS("1", "steps of the filter"),
	OPT_DOUBLES(T, dilation, "1", "distance of the filter's taps"),
	OPT_ENUM   (T, bias, "yes", option_no_yes, "add a number per channel"),
	OPT_ENUM   (T, activation, "none", act_words, "applied to the result"),
	OPT_ENUM   (T, init, "default", layer_init_words,
	            "of the filters; default: as model.init says"),
	OPT_INT    (T, groups, "1", 1, 1000000,
	            "parts that channels are split into, each seen by itself"),
	OPT_END
};
#undef T

/* [N,C,L] as [N,C,1,L].  Where that was made of such an image it is the image itself. */
static tt_status as_image(struct builder *b, struct layer *l, struct ir_value **out)
{
	struct ir_value *x = l->in[0];
	const struct ir_attr a = { .ndim = 4, .dims = { x->desc.dim[0], x->desc.dim[1], 1,
	                                                x->desc.dim[2] } };
	const struct ir_node *made = x->maker;
	tt_status st;

	if (made && made->op == IR_RESHAPE && made->in[0]->desc.ndim == 4 &&
	    made->in[0]->desc.dim[1] == x->desc.dim[1] && made->in[0]->desc.dim[2] == 1) {
		*out = made->in[0];
		return TT_OK;
	}
	if ((st = build_op(b, l, IR_RESHAPE, &x, 1, &a)) == TT_OK)
		*out = l->out;
	return st;
}

static tt_status as_row(struct builder *b, struct layer *l)
{
	const struct tensor_desc *y = &l->out->desc;
	const struct ir_attr a = { .ndim = 3, .dims = { y->dim[0], y->dim[1], y->dim[3] } };

	return build_op(b, l, IR_RESHAPE, &l->out, 1, &a);
}

/* [out, in, k] as [out, in, 1, k]: the same numbers. */
static tt_status as_filter(struct builder *b, struct layer *l, struct ir_value **w)
{
	const int64_t *d = (*w)->desc.dim;
	const struct ir_attr a = { .ndim = 4, .dims = { d[0], d[1], 1, d[2] } };
	tt_status st = build_op(b, l, IR_RESHAPE, w, 1, &a);

	if (st == TT_OK)
		*w = l->out;
	return st;
}

static tt_status build_conv1d(struct builder *b, struct layer *l)
{
	const struct conv_opts *o = l->opts;
	const int64_t in = l->in[0]->desc.dim[1];
	const struct filters f = { o->out, in / o->groups, o->out, 1 };
	struct ir_attr a = { .groups = o->groups };
	struct ir_value *v[3] = { NULL };
	tt_status st = layer_need_dims(l, 3, "rows of numbers (channels x length)");

	if (st != TT_OK || (st = conv_check_groups(l, in)) != TT_OK ||
	    (st = window_row(l, "kernel", &o->kernel, a.kernel)) != TT_OK ||
	    (st = window_row(l, "stride", &o->stride, a.stride)) != TT_OK ||
	    (st = window_row(l, "dilation", &o->dilation, a.dilation)) != TT_OK ||
	    (st = window_row_padding(l, o->padding, &a)) != TT_OK ||
	    (st = conv_params(b, l, &a, &f, v)) != TT_OK ||
	    (st = as_filter(b, l, &v[1])) != TT_OK || (st = as_image(b, l, &v[0])) != TT_OK ||
	    (st = build_op(b, l, IR_CONV2D, v, o->bias ? 3 : 2, &a)) != TT_OK ||
	    (st = build_act(b, l, o->activation)) != TT_OK)
		return st;
	return as_row(b, l);
}

/* ---- pooling ---- */

struct pool1d_opts {
	LAYER_BASE;
	struct option_list kernel, stride;
	const struct node *padding;
	int                count_pad;
};

#define T struct pool1d_opts
static const struct option maxpool1d_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLES(T, kernel, "2", "length of the window"),
	STRIDE_ROWS(NULL, "steps of the window (as kernel)"),
	OPT_END
};

static const struct option avgpool1d_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLES(T, kernel, "2", "length of the window"),
	STRIDE_ROWS(NULL, "steps of the window (as kernel)"),
	OPT_ENUM   (T, count_pad, "yes", option_no_yes, "whether padded zeros count in the mean"),
	OPT_END
};
#undef T

static tt_status pool1d(struct builder *b, struct layer *l, enum ir_op op)
{
	const struct pool1d_opts *o = l->opts;
	struct ir_attr a = { .dilation = { 1, 1 }, .groups = 1, .count_pad = o->count_pad };
	struct ir_value *x;
	tt_status st;

	if ((st = layer_need_dims(l, 3, "rows of numbers (channels x length)")) != TT_OK ||
	    (st = window_row(l, "kernel", &o->kernel, a.kernel)) != TT_OK ||
	    (st = window_row(l, "stride", o->stride.n ? &o->stride : &o->kernel, a.stride)) != TT_OK ||
	    (st = window_row_padding(l, o->padding, &a)) != TT_OK ||
	    (st = window_check_pool(l, &a)) != TT_OK || (st = as_image(b, l, &x)) != TT_OK ||
	    (st = build_op(b, l, op, &x, 1, &a)) != TT_OK)
		return st;
	return as_row(b, l);
}

static tt_status build_maxpool1d(struct builder *b, struct layer *l)
{
	return pool1d(b, l, IR_MAXPOOL);
}

static tt_status build_avgpool1d(struct builder *b, struct layer *l)
{
	return pool1d(b, l, IR_AVGPOOL);
}

#define GROUP "rows of numbers"
const struct layer_kind
	nn_conv1d = { "conv1d", "conv", GROUP, sizeof(struct conv_opts), conv1d_options, build_conv1d,
		"convolution: filters slide along the row", TIME_REFUSED },
	nn_maxpool1d = { "maxpool1d", "pool", GROUP, sizeof(struct pool1d_opts), maxpool1d_options,
		build_maxpool1d, "largest number of each window", TIME_REFUSED },
	nn_avgpool1d = { "avgpool1d", "pool", GROUP, sizeof(struct pool1d_opts), avgpool1d_options,
		build_avgpool1d, "mean of each window", TIME_REFUSED };
