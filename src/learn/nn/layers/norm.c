/* Layers that keep numbers in bounds: the norms, dropout. */
#include "learn/nn/layer.h"

struct norm_opts {
	LAYER_BASE;
	double eps, momentum, gamma;
	int    activation, dims, groups, affine;
};

#define T struct norm_opts
static const struct option batchnorm_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLE(T, eps, "1e-5", 0, 1, "added to the variance"),
	OPT_DOUBLE(T, momentum, "0.1", 0, 1, "weight of the newest batch in the running statistics"),
	OPT_DOUBLE(T, gamma, "1", -1e6, 1e6,
	           "scale at the start; 0 lets a residual block begin as identity"),
	OPT_ENUM  (T, activation, "none", act_words, "applied to the result"),
	OPT_END
};

static const struct option layernorm_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLE(T, eps, "1e-5", 0, 1, "added to the variance"),
	OPT_INT   (T, dims, "1", 1, TENSOR_MAX_DIMS - 1,
	           "how many of the last dimensions are normalised together"),
	OPT_ENUM  (T, activation, "none", act_words, "applied to the result"),
	OPT_END
};

static const struct option rmsnorm_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLE(T, eps, "1.1920929e-7", 0, 1, "added to the mean of squares"),
	OPT_INT   (T, dims, "1", 1, TENSOR_MAX_DIMS - 1,
	           "how many of the last dimensions are normalised together"),
	OPT_ENUM  (T, activation, "none", act_words, "applied to the result"),
	OPT_END
};

#define GROUP_ROWS(learned) \
	OPT_DOUBLE(T, eps, "1e-5", 0, 1, "added to the variance"), \
	OPT_ENUM  (T, affine, learned, option_no_yes, "learn a scale and a shift for each channel"), \
	OPT_ENUM  (T, activation, "none", act_words, "applied to the result")
static const struct option groupnorm_options[] = {
	LAYER_ROWS(T),
	OPT_INT   (T, groups, "0", 0, 1000000, "parts that channels are split into; must be given"),
	GROUP_ROWS("yes"),
	OPT_END
};

static const struct option instancenorm_options[] = {
	LAYER_ROWS(T),
	GROUP_ROWS("no"),
	OPT_END
};
#undef T

/* weight and bias of a norm into v[1] and v[2]. */
static tt_status scale_and_shift(struct builder *b, struct layer *l, struct want *w,
                                 struct ir_value **v)
{
	const struct norm_opts *o = l->opts;
	tt_status st;

	w->role = PARAM_NORM;
	w->what = "weight";
	w->init = (struct init){ .kind = INIT_CONST,
	                         .value = l->kind == &nn_batchnorm ? o->gamma : 1 };
	if ((st = build_param(b, l, w, &v[1])) != TT_OK)
		return st;
	w->what = "bias";
	w->init = (struct init){ .kind = INIT_ZEROS };
	return build_param(b, l, w, &v[2]);
}

/* Ioffe and Szegedy, 2015.  In use, the running statistics take the batch's place; so they do, and
 * stay what they are, where scale and shift are both frozen. */
static tt_status build_batchnorm(struct builder *b, struct layer *l)
{
	const struct norm_opts *o = l->opts;
	enum ir_op op = b->shape.purpose == NN_TRAIN ? IR_BATCHNORM : IR_BATCHNORM_INFER;
	struct want w = { .ndim = 1, .dim = { l->in[0]->desc.dim[1] } };
	struct ir_attr a = { .eps = (float)o->eps, .momentum = (float)o->momentum,
	                     .ranks = b->shape.group ? b->shape.group->norm_ranks : 0 };
	struct ir_value *v[5] = { l->in[0] };
	tt_status st;

	if (l->in[0]->desc.ndim != 2 && l->in[0]->desc.ndim != 3 &&
	    (st = layer_need_dims(l, 4, "images, rows or features")) != TT_OK)
		return st;
	if ((st = scale_and_shift(b, l, &w, v)) != TT_OK)
		return st;
	if ((w.frozen = build_is_frozen(b, 2)))
		op = IR_BATCHNORM_INFER;
	w.what = "running_mean";
	if ((st = build_buffer(b, l, &w, &v[3])) != TT_OK)
		return st;
	w.what = "running_var";
	w.init = (struct init){ .kind = INIT_CONST, .value = 1 };
	if ((st = build_buffer(b, l, &w, &v[4])) != TT_OK ||
	    (st = build_op(b, l, op, v, 5, &a)) != TT_OK)
		return st;
	return build_act(b, l, o->activation);
}

/* The shape of what is normalised together. */
static tt_status last_dims(struct builder *b, const struct layer *l, struct want *w)
{
	const int dims = ((const struct norm_opts *)l->opts)->dims;
	const struct tensor_desc *x = &l->in[0]->desc;
	char text[LAYER_VALUE_TEXT];

	if (dims >= x->ndim)
		return layer_err(l, TT_ESHAPE, "has %d dims, but gets %s, the batch among them", dims,
		                 layer_value_text(l->in[0], text));
	if (build_lengths(b, l->in[0]) && dims >= x->ndim - 1)
		return layer_err(l, TT_ESHAPE, "has %d dims, one of which is that of places of sequences, "
		                 "%s", dims, layer_value_text(l->in[0], text));
	w->ndim = dims;
	for (int i = 0; i < dims; i++)
		w->dim[i] = x->dim[x->ndim - dims + i];
	return TT_OK;
}

/* Ba, Kiros and Hinton, 2016. */
static tt_status build_layernorm(struct builder *b, struct layer *l)
{
	const struct norm_opts *o = l->opts;
	struct want w = { .ndim = 0 };
	struct ir_attr a = { .eps = (float)o->eps, .ndim = o->dims };
	struct ir_value *v[3] = { l->in[0] };
	tt_status st = last_dims(b, l, &w);

	if (st != TT_OK || (st = scale_and_shift(b, l, &w, v)) != TT_OK ||
	    (st = build_op(b, l, IR_LAYERNORM, v, 3, &a)) != TT_OK)
		return st;
	return build_act(b, l, o->activation);
}

/* Zhang and Sennrich, 2019. */
static tt_status build_rmsnorm(struct builder *b, struct layer *l)
{
	const struct norm_opts *o = l->opts;
	struct want w = { .what = "weight", .role = PARAM_NORM,
	                  .init = { .kind = INIT_CONST, .value = 1 } };
	struct ir_attr a = { .eps = (float)o->eps, .ndim = o->dims };
	struct ir_value *v[2] = { l->in[0] };
	tt_status st = last_dims(b, l, &w);

	if (st != TT_OK || (st = build_param(b, l, &w, &v[1])) != TT_OK ||
	    (st = build_op(b, l, IR_RMSNORM, v, 2, &a)) != TT_OK)
		return st;
	return build_act(b, l, o->activation);
}

/* *out = a vector of as many numbers as x has channels, all of them `value`. */
static tt_status constant(struct builder *b, struct layer *l, float value, struct ir_value **out)
{
	const struct ir_attr a = { .ndim = 1, .dims = { l->in[0]->desc.dim[1] }, .alpha = value };
	tt_status st = build_op(b, l, IR_FILL, NULL, 0, &a);

	if (st == TT_OK)
		*out = l->out;
	return st;
}

static tt_status norm_groups(struct builder *b, struct layer *l, int groups)
{
	const struct norm_opts *o = l->opts;
	const struct ir_attr a = { .eps = (float)o->eps, .groups = groups };
	struct want w = { .ndim = 1, .dim = { l->in[0]->desc.dim[1] } };
	struct ir_value *v[3] = { l->in[0] };
	tt_status st;

	if (o->affine)
		st = scale_and_shift(b, l, &w, v);
	else if ((st = constant(b, l, 1, &v[1])) == TT_OK)
		st = constant(b, l, 0, &v[2]);
	if (st != TT_OK || (st = build_op(b, l, IR_GROUPNORM, v, 3, &a)) != TT_OK)
		return st;
	return build_act(b, l, o->activation);
}

/* Wu and He, 2018. */
static tt_status build_groupnorm(struct builder *b, struct layer *l)
{
	const struct norm_opts *o = l->opts;
	const int64_t channels = l->in[0]->desc.dim[1];

	if (o->groups == 0)
		return layer_err(l, TT_ESPEC, "needs `groups`, their number");
	if (channels % o->groups)
		return layer_err(l, TT_ESHAPE, "%lld channels do not divide into %d groups",
		                 (long long)channels, o->groups);
	return norm_groups(b, l, o->groups);
}

/* Ulyanov, Vedaldi and Lempitsky, 2016: a group for each channel. */
static tt_status build_instancenorm(struct builder *b, struct layer *l)
{
	const struct tensor_desc *x = &l->in[0]->desc;
	char text[LAYER_VALUE_TEXT];

	if (x->ndim < 3 || tensor_count(x) / (x->dim[0] * x->dim[1]) < 2)
		return layer_err(l, TT_ESHAPE, "needs channels of two or more numbers, but gets %s",
		                 layer_value_text(l->in[0], text));
	if (x->dim[1] > INT32_MAX)
		return layer_err(l, TT_ESHAPE, "%lld channels are too many", (long long)x->dim[1]);
	return norm_groups(b, l, (int)x->dim[1]);
}

struct lrn_opts {
	LAYER_BASE;
	int    size;
	double alpha, beta, k;
};

#define T struct lrn_opts
static const struct option lrn_options[] = {
	LAYER_ROWS(T),
	OPT_INT   (T, size, "5", 1, 128, "channels that are looked at around each"),
	OPT_DOUBLE(T, alpha, "1e-4", 0, 1e6, "factor of the mean of their squares"),
	OPT_DOUBLE(T, beta, "0.75", 0, 100, "the exponent"),
	OPT_DOUBLE(T, k, "1", 1e-6, 1e6, "added to what is raised to it"),
	OPT_END
};
#undef T

/* Krizhevsky, Sutskever and Hinton, 2012; alpha is a factor of the mean, as PyTorch's and Caffe's,
 * not of the sum, as in the paper. */
static tt_status build_lrn(struct builder *b, struct layer *l)
{
	const struct lrn_opts *o = l->opts;
	const struct ir_attr a = { .size = o->size, .alpha = (float)o->alpha, .beta = (float)o->beta,
	                           .k = (float)o->k };
	tt_status st = layer_need_dims(l, 4, "images (channels x height x width)");

	return st == TT_OK ? build_op(b, l, IR_LRN, l->in, 1, &a) : st;
}

struct dropout_opts {
	LAYER_BASE;
	double p;
};

#define T struct dropout_opts
static const struct option dropout_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLE(T, p, "0.5", 0, 0.999, "probability of a zero"),
	OPT_END
};
#undef T

static tt_status build_dropout_layer(struct builder *b, struct layer *l)
{
	l->out = l->in[0];
	return build_dropout(b, l, NULL, ((const struct dropout_opts *)l->opts)->p);
}

const struct layer_kind
	nn_batchnorm = { "batchnorm", "bn", "normalisation", sizeof(struct norm_opts),
		batchnorm_options, build_batchnorm,
		"every channel gets mean 0 and variance 1 over the batch, then a learned scale and shift",
		TIME_REFUSED },
	nn_layernorm = { "layernorm", "ln", "normalisation", sizeof(struct norm_opts),
		layernorm_options, build_layernorm, "the same over the features of each sample",
		TIME_KEPT },
	nn_rmsnorm = { "rmsnorm", "rms", "normalisation", sizeof(struct norm_opts),
		rmsnorm_options, build_rmsnorm,
		"the features of each sample are divided by the root of the mean of their squares, then "
		"scaled", TIME_KEPT },
	nn_groupnorm = { "groupnorm", "gn", "normalisation", sizeof(struct norm_opts),
		groupnorm_options, build_groupnorm,
		"mean 0 and variance 1 over a group of channels of each sample, then a learned scale and "
		"shift", TIME_REFUSED },
	nn_instancenorm = { "instancenorm", "in", "normalisation", sizeof(struct norm_opts),
		instancenorm_options, build_instancenorm, "the same of each channel by itself",
		TIME_REFUSED },
	nn_lrn = { "lrn", "lrn", "normalisation", sizeof(struct lrn_opts), lrn_options, build_lrn,
		"local response: x / (k + alpha mean(x^2))^beta, the mean over neighbouring channels",
		TIME_REFUSED },
	nn_dropout = { "dropout", "dropout", "normalisation", sizeof(struct dropout_opts),
		dropout_options, build_dropout_layer, "in training, numbers become zero at random",
		TIME_EACH };
