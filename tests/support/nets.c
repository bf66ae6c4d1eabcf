/* nets.c -- small graphs for tests. */
#include "support/nets.h"

#include <stdio.h>

#include "support/support.h"

#define NAME_MAX_TEXT 96

static const char *join(char buf[NAME_MAX_TEXT], const char *layer, const char *what)
{
	snprintf(buf, NAME_MAX_TEXT, "%s.%s", layer, what);
	return buf;
}

struct ir_value *net_input(struct ir_graph *g, const char *name, struct tensor_desc d)
{
	struct ir_value *v = ir_input(g, name, &d);

	if (!v)
		fail_msg("%s", tt_last_error());
	return v;
}

struct ir_value *net_param(struct ir_graph *g, const char *name, struct tensor_desc d)
{
	struct ir_value *v = ir_param(g, name, &d, g->param_count);

	if (!v)
		fail_msg("%s", tt_last_error());
	return v;
}

struct ir_value *net_buffer(struct ir_graph *g, const char *name, struct tensor_desc d)
{
	struct ir_value *v = ir_buffer(g, name, &d, g->buffer_count);

	if (!v)
		fail_msg("%s", tt_last_error());
	return v;
}

struct ir_value *net_node(struct ir_graph *g, enum ir_op op, const char *name,
                          const struct ir_attr *attr, struct ir_value *const *in)
{
	struct ir_node *n;
	int n_in = 0;

	while (in[n_in])
		n_in++;
	n = ir_emit(g, op, name, in, n_in, attr);
	if (!n)
		fail_msg("%s: %s", name, tt_last_error());
	return n->out[0];
}

struct ir_value *net_conv(struct ir_graph *g, const char *name, struct ir_value *x, int K,
                          const struct ir_attr *a)
{
	int64_t C = x->desc.dim[1] / (a->groups ? a->groups : 1);
	char text[NAME_MAX_TEXT];
	struct ir_value *w = net_param(g, join(text, name, "weight"),
	                               F32(K, C, a->kernel[0], a->kernel[1]));

	return net_op(g, IR_CONV2D, name, a, x, w);
}

struct ir_value *net_dense(struct ir_graph *g, const char *name, struct ir_value *x, int K)
{
	char text[NAME_MAX_TEXT];
	struct ir_value *w, *b;

	w = net_param(g, join(text, name, "weight"), F32(K, x->desc.dim[x->desc.ndim - 1]));
	b = net_param(g, join(text, name, "bias"), F32(K));
	return net_op(g, IR_DENSE, name, NULL, x, w, b);
}

struct ir_value *net_act(struct ir_graph *g, const char *name, struct ir_value *x, enum ir_act act)
{
	return net_op(g, IR_ACT, name, (&(struct ir_attr){ .act = act, .alpha = 0.5F }), x);
}

struct ir_value *net_batchnorm(struct ir_graph *g, const char *name, struct ir_value *x,
                               enum net_mode mode)
{
	const struct ir_attr a = { .eps = 1e-5F, .momentum = 0.1F };
	struct tensor_desc d = F32(x->desc.dim[1]);
	char text[NAME_MAX_TEXT];
	struct ir_value *in[] = {
		x,
		net_param(g, join(text, name, "weight"), d),
		net_param(g, join(text, name, "bias"), d),
		net_buffer(g, join(text, name, "running_mean"), d),
		net_buffer(g, join(text, name, "running_var"), d),
		NULL,
	};

	return net_node(g, mode == NET_TRAIN ? IR_BATCHNORM : IR_BATCHNORM_INFER, name, &a, in);
}

static struct ir_value *flatten(struct ir_graph *g, struct ir_value *x)
{
	int64_t N = x->desc.dim[0];
	struct ir_attr a = { .ndim = 2, .dims = { N, tensor_count(&x->desc) / N } };

	return net_op(g, IR_RESHAPE, "flatten", &a, x);
}

/* The end of every net; takes the graph through ir_backward when training. */
static void finish(struct ir_graph *g, struct ir_value *logits, enum net_mode mode)
{
	struct ir_value *label, *loss;

	if (mode == NET_INFER) {
		ir_output(g, logits);
		return;
	}
	label = net_input(g, "label", S32(logits->desc.dim[0]));
	loss = net_op(g, IR_XENT, "loss", NULL, logits, label);
	ir_output(g, loss);
	assert_ok(ir_backward(g, loss));
	assert_ok(ir_verify(g));
}

struct ir_graph *net_lenet(enum net_mode mode)
{
	const struct ir_attr five = { .kernel = { 5, 5 }, .pad = { 2, 2, 2, 2 } };
	const struct ir_attr three = { .kernel = { 3, 3 } };
	const struct ir_attr pool = { .kernel = { 2, 2 }, .stride = { 2, 2 } };
	const struct ir_attr drop = { .p = 0.25F };
	struct ir_graph *g;
	struct ir_value *x;

	assert_ok(ir_graph_new(&g));
	x = net_input(g, "x", F32(3, 1, 12, 12));
	x = net_act(g, "relu1", net_conv(g, "conv1", x, 4, &five), ACT_RELU);
	x = net_op(g, IR_MAXPOOL, "pool1", &pool, x);
	x = net_act(g, "tanh2", net_conv(g, "conv2", x, 6, &three), ACT_TANH);
	x = net_op(g, IR_MAXPOOL, "pool2", &pool, x);
	x = net_act(g, "gelu3", net_dense(g, "fc1", flatten(g, x), 10), ACT_GELU);
	if (mode == NET_TRAIN)
		x = net_op(g, IR_DROPOUT, "drop", &drop, x);
	finish(g, net_dense(g, "fc2", x, 5), mode);
	return g;
}

/* conv bn relu conv bn (+ x, or + bn(conv 1x1)) relu */
static struct ir_value *block(struct ir_graph *g, const char *name, struct ir_value *x, int stride,
                              enum net_mode mode)
{
	const struct ir_attr first = { .kernel = { 3, 3 }, .stride = { stride, stride },
	                               .pad = { 1, 1, 1, 1 } };
	const struct ir_attr second = { .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } };
	const struct ir_attr narrow = { .kernel = { 1, 1 }, .stride = { stride, stride } };
	int K = (int)x->desc.dim[1] * stride;
	char text[NAME_MAX_TEXT];
	struct ir_value *y = net_conv(g, join(text, name, "conv1"), x, K, &first);

	y = net_batchnorm(g, join(text, name, "bn1"), y, mode);
	y = net_act(g, join(text, name, "relu1"), y, ACT_RELU);
	y = net_conv(g, join(text, name, "conv2"), y, K, &second);
	y = net_batchnorm(g, join(text, name, "bn2"), y, mode);
	if (stride > 1) {
		x = net_conv(g, join(text, name, "down"), x, K, &narrow);
		x = net_batchnorm(g, join(text, name, "downbn"), x, mode);
	}
	y = net_op(g, IR_ADD, join(text, name, "add"), NULL, y, x);
	return net_act(g, join(text, name, "relu2"), y, ACT_RELU);
}

struct ir_graph *net_resnet(enum net_mode mode)
{
	const struct ir_attr three = { .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } };
	const struct ir_attr global = { .kernel = { 4, 4 } };
	struct ir_graph *g;
	struct ir_value *x;

	assert_ok(ir_graph_new(&g));
	x = net_input(g, "x", F32(3, 3, 8, 8));
	x = net_batchnorm(g, "bn0", net_conv(g, "conv0", x, 4, &three), mode);
	x = net_act(g, "relu0", x, ACT_RELU);
	x = block(g, "a", x, 1, mode);
	x = block(g, "b", x, 2, mode);
	x = net_op(g, IR_AVGPOOL, "pool", &global, x);
	finish(g, net_dense(g, "fc", flatten(g, x), 5), mode);
	return g;
}

int net_count(const struct ir_graph *g, enum ir_op op)
{
	int count = 0;

	for (const struct ir_node *n = g->first; n; n = n->next)
		count += n->op == op;
	return count;
}

struct ir_value *net_output(const struct ir_graph *g, int output)
{
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->output == output)
			return g->value[i];
	return NULL;
}
