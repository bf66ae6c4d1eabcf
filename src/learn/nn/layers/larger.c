/* Layers that make larger images: conv_transpose2d, upsample. */
#include "learn/nn/layers/conv.h"
#include "learn/nn/layers/window.h"

#define SIDE_MAX (1 << 24)

#define T struct conv_opts
static const struct option transpose_options[] = {
	LAYER_ROWS(T),
	OPT_INT    (T, out, "0", 0, 1000000, "channels out; must be given"),
	OPT_DOUBLES(T, kernel, "3", "side of the filters: number or [height, width]"),
	OPT_DOUBLES(T, stride, "1", "how many times as large: number or [height, width]"),
	OPT_NODE   (T, padding, "taken off around the result: number, [height, width] or "
	                        "[top, left, bottom, right] (0)"),
	OPT_DOUBLES(T, output_padding, "0", "added at bottom and right: number or [height, width]"),
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

/* What a convolution steps over is less than its stride.  More of output_padding undoes padding,
 * and then makes rows that no filter reaches: their number. */
static int64_t unreached(struct ir_attr *a, int i, int64_t extra)
{
	const int64_t more = extra > a->stride[i] - 1 ? extra - (a->stride[i] - 1) : 0;
	const int64_t undone = more < a->pad[2 + i] ? more : a->pad[2 + i];

	a->pad[2 + i] -= (int)undone;
	return more - undone;
}

/* The side of an image whose convolution would be one of side n; zeros: how many it gets more. */
static tt_status side_out(const struct layer *l, struct ir_attr *a, int i, int64_t *zeros)
{
	const struct option_list *padding = &((const struct conv_opts *)l->opts)->output_padding;
	const double extra = padding->v[i % (int)padding->n];
	const int64_t reach = (int64_t)a->dilation[i] * (a->kernel[i] - 1) + 1;
	int64_t side = (l->in[0]->desc.dim[2 + i] - 1) * a->stride[i] + reach;

	if (extra != (int)extra || extra < 0 || (extra >= a->stride[i] && extra >= a->dilation[i]))
		return layer_err(l, TT_ESPEC, "output_padding is %g, but must be a whole number below the "
		                 "stride %d or the dilation %d", extra, a->stride[i], a->dilation[i]);
	side += (int64_t)extra - a->pad[i] - a->pad[2 + i];
	*zeros = unreached(a, i, (int64_t)extra);
	a->dims[2 + i] = side - *zeros;
	if (a->dims[2 + i] < 1)
		return layer_err(l, TT_ESHAPE, "padding %d and %d leave nothing of the image", a->pad[i],
		                 a->pad[2 + i]);
	return TT_OK;
}

static tt_status transpose_attr(const struct layer *l, struct ir_attr *a, int64_t zeros[2])
{
	const struct conv_opts *o = l->opts;
	tt_status st;

	if ((st = layer_need_dims(l, 4, "images (channels x height x width)")) != TT_OK ||
	    (st = conv_check_groups(l, l->in[0]->desc.dim[1])) != TT_OK ||
	    (st = window_pair(l, "kernel", &o->kernel, a->kernel)) != TT_OK ||
	    (st = window_pair(l, "stride", &o->stride, a->stride)) != TT_OK ||
	    (st = window_pair(l, "dilation", &o->dilation, a->dilation)) != TT_OK)
		return st;
	if (o->output_padding.n != 1 && o->output_padding.n != 2)
		return layer_err(l, TT_ESPEC, "output_padding must be a number or [height, width]");
	if (!node_absent(o->padding) && o->padding->kind == NODE_TEXT && *o->padding->text == 's')
		return layer_err(l, TT_ESPEC, "padding must be a number or a list of them here");
	if ((st = window_padding(l, o->padding, a)) != TT_OK ||
	    (st = side_out(l, a, 0, &zeros[0])) != TT_OK)
		return st;
	return side_out(l, a, 1, &zeros[1]);
}

/* The gradient of a convolution by its input: PyTorch's weights, [in, out/groups, kh, kw], are that
 * convolution's. */
static tt_status build_conv_transpose2d(struct builder *b, struct layer *l)
{
	const struct conv_opts *o = l->opts;
	const struct tensor_desc *x = &l->in[0]->desc;
	struct ir_attr a = { .groups = o->groups, .ndim = 4, .dims = { x->dim[0], o->out } };
	const struct filters f = { x->dim[1], o->out / o->groups, o->out, 2 };
	struct ir_value *v[3] = { l->in[0] };
	int64_t zeros[2];
	tt_status st;

	if ((st = transpose_attr(l, &a, zeros)) != TT_OK ||
	    (st = conv_params(b, l, &a, &f, v)) != TT_OK ||
	    (st = build_op(b, l, IR_CONV2D_DX, v, 2, &a)) != TT_OK)
		return st;
	for (int i = 0; i < 2; i++) {
		const struct ir_attr more = { .axis = 2 + i, .size = a.dims[2 + i] + zeros[i] };

		if (zeros[i] && (st = build_op(b, l, IR_PAD, &l->out, 1, &more)) != TT_OK)
			return st;
	}
	v[1] = l->out;                          /* and its bias in v[2] */
	if (o->bias && (st = build_op(b, l, IR_BIAS, &v[1], 2, NULL)) != TT_OK)
		return st;
	return build_act(b, l, o->activation);
}

struct upsample_opts {
	LAYER_BASE;
	struct option_list scale, size;
	int                mode;
};
static const char *const mode_words[] = { "nearest", "bilinear", NULL };     /* enum ir_resize */

#define T struct upsample_opts
static const struct option upsample_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLES(T, scale, "2", "how many times as large: whole number or [height, width]"),
	OPT_DOUBLES(T, size, NULL, "of the result, [height, width], instead of scale"),
	OPT_ENUM   (T, mode, "nearest", mode_words,
	            "the nearest pixel, or between the four around it (corners not aligned)"),
	OPT_END
};
#undef T

static tt_status build_upsample(struct builder *b, struct layer *l)
{
	const struct upsample_opts *o = l->opts;
	const struct tensor_desc *x = &l->in[0]->desc;
	const struct option_list *v = o->size.n ? &o->size : &o->scale;
	struct ir_attr a = { .resize = (enum ir_resize)o->mode, .ndim = 4,
	                     .dims = { x->dim[0], x->dim[1] } };
	tt_status st = layer_need_dims(l, 4, "images (channels x height x width)");

	if (st != TT_OK)
		return st;
	if (v->n != 1 && v->n != 2)
		return layer_err(l, TT_ESPEC, "scale and size are a number or [height, width]");
	for (int i = 0; i < 2; i++) {
		const double side = v->v[i % (int)v->n] * (o->size.n ? 1.0 : (double)x->dim[2 + i]);

		if (!(v->v[i % (int)v->n] >= 1 && side <= SIDE_MAX) || side != (double)(int64_t)side)
			return layer_err(l, TT_ESPEC, "makes a side of %g: sides are whole numbers in 1 ... %d",
			                 side, SIDE_MAX);
		a.dims[2 + i] = (int64_t)side;
	}
	return build_op(b, l, IR_RESIZE, l->in, 1, &a);
}

#define GROUP "images"
const struct layer_kind
	nn_conv_transpose2d = { "conv_transpose2d", "deconv", GROUP, sizeof(struct conv_opts),
		transpose_options, build_conv_transpose2d,
		"transposed convolution: every pixel becomes a filter of pixels, which are added",
		TIME_REFUSED },
	nn_upsample = { "upsample", "up", GROUP, sizeof(struct upsample_opts), upsample_options,
		build_upsample, "a larger image of the same channels", TIME_REFUSED };
