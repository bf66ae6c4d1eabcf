/* Activations as layers of their own; conv2d, dense, add and the norms take them as a setting. */
#include "learn/nn/layer.h"

struct act_opts {
	LAYER_BASE;
	double alpha;
};

#define T struct act_opts
static const struct option plain_options[] = { LAYER_ROWS(T), OPT_END };
static const struct option leaky_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLE(T, alpha, "0.01", 0, 1, "slope below zero"),
	OPT_END
};
static const struct option elu_options[] = {
	LAYER_ROWS(T),
	OPT_DOUBLE(T, alpha, "1", 0, 1e6, "-alpha is what very small numbers become"),
	OPT_END
};
#undef T

static tt_status act(struct builder *b, struct layer *l, enum ir_act act)
{
	struct ir_attr a = { .act = act, .alpha = (float)((const struct act_opts *)l->opts)->alpha };

	return build_op(b, l, IR_ACT, l->in, 1, &a);
}

/* They differ in the activation alone. */
#define BUILD_ACT(word, kind) \
	static tt_status build_##word(struct builder *b, struct layer *l) { return act(b, l, kind); }
BUILD_ACT(relu, ACT_RELU)
BUILD_ACT(leaky, ACT_LEAKY_RELU)
BUILD_ACT(elu, ACT_ELU)
BUILD_ACT(gelu, ACT_GELU)
BUILD_ACT(silu, ACT_SILU)
BUILD_ACT(sigmoid, ACT_SIGMOID)
BUILD_ACT(tanh, ACT_TANH)
BUILD_ACT(relu6, ACT_RELU6)
BUILD_ACT(hardswish, ACT_HARDSWISH)
BUILD_ACT(hardsigmoid, ACT_HARDSIGMOID)

static tt_status build_softmax(struct builder *b, struct layer *l)
{
	return build_op(b, l, IR_SOFTMAX, l->in, 1, NULL);
}

struct prelu_opts {
	LAYER_BASE;
	int    channels;
	double slope;
};

#define T struct prelu_opts
static const struct option prelu_options[] = {
	LAYER_ROWS(T),
	OPT_ENUM  (T, channels, "no", option_no_yes, "a slope for each channel, not one for all"),
	OPT_DOUBLE(T, slope, "0.25", -1e6, 1e6, "at the start"),
	OPT_END
};
#undef T

/* He et al., 2015. */
static tt_status build_prelu(struct builder *b, struct layer *l)
{
	const struct prelu_opts *o = l->opts;
	struct want w = { .what = "weight", .ndim = 1,
	                  .dim = { o->channels ? l->in[0]->desc.dim[1] : 1 },
	                  .init = { .kind = INIT_CONST, .value = o->slope } };
	struct ir_value *v[2] = { l->in[0] };
	tt_status st;

	if (o->channels && build_lengths(b, l->in[0]))
		return layer_err(l, TT_ESHAPE, "has a slope for each channel, but gets sequences, whose "
		                 "dimension 1 is their places");
	st = build_param(b, l, &w, &v[1]);
	return st == TT_OK ? build_op(b, l, IR_PRELU, v, 2, NULL) : st;
}

#define GROUP "activations"
#define ROW(word, options, build, help) \
	nn_##word = { #word, #word, GROUP, sizeof(struct act_opts), options, build, help, TIME_EACH }
#define LAST(word, options, build, help) \
	nn_##word = { #word, #word, GROUP, sizeof(struct act_opts), options, build, help, TIME_KEPT }
const struct layer_kind
	ROW(relu, plain_options, build_relu, "max(x, 0)"),
	ROW(leaky_relu, leaky_options, build_leaky, "x above zero, alpha x below"),
	ROW(elu, elu_options, build_elu, "x above zero, alpha (exp(x) - 1) below"),
	nn_prelu = { "prelu", "prelu", GROUP, sizeof(struct prelu_opts), prelu_options, build_prelu,
	             "x above zero, a learned number times x below", TIME_EACH },
	ROW(gelu, plain_options, build_gelu, "x times the normal distribution function of x"),
	ROW(silu, plain_options, build_silu, "x times sigmoid(x)"),
	ROW(sigmoid, plain_options, build_sigmoid, "1 / (1 + exp(-x))"),
	ROW(tanh, plain_options, build_tanh, "hyperbolic tangent"),
	ROW(relu6, plain_options, build_relu6, "x between 0 and 6, what is nearer to it beyond"),
	ROW(hardswish, plain_options, build_hardswish, "x times hardsigmoid(x)"),
	ROW(hardsigmoid, plain_options, build_hardsigmoid, "x / 6 + 1/2 between 0 and 1"),
	LAST(softmax, plain_options, build_softmax,
	    "exp(x) / sum exp(x) over the last dimension; the loss cross_entropy brings its own");
