/* Every gradient rule against differences: for small nets that together hold every layer, move one
 * number of a parameter up and down and see what the loss does.
 *
 * The step is small enough that no net's relu or maximum changes sides on these seeds, and large
 * enough that the loss, an f32, still shows it. */
#include "compute/ir/op.h"

#include <math.h>
#include <string.h>

#include "support/interp.h"
#include "support/nets.h"
#include "support/support.h"

typedef struct ir_value *(*body_fn)(struct ir_graph *g);

static struct ir_value *image(struct ir_graph *g)
{
	return net_input(g, "x", F32(2, 4, 6, 6));
}

static struct ir_value *rows(struct ir_graph *g, int K)
{
	return net_dense(g, "fc0", net_input(g, "x", F32(3, 5)), K);
}

static struct ir_value *conv(struct ir_graph *g, const char *name, struct ir_value *x)
{
	return net_conv(g, name, x, 4, &(struct ir_attr){ .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } });
}

static struct ir_value *conv_strided(struct ir_graph *g)
{
	const struct ir_attr a = { .kernel = { 3, 2 }, .stride = { 2, 1 }, .pad = { 1, 0, 0, 2 } };

	return net_conv(g, "b", net_conv(g, "a", image(g), 3, &a), 5, &a);
}

static struct ir_value *conv_grouped(struct ir_graph *g)
{
	const struct ir_attr a = { .kernel = { 3, 3 }, .groups = 2, .dilation = { 2, 2 },
	                           .pad = { 2, 2, 2, 2 } };

	return net_conv(g, "b", net_conv(g, "a", image(g), 4, &a), 6, &a);
}

static struct ir_value *conv_biased(struct ir_graph *g)
{
	const struct ir_attr relu = { .act = ACT_RELU }, tanh_ = { .act = ACT_TANH };
	struct ir_value *x = net_op(g, IR_CONV2D, "a", &relu, image(g),
	                            net_param(g, "w1", F32(3, 4, 3, 3)), net_param(g, "b1", F32(3)));

	return net_op(g, IR_CONV2D, "b", &tanh_, x, net_param(g, "w2", F32(2, 3, 3, 3)),
	              net_param(g, "b2", F32(2)));
}

static struct ir_value *dense_rows_of_rows(struct ir_graph *g)
{
	return net_dense(g, "b", net_dense(g, "a", net_input(g, "x", F32(2, 3, 4)), 5), 3);
}

static struct ir_value *maxpool(struct ir_graph *g)
{
	const struct ir_attr a = { .kernel = { 3, 3 }, .stride = { 2, 2 }, .pad = { 1, 1, 1, 1 } };

	return net_op(g, IR_MAXPOOL, "pool", &a, conv(g, "a", image(g)));
}

static struct ir_value *avgpool(struct ir_graph *g)
{
	struct ir_attr a = { .kernel = { 3, 3 }, .stride = { 2, 2 }, .pad = { 1, 1, 1, 1 } };
	struct ir_value *x = net_op(g, IR_AVGPOOL, "p1", &a, conv(g, "a", image(g)));

	a.count_pad = 1;
	return net_op(g, IR_AVGPOOL, "p2", &a, x);
}

static struct ir_value *batchnorm(struct ir_graph *g)
{
	struct ir_value *x = net_batchnorm(g, "bn1", conv(g, "a", image(g)), NET_TRAIN);

	x = net_batchnorm(g, "bn2", conv(g, "b", x), NET_TRAIN);
	x->maker->attr.act = ACT_RELU;
	return net_dense(g, "fc", x, 3);
}

static struct ir_value *layernorm(struct ir_graph *g)
{
	struct ir_value *x = net_dense(g, "a", net_input(g, "x", F32(2, 3, 4)), 5);

	x = net_op(g, IR_LAYERNORM, "ln1", NULL, x, net_param(g, "g1", F32(5)),
	           net_param(g, "b1", F32(5)));
	return net_op(g, IR_LAYERNORM, "ln2", (&(struct ir_attr){ .ndim = 2 }), x,
	              net_param(g, "g2", F32(3, 5)), net_param(g, "b2", F32(3, 5)));
}

static struct ir_value *sample_norms(struct ir_graph *g)
{
	const struct ir_attr two = { .groups = 2, .eps = 1e-3F }, image_wide = { .ndim = 3 };
	const struct ir_attr local = { .size = 3, .alpha = 0.5F, .beta = 0.75F, .k = 1 };
	struct ir_value *x = net_op(g, IR_PRELU, "prelu", NULL, image(g), net_param(g, "p", F32(4)));
	struct tensor_desc whole;

	x = net_op(g, IR_GROUPNORM, "gn", &two, conv(g, "a", x), net_param(g, "g1", F32(4)),
	           net_param(g, "b1", F32(4)));
	x = net_op(g, IR_LRN, "lrn", &local, x);
	whole = tensor_desc_make(DTYPE_F32, 3, &x->desc.dim[1]);
	return net_op(g, IR_RMSNORM, "rms", &image_wide, x, net_param(g, "g2", whole));
}

static struct ir_value *larger(struct ir_graph *g)
{
	struct ir_value *x = conv(g, "a", image(g));
	const struct ir_attr near = { .ndim = 4, .dims = { x->desc.dim[0], 4, 3, 9 } };
	const struct ir_attr between = { .resize = RESIZE_BILINEAR, .ndim = 4,
	                                 .dims = { x->desc.dim[0], 4, 4, 5 } };
	const struct ir_attr back = { .stride = { 2, 1 }, .ndim = 4,
	                              .dims = { x->desc.dim[0], 2, 8, 6 } };

	x = net_op(g, IR_RESIZE, "up1", &near, x);
	x = net_op(g, IR_RESIZE, "up2", &between, x);
	x = net_op(g, IR_CONV2D_DX, "deconv", &back, x, net_param(g, "w", F32(4, 2, 2, 2)));
	return net_op(g, IR_BIAS, "bias", NULL, x, net_param(g, "b", F32(2)));
}

static struct ir_value *dropout(struct ir_graph *g)
{
	return net_op(g, IR_DROPOUT, "drop", (&(struct ir_attr){ .p = 0.4F, .stream = 3 }),
	              rows(g, 12));
}

/* All activations side by side. */
static struct ir_value *activations(struct ir_graph *g)
{
	struct ir_value *x = rows(g, 6), *y[ACT_COUNT] = { NULL };

	for (int a = ACT_RELU; a < ACT_COUNT; a++)
		y[a - 1] = net_act(g, ir_act_name(a), x, a);
	return net_node(g, IR_CONCAT, "cat", &(struct ir_attr){ .axis = 1 }, y);
}

static struct ir_value *falling_leaky_relu(struct ir_graph *g)
{
	return net_op(g, IR_ACT, "act",
	              (&(struct ir_attr){ .act = ACT_LEAKY_RELU, .alpha = -0.3F }), rows(g, 6));
}

static struct ir_value *softmax(struct ir_graph *g)
{
	return net_op(g, IR_SOFTMAX, "soft", NULL, rows(g, 6));
}

static struct ir_value *added(struct ir_graph *g)
{
	const struct ir_attr relu = { .act = ACT_RELU };
	struct ir_value *x = rows(g, 6), *y = net_op(g, IR_ADD, "a", NULL, x, x);

	y = net_op(g, IR_ADD, "b", &relu, y, net_dense(g, "fc1", y, 6));
	return net_op(g, IR_SUM, "c", NULL, x, y, net_param(g, "p", F32(3, 6)), x);
}

static struct ir_value *mixed(struct ir_graph *g)
{
	const struct ir_attr classes = { .mix = MIX_SOFTMAX }, bits = { .mix = MIX_SIGMOID };
	struct ir_value *x = net_input(g, "x", F32(3, 5));
	struct ir_value *a = net_dense(g, "a", x, 4), *b = net_dense(g, "b", x, 4);
	struct ir_value *both = net_op(g, IR_MIX, "classes", &classes, a, b);

	return net_op(g, IR_MIX, "bits", &bits, both, net_dense(g, "c", x, 4));
}

static struct ir_value *concatenated(struct ir_graph *g)
{
	struct ir_value *in = image(g), *x = conv(g, "a", in), *y = conv(g, "b", x);

	x = net_op(g, IR_CONCAT, "cat", (&(struct ir_attr){ .axis = 1 }), x, y, in, x);
	return net_op(g, IR_CONCAT, "wide", (&(struct ir_attr){ .axis = 3 }), x, x);
}

static struct ir_value *reshaped(struct ir_graph *g)
{
	const struct ir_attr a = { .ndim = 3, .dims = { 3, 2, 3 } };
	const struct ir_attr b = { .ndim = 2, .dims = { 3, 2 } };
	struct ir_value *p = net_op(g, IR_RESHAPE, "rp", &b, net_param(g, "p", F32(6)));

	return net_op(g, IR_ADD, "add", NULL, p,
	              net_dense(g, "fc1", net_op(g, IR_RESHAPE, "flat", (&(struct ir_attr){
	                        .ndim = 2, .dims = { 3, 6 } }),
	                        net_op(g, IR_RESHAPE, "r", &a, rows(g, 6))), 2));
}

static struct ir_value *embedding(struct ir_graph *g)
{
	struct ir_value *x = net_op(g, IR_EMBEDDING, "emb", NULL, net_input(g, "x", S32(3, 4)),
	                            net_param(g, "table", F32(5, 6)));

	return net_dense(g, "fc", x, 3);
}

static struct ir_value *shared_weights(struct ir_graph *g)
{
	struct ir_value *x = net_input(g, "x", F32(3, 5)), *w = net_param(g, "w", F32(5, 5));

	x = net_act(g, "t", net_op(g, IR_DENSE, "a", NULL, x, w), ACT_TANH);
	return net_op(g, IR_DENSE, "b", NULL, x, w);
}

/* Two outputs of one node, both differentiated, which meet again in a product. */
static struct ir_value *parted(struct ir_graph *g)
{
	const struct ir_attr a = { .axis = 1, .parts = 2 }, keys = { .trans_b = 1 };
	struct ir_value *x = rows(g, 8);
	struct ir_node *n = ir_emit(g, IR_SPLIT, "split", &x, 1, &a);

	assert_non_null(n);
	return net_op(g, IR_MATMUL, "mul", &keys, net_act(g, "t", n->out[0], ACT_TANH), n->out[1]);
}

/* Only the last of three parts is read. */
static struct ir_value *last_part(struct ir_graph *g)
{
	const struct ir_attr a = { .axis = 1, .parts = 3 };
	struct ir_value *x = rows(g, 6);
	struct ir_node *n = ir_emit(g, IR_SPLIT, "split", &x, 1, &a);

	assert_non_null(n);
	return net_act(g, "t", n->out[2], ACT_TANH);
}

/* A mean and a sum taken away and given back; weights that stand for many. */
static struct ir_value *around(struct ir_graph *g)
{
	const struct ir_attr mean = { .reduce = REDUCE_MEAN, .axes = 2, .keep = 1 };
	const struct ir_attr sum = { .axes = 1 }, wide = { .ndim = 2, .dims = { 3, 6 } };
	struct ir_value *x = rows(g, 6);
	struct ir_value *m = net_op(g, IR_BROADCAST, "m", &wide, net_op(g, IR_REDUCE, "r", &mean, x));
	struct ir_value *s = net_op(g, IR_BROADCAST, "s", &wide, net_op(g, IR_REDUCE, "q", &sum, x));

	return net_op(g, IR_MULTIPLY, "mul", NULL, net_op(g, IR_MULTIPLY, "in", NULL, x, m), s);
}

static struct ir_value *cut_and_turned(struct ir_graph *g)
{
	const struct ir_attr cut = { .axis = 1, .start = 1, .size = 4 };
	const struct ir_attr pad = { .axis = 0, .start = 2, .size = 7 };
	struct ir_value *x = net_op(g, IR_SLICE, "cut", &cut, rows(g, 6));

	return net_op(g, IR_TRANSPOSE, "turn", NULL, net_op(g, IR_PAD, "pad", &pad, x));
}

static struct ir_value *largest_looked_up(struct ir_graph *g)
{
	const struct ir_attr max = { .reduce = REDUCE_MAX, .axes = 2 };
	struct ir_value *x = net_op(g, IR_INDEX, "index", NULL, net_param(g, "table", F32(5, 6)),
	                            net_input(g, "i", S32(3, 4)));

	return net_op(g, IR_REDUCE, "max", &max, x);
}

static struct ir_value *plain(struct ir_graph *g)
{
	return rows(g, 4);
}

/* Scores of four classes at six places. */
static struct ir_value *spelt(struct ir_graph *g)
{
	struct ir_value *y = rows(g, 24);
	const struct ir_attr places = { .ndim = 3, .dims = { y->desc.dim[0], 6, 4 } };

	return net_op(g, IR_RESHAPE, "places", &places, y);
}

static const struct slope_case {
	const char    *name;
	body_fn        body;
	enum ir_op     loss;
	struct ir_attr attr;
} cases[] = {
	{ "conv_strided", conv_strided, IR_MSE, { .groups = 0 } },
	{ "conv_grouped", conv_grouped, IR_MSE, { .groups = 0 } },
	{ "conv_biased", conv_biased, IR_MSE, { .groups = 0 } },
	{ "dense", dense_rows_of_rows, IR_MSE, { .groups = 0 } },
	{ "maxpool", maxpool, IR_MSE, { .groups = 0 } },
	{ "avgpool", avgpool, IR_MSE, { .groups = 0 } },
	{ "batchnorm", batchnorm, IR_MSE, { .groups = 0 } },
	{ "layernorm", layernorm, IR_MSE, { .groups = 0 } },
	{ "sample_norms", sample_norms, IR_MSE, { .groups = 0 } },
	{ "larger", larger, IR_MSE, { .groups = 0 } },
	{ "dropout", dropout, IR_MSE, { .groups = 0 } },
	{ "activations", activations, IR_MSE, { .groups = 0 } },
	{ "falling_leaky_relu", falling_leaky_relu, IR_MSE, { .groups = 0 } },
	{ "softmax", softmax, IR_BCE, { .groups = 0 } },
	{ "added", added, IR_MSE, { .groups = 0 } },
	{ "mixed", mixed, IR_MSE, { .groups = 0 } },
	{ "concatenated", concatenated, IR_MSE, { .groups = 0 } },
	{ "reshaped", reshaped, IR_MSE, { .groups = 0 } },
	{ "embedding", embedding, IR_MSE, { .groups = 0 } },
	{ "shared_weights", shared_weights, IR_MSE, { .groups = 0 } },
	{ "parted", parted, IR_MSE, { .groups = 0 } },
	{ "last_part", last_part, IR_MSE, { .groups = 0 } },
	{ "around", around, IR_MSE, { .groups = 0 } },
	{ "cut_and_turned", cut_and_turned, IR_MSE, { .groups = 0 } },
	{ "largest_looked_up", largest_looked_up, IR_MSE, { .groups = 0 } },
	{ "xent", plain, IR_XENT, { .groups = 0 } },
	{ "xent_smooth", plain, IR_XENT, { .smoothing = 0.2F } },
	{ "bce", plain, IR_BCE, { .groups = 0 } },
	{ "mae", plain, IR_MAE, { .groups = 0 } },
	{ "huber", plain, IR_HUBER, { .delta = 0.7F } },
	{ "focal", plain, IR_FOCAL, { .gamma = 1.5F } },
	{ "sigmoid_focal", plain, IR_SIGMOID_FOCAL, { .gamma = 2, .alpha = 0.25F } },
	{ "hinge", plain, IR_HINGE, { .delta = 0.5F } },
	{ "kl", plain, IR_KL, { .groups = 0 } },
	{ "ctc", spelt, IR_CTC, { .groups = 0 } },
	{ "ctc_blank", spelt, IR_CTC, { .blank = 2 } },
};

#define N_CASES (sizeof cases / sizeof cases[0])

static int takes_label(enum ir_op loss)
{
	return loss == IR_XENT || loss == IR_FOCAL || loss == IR_HINGE;
}

static struct ir_graph *build(const struct slope_case *c)
{
	struct ir_graph *g;
	struct ir_value *y, *target, *loss;

	assert_ok(ir_graph_new(&g));
	y = c->body(g);
	target = net_input(g, "t", c->loss == IR_CTC ? S32(y->desc.dim[0], 2)
	                   : takes_label(c->loss) ? S32(y->desc.dim[0]) : y->desc);
	loss = net_op(g, c->loss, "loss", &c->attr, y, target);
	ir_output(g, loss);
	assert_ok(ir_backward(g, loss));
	assert_ok(ir_verify(g));
	return g;
}

static double loss_at(struct interp *p, const struct ir_graph *g, float *where, double value)
{
	const struct run_context run = { .seed = 5, .step = 7, .sample_stride = 1 };
	float old = *where;

	*where = (float)value;
	interp_run(p, &run);
	*where = old;
	return interp_f32(p, net_output(g, 1))[0];
}

#define STEP 2e-3
#define TOLERANCE 2e-3          /* of the parameter's largest slope, and at least of 1 */
#define CHECKED 12              /* elements of each parameter */

static double largest(const float *x, int64_t n)
{
	double max = 1;

	for (int64_t i = 0; i < n; i++)
		max = fmax(max, fabs(x[i]));
	return max;
}

static void check_param(const char *name, const struct ir_graph *g, struct interp *p,
                        const struct ir_value *v)
{
	int64_t n = tensor_count(&v->desc), stride = (n + CHECKED - 1) / CHECKED;
	float *x = interp_f32(p, v);
	double slope[CHECKED], scale;

	interp_run(p, &(struct run_context){ .seed = 5, .step = 7, .sample_stride = 1 });
	scale = largest(interp_f32(p, v->grad), n);
	for (int64_t i = 0, k = 0; i < n; i += stride)
		slope[k++] = interp_f32(p, v->grad)[i];
	for (int64_t i = 0, k = 0; i < n; i += stride, k++) {
		float up = (float)(x[i] + STEP), down = (float)(x[i] - STEP);
		double rise = loss_at(p, g, &x[i], up) - loss_at(p, g, &x[i], down);
		double want = rise / ((double)up - down);

		if (!(fabs(slope[k] - want) <= TOLERANCE * scale))
			fail_msg("%s: slope of %s[%lld] is %.6g, differences say %.6g", name,
			         v->name, (long long)i, slope[k], want);
	}
}

/* A distribution has no number below 0. */
static void make_shares(float *t, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		t[i] = fabsf(t[i]);
}

static void gradients_are_the_slopes_of_the_loss(void **state)
{
	(void)state;

	for (size_t i = 0; i < N_CASES; i++) {
		struct ir_graph *g = build(&cases[i]);
		struct interp *p;

		assert_ok(interp_new(&p, g));
		interp_fill(p, 11);
		if (cases[i].loss == IR_KL)
			make_shares(interp_f32(p, interp_find(g, IR_INPUT, "t")),
			            tensor_count(&interp_find(g, IR_INPUT, "t")->desc));
		for (int k = 0; k < g->n_values; k++)
			if (g->value[k]->kind == IR_PARAM)
				check_param(cases[i].name, g, p, g->value[k]);
		interp_free(&p);
		ir_graph_free(&g);
	}
}

/* The nets above together hold every layer and loss; later operations are tried one by one by
 * tests/op/test_numeric.c. */
static void every_layer_and_loss_is_in_a_case(void **state)
{
	int seen[IR_OP_COUNT] = { 0 };
	(void)state;

	seen[IR_BATCHNORM_INFER] = 1;   /* has no gradient */
	for (size_t i = 0; i < N_CASES; i++) {
		struct ir_graph *g = build(&cases[i]);

		for (const struct ir_node *n = g->first; n; n = n->next)
			seen[n->op] = 1;
		ir_graph_free(&g);
	}
	for (int op = 0; op < IR_FOLD_BN; op++)
		if (!seen[op])
			fail_msg("no case has %s", ir_op_name(op));
}

static void gradients_scale_with_the_seed(void **state)
{
	struct ir_graph *g = net_resnet(NET_TRAIN);
	const struct ir_value *w = interp_find(g, IR_PARAM, "conv0.weight");
	struct interp *p;
	float one[108];
	(void)state;

	assert_ok(interp_new(&p, g));
	interp_fill(p, 3);
	interp_run(p, NULL);
	for (int i = 0; i < 108; i++)
		one[i] = 0.25F * interp_f32(p, w->grad)[i];
	interp_f32(p, interp_find(g, IR_INPUT, "seed"))[0] = 0.25F;
	interp_run(p, NULL);
	assert_floats_near(interp_f32(p, w->grad), one, 108, 1e-6);
	interp_free(&p);
	ir_graph_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_are_the_slopes_of_the_loss),
		cmocka_unit_test(every_layer_and_loss_is_in_a_case),
		cmocka_unit_test(gradients_scale_with_the_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
