/* Layers that slide a window over images: convolution and pooling. */
#include "learn/nn/layers/conv.h"

#include <string.h>

#include "learn/nn/layers/window.h"

const char *const layer_init_words[] = {
	"default", "he", "glorot", "lecun", "uniform", "normal", "zeros", "torch", NULL
};

#define T struct conv_opts
#define WINDOW_ROWS(stride_def, stride_help) \
	OPT_DOUBLES(T, stride, stride_def, stride_help), \
	OPT_NODE   (T, padding, "zeros around the image: number, [height, width], " \
	                        "[top, left, bottom, right], or same (out = in / stride) (0)")
#define CONV_ROWS \
	OPT_DOUBLES(T, kernel, "3", "side of the filters: number or [height, width]"), \
	WINDOW_ROWS("1", "steps of the filter: number or [height, width]"), \
	OPT_DOUBLES(T, dilation, "1", "distance of the filter's taps"), \
	OPT_ENUM   (T, bias, "yes", option_no_yes, "add a number per channel"), \
	OPT_ENUM   (T, activation, "none", act_words, "applied to the result"), \
	OPT_ENUM   (T, init, "default", layer_init_words, "of the filters; default: as model.init says")

static const struct option conv_options[] = {
	LAYER_ROWS(T),
	OPT_INT(T, out, "0", 0, 1000000, "channels out; must be given"),
	CONV_ROWS,
	OPT_INT(T, groups, "1", 1, 1000000, "parts that channels are split into, each seen by itself"),
	OPT_END
};

static const struct option depthwise_options[] = {
	LAYER_ROWS(T),
	OPT_INT(T, multiplier, "1", 1, 1000, "channels out for each channel in"),
	CONV_ROWS,
	OPT_END
};
#undef T

static tt_status conv_attr(const struct layer *l, const struct conv_opts *o, struct ir_attr *a)
{
	tt_status st;

	if ((st = layer_need_dims(l, 4, "images (channels x height x width)")) != TT_OK ||
	    (st = window_pair(l, "kernel", &o->kernel, a->kernel)) != TT_OK ||
	    (st = window_pair(l, "stride", &o->stride, a->stride)) != TT_OK ||
	    (st = window_pair(l, "dilation", &o->dilation, a->dilation)) != TT_OK)
		return st;
	return window_padding(l, o->padding, a);
}

/* As PyTorch counts: a filter sees columns * taps numbers, and rows * taps see each of them. */
tt_status conv_params(struct builder *b, struct layer *l, const struct ir_attr *a,
                      const struct filters *f, struct ir_value **v)
{
	const struct conv_opts *o = l->opts;
	const int64_t taps = (int64_t)a->kernel[0] * a->kernel[1];
	struct want w = { .what = "weight", .ndim = 2 + f->sides, .dim = { f->rows, f->columns } };
	tt_status st;

	for (int i = 0; i < f->sides; i++)
		w.dim[2 + i] = a->kernel[2 - f->sides + i];
	w.init = build_weight_init(b, o->init, f->columns * taps, f->rows * taps);
	if ((st = build_param(b, l, &w, &v[1])) != TT_OK || !o->bias)
		return st;
	struct want bias = { .what = "bias", .ndim = 1, .dim = { f->out }, .role = PARAM_BIAS,
	                     .init = build_bias_init(&w.init) };

	return build_param(b, l, &bias, &v[2]);
}

tt_status conv_check_groups(const struct layer *l, int64_t in)
{
	const struct conv_opts *o = l->opts;

	if (o->out == 0)
		return layer_err(l, TT_ESPEC, "needs `out`, its number of channels");
	if (in % o->groups || o->out % o->groups)
		return layer_err(l, TT_ESHAPE, "%lld channels in and %d out do not divide into %d groups",
		                 (long long)in, o->out, o->groups);
	return TT_OK;
}

/* out and groups are checked against the channels of the input. */
static tt_status conv(struct builder *b, struct layer *l, int64_t out, int groups)
{
	const struct conv_opts *o = l->opts;
	const struct filters f = { out, l->in[0]->desc.dim[1] / groups, out, 2 };
	struct ir_attr a = { .groups = groups };
	struct ir_value *v[3] = { l->in[0] };
	tt_status st;

	if ((st = conv_attr(l, o, &a)) != TT_OK || (st = conv_params(b, l, &a, &f, v)) != TT_OK ||
	    (st = build_op(b, l, IR_CONV2D, v, o->bias ? 3 : 2, &a)) != TT_OK)
		return st;
	return build_act(b, l, o->activation);
}

static tt_status build_conv2d(struct builder *b, struct layer *l)
{
	const struct conv_opts *o = l->opts;
	tt_status st = layer_need_dims(l, 4, "images (channels x height x width)");

	if (st != TT_OK || (st = conv_check_groups(l, l->in[0]->desc.dim[1])) != TT_OK)
		return st;
	return conv(b, l, o->out, o->groups);
}

static tt_status build_depthwise(struct builder *b, struct layer *l)
{
	const struct conv_opts *o = l->opts;
	tt_status st = layer_need_dims(l, 4, "images (channels x height x width)");
	int64_t in = l->in[0]->desc.dim[1];

	if (st != TT_OK)
		return st;
	if (in > 1000000)
		return layer_err(l, TT_ESHAPE, "%lld channels are too many", (long long)in);
	return conv(b, l, in * o->multiplier, (int)in);
}

/* ---- pooling ---- */

enum pool { POOL_AVG, POOL_MAX };
static const char *const pool_words[] = { "avg", "max", NULL };

struct pool_opts {
	LAYER_BASE;
	struct option_list kernel, stride;
	const struct node *padding;
	int                count_pad, pool, keepdims;
};

#define T struct pool_opts
static const struct option maxpool_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLES(T, kernel, "2", "side of the window: number or [height, width]"),
	WINDOW_ROWS(NULL, "steps of the window (as kernel)"),
	OPT_END
};

static const struct option avgpool_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLES(T, kernel, "2", "side of the window: number or [height, width]"),
	WINDOW_ROWS(NULL, "steps of the window (as kernel)"),
	OPT_ENUM(T, count_pad, "yes", option_no_yes, "whether padded zeros count in the mean"),
	OPT_END
};

static const struct option globalpool_options[] = {
	LAYER_ROWS(T),
	OPT_ENUM(T, pool, "avg", pool_words, "what is taken of each channel"),
	OPT_ENUM(T, keepdims, "no", option_no_yes,
	         "channels x 1 x 1 instead of a plain list of features"),
	OPT_END
};
#undef T

static tt_status pool(struct builder *b, struct layer *l, enum ir_op op)
{
	const struct pool_opts *o = l->opts;
	struct ir_attr a = { .dilation = { 1, 1 }, .groups = 1, .count_pad = o->count_pad };
	tt_status st;

	if ((st = layer_need_dims(l, 4, "images (channels x height x width)")) != TT_OK ||
	    (st = window_pair(l, "kernel", &o->kernel, a.kernel)) != TT_OK ||
	    (st = window_pair(l, "stride", o->stride.n ? &o->stride : &o->kernel, a.stride)) != TT_OK ||
	    (st = window_padding(l, o->padding, &a)) != TT_OK ||
	    (st = window_check_pool(l, &a)) != TT_OK)
		return st;
	return build_op(b, l, op, l->in, 1, &a);
}

static tt_status build_maxpool(struct builder *b, struct layer *l)
{
	return pool(b, l, IR_MAXPOOL);
}

static tt_status build_avgpool(struct builder *b, struct layer *l)
{
	return pool(b, l, IR_AVGPOOL);
}

/* Rows are images of one row; what is left of a channel is one number, whatever it was. */
static tt_status build_globalpool(struct builder *b, struct layer *l)
{
	const struct pool_opts *o = l->opts;
	const struct tensor_desc *x = &l->in[0]->desc;
	const int row = x->ndim == 3;
	struct ir_attr a = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1, .count_pad = 1 };
	struct ir_attr image = { .ndim = 4, .dims = { x->dim[0], x->dim[1], 1, x->dim[2] } };
	struct ir_attr left = { .ndim = o->keepdims ? x->ndim : 2,
	                        .dims = { x->dim[0], x->dim[1], 1, 1 } };
	tt_status st = row ? TT_OK : layer_need_dims(l, 4, "images (channels x height x width)");

	if (st != TT_OK)
		return st;
	if (x->dim[2] > INT32_MAX || (!row && x->dim[3] > INT32_MAX))
		return layer_err(l, TT_ESHAPE, "the image is too large");
	a.kernel[0] = row ? 1 : (int)x->dim[2];
	a.kernel[1] = (int)x->dim[row ? 2 : 3];
	l->out = l->in[0];
	if ((row && (st = build_op(b, l, IR_RESHAPE, l->in, 1, &image)) != TT_OK) ||
	    (st = build_op(b, l, o->pool == POOL_MAX ? IR_MAXPOOL : IR_AVGPOOL, &l->out, 1,
	                   &a)) != TT_OK)
		return st;
	return o->keepdims && !row ? TT_OK : build_op(b, l, IR_RESHAPE, &l->out, 1, &left);
}

#define GROUP "images"
const struct layer_kind
	nn_conv2d = { "conv2d", "conv", GROUP, sizeof(struct conv_opts), conv_options, build_conv2d,
		"convolution: filters slide over the image", TIME_REFUSED },
	nn_depthwise2d = { "depthwise2d", "conv", GROUP, sizeof(struct conv_opts), depthwise_options,
		build_depthwise, "convolution of every channel by itself", TIME_REFUSED },
	nn_maxpool = { "maxpool", "pool", GROUP, sizeof(struct pool_opts), maxpool_options,
		build_maxpool, "largest number of each window", TIME_REFUSED },
	nn_avgpool = { "avgpool", "pool", GROUP, sizeof(struct pool_opts), avgpool_options,
		build_avgpool, "mean of each window", TIME_REFUSED },
	nn_globalpool = { "globalpool", "pool", GROUP, sizeof(struct pool_opts), globalpool_options,
		build_globalpool, "mean or largest number of each channel", TIME_REFUSED };
