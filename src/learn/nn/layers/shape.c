/* Layers that move numbers and join branches: flatten, reshape, add, multiply, concat. */
#include "learn/nn/layer.h"

struct plain_opts { LAYER_BASE; };

static const struct option plain_options[] = { LAYER_ROWS(struct plain_opts), OPT_END };

static tt_status build_flatten(struct builder *b, struct layer *l)
{
	const struct tensor_desc *x = &l->in[0]->desc;
	struct ir_attr a = { .ndim = 2, .dims = { x->dim[0], tensor_count(x) / x->dim[0] } };

	return build_op(b, l, IR_RESHAPE, l->in, 1, &a);
}

struct reshape_opts {
	LAYER_BASE;
	struct option_list shape;
};

#define T struct reshape_opts
static const struct option reshape_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLES(T, shape, NULL, "of a sample, without the batch; one -1 stands for what is left"),
	OPT_END
};
#undef T

/* dims[1..] from the setting; *open is the place of the -1, 0 without. */
static tt_status read_shape(const struct layer *l, struct ir_attr *a, int *open)
{
	const struct option_list *s = &((const struct reshape_opts *)l->opts)->shape;

	if (s->n == 0 || s->n >= TENSOR_MAX_DIMS)
		return layer_err(l, TT_ESPEC, "needs `shape`, a list of 1 to %d numbers",
		                 TENSOR_MAX_DIMS - 1);
	a->ndim = (int)s->n + 1;
	for (size_t i = 0; i < s->n; i++) {
		double v = s->v[i];

		if ((v == -1 && *open) || (v != -1 && !(v >= 1 && v <= INT32_MAX)) || v != (int64_t)v)
			return layer_err(l, TT_ESPEC, "shape must hold whole numbers and at most one -1");
		a->dims[i + 1] = (int64_t)v;
		if (v == -1)
			*open = (int)i + 1;
	}
	return TT_OK;
}

static tt_status build_reshape(struct builder *b, struct layer *l)
{
	const struct tensor_desc *x = &l->in[0]->desc;
	struct ir_attr a = { .dims = { x->dim[0] } };
	int64_t rest = tensor_count(x) / x->dim[0];
	char text[LAYER_VALUE_TEXT];
	int open = 0;
	tt_status st;

	if ((st = read_shape(l, &a, &open)) != TT_OK)
		return st;
	for (int i = 1; open && i < a.ndim; i++) {
		if (i != open && rest % a.dims[i])
			return layer_err(l, TT_ESHAPE, "%s does not divide into this shape",
			                 layer_value_text(l->in[0], text));
		rest = i == open ? rest : rest / a.dims[i];
	}
	if (open)
		a.dims[open] = rest;
	return build_op(b, l, IR_RESHAPE, l->in, 1, &a);
}

struct join_opts {
	LAYER_BASE;
	int axis, activation;
};

#define T struct join_opts
static const struct option add_options[] = {
	LAYER_ROWS(T),
	OPT_ENUM(T, activation, "none", act_words, "applied to the result"),
	OPT_END
};

static const struct option concat_options[] = {
	LAYER_ROWS(T),
	OPT_INT(T, axis, "1", 1, TENSOR_MAX_DIMS - 1,
	        "along which to join; 0 is the batch, 1 channels or features"),
	OPT_END
};
#undef T

static tt_status build_add(struct builder *b, struct layer *l)
{
	struct ir_value *sum[2] = { l->in[0] };

	if (l->n_in < 2)
		return layer_err(l, TT_ESPEC, "needs `from`, a list of two or more layers");
	for (int i = 1; i < l->n_in; i++) {
		tt_status st;

		sum[1] = l->in[i];
		if ((st = build_op(b, l, IR_ADD, sum, 2, NULL)) != TT_OK)
			return st;
		sum[0] = l->out;
	}
	return build_act(b, l, ((const struct join_opts *)l->opts)->activation);
}

/* The shape of both, where dimensions of 1 are repeated. */
static tt_status common_shape(const struct layer *l, const struct tensor_desc *x,
                              const struct ir_value *v, struct ir_attr *a)
{
	const struct tensor_desc *y = &v->desc;
	char text[LAYER_VALUE_TEXT], is[TENSOR_TEXT];

	*a = (struct ir_attr){ .ndim = x->ndim };
	for (int i = 0; i < x->ndim && x->ndim == y->ndim; i++) {
		a->dims[i] = x->dim[i] > 1 ? x->dim[i] : y->dim[i];
		if (x->dim[i] != y->dim[i] && x->dim[i] != 1 && y->dim[i] != 1)
			a->ndim = 0;
	}
	if (a->ndim == 0 || x->ndim != y->ndim)
		return layer_err(l, TT_ESHAPE, "%s cannot be multiplied with %s: dimensions are equal, "
		                 "or 1", layer_value_text(v, text), tensor_text(x, is));
	return TT_OK;
}

static tt_status repeated(struct builder *b, struct layer *l, const struct ir_attr *to,
                          struct ir_value **v)
{
	const struct tensor_desc want = tensor_desc_make(DTYPE_F32, to->ndim, to->dims);
	tt_status st;

	if (tensor_same(&want, &(*v)->desc))
		return TT_OK;
	if ((st = build_op(b, l, IR_BROADCAST, v, 1, to)) == TT_OK)
		*v = l->out;
	return st;
}

static tt_status build_multiply(struct builder *b, struct layer *l)
{
	struct ir_value *v[2] = { l->in[0] };
	struct ir_attr to;
	tt_status st;

	if (l->n_in < 2)
		return layer_err(l, TT_ESPEC, "needs `from`, a list of two or more layers");
	for (int i = 1; i < l->n_in; i++) {
		v[1] = l->in[i];
		if ((st = common_shape(l, &v[0]->desc, v[1], &to)) != TT_OK ||
		    (st = repeated(b, l, &to, &v[0])) != TT_OK ||
		    (st = repeated(b, l, &to, &v[1])) != TT_OK ||
		    (st = build_op(b, l, IR_MULTIPLY, v, 2, NULL)) != TT_OK)
			return st;
		v[0] = l->out;
	}
	return build_act(b, l, ((const struct join_opts *)l->opts)->activation);
}

static tt_status build_concat(struct builder *b, struct layer *l)
{
	struct ir_attr a = { .axis = ((const struct join_opts *)l->opts)->axis };

	if (l->n_in < 2)
		return layer_err(l, TT_ESPEC, "needs `from`, a list of two or more layers");
	if (a.axis == 1 && build_lengths(b, l->in[0]))
		return layer_err(l, TT_ESHAPE, "joins sequences one after the other: with axis: 2 their "
		                 "features lie side by side");
	return build_op(b, l, IR_CONCAT, l->in, l->n_in, &a);
}

#define GROUP "shapes and branches"
const struct layer_kind
	nn_flatten = { "flatten", "flatten", GROUP, sizeof(struct plain_opts), plain_options,
		build_flatten, "images become a list of features", TIME_REFUSED },
	nn_reshape = { "reshape", "reshape", GROUP, sizeof(struct reshape_opts), reshape_options,
		build_reshape, "the same numbers in another shape", TIME_REFUSED },
	nn_add = { "add", "add", GROUP, sizeof(struct join_opts), add_options, build_add,
		"sum of several layers of the same shape", TIME_EACH },
	nn_multiply = { "multiply", "multiply", GROUP, sizeof(struct join_opts), add_options,
		build_multiply,
		"product of several layers, number by number; dimensions of 1 are repeated", TIME_EACH },
	nn_concat = { "concat", "concat", GROUP, sizeof(struct join_opts), concat_options,
		build_concat, "several layers side by side", TIME_KEPT };
