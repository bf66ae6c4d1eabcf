/* write.c -- a model becomes a Keras model.
 *
 *   graph for use --classes--> Keras layers --order--> config.json (a Functional model) and HDF5
 *
 * The graph is walked, not the spec, so that repeats and branches are plain layers.  In files of
 * version 3 arrays are found by the number of their layer among those of its class, in the order in
 * which Keras puts them together: by depth from the answer, then by the walk from there. */
#include <string.h>

#include "base/mem.h"
#include "compute/pass/pass.h"
#include "learn/keras/keras.h"
#include "learn/keras/writer.h"

static tt_status refuse(const struct ir_node *n, const char *why)
{
	return err_set(TT_ESUPPORT, "layer %s (%s) cannot be written for Keras: %s", n->name,
	               ir_op_name(n->op), why);
}

/* ---- layers ---- */

static const char *unique(struct writer *w, const char *name)
{
	const char *free_one = arena_strdup(&w->arena, name);

	for (int k = 1; free_one; k++) {
		int taken = 0;

		for (int i = 0; i < w->n && !taken; i++)
			taken = strcmp(w->made[i].name, free_one) == 0;
		if (!taken)
			return free_one;
		free_one = arena_printf(&w->arena, "%s_%d", name, k);
	}
	return NULL;
}

/* The next row; n: the node whose value it gives and whose inputs it reads. */
static struct made *add(struct writer *w, const struct ir_node *n, const char *class_name,
                        const char *snake, const char *config)
{
	struct made *k = &w->made[w->n];

	*k = (struct made){ .class_name = class_name, .snake = snake, .name = unique(w, n->name),
	                    .config = config, .out = n->out[0] };
	if (!k->name || !config)
		return NULL;
	for (int i = 0; i < n->n_in && k->n_in < 64; i++)
		if (w->of[n->in[i]->id])
			k->in[k->n_in++] = w->of[n->in[i]->id];
	w->n++;
	w->of[n->out[0]->id] = k;
	return k;
}

static const char *act_word(const struct ir_node *n)
{
	static const char *const words[] = {
		[ACT_NONE] = "linear", [ACT_RELU] = "relu", [ACT_ELU] = "elu", [ACT_GELU] = "gelu",
		[ACT_SILU] = "silu", [ACT_SIGMOID] = "sigmoid", [ACT_TANH] = "tanh",
		[ACT_RELU6] = "relu6", [ACT_HARDSWISH] = "hard_silu", [ACT_HARDSIGMOID] = "hard_sigmoid",
	};

	if (n->attr.act == ACT_LEAKY_RELU || (n->attr.act == ACT_ELU && n->attr.alpha != 1))
		return NULL;
	return words[n->attr.act];
}

/* An activation that alone reads the layer, and is called as it: part of it in Keras, too. */
static const struct ir_node *act_behind(const struct writer *w, const struct ir_node *n)
{
	const struct ir_node *reader = NULL;

	for (const struct ir_node *k = n->next; k; k = k->next)
		for (int i = 0; i < k->n_in; i++) {
			if (k->in[i] != n->out[0])
				continue;
			if (reader)
				return NULL;
			reader = k;
		}
	(void)w;
	return reader && reader->op == IR_ACT && strcmp(reader->name, n->name) == 0 &&
	       act_word(reader) ? reader : NULL;
}

/* ---- windows ---- */

static int pads(const struct ir_attr *a)
{
	return a->pad[0] || a->pad[1] || a->pad[2] || a->pad[3];
}

static int pads_same(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	const struct ir_attr *a = &n->attr;

	for (int i = 0; i < 2; i++) {
		const int64_t apart = a->dilation[i] ? a->dilation[i] : 1;
		const int64_t reach = apart * (a->kernel[i] - 1) + 1;
		const int64_t steps = (x->dim[2 + i] - 1) / a->stride[i];
		int64_t all = steps * a->stride[i] + reach - x->dim[2 + i];

		all = all < 0 ? 0 : all;
		if (a->pad[i] != all / 2 || a->pad[2 + i] != all - all / 2)
			return 0;
	}
	return 1;
}

/* The word for its padding; where there is none, zeros are put in front. */
static tt_status padding_of(struct writer *w, const struct ir_node *n, const char **word)
{
	const int *p = n->attr.pad;
	struct made *zeros;

	*word = pads(&n->attr) ? "same" : "valid";
	if (!pads(&n->attr) || pads_same(n))
		return TT_OK;
	*word = "valid";
	zeros = &w->made[w->n];
	*zeros = (struct made){
		.class_name = "ZeroPadding2D", .snake = "zero_padding2d", .out = n->in[0],
		.config = arena_printf(&w->arena, "\"padding\": [[%d, %d], [%d, %d]]", p[0], p[2], p[1],
		                       p[3]), .n_in = 1, .in = { w->of[n->in[0]->id] } };
	if (!zeros->config || !(zeros->name = arena_printf(&w->arena, "%s_pad", n->name)) ||
	    !(zeros->name = unique(w, zeros->name)))
		return TT_ENOMEM;
	w->n++;
	return TT_OK;
}

/* Who was put in front is what it reads. */
static void read_zeros(struct writer *w, struct made *k, int before)
{
	if (before < w->n && strcmp(w->made[before].class_name, "ZeroPadding2D") == 0)
		k->in[0] = &w->made[before];
}

static const char *names_of(struct writer *w, const struct ir_node *n, struct made *k, int first)
{
	(void)w;
	for (int i = first; i < n->n_in && i - first < 4; i++)
		k->var[i - first] = n->in[i]->name;
	return k->var[0];
}

static tt_status add_conv(struct writer *w, const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;
	const int64_t in = n->in[0]->desc.dim[1], out = n->out[0]->desc.dim[1];
	const int apart = a->groups > 1 && a->groups == in, before = w->n;
	const struct ir_node *act = act_behind(w, n);
	const char *word, *config;
	struct made *k;
	tt_status st = padding_of(w, n, &word);

	if (st != TT_OK)
		return st;
	config = arena_printf(&w->arena, "\"%s\": %lld, \"kernel_size\": [%d, %d], "
	                      "\"strides\": [%d, %d], \"padding\": \"%s\", "
	                      "\"dilation_rate\": [%d, %d], %s\"use_bias\": %s, \"activation\": \"%s\"",
	                      apart ? "depth_multiplier" : "filters",
	                      (long long)(apart ? out / in : out), a->kernel[0], a->kernel[1],
	                      a->stride[0], a->stride[1], word, a->dilation[0] ? a->dilation[0] : 1,
	                      a->dilation[1] ? a->dilation[1] : 1,
	                      apart ? "" : arena_printf(&w->arena, "\"groups\": %d, ",
	                                                a->groups ? a->groups : 1),
	                      n->n_in > 2 ? "true" : "false", act ? act_word(act) : "linear");
	k = apart ? add(w, n, "DepthwiseConv2D", "depthwise_conv2d", config)
	          : add(w, n, "Conv2D", "conv2d", config);
	if (!k)
		return TT_ENOMEM;
	read_zeros(w, k, before);
	names_of(w, n, k, 1);
	if (act)
		w->of[act->out[0]->id] = k;
	return TT_OK;
}

static tt_status add_dense(struct writer *w, const struct ir_node *n)
{
	const struct ir_node *act = act_behind(w, n);
	struct made *k = add(w, n, "Dense", "dense", arena_printf(&w->arena, "\"units\": %lld, "
	                     "\"use_bias\": %s, \"activation\": \"%s\"",
	                     (long long)n->out[0]->desc.dim[1], n->n_in > 2 ? "true" : "false",
	                     act ? act_word(act) : "linear"));

	if (!k)
		return TT_ENOMEM;
	names_of(w, n, k, 1);
	if (act)
		w->of[act->out[0]->id] = k;
	return TT_OK;
}

static int is_positive(const struct ir_value *v)
{
	return v->maker && v->maker->op == IR_ACT && v->maker->attr.act == ACT_RELU;
}

static tt_status add_pool(struct writer *w, const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;
	const int is_max = n->op == IR_MAXPOOL, before = w->n;
	const int64_t *x = n->in[0]->desc.dim;
	const int whole = a->kernel[0] == x[2] && a->kernel[1] == x[3];
	const char *word;
	struct made *k;
	tt_status st;

	if (whole && !pads(a)) {
		k = add(w, n, is_max ? "GlobalMaxPooling2D" : "GlobalAveragePooling2D",
		        is_max ? "global_max_pooling2d" : "global_average_pooling2d", "\"keepdims\": true");
		return k ? TT_OK : TT_ENOMEM;
	}
	if (!is_max && pads(a) && (a->count_pad || !pads_same(n)))
		return refuse(n, "its padding is not `same` without counting zeros");
	if (is_max && pads(a) && !pads_same(n) && !is_positive(n->in[0]))
		return refuse(n, "its padding is not `same`, and no relu stands in front of it");
	if ((st = padding_of(w, n, &word)) != TT_OK)
		return st;
	k = add(w, n, is_max ? "MaxPooling2D" : "AveragePooling2D",
	        is_max ? "max_pooling2d" : "average_pooling2d",
	        arena_printf(&w->arena, "\"pool_size\": [%d, %d], \"strides\": [%d, %d], "
	                     "\"padding\": \"%s\"", a->kernel[0], a->kernel[1], a->stride[0],
	                     a->stride[1], word));
	if (!k)
		return TT_ENOMEM;
	read_zeros(w, k, before);
	return TT_OK;
}

/* ---- the others ---- */

static tt_status add_norm(struct writer *w, const struct ir_node *n)
{
	const int batch = n->op == IR_BATCHNORM_INFER;
	const char *momentum = batch ? arena_printf(&w->arena, "\"momentum\": %.9g, ",
	                                            1 - (double)n->attr.momentum) : "";
	struct made *k = momentum ? add(w, n, batch ? "BatchNormalization" : "LayerNormalization",
		batch ? "batch_normalization" : "layer_normalization",
		arena_printf(&w->arena, "\"axis\": -1, %s\"epsilon\": %.9g, \"center\": true, "
		             "\"scale\": true",
		             momentum, (double)n->attr.eps)) : NULL;

	if (!k)
		return TT_ENOMEM;
	names_of(w, n, k, 1);
	return TT_OK;
}

static tt_status add_act(struct writer *w, const struct ir_node *n)
{
	const char *word = n->op == IR_SOFTMAX ? "softmax" : act_word(n);
	struct made *k;

	if (w->of[n->out[0]->id])
		return TT_OK;                   /* part of the layer in front */
	if (word)
		k = add(w, n, "Activation", "activation", arena_printf(&w->arena, "\"activation\": \"%s\"",
		                                                       word));
	else if (n->attr.act == ACT_ELU)
		k = add(w, n, "ELU", "elu", arena_printf(&w->arena, "\"alpha\": %.9g",
		                                         (double)n->attr.alpha));
	else
		k = add(w, n, "LeakyReLU", "leaky_re_lu",
		        arena_printf(&w->arena, "\"negative_slope\": %.9g", (double)n->attr.alpha));
	return k ? TT_OK : TT_ENOMEM;
}

static tt_status add_reshape(struct writer *w, const struct ir_node *n)
{
	if (n->out[0]->desc.ndim != 2)
		return refuse(n, "only a flatten is");
	return add(w, n, "Flatten", "flatten", "\"data_format\": \"channels_last\"") ? TT_OK
	                                                                         : TT_ENOMEM;
}

static tt_status add_node(struct writer *w, const struct ir_node *n)
{
	switch (n->op) {
	case IR_CONV2D: return add_conv(w, n);
	case IR_DENSE: return add_dense(w, n);
	case IR_MAXPOOL: case IR_AVGPOOL: return add_pool(w, n);
	case IR_BATCHNORM_INFER: case IR_LAYERNORM: return add_norm(w, n);
	case IR_ACT: case IR_SOFTMAX: return add_act(w, n);
	case IR_RESHAPE: return add_reshape(w, n);
	case IR_ADD: return add(w, n, "Add", "add", "\"trainable\": true") ? TT_OK : TT_ENOMEM;
	case IR_CONCAT:
		if (n->attr.axis != 1)
			return refuse(n, "it joins along another axis than the channels");
		return add(w, n, "Concatenate", "concatenate", "\"axis\": -1") ? TT_OK : TT_ENOMEM;
	default:
		return refuse(n, "it has no such layer");
	}
}

/* ---- all of it ---- */

static tt_status add_input(struct writer *w)
{
	struct made *k = &w->made[w->n++];
	const struct ir_value *x = NULL;

	for (int i = 0; i < w->g->n_values && !x; i++)
		if (w->g->value[i]->kind == IR_INPUT)
			x = w->g->value[i];
	*k = (struct made){ .class_name = "InputLayer", .snake = "input_layer", .name = "input",
	                    .out = x };
	w->of[x->id] = k;
	if (w->m->n_inputs != 1)
		return err_set(TT_ESUPPORT, "the model has %d inputs: those with one are written for Keras",
		               w->m->n_inputs);
	if (x->desc.ndim == 2 || x->desc.ndim == 4)
		return TT_OK;
	return err_set(TT_ESUPPORT, "the model reads neither images nor features: Keras' order of such "
	               "an input is not known");
}

static tt_status add_all(struct writer *w)
{
	tt_status st;

	/* Heads that training alone has end in nothing: Keras has no such layers. */
	if ((st = nn_graph(w->m, 1, NN_PREDICT, &w->g)) != TT_OK || (st = pass_dead(w->g)) != TT_OK)
		return st;
	w->made = arena_alloc(&w->arena, (2 * (size_t)w->g->n_nodes + 2) * sizeof *w->made);
	w->of = arena_alloc(&w->arena, ((size_t)w->g->n_values + 1) * sizeof(*w->of));
	if (!w->made || !w->of)
		return TT_ENOMEM;
	memset((void *)w->of, 0, ((size_t)w->g->n_values + 1) * sizeof(*w->of));
	st = add_input(w);
	for (const struct ir_node *n = w->g->first; n && st == TT_OK; n = n->next)
		st = add_node(w, n);
	return st;
}

static tt_status convert(struct writer *w)
{
	char *name = NULL;
	tt_status st;

	if ((st = h5_find(&w->ops)) != TT_OK || (st = turns_find(&w->turns, w->m)) != TT_OK ||
	    (st = add_all(w)) != TT_OK || (st = writer_order(w)) != TT_OK ||
	    (st = w->ops->open(&w->h5, w->path, NULL, 0)) != TT_OK ||
	    (st = tt_spec_get(tt_model_spec(w->m), "name", &name)) != TT_OK)
		return st;
	st = writer_config(w, name);
	tt_free(name);
	return st;
}

tt_status keras_write(const tt_model *m, const char *path, enum tt_file_type type)
{
	struct writer w = { .m = m, .path = path };
	tt_status st = convert(&w);

	(void)type;                     /* f32 alone */
	if (st == TT_OK)
		st = writer_file(&w);
	if (w.h5)
		w.ops->close(&w.h5);
	mem_free(w.turns.param);
	str_release(&w.json);
	ir_graph_free(&w.g);
	arena_release(&w.arena);
	return st;
}

const struct file_format file_keras = {
	.name = "keras", .help = "layers and weights for Keras: .keras, or .h5 as before Keras 3",
	.ends = { ".keras", ".h5", ".hdf5" }, .types = 1, .write = keras_write, .read = keras_read,
};
