/* Passes do what their header says, and the numbers stay the same: every net is run before and
 * after with the reference kernels, and outputs, gradients and statistics are compared. */
#include "compute/pass/pass.h"

#include <string.h>

#include "compute/ir/edit.h"
#include "support/interp.h"
#include "support/nets.h"
#include "support/support.h"

typedef struct ir_graph *(*net_fn)(enum net_mode mode);
typedef tt_status (*pass_fn)(struct ir_graph *g);

static struct interp *run(const struct ir_graph *g)
{
	const struct run_context context = { .seed = 3, .step = 2, .sample_stride = 1 };
	struct interp *p;

	assert_ok(ir_verify(g));
	assert_ok(interp_new(&p, g));
	interp_fill(p, 1);
	interp_run(p, &context);
	return p;
}

struct pair {
	const struct ir_graph *g[2];
	struct interp         *p[2];
	double                 tol;
};

static void compare_value(const struct pair *q, const struct ir_value *a, const struct ir_value *b)
{
	assert_true(tensor_same(&a->desc, &b->desc));
	assert_floats_near(interp_f32(q->p[1], b), interp_f32(q->p[0], a),
	                   (size_t)tensor_count(&a->desc), q->tol);
}

/* Outputs by number; parameters' gradients and buffers by name. */
static void compare_graphs(const struct pair *q)
{
	assert_int_equal(q->g[0]->n_outputs, q->g[1]->n_outputs);
	assert_int_equal(q->g[0]->n_inputs, q->g[1]->n_inputs);
	for (int i = 1; i <= q->g[0]->n_outputs; i++)
		compare_value(q, net_output(q->g[0], i), net_output(q->g[1], i));
	for (int i = 0; i < q->g[0]->n_values; i++) {
		const struct ir_value *a = q->g[0]->value[i], *b;

		if (a->kind != IR_PARAM && a->kind != IR_BUFFER)
			continue;
		b = interp_find(q->g[1], a->kind, a->name);
		assert_non_null(b);
		if (a->kind == IR_BUFFER)
			compare_value(q, a, b);
		if (a->grad)
			compare_value(q, a->grad, b->grad);
	}
}

/* Two graphs made alike; the second one has been rewritten. */
static void same_numbers(const struct ir_graph *plain, const struct ir_graph *rewritten, double tol)
{
	struct pair q = { { plain, rewritten }, { run(plain), run(rewritten) }, tol };

	compare_graphs(&q);
	interp_free(&q.p[0]);
	interp_free(&q.p[1]);
}

/* Relu in the kernel rounds as relu on its own does; tanh and folded weights round otherwise. */
#define TOLERANCE 1e-5

static tt_status all_train(struct ir_graph *g)
{
	return pass_all(g, PASS_TRAIN);
}

static tt_status all_infer(struct ir_graph *g)
{
	return pass_all(g, PASS_INFER);
}

static void numbers_stay_the_same(void **state)
{
	static const net_fn nets[] = { net_lenet, net_resnet };
	static const pass_fn passes[] = { pass_fold, pass_fuse, pass_dead, all_train, all_infer };
	(void)state;

	for (int n = 0; n < 4; n++)
		for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
			enum net_mode mode = n % 2 ? NET_INFER : NET_TRAIN;
			struct ir_graph *a = nets[n / 2](mode), *b = nets[n / 2](mode);

			assert_ok(passes[i](b));
			same_numbers(a, b, TOLERANCE);
			ir_graph_free(&a);
			ir_graph_free(&b);
		}
}

/* conv -> relu -> overlapping maxpool -> dense -> loss, the relu perhaps deferred. */
static struct ir_graph *pooled_net(pass_fn before_backward)
{
	struct ir_graph *g;
	struct ir_value *x, *label, *loss;

	assert_ok(ir_graph_new(&g));
	x = net_input(g, "x", F32(3, 2, 9, 9));
	label = net_input(g, "label", S32(3));
	x = net_conv(g, "conv", x, 4, &(struct ir_attr){ .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } });
	x = net_act(g, "conv", x, ACT_RELU);
	x = net_op(g, IR_MAXPOOL, "pool",
	           (&(struct ir_attr){ .kernel = { 3, 3 }, .stride = { 2, 2 } }), x);
	x = net_op(g, IR_RESHAPE, "flatten", (&(struct ir_attr){ .ndim = 2, .dims = { 3, 64 } }), x);
	x = net_dense(g, "fc", x, 5);
	loss = net_op(g, IR_XENT, "loss", NULL, x, label);
	ir_output(g, loss);
	assert_ok(before_backward ? before_backward(g) : TT_OK);
	assert_ok(ir_backward(g, loss));
	return g;
}

static void a_deferred_relu_gives_the_same_bits(void **state)
{
	struct ir_graph *a = pooled_net(NULL), *b = pooled_net(pass_defer);
	(void)state;

	for (struct ir_node *n = b->first; n; n = n->next)
		if (n->op == IR_ACT || n->op == IR_ACT_DX)
			assert_int_equal(n->out[0]->desc.dim[2], 4);     /* behind the pool */
	same_numbers(a, b, 0);
	assert_ok(pass_all(b, PASS_TRAIN));
	assert_int_equal(net_count(b, IR_ACT), 0);                       /* now part of it  */
	same_numbers(a, b, 0);
	ir_graph_free(&a);
	ir_graph_free(&b);
}

/* conv -> relu -> dense -> loss, with and without biases; perhaps in pieces. */
static struct ir_graph *large_net(size_t least)
{
	const struct ir_attr three = { .kernel = { 3, 3 }, .stride = { 2, 1 }, .pad = { 1, 1, 1, 1 } };
	struct ir_graph *g;
	struct ir_value *x, *label, *loss;

	assert_ok(ir_graph_new(&g));
	x = net_input(g, "x", F32(3, 2, 4, 4));
	label = net_input(g, "label", S32(3));
	x = net_conv(g, "conv1", x, 37, &three);
	x = net_act(g, "conv1", x, ACT_RELU);
	x = net_op(g, IR_CONV2D, "conv2", NULL, x, net_param(g, "conv2.weight", F32(33, 37, 1, 1)),
	           net_param(g, "conv2.bias", F32(33)));
	x = net_op(g, IR_RESHAPE, "flatten", (&(struct ir_attr){ .ndim = 2, .dims = { 3, 264 } }), x);
	x = net_dense(g, "fc1", x, 64);
	x = net_act(g, "fc1", x, ACT_TANH);
	x = net_dense(g, "fc2", x, 48);
	loss = net_op(g, IR_XENT, "loss", NULL, x, label);
	ir_output(g, loss);
	ir_output(g, x);
	assert_ok(least ? pass_split(g, least) : TT_OK);
	assert_ok(ir_backward(g, loss));
	return g;
}

/* The parameter that holds this place of the flat vector. */
static const struct ir_value *param_at(const struct ir_graph *g, size_t at)
{
	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];

		if (v->kind == IR_PARAM && v->offset <= at && at < v->offset + tensor_count(&v->desc))
			return v;
	}
	fail_msg("nothing at %zu", at);
	return NULL;
}

/* The numbers of a piece, or their gradients, and the same of the whole. */
static void microbatch_of_pair(const struct pair *q, int grads,
							   void (*f)(float *piece, float *whole, size_t n, double tol))
{
	for (int i = 0; i < q->g[1]->n_values; i++) {
		const struct ir_value *b = q->g[1]->value[i], *a;
		size_t from;

		if (b->kind != IR_PARAM)
			continue;
		a = param_at(q->g[0], b->offset);
		from = b->offset - a->offset;
		assert_true(from + tensor_count(&b->desc) <= (size_t)tensor_count(&a->desc));
		f(interp_f32(q->p[1], grads ? b->grad : b), interp_f32(q->p[0], grads ? a->grad : a) + from,
		  (size_t)tensor_count(&b->desc), q->tol);
	}
}

static void take_over(float *piece, float *whole, size_t n, double tol)
{
	(void)tol;
	memcpy(piece, whole, n * sizeof *piece);
}

static void are_near(float *piece, float *whole, size_t n, double tol)
{
	assert_floats_near(piece, whole, n, tol);
}

static void large_layers_in_pieces_give_the_same_numbers(void **state)
{
	/* By rows fc1 has 4 pieces, fc2 3, the convolutions 2; a bias is a node of its own. */
	static const struct { size_t least; int dense, conv; } row[] = {
		{ 1 << 20, 2, 2 }, { 1000, 4 + 3 + 2, 2 }, { 600, 4 + 3 + 2, 1 + 2 + 1 },
		{ 16, 4 + 3 + 2, 2 + 2 + 1 },
	};
	struct ir_graph *a = large_net(0), *b;
	(void)state;

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		b = large_net(row[i].least);
		struct pair q = { { a, b }, { run(a), run(b) }, TOLERANCE };

		microbatch_of_pair(&q, 0, take_over);
		interp_run(q.p[1], NULL);
		interp_run(q.p[0], NULL);
		for (int k = 1; k <= 2; k++)
			compare_value(&q, net_output(a, k), net_output(b, k));
		microbatch_of_pair(&q, 1, are_near);
		for (size_t at = 0; at < b->param_count; at++)
			assert_non_null(param_at(b, at));
		assert_int_equal(net_count(b, IR_DENSE), row[i].dense);
		assert_int_equal(net_count(b, IR_CONV2D), row[i].conv);
		assert_ok(pass_all(b, PASS_TRAIN));
		interp_free(&q.p[0]);
		interp_free(&q.p[1]);
		ir_graph_free(&b);
	}
	ir_graph_free(&a);
}

static struct ir_node *dense_of(struct ir_graph *g, const char *name)
{
	struct ir_node *n = g->first;

	while (n && (n->op != IR_DENSE || strcmp(n->name, name) != 0))
		n = n->next;
	return n;
}

/* index[3,7] -> embedding of so many rows -> dense -> dense -> loss */
static struct ir_graph *looked_up_net(int64_t rows, pass_fn before_backward)
{
	const struct ir_attr flat = { .ndim = 2, .dims = { 3, 28 } };
	struct ir_graph *g;
	struct ir_value *x, *label, *loss;

	assert_ok(ir_graph_new(&g));
	x = net_input(g, "index", S32(3, 7));
	label = net_input(g, "label", S32(3));
	x = net_op(g, IR_EMBEDDING, "table", NULL, x, net_param(g, "table.weight", F32(rows, 5)));
	x = net_dense(g, "fc1", x, 4);
	x = net_dense(g, "fc2", net_op(g, IR_RESHAPE, "flatten", &flat, x), 6);
	loss = net_op(g, IR_XENT, "loss", NULL, x, label);
	ir_output(g, loss);
	assert_ok(before_backward ? before_backward(g) : TT_OK);
	assert_ok(ir_backward(g, loss));
	return g;
}

static void a_layer_over_a_small_table_works_on_its_rows(void **state)
{
	static const struct { int64_t rows; int turned; } row[] = { { 4, 1 }, { 10, 1 }, { 11, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct ir_graph *a = looked_up_net(row[i].rows, NULL);
		struct ir_graph *b = looked_up_net(row[i].rows, pass_lookup);

		same_numbers(a, b, TOLERANCE);
		assert_ok(pass_all(b, PASS_TRAIN));
		same_numbers(a, b, TOLERANCE);
		assert_int_equal(dense_of(b, "fc1")->in[0]->kind == IR_PARAM, row[i].turned);
		ir_graph_free(&a);
		ir_graph_free(&b);
	}
}

/* Copies of what three rows give cost little, those of 300 more than pieces gain. */
static void layers_over_many_rows_stay_whole(void **state)
{
	(void)state;
	for (int64_t rows = 3; rows <= 300; rows += 297) {
		struct ir_graph *g;

		assert_ok(ir_graph_new(&g));
		ir_output(g, net_dense(g, "fc", net_input(g, "x", F32(rows, 80)), 80));
		assert_ok(pass_split(g, 1600));
		assert_int_equal(net_count(g, IR_CONCAT), rows == 3);
		ir_graph_free(&g);
	}
}

static void passing_twice_changes_nothing(void **state)
{
	struct ir_graph *g = net_resnet(NET_TRAIN);
	struct str once = {0}, twice = {0};
	(void)state;

	assert_ok(pass_all(g, PASS_TRAIN));
	ir_print(g, &once);
	assert_ok(pass_all(g, PASS_TRAIN));
	ir_print(g, &twice);
	assert_string_equal(once.p, twice.p);
	str_release(&once);
	str_release(&twice);
	ir_graph_free(&g);
}

static struct ir_node *find(const struct ir_graph *g, enum ir_op op, const char *layer)
{
	for (struct ir_node *n = g->first; n; n = n->next)
		if (n->op == op && strcmp(n->name, layer) == 0)
			return n;
	fail_msg("no %s of %s", ir_op_name(op), layer);
	return NULL;
}

static void lenet_keeps_only_the_gelu_when_training(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	(void)state;

	assert_ok(pass_fuse(g));
	assert_int_equal(net_count(g, IR_ACT), 1);
	assert_int_equal(find(g, IR_ACT, "gelu3")->attr.act, ACT_GELU);
	assert_int_equal(find(g, IR_CONV2D, "conv1")->attr.act, ACT_RELU);
	assert_int_equal(find(g, IR_CONV2D, "conv2")->attr.act, ACT_TANH);
	assert_int_equal(net_count(g, IR_ACT_DX), 3);
	assert_ptr_equal(find(g, IR_ACT_DX, "relu1")->in[0], find(g, IR_CONV2D, "conv1")->out[0]);
	ir_graph_free(&g);
}

static void inference_fuses_every_activation(void **state)
{
	struct ir_graph *g = net_lenet(NET_INFER);
	(void)state;

	assert_ok(pass_fuse(g));
	assert_int_equal(net_count(g, IR_ACT), 0);
	assert_int_equal(find(g, IR_DENSE, "fc1")->attr.act, ACT_GELU);
	ir_graph_free(&g);
}

static void resnet_fuses_relu_into_norms_and_sums(void **state)
{
	struct ir_graph *g = net_resnet(NET_TRAIN);
	struct ir_node *bn, *dx;
	int sums = 0;
	(void)state;

	assert_ok(pass_fuse(g));
	assert_int_equal(net_count(g, IR_ACT), 0);
	assert_int_equal(net_count(g, IR_ACT_DX), 2);           /* those behind the sums */
	for (const struct ir_node *n = g->first; n; n = n->next)
		sums += n->op == IR_ACT_DX && n->n_in == 3;
	assert_int_equal(sums, 1);              /* of the first: the second is read once   */
	bn = find(g, IR_BATCHNORM, "bn0");
	dx = find(g, IR_BATCHNORM_DX, "bn0");
	assert_int_equal(bn->attr.act, ACT_RELU);
	assert_int_equal(dx->attr.act, ACT_RELU);
	assert_ptr_equal(dx->in[0], bn->in[0]);
	assert_ptr_equal(dx->in[1], bn->out[0]);
	assert_int_equal(find(g, IR_BATCHNORM, "a.bn2")->attr.act, ACT_NONE);
	assert_int_equal(find(g, IR_BATCHNORM_DX, "a.bn2")->attr.act, ACT_NONE);
	assert_int_equal(find(g, IR_ADD, "a.add")->attr.act, ACT_RELU);
	ir_graph_free(&g);
}

static void resnet_folds_every_norm_for_inference(void **state)
{
	struct ir_graph *g = net_resnet(NET_INFER);
	struct ir_node *conv;
	int norms = net_count(g, IR_BATCHNORM_INFER);
	(void)state;

	assert_ok(pass_all(g, PASS_INFER));
	assert_int_equal(net_count(g, IR_BATCHNORM_INFER), 0);
	assert_int_equal(net_count(g, IR_FOLD_BN), norms);
	assert_int_equal(net_count(g, IR_FILL), norms);         /* no convolution had a bias */
	assert_int_equal(net_count(g, IR_ACT), 0);
	conv = find(g, IR_CONV2D, "conv0");
	assert_int_equal(conv->attr.act, ACT_RELU);
	assert_int_equal(conv->n_in, 3);
	ir_graph_free(&g);
}

static struct ir_graph *new_graph(void)
{
	struct ir_graph *g;

	assert_ok(ir_graph_new(&g));
	return g;
}

/* Dense with a bias, then a norm that holds relu already; and a norm of rows of rows, whose channel
 * is not the layer's output. */
static struct ir_graph *dense_norms(void)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_batchnorm(g, "bn1", net_dense(g, "fc1", net_input(g, "x", F32(2, 3)),
	                                                       4), NET_INFER);
	struct ir_value *y = net_input(g, "y", F32(2, 5, 3));

	x->maker->attr.act = ACT_RELU;
	ir_output(g, x);
	ir_output(g, net_batchnorm(g, "bn2", net_dense(g, "fc2", y, 4), NET_INFER));
	return g;
}

static void dense_layers_fold_where_channels_agree(void **state)
{
	struct ir_graph *a = dense_norms(), *b = dense_norms();
	(void)state;

	assert_ok(pass_fold(b));
	same_numbers(a, b, TOLERANCE);
	assert_int_equal(net_count(b, IR_FILL), 0);
	assert_int_equal(net_count(b, IR_FOLD_BN), 1);
	assert_int_equal(find(b, IR_DENSE, "fc1")->attr.act, ACT_RELU);
	assert_non_null(find(b, IR_BATCHNORM_INFER, "bn2"));
	ir_graph_free(&a);
	ir_graph_free(&b);
}

/* A value between layer and norm, or layer and activation, that somebody else wants. */
static struct ir_graph *watched(void)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc1", net_input(g, "x", F32(2, 3)), 4), *y;

	ir_output(g, x);
	y = net_batchnorm(g, "bn", x, NET_INFER);
	ir_output(g, net_op(g, IR_ADD, "add", NULL, net_act(g, "relu", y, ACT_RELU), y));
	return g;
}

static void values_that_others_read_stay(void **state)
{
	struct ir_graph *a = watched(), *b = watched();
	(void)state;

	assert_ok(pass_all(b, PASS_INFER));
	same_numbers(a, b, 0);
	assert_int_equal(a->n_nodes, b->n_nodes);
	ir_graph_free(&a);
	ir_graph_free(&b);
}

static struct ir_graph *bent_twice(void)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc1", net_input(g, "x", F32(2, 3)), 4);

	x = net_act(g, "elu", net_act(g, "leaky", x, ACT_LEAKY_RELU), ACT_ELU);
	x = net_op(g, IR_ADD, "add", NULL, x, net_act(g, "alone", x, ACT_SIGMOID));
	ir_output(g, net_act(g, "tanh", x, ACT_TANH));
	return g;
}

static void a_layer_holds_one_activation_that_it_can(void **state)
{
	struct ir_graph *a = bent_twice(), *b = bent_twice();
	struct ir_node *fc;
	(void)state;

	assert_ok(pass_fuse(b));
	same_numbers(a, b, TOLERANCE);
	fc = find(b, IR_DENSE, "fc1");
	assert_int_equal(fc->attr.act, ACT_LEAKY_RELU);
	assert_true(fc->attr.alpha == 0.5F);
	assert_int_equal(net_count(b, IR_ACT), 3);      /* elu, alone, and tanh: a sum holds relu */
	ir_graph_free(&a);
	ir_graph_free(&b);
}

/* relu reads the norm, and so does another layer: its gradient is a sum, not the relu's alone. */
static struct ir_graph *norm_with_two_readers(void)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc", net_input(g, "x", F32(4, 3)), 4), *y, *loss;

	y = net_batchnorm(g, "bn", x, NET_TRAIN);
	x = net_op(g, IR_ADD, "add", NULL, net_act(g, "relu", y, ACT_RELU), y);
	loss = net_op(g, IR_MSE, "loss", NULL, x, net_input(g, "t", x->desc));
	ir_output(g, loss);
	assert_ok(ir_backward(g, loss));
	return g;
}

static void a_norm_with_two_readers_stays_apart(void **state)
{
	struct ir_graph *a = norm_with_two_readers(), *b = norm_with_two_readers();
	(void)state;

	assert_ok(pass_all(b, PASS_TRAIN));
	same_numbers(a, b, TOLERANCE);
	assert_int_equal(net_count(b, IR_ACT), 1);
	ir_graph_free(&a);
	ir_graph_free(&b);
}

/* The gradient between norm and relu is an output: it must be there to be looked at. */
static void a_watched_gradient_stays(void **state)
{
	struct ir_graph *g = net_resnet(NET_TRAIN);
	(void)state;

	ir_output(g, find(g, IR_BATCHNORM, "bn0")->out[0]->grad);
	assert_ok(pass_all(g, PASS_TRAIN));
	assert_int_equal(find(g, IR_BATCHNORM, "bn0")->attr.act, ACT_NONE);
	assert_int_equal(net_count(g, IR_ACT), 1);
	ir_graph_free(&g);
}

static void dead_takes_whole_chains_and_spares_statistics(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	int nodes = g->n_nodes;
	struct ir_value *x = ir_find(g, "x");
	(void)state;

	assert_ok(pass_dead(g));
	assert_int_equal(g->n_nodes, nodes);            /* nothing was dead */
	for (int i = 0; i < 5; i++)
		x = net_act(g, "aside", x, ACT_RELU);
	net_batchnorm(g, "bn", ir_find(g, "x"), NET_TRAIN);
	assert_ok(pass_dead(g));
	assert_ok(ir_verify(g));
	assert_int_equal(g->n_nodes, nodes + 1);
	assert_int_equal(net_count(g, IR_BATCHNORM), 1);
	assert_non_null(ir_find(g, "conv1.weight")->grad);
	ir_graph_free(&g);
}

static void unused_gradients_are_swept(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	(void)state;

	for (int i = 0; i < g->n_values; i++)
		g->value[i]->grad = NULL;
	assert_ok(pass_dead(g));
	for (const struct ir_node *n = g->first; n; n = n->next)
		assert_false(n->backward);
	ir_graph_free(&g);
}

static void a_broken_graph_is_not_rewritten(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	(void)state;

	g->first->out[0]->desc.dim[1]++;
	assert_status(pass_all(g, PASS_TRAIN), TT_EINTERNAL);
	assert_error("before all passes: ");
	ir_graph_free(&g);
}

static int pay(int64_t samples, int ranks, int hosts, int width, int64_t k, int64_t c)
{
	const struct pass_factors among = { samples, ranks, hosts, width };
	const struct factors f = { samples, c, k, 1, 1, 1, { 0 } };

	return pass_factors_pay(&among, &f);
}

/* Which is less, by hand: 3.67 M numbers against 58.7 M, 18.3 M against 14.3 M, 11.7 M against
 * 7.68 M; and sums are half as much in 16 bits. */
static void factors_pay_where_they_are_fewer(void **state)
{
	(void)state;
	assert_true(pay(32, 8, 8, 4, 4096, 4096));
	assert_false(pay(256, 8, 8, 4, 4096, 1000));
	assert_false(pay(128, 16, 16, 4, 2048, 1000));
	assert_true(pay(64, 8, 8, 4, 512, 4096));
	assert_false(pay(64, 8, 8, 2, 512, 4096));
	/* Sixteen on two hosts: 3.46 M against a host's 2.10 M, though a ring of all had 3.93 M. */
	assert_false(pay(50, 16, 2, 4, 512, 4096));
	assert_false(pay(30, 16, 2, 4, 512, 4096));       /* 8.30 MB against 8.39, for 1.9 GFLOP */
	assert_true(pay(20, 16, 2, 4, 512, 4096));
}

/* 3 x 3 weights between 512 channels over 2 x 2 places: on four hosts 3.15 MB and 1.6 GFLOP (16 of
 * 36 pairs are inside) against 14.2 MB; on eight 7.3 MB and 3.8 GFLOP against 16.5 MB, which is
 * 410 operations for each byte saved.  Over 4 x 4 places it is 640 on two hosts, 6,400 on four. */
static void factors_pay_where_their_product_is_worth_it(void **state)
{
	static const struct { int64_t side; int hosts, worth; } row[] = {
		{ 2, 2, 1 }, { 2, 4, 1 }, { 2, 8, 1 }, { 4, 2, 0 }, { 4, 4, 0 }, { 1, 8, 1 },
	};
	const struct ir_attr a = { .kernel = { 3, 3 }, .stride = { 1, 1 }, .dilation = { 1, 1 },
	                           .pad = { 1, 1, 1, 1 }, .groups = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const struct pass_factors among = { 64, row[i].hosts, row[i].hosts, 4 };
		const struct tensor_desc d = tensor_desc_make(DTYPE_F32, 4, (const int64_t[]){
			64, 512, row[i].side, row[i].side });
		struct factors f;

		assert_true(ir_factors(&a, &d, &d, 64, &f));
		assert_int_equal(pass_factors_pay(&among, &f), row[i].worth);
	}
}

/* Large layers stay whole; weights that two layers share, and rows that are no samples, are not for
 * factors. */
static void factors_are_of_one_layer_and_its_samples(void **state)
{
	const struct pass_factors f = { 4, 2, 2, 4 };
	const struct ir_attr twelve = { .ndim = 2, .dims = { 12, 20 } };
	struct ir_graph *g;
	struct ir_value *x, *a, *b, *w, *y;

	(void)state;
	assert_ok(ir_graph_new(&g));
	x = net_input(g, "x", F32(3, 80));
	a = net_dense(g, "large", x, 80);
	w = net_param(g, "twice.weight", F32(80, 80));
	b = net_op(g, IR_DENSE, "twice", NULL, a, w);
	b = net_op(g, IR_DENSE, "again", NULL, b, w);
	y = net_dense(g, "small", b, 2);
	x = net_op(g, IR_RESHAPE, "rows", &twelve, b);
	ir_output(g, net_dense(g, "rows", x, 80));
	ir_output(g, y);
	pass_factor(g, &f);
	assert_int_equal(dense_of(g, "large")->attr.rows, 4);
	assert_int_equal(dense_of(g, "twice")->attr.rows, 0);
	assert_int_equal(dense_of(g, "again")->attr.rows, 0);
	assert_int_equal(dense_of(g, "small")->attr.rows, 0);
	assert_int_equal(dense_of(g, "rows")->attr.rows, 0);
	assert_ok(pass_split(g, 1600));
	assert_non_null(dense_of(g, "large"));
	assert_int_equal(dense_of(g, "large")->out[0]->desc.dim[1], 80);
	ir_graph_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_stay_the_same),
		cmocka_unit_test(a_deferred_relu_gives_the_same_bits),
		cmocka_unit_test(large_layers_in_pieces_give_the_same_numbers),
		cmocka_unit_test(a_layer_over_a_small_table_works_on_its_rows),
		cmocka_unit_test(layers_over_many_rows_stay_whole),
		cmocka_unit_test(passing_twice_changes_nothing),
		cmocka_unit_test(lenet_keeps_only_the_gelu_when_training),
		cmocka_unit_test(inference_fuses_every_activation),
		cmocka_unit_test(resnet_fuses_relu_into_norms_and_sums),
		cmocka_unit_test(resnet_folds_every_norm_for_inference),
		cmocka_unit_test(dense_layers_fold_where_channels_agree),
		cmocka_unit_test(values_that_others_read_stay),
		cmocka_unit_test(a_layer_holds_one_activation_that_it_can),
		cmocka_unit_test(a_norm_with_two_readers_stays_apart),
		cmocka_unit_test(a_watched_gradient_stays),
		cmocka_unit_test(dead_takes_whole_chains_and_spares_statistics),
		cmocka_unit_test(unused_gradients_are_swept),
		cmocka_unit_test(a_broken_graph_is_not_rewritten),
		cmocka_unit_test(factors_pay_where_they_are_fewer),
		cmocka_unit_test(factors_pay_where_their_product_is_worth_it),
		cmocka_unit_test(factors_are_of_one_layer_and_its_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
