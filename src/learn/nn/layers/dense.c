/* Layers that multiply by or look up in a table: dense, embedding. */
#include "learn/nn/layer.h"

struct dense_opts {
	LAYER_BASE;
	int out, bias, activation, init;
};

#define T struct dense_opts
static const struct option dense_options[] = {
	LAYER_ROWS(T),
	OPT_INT (T, out, "0", 0, 100000000, "features out; must be given"),
	OPT_ENUM(T, bias, "yes", option_no_yes, "add a number per feature"),
	OPT_ENUM(T, activation, "none", act_words, "applied to the result"),
	OPT_ENUM(T, init, "default", layer_init_words, "of the weights; default: as model.init says"),
	OPT_END
};
#undef T

/* Images are refused: the last dimension alone would be multiplied, which nobody means. */
static tt_status check_features(const struct layer *l)
{
	const struct tensor_desc *x = &l->in[0]->desc;
	char text[LAYER_VALUE_TEXT];

	if (x->ndim == 4)
		return layer_err(l, TT_ESHAPE, "needs features, but gets images %s: put a `flatten` or a "
		                 "`globalpool` before it", layer_value_text(l->in[0], text));
	return x->ndim == 3 ? TT_OK : layer_need_dims(l, 2, "features");
}

static tt_status build_dense(struct builder *b, struct layer *l)
{
	const struct dense_opts *o = l->opts;
	const struct tensor_desc *x = &l->in[0]->desc;
	struct ir_value *v[3] = { l->in[0] };
	int64_t in = x->dim[x->ndim - 1];
	struct want w = { .what = "weight", .ndim = 2, .dim = { o->out, in },
	                  .init = build_weight_init(b, o->init, in, o->out) };
	struct want bias = { .what = "bias", .ndim = 1, .dim = { o->out }, .role = PARAM_BIAS,
	                     .init = build_bias_init(&w.init) };
	tt_status st;

	if ((st = check_features(l)) != TT_OK)
		return st;
	if (o->out == 0)
		return layer_err(l, TT_ESPEC, "needs `out`, its number of features");
	if ((st = build_param(b, l, &w, &v[1])) != TT_OK ||
	    (o->bias && (st = build_param(b, l, &bias, &v[2])) != TT_OK) ||
	    (st = build_op(b, l, IR_DENSE, v, o->bias ? 3 : 2, NULL)) != TT_OK)
		return st;
	return build_act(b, l, o->activation);
}

struct embedding_opts {
	LAYER_BASE;
	int rows, dim, init;
};

#define T struct embedding_opts
static const struct option embedding_options[] = {
	LAYER_ROWS(T),
	OPT_INT(T, rows, "0", 0, 1000000000, "how many things there are; must be given"),
	OPT_INT(T, dim, "0", 0, 1000000, "numbers per thing; must be given"),
	OPT_ENUM(T, init, "default", layer_init_words,
	         "of the vectors; default: normal, of deviation 1, as PyTorch's"),
	OPT_END
};
#undef T

static tt_status build_embedding(struct builder *b, struct layer *l)
{
	const struct embedding_opts *o = l->opts;
	struct ir_value *v[2] = { l->in[0] };
	struct want w = { .what = "weight", .ndim = 2, .dim = { o->rows, o->dim },
	                  .init = o->init ? build_weight_init(b, o->init, o->dim, o->rows)
	                                  : (struct init){ .kind = INIT_UNIT } };
	tt_status st;

	if ((st = layer_need_dims(l, 2, "a list of indices")) != TT_OK)
		return st;
	if (o->rows == 0 || o->dim == 0)
		return layer_err(l, TT_ESPEC, "needs `rows` and `dim`");
	if ((st = build_param(b, l, &w, &v[1])) != TT_OK)
		return st;
	return build_op(b, l, IR_EMBEDDING, v, 2, NULL);
}

const struct layer_kind
	nn_dense = { "dense", "dense", "features", sizeof(struct dense_opts), dense_options,
		build_dense, "every feature out is a weighted sum of all features in", TIME_KEPT },
	nn_embedding = { "embedding", "embedding", "features", sizeof(struct embedding_opts),
		embedding_options, build_embedding,
		"whole numbers from 0 to rows - 1 become learned vectors; any other is an error (or no "
		"number, if it is not the input's own)", TIME_EACH };
