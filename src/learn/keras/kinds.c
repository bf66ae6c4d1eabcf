#include "learn/keras/kinds.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

static const struct node *value(const struct node *config, const char *key)
{
	const struct node *n = node_get(config, key);

	return node_absent(n) || n->kind != NODE_TEXT ? NULL : n;
}

double keras_number(const struct node *config, const char *key, double fallback)
{
	const struct node *n = value(config, key);
	double v;

	return n && str_to_double(n->text, &v) ? v : fallback;
}

int keras_int(const struct node *config, const char *key, int fallback)
{
	const double v = keras_number(config, key, fallback);

	return v >= INT32_MIN && v <= INT32_MAX ? (int)v : fallback;
}

const char *keras_text(const struct node *config, const char *key, const char *fallback)
{
	const struct node *n = value(config, key);

	return n ? n->text : fallback;
}

int keras_is(const struct node *config, const char *key, int fallback)
{
	const char *text = keras_text(config, key, fallback ? "true" : "false");

	return strcmp(text, "true") == 0;
}

tt_status keras_refuse(const struct keras_layer *l, const char *what)
{
	return err_set(TT_ESUPPORT, "%s: layer %.80s (%.60s): %s", l->path, l->name, l->class_name,
	               what);
}

/* A number or a pair. */
static tt_status pair(const struct keras_layer *l, const char *key, int fallback, int out[2])
{
	const struct node *n = node_get(l->config, key);

	out[0] = out[1] = fallback;
	if (node_absent(n))
		return TT_OK;
	if (n->kind == NODE_TEXT)
		out[0] = out[1] = atoi(n->text);
	else if (node_count(n) == 2 && n->child->kind == NODE_TEXT &&
	         n->child->next->kind == NODE_TEXT) {
		out[0] = atoi(n->child->text);
		out[1] = atoi(n->child->next->text);
	}
	return out[0] >= 1 && out[1] >= 1 ? TT_OK : keras_refuse(l, "its sizes are not two numbers");
}

static tt_status say_pair(const struct keras_layer *l, const char *key, const char *ours,
                          int fallback, struct str *out)
{
	int v[2];
	tt_status st = pair(l, key, fallback, v);

	str_addf(out, ", %s: [%d, %d]", ours, v[0], v[1]);
	return st;
}

static tt_status check_order(const struct keras_layer *l)
{
	if (strcmp(keras_text(l->config, "data_format", "channels_last"), "channels_last") == 0)
		return TT_OK;
	return keras_refuse(l, "data_format is channels_first, channels_last is read");
}

/* ---- activations ---- */

static const struct { const char *theirs, *ours; } acts[] = {
	{ "linear", "none" }, { "relu", "relu" }, { "elu", "elu" }, { "gelu", "gelu" },
	{ "silu", "silu" }, { "swish", "silu" }, { "sigmoid", "sigmoid" }, { "tanh", "tanh" },
	{ "relu6", "relu6" }, { "hard_silu", "hardswish" }, { "hard_swish", "hardswish" },
	{ "hard_sigmoid", "hardsigmoid" },
};

/* hard_sigmoid was clip(0.2 x + 0.5) before version 3; now it is clip(x / 6 + 0.5). */
static tt_status find_act(const struct keras_layer *l, const char *theirs, const char **out)
{
	if (l->old && strcmp(theirs, "hard_sigmoid") == 0)
		return keras_refuse(l, "hard_sigmoid was another function before Keras 3");
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		if (strcmp(acts[i].theirs, theirs) == 0) {
			*out = acts[i].ours;
			return TT_OK;
		}
	return keras_refuse(l, "tutti has not got its activation");
}

/* What answers with probabilities tells the loss, which brings its own. */
static int is_answer(struct keras_layer *l, const char *act)
{
	if (!l->is_last)
		return 0;
	l->loss = strcmp(act, "softmax") == 0 ? "cross_entropy"
	        : strcmp(act, "sigmoid") == 0 ? "bce" : NULL;
	return l->loss != NULL;
}

static tt_status say_act(struct keras_layer *l, struct str *out)
{
	const struct node *n = node_get(l->config, "activation");
	const char *act = node_absent(n) ? "linear" : n->kind == NODE_TEXT ? n->text : "?";
	tt_status st;

	if (is_answer(l, act))
		return TT_OK;
	if (strcmp(act, "softmax") == 0) {
		l->behind = "softmax";
		return TT_OK;
	}
	if ((st = find_act(l, act, &act)) == TT_OK)
		str_addf(out, ", activation: %s", act);
	return st;
}

/* A layer that is an activation alone. */
static tt_status say_plain(struct keras_layer *l, const char *act, struct str *out)
{
	if (is_answer(l, act))
		return TT_OK;
	str_addf(out, "%s: {", act);
	return TT_OK;
}

static tt_status say_activation(struct keras_layer *l, struct str *out)
{
	const char *act = keras_text(l->config, "activation", "?");
	tt_status st = TT_OK;

	if (is_answer(l, act) || strcmp(act, "linear") == 0)
		return TT_OK;
	if (strcmp(act, "softmax") != 0)
		st = find_act(l, act, &act);
	if (st == TT_OK)
		str_addf(out, "%s: {", act);
	return st;
}

static tt_status say_softmax(struct keras_layer *l, struct str *out)
{
	if (keras_int(l->config, "axis", -1) != -1)
		return keras_refuse(l, "its axis is not the last");
	return say_plain(l, "softmax", out);
}

static tt_status say_relu(struct keras_layer *l, struct str *out)
{
	const int bounded = value(l->config, "max_value") != NULL;

	if ((bounded && keras_number(l->config, "max_value", 0) != 6) ||
	    keras_number(l->config, "negative_slope", 0) != 0 ||
	    keras_number(l->config, "threshold", 0) != 0)
		return keras_refuse(l, "a relu with a slope, a threshold or a bound other than 6");
	return say_plain(l, bounded ? "relu6" : "relu", out);
}

static tt_status say_leaky(struct keras_layer *l, struct str *out)
{
	const double alpha = keras_number(l->config, "negative_slope",
	                                  keras_number(l->config, "alpha", 0.3));

	str_addf(out, "leaky_relu: {alpha: %.9g", alpha);
	return TT_OK;
}

static tt_status say_elu(struct keras_layer *l, struct str *out)
{
	str_addf(out, "elu: {alpha: %.9g", keras_number(l->config, "alpha", 1));
	return TT_OK;
}

/* ---- windows ---- */

static tt_status say_padding(struct keras_layer *l, struct str *out)
{
	const char *word = keras_text(l->config, "padding", "valid");

	if (strcmp(word, "same") != 0 && strcmp(word, "valid") != 0)
		return keras_refuse(l, "its padding is neither valid nor same");
	if (l->padded && strcmp(word, "valid") != 0)
		return keras_refuse(l, "it pads what is padded already");
	if (l->padded)
		str_addf(out, ", padding: [%d, %d, %d, %d]", l->pad[0], l->pad[1], l->pad[2], l->pad[3]);
	else if (strcmp(word, "same") == 0)
		str_add(out, ", padding: same");
	return TT_OK;
}

static tt_status say_window(struct keras_layer *l, struct str *out)
{
	tt_status st;

	if ((st = check_order(l)) != TT_OK ||
	    (st = say_pair(l, "kernel_size", "kernel", 1, out)) != TT_OK ||
	    (st = say_pair(l, "strides", "stride", 1, out)) != TT_OK ||
	    (st = say_pair(l, "dilation_rate", "dilation", 1, out)) != TT_OK ||
	    (st = say_padding(l, out)) != TT_OK)
		return st;
	if (!keras_is(l->config, "use_bias", 1))
		str_add(out, ", bias: no");
	return say_act(l, out);
}

static tt_status say_conv(struct keras_layer *l, struct str *out)
{
	str_addf(out, "conv2d: {out: %d, groups: %d", keras_int(l->config, "filters", 0),
	         keras_int(l->config, "groups", 1));
	return say_window(l, out);
}

static tt_status say_depthwise(struct keras_layer *l, struct str *out)
{
	str_addf(out, "depthwise2d: {multiplier: %d", keras_int(l->config, "depth_multiplier", 1));
	return say_window(l, out);
}

static tt_status say_pool(struct keras_layer *l, struct str *out)
{
	const int is_max = strcmp(l->class_name, "MaxPooling2D") == 0;
	int size[2], step[2];
	tt_status st;

	if (l->padded && is_max && !l->positive)
		return keras_refuse(l, "zeros are in front of it, which its maximum would see");
	if ((st = check_order(l)) != TT_OK || (st = pair(l, "pool_size", 2, size)) != TT_OK ||
	    (st = pair(l, node_absent(node_get(l->config, "strides")) ? "pool_size" : "strides", 2,
	               step)) != TT_OK)
		return st;
	if (l->padded && !is_max)
		return keras_refuse(l, "zeros are in front of it, which count there and not in tutti's");
	str_addf(out, "%s: {kernel: [%d, %d], stride: [%d, %d]%s", is_max ? "maxpool" : "avgpool",
	         size[0], size[1], step[0], step[1], is_max ? "" : ", count_pad: no");
	return say_padding(l, out);
}

static tt_status say_global(struct keras_layer *l, struct str *out)
{
	const int is_max = strcmp(l->class_name, "GlobalMaxPooling2D") == 0;
	tt_status st = check_order(l);

	str_addf(out, "globalpool: {pool: %s, keepdims: %s", is_max ? "max" : "avg",
	         keras_is(l->config, "keepdims", 0) ? "yes" : "no");
	return st;
}

/* [[top, bottom], [left, right]], in front of a window. */
static tt_status say_zeros(struct keras_layer *l, struct str *out)
{
	static const int at[4] = { 0, 2, 1, 3 };        /* ours: top, left, bottom, right */
	const struct node *p = node_get(l->config, "padding");
	int n = 0;

	(void)out;
	for (const struct node *side = p && p->kind == NODE_LIST ? p->child : NULL; side;
	     side = side->next)
		for (const struct node *k = side->child; k && n < 4; k = k->next)
			l->pad[at[n++]] = k->kind == NODE_TEXT ? atoi(k->text) : -1;
	l->padded = 1;
	for (int i = 0; i < 4; i++)
		if (n != 4 || l->pad[i] < 0)
			return keras_refuse(l, "its padding is not [[top, bottom], [left, right]]");
	return check_order(l);
}

/* ---- the others ---- */

static tt_status say_dense(struct keras_layer *l, struct str *out)
{
	str_addf(out, "dense: {out: %d%s", keras_int(l->config, "units", 0),
	         keras_is(l->config, "use_bias", 1) ? "" : ", bias: no");
	return say_act(l, out);
}

/* Of four dimensions the last is 3, of two 1; where it stands first in a list, too. */
static int last_axis(const struct keras_layer *l)
{
	const struct node *n = node_get(l->config, "axis");
	const struct node *one = n && n->kind == NODE_LIST && node_count(n) == 1 ? n->child : NULL;
	const int v = one && one->kind == NODE_TEXT ? atoi(one->text)
	                                            : keras_int(l->config, "axis", -1);

	return v == -1 || v == (l->flat ? 1 : 3);
}

static tt_status say_batchnorm(struct keras_layer *l, struct str *out)
{
	if (!last_axis(l))
		return keras_refuse(l, "its axis is not the channels");
	str_addf(out, "batchnorm: {eps: %.9g, momentum: %.9g", keras_number(l->config, "epsilon", 1e-3),
	         1 - keras_number(l->config, "momentum", 0.99));
	return TT_OK;
}

static tt_status say_layernorm(struct keras_layer *l, struct str *out)
{
	if (!last_axis(l))
		return keras_refuse(l, "its axis is not the last");
	str_addf(out, "layernorm: {eps: %.9g", keras_number(l->config, "epsilon", 1e-3));
	return TT_OK;
}

static tt_status say_dropout(struct keras_layer *l, struct str *out)
{
	str_addf(out, "dropout: {p: %.9g", keras_number(l->config, "rate", 0));
	return TT_OK;
}

static tt_status say_flatten(struct keras_layer *l, struct str *out)
{
	str_add(out, "flatten: {");
	return check_order(l);
}

static tt_status say_add(struct keras_layer *l, struct str *out)
{
	(void)l;
	str_add(out, "add: {");
	return TT_OK;
}

static tt_status say_concat(struct keras_layer *l, struct str *out)
{
	if (!last_axis(l))
		return keras_refuse(l, "its axis is not the last");
	str_add(out, "concat: {axis: 1");
	return TT_OK;
}

static tt_status say_nothing(struct keras_layer *l, struct str *out)
{
	(void)l, (void)out;
	return TT_OK;
}

#define KERNEL_AND_BIAS { { NULL, "weight" }, { "use_bias", "bias" } }
#define NORM { { "scale", "weight" }, { "center", "bias" } }
static const struct keras_kind kinds[] = {
	{ "InputLayer", "input_layer", { { NULL, NULL } }, say_nothing },
	{ "Conv2D", "conv2d", KERNEL_AND_BIAS, say_conv },
	{ "DepthwiseConv2D", "depthwise_conv2d", KERNEL_AND_BIAS, say_depthwise },
	{ "Dense", "dense", KERNEL_AND_BIAS, say_dense },
	{ "BatchNormalization", "batch_normalization", { { "scale", "weight" }, { "center", "bias" },
	  { NULL, "running_mean" }, { NULL, "running_var" } }, say_batchnorm },
	{ "LayerNormalization", "layer_normalization", NORM, say_layernorm },
	{ "MaxPooling2D", "max_pooling2d", { { NULL, NULL } }, say_pool },
	{ "AveragePooling2D", "average_pooling2d", { { NULL, NULL } }, say_pool },
	{ "GlobalAveragePooling2D", "global_average_pooling2d", { { NULL, NULL } }, say_global },
	{ "GlobalMaxPooling2D", "global_max_pooling2d", { { NULL, NULL } }, say_global },
	{ "ZeroPadding2D", "zero_padding2d", { { NULL, NULL } }, say_zeros },
	{ "Flatten", "flatten", { { NULL, NULL } }, say_flatten },
	{ "Dropout", "dropout", { { NULL, NULL } }, say_dropout },
	{ "Activation", "activation", { { NULL, NULL } }, say_activation },
	{ "ReLU", "re_lu", { { NULL, NULL } }, say_relu },
	{ "LeakyReLU", "leaky_re_lu", { { NULL, NULL } }, say_leaky },
	{ "ELU", "elu", { { NULL, NULL } }, say_elu },
	{ "Softmax", "softmax", { { NULL, NULL } }, say_softmax },
	{ "Add", "add", { { NULL, NULL } }, say_add },
	{ "Concatenate", "concatenate", { { NULL, NULL } }, say_concat },
};
#define KINDS (sizeof kinds / sizeof *kinds)

tt_status keras_kind_find(const struct keras_layer *l, const struct keras_kind **out)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].class_name, l->class_name) == 0) {
			*out = &kinds[i];
			return TT_OK;
		}
	return keras_refuse(l, "tutti has no such layer");
}
