/* Layers that work on dimensions: pad, slice, transpose, reduce.  Dimension 0 is the batch, which
 * stays as it is. */
#include "learn/nn/layers/window.h"

struct pad_opts {
	LAYER_BASE;
	const struct node *padding;
	double             value;
};

#define T struct pad_opts
static const struct option pad_options[] = {
	LAYER_ROWS(T),
	OPT_NODE  (T, padding, "around images: number, [height, width] or [top, left, bottom, right]; "
	                       "around rows: number or [left, right]"),
	OPT_DOUBLE(T, value, "0", -1e6, 1e6, "of what is added"),
	OPT_END
};
#undef T

/* before and after along axis. */
static tt_status pad_axis(struct builder *b, struct layer *l, int axis, const int by[2])
{
	const int64_t is = l->out->desc.dim[axis];
	const struct ir_attr a = { .axis = axis, .start = by[0], .size = by[0] + is + by[1],
	                           .alpha = (float)((const struct pad_opts *)l->opts)->value };

	return by[0] + by[1] == 0 ? TT_OK : build_op(b, l, IR_PAD, &l->out, 1, &a);
}

static tt_status build_pad(struct builder *b, struct layer *l)
{
	const struct pad_opts *o = l->opts;
	const int row = l->in[0]->desc.ndim == 3;
	struct ir_attr a = { .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } };
	tt_status st;

	if (!row && (st = layer_need_dims(l, 4, "images or rows of numbers")) != TT_OK)
		return st;
	if (node_absent(o->padding))
		return layer_err(l, TT_ESPEC, "needs `padding`");
	st = row ? window_row_padding(l, o->padding, &a) : window_padding(l, o->padding, &a);
	l->out = l->in[0];
	if (st != TT_OK ||
	    (!row && (st = pad_axis(b, l, 2, (const int[]){ a.pad[0], a.pad[2] })) != TT_OK))
		return st;
	return pad_axis(b, l, row ? 2 : 3, (const int[]){ a.pad[1], a.pad[3] });
}

struct slice_opts {
	LAYER_BASE;
	int axis, start, size;
};

#define T struct slice_opts
static const struct option slice_options[] = {
	LAYER_ROWS(T),
	OPT_INT(T, axis, "1", 1, TENSOR_MAX_DIMS - 1, "which dimension; 1 is channels or features"),
	OPT_INT(T, start, "0", 0, 2147483647, "the first that is taken"),
	OPT_INT(T, size, "0", 0, 2147483647, "how many are taken; 0: all that follow"),
	OPT_END
};
#undef T

static tt_status build_slice(struct builder *b, struct layer *l)
{
	const struct slice_opts *o = l->opts;
	const struct tensor_desc *x = &l->in[0]->desc;
	struct ir_attr a = { .axis = o->axis, .start = o->start, .size = o->size };
	char text[LAYER_VALUE_TEXT];

	if (o->axis < x->ndim && a.size == 0)
		a.size = x->dim[o->axis] - a.start;
	if (o->axis >= x->ndim || a.size < 1 || a.start + a.size > x->dim[o->axis])
		return layer_err(l, TT_ESHAPE, "takes %lld from %d on along axis %d, but gets %s",
		                 (long long)a.size, o->start, o->axis, layer_value_text(l->in[0], text));
	return build_op(b, l, IR_SLICE, l->in, 1, &a);
}

/* A list of dimensions of x but the batch, each at most once, as bits; NULL order: none is kept. */
static tt_status read_dims(const struct layer *l, const struct option_list *list, unsigned *seen,
                           int *order)
{
	const int ndim = l->in[0]->desc.ndim;

	*seen = 0;
	for (size_t i = 0; i < list->n; i++) {
		const double v = list->v[i];

		if (!(v >= 1 && v < ndim) || v != (int)v || *seen >> (int)v & 1)
			return layer_err(l, TT_ESPEC, "dimension %g: each may be named once, from 1 to %d; 0 "
			                 "is the batch", v, ndim - 1);
		*seen |= 1u << (int)v;
		if (order)
			order[i] = (int)v;
	}
	return TT_OK;
}

struct transpose_opts {
	LAYER_BASE;
	struct option_list dims;
};

#define T struct transpose_opts
static const struct option transpose_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLES(T, dims, NULL, "which dimension comes first, second, ...: [2, 1] turns channels x "
	                           "length; by default the other way round; the batch, 0, stays"),
	OPT_END
};
#undef T

static tt_status build_transpose(struct builder *b, struct layer *l)
{
	const struct option_list *dims = &((const struct transpose_opts *)l->opts)->dims;
	const int n = l->in[0]->desc.ndim - 1;
	struct ir_attr a = { .perm = { 0 } };
	unsigned seen;
	tt_status st = read_dims(l, dims, &seen, &a.perm[1]);

	if (st != TT_OK)
		return st;
	if (dims->n != 0 && dims->n != (size_t)n)
		return layer_err(l, TT_ESPEC, "names %zu of %d dimensions", dims->n, n);
	for (int i = 1; i <= n && dims->n == 0; i++)
		a.perm[i] = n + 1 - i;
	if (n < 2) {                            /* an order of one is none */
		l->out = l->in[0];
		return TT_OK;
	}
	return build_op(b, l, IR_TRANSPOSE, l->in, 1, &a);
}

struct reduce_opts {
	LAYER_BASE;
	int                op, keepdims;
	struct option_list axis;
};
static const char *const reduce_words[] = { "sum", "mean", "max", NULL };   /* enum ir_reduce */

#define T struct reduce_opts
static const struct option reduce_options[] = {
	LAYER_ROWS(T),
	OPT_ENUM   (T, op, "mean", reduce_words, "what becomes of the numbers"),
	OPT_DOUBLES(T, axis, "1", "over which dimensions: number or list"),
	OPT_ENUM   (T, keepdims, "no", option_no_yes, "whether they stay, as 1"),
	OPT_END
};
#undef T

/* A sample of which one number is left has one feature. */
static tt_status build_reduce(struct builder *b, struct layer *l)
{
	const struct reduce_opts *o = l->opts;
	const struct tensor_desc *x = &l->in[0]->desc;
	const struct ir_attr feature = { .ndim = 2, .dims = { x->dim[0], 1 } };
	struct ir_attr a = { .reduce = (enum ir_reduce)o->op, .keep = o->keepdims };
	tt_status st = read_dims(l, &o->axis, &a.axes, NULL);

	if (st == TT_OK && !a.axes)
		st = layer_err(l, TT_ESPEC, "needs `axis`, at least one");
	if (st != TT_OK || (st = build_op(b, l, IR_REDUCE, l->in, 1, &a)) != TT_OK)
		return st;
	return l->out->desc.ndim > 1 ? TT_OK : build_op(b, l, IR_RESHAPE, &l->out, 1, &feature);
}

#define GROUP "shapes and branches"
const struct layer_kind
	nn_pad = { "pad", "pad", GROUP, sizeof(struct pad_opts), pad_options, build_pad,
		"a frame of one number around images or rows", TIME_REFUSED },
	nn_slice = { "slice", "slice", GROUP, sizeof(struct slice_opts), slice_options, build_slice,
		"some of the channels, features or places", TIME_REFUSED },
	nn_transpose = { "transpose", "transpose", GROUP, sizeof(struct transpose_opts),
		transpose_options, build_transpose, "dimensions in another order", TIME_REFUSED },
	nn_reduce = { "reduce", "reduce", GROUP, sizeof(struct reduce_opts), reduce_options,
		build_reduce, "sum, mean or maximum over dimensions", TIME_REFUSED };
