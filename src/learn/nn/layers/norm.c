/* Layers that keep numbers in bounds: batchnorm, layernorm, dropout. */
#include "learn/nn/layer.h"

struct norm_opts {
	LAYER_BASE;
	double eps, momentum, gamma;
	int    activation, dims;
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

/* Ioffe and Szegedy, 2015.  In use, the running statistics take the batch's place. */
static tt_status build_batchnorm(struct builder *b, struct layer *l)
{
	const struct norm_opts *o = l->opts;
	struct want w = { .ndim = 1, .dim = { l->in[0]->desc.dim[1] } };
	struct ir_attr a = { .eps = (float)o->eps, .momentum = (float)o->momentum,
	                     .ranks = b->shape.group ? b->shape.group->norm_ranks : 0 };
	struct ir_value *v[5] = { l->in[0] };
	tt_status st;

	if (l->in[0]->desc.ndim != 2 && (st = layer_need_dims(l, 4, "images or features")) != TT_OK)
		return st;
	if ((st = scale_and_shift(b, l, &w, v)) != TT_OK)
		return st;
	w.what = "running_mean";
	if ((st = build_buffer(b, l, &w, &v[3])) != TT_OK)
		return st;
	w.what = "running_var";
	w.init = (struct init){ .kind = INIT_CONST, .value = 1 };
	if ((st = build_buffer(b, l, &w, &v[4])) != TT_OK ||
	    (st = build_op(b, l, b->shape.purpose == NN_TRAIN ? IR_BATCHNORM : IR_BATCHNORM_INFER, v, 5,
	                   &a)) != TT_OK)
		return st;
	return build_act(b, l, o->activation);
}

/* Ba, Kiros and Hinton, 2016. */
static tt_status build_layernorm(struct builder *b, struct layer *l)
{
	const struct norm_opts *o = l->opts;
	const struct tensor_desc *x = &l->in[0]->desc;
	struct want w = { .ndim = o->dims };
	struct ir_attr a = { .eps = (float)o->eps, .ndim = o->dims };
	struct ir_value *v[3] = { l->in[0] };
	char text[LAYER_VALUE_TEXT];
	tt_status st;

	if (o->dims >= x->ndim)
		return layer_err(l, TT_ESHAPE, "has %d dims, but gets %s, the batch among them", o->dims,
		                 layer_value_text(l->in[0], text));
	if (build_lengths(b, l->in[0]) && o->dims >= x->ndim - 1)
		return layer_err(l, TT_ESHAPE, "has %d dims, one of which is that of places of sequences, "
		                 "%s", o->dims, layer_value_text(l->in[0], text));
	for (int i = 0; i < o->dims; i++)
		w.dim[i] = x->dim[x->ndim - o->dims + i];
	if ((st = scale_and_shift(b, l, &w, v)) != TT_OK ||
	    (st = build_op(b, l, IR_LAYERNORM, v, 3, &a)) != TT_OK)
		return st;
	return build_act(b, l, o->activation);
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
	nn_dropout = { "dropout", "dropout", "normalisation", sizeof(struct dropout_opts),
		dropout_options, build_dropout_layer, "in training, numbers become zero at random",
		TIME_EACH };
