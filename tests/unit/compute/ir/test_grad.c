/* What ir_backward appends: which nodes, in which order, for whom. */
#include "compute/ir/graph.h"

#include <string.h>

#include "compute/ir/edit.h"
#include "support/nets.h"
#include "support/support.h"

static struct ir_graph *new_graph(void)
{
	struct ir_graph *g;

	assert_ok(ir_graph_new(&g));
	return g;
}

/* A loss over x[N,K]: its mean square distance from the input "t". */
static void differentiate(struct ir_graph *g, struct ir_value *y)
{
	struct ir_value *loss = net_op(g, IR_MSE, "loss", NULL, y, net_input(g, "t", y->desc));

	assert_ok(ir_backward(g, loss));
	assert_ok(ir_verify(g));
}

static struct ir_node *find(const struct ir_graph *g, enum ir_op op, const char *layer)
{
	for (struct ir_node *n = g->first; n; n = n->next)
		if (n->op == op && strcmp(n->name, layer) == 0)
			return n;
	fail_msg("no %s of %s", ir_op_name(op), layer);
	return NULL;
}

static void every_parameter_gets_a_gradient_of_its_shape(void **state)
{
	struct ir_graph *g = net_resnet(NET_TRAIN);
	(void)state;

	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_PARAM) {
			assert_non_null(g->value[i]->grad);
			assert_true(g->value[i]->grad->maker->backward);
		}
	ir_graph_free(&g);
}

static void the_gradient_of_an_input_is_never_made(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	(void)state;

	assert_int_equal(net_count(g, IR_CONV2D), 2);
	assert_int_equal(net_count(g, IR_CONV2D_DW), 2);
	assert_int_equal(net_count(g, IR_CONV2D_DX), 1);
	assert_null(ir_find(g, "x")->grad);
	ir_graph_free(&g);
}

static void the_seed_is_the_last_input(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	struct ir_value *seed = ir_find(g, "seed");
	(void)state;

	assert_int_equal(seed->index, g->n_inputs - 1);
	assert_ptr_equal(net_output(g, 1)->grad, seed);
	assert_ptr_equal(find(g, IR_XENT_DX, "loss")->in[2], seed);
	ir_graph_free(&g);
}

static void weights_are_read_before_their_gradient(void **state)
{
	struct ir_graph *g = net_resnet(NET_TRAIN);
	(void)state;

	for (const struct ir_node *n = g->first; n; n = n->next)
		for (int i = 0; i < n->n_in; i++)
			if (n->in[i]->kind == IR_PARAM && n->in[i]->grad)
				assert_true(n->id <= n->in[i]->grad->maker->id);
	ir_graph_free(&g);
}

/* The flat gradient fills from its end: within one chain, later layers are complete first. */
static void gradients_come_in_descending_order(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	int last = 0;
	(void)state;

	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];

		if (v->kind != IR_PARAM)
			continue;
		assert_true(last == 0 || v->grad->maker->id <= last);
		last = v->grad->maker->id;
	}
	ir_graph_free(&g);
}

static void bias_and_weight_share_a_node(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	struct ir_node *dw = find(g, IR_DENSE_DW, "fc2");
	(void)state;

	assert_ptr_equal(ir_find(g, "fc2.weight")->grad, dw->out[0]);
	assert_ptr_equal(ir_find(g, "fc2.bias")->grad, dw->out[1]);
	ir_graph_free(&g);
}

static void slopes_come_from_the_output_where_they_can(void **state)
{
	static const struct { enum ir_act act; int use_y; } want[] = {
		{ ACT_RELU, 1 }, { ACT_LEAKY_RELU, 1 }, { ACT_ELU, 1 }, { ACT_GELU, 0 },
		{ ACT_SILU, 0 }, { ACT_SIGMOID, 1 }, { ACT_TANH, 1 }, { ACT_RELU6, 1 },
		{ ACT_HARDSWISH, 0 }, { ACT_HARDSIGMOID, 1 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct ir_graph *g = new_graph();
		struct ir_value *x = net_dense(g, "fc", net_input(g, "x", F32(2, 3)), 4);
		struct ir_value *y = net_act(g, "act", x, want[i].act);
		struct ir_node *dx;

		differentiate(g, y);
		dx = find(g, IR_ACT_DX, "act");
		assert_int_equal(dx->attr.use_y, want[i].use_y);
		assert_ptr_equal(dx->in[0], want[i].use_y ? y : x);
		ir_graph_free(&g);
	}
}

static void a_negative_slope_needs_the_input(void **state)
{
	const struct ir_attr a = { .act = ACT_LEAKY_RELU, .alpha = -0.5F };
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc", net_input(g, "x", F32(2, 3)), 4);
	(void)state;

	differentiate(g, net_op(g, IR_ACT, "act", &a, x));
	assert_ptr_equal(find(g, IR_ACT_DX, "act")->in[0], x);
	ir_graph_free(&g);
}

static void several_readers_are_summed(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc0", net_input(g, "x", F32(2, 3)), 4);
	struct ir_value *a = net_dense(g, "fc1", x, 5), *b = net_dense(g, "fc2", x, 5);
	struct ir_node *sum;
	(void)state;

	differentiate(g, net_op(g, IR_ADD, "add", NULL, a, b));
	sum = find(g, IR_SUM, "fc0");
	assert_int_equal(sum->n_in, 2);
	assert_ptr_equal(sum->in[0], find(g, IR_DENSE_DX, "fc2")->out[0]);   /* later reader first */
	assert_ptr_equal(sum->in[1], find(g, IR_DENSE_DX, "fc1")->out[0]);
	assert_ptr_equal(x->grad, sum->out[0]);
	ir_graph_free(&g);
}

static void a_hundred_readers_need_two_sums(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc0", net_input(g, "x", F32(2, 3)), 4);
	struct ir_value *y = x;
	(void)state;

	for (int i = 0; i < 99; i++)
		y = net_op(g, IR_ADD, "add", NULL, y, x);
	differentiate(g, y);
	assert_int_equal(net_count(g, IR_SUM), 2);
	ir_graph_free(&g);
}

static void a_shared_parameter_is_complete_at_its_first_reader(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *w = net_param(g, "w", F32(3, 3)), *x = net_input(g, "x", F32(2, 3));
	struct ir_node *sum;
	(void)state;

	x = net_op(g, IR_DENSE, "a", NULL, x, w);
	x = net_op(g, IR_DENSE, "b", NULL, x, w);
	differentiate(g, x);
	sum = find(g, IR_SUM, "a");
	assert_ptr_equal(w->grad, sum->out[0]);
	assert_true(find(g, IR_DENSE_DX, "b")->id < sum->id);
	ir_graph_free(&g);
}

static void two_parameters_never_share_a_gradient(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *a = net_param(g, "a", F32(2, 3)), *b = net_param(g, "b", F32(2, 3));
	(void)state;

	differentiate(g, net_op(g, IR_ADD, "add", NULL, a, b));
	assert_ptr_not_equal(a->grad, b->grad);
	ir_graph_free(&g);
}

static void frozen_parameters_get_none(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *w = net_param(g, "w", F32(3, 3)), *x = net_input(g, "x", F32(2, 3));
	(void)state;

	w->wants_grad = 0;
	x = net_op(g, IR_DENSE, "frozen", NULL, x, w);
	differentiate(g, net_dense(g, "fc", x, 4));
	assert_null(w->grad);
	assert_int_equal(net_count(g, IR_DENSE_DX), 0);
	assert_int_equal(net_count(g, IR_DENSE_DW), 1);
	ir_graph_free(&g);
}

static void what_leads_to_no_loss_gets_none(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc", net_input(g, "x", F32(2, 3)), 4);
	(void)state;

	ir_output(g, net_dense(g, "aside", x, 2));
	differentiate(g, x);
	assert_null(ir_find(g, "aside.weight")->grad);
	assert_non_null(ir_find(g, "fc.weight")->grad);
	assert_int_equal(net_count(g, IR_SUM), 0);
	ir_graph_free(&g);
}

static void concat_is_sliced(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_input(g, "x", F32(2, 3));
	struct ir_value *a = net_dense(g, "a", x, 4), *b = net_dense(g, "b", x, 5);
	struct ir_node *slice;
	(void)state;

	differentiate(g, net_op(g, IR_CONCAT, "cat", (&(struct ir_attr){ .axis = 1 }), a, x, b));
	assert_int_equal(net_count(g, IR_SLICE), 2);
	slice = b->grad->maker;
	assert_int_equal(slice->attr.start, 7);
	assert_int_equal(slice->attr.size, 5);
	ir_graph_free(&g);
}

static void a_plain_batchnorm_does_not_keep_its_output(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc", net_input(g, "x", F32(4, 3)), 4);
	struct ir_value *y = net_batchnorm(g, "bn", x, NET_TRAIN);
	(void)state;

	differentiate(g, y);
	assert_ptr_equal(find(g, IR_BATCHNORM_DX, "bn")->in[1], x);
	ir_graph_free(&g);
}

static void gradient_layers_are_linear(void **state)
{
	const struct ir_attr relu = { .act = ACT_RELU };
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc0", net_input(g, "x", F32(2, 3)), 3);
	(void)state;

	x = net_op(g, IR_DENSE, "fc", &relu, x, net_param(g, "w", F32(3, 3)));
	differentiate(g, x);
	assert_int_equal(find(g, IR_DENSE_DX, "fc")->attr.act, ACT_NONE);
	assert_int_equal(find(g, IR_DENSE_DW, "fc")->attr.act, ACT_NONE);
	assert_int_equal(find(g, IR_ACT_DX, "fc")->attr.act, ACT_RELU);
	ir_graph_free(&g);
}

static void losses_that_cannot_be_differentiated_say_why(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_input(g, "x", F32(2, 3)), *y = net_dense(g, "fc", x, 3);
	struct ir_value *loss, *constant, *own;
	(void)state;

	assert_status(ir_backward(g, y), TT_ESHAPE);
	assert_error("a loss is one number, not 2x3 from fc");
	constant = net_op(g, IR_MSE, "constant", NULL, x, x);
	assert_status(ir_backward(g, constant), TT_EINVAL);
	assert_error("1 from constant, does not depend on any parameter");
	loss = net_op(g, IR_MSE, "loss", NULL, y, x);
	assert_ok(ir_backward(g, loss));
	assert_status(ir_backward(g, loss), TT_EINVAL);
	assert_error("differentiated once");
	ir_graph_free(&g);

	g = new_graph();
	y = net_dense(g, "fc", net_input(g, "x", F32(2, 3)), 3);
	own = net_op(g, IR_MSE, "loss", NULL, y, net_act(g, "act", y, ACT_TANH));
	assert_status(ir_backward(g, own), TT_ESUPPORT);
	assert_error("loss (mse): its target depends on parameters");
	ir_graph_free(&g);
}

static void layers_without_a_gradient_say_so(void **state)
{
	const struct ir_attr gelu = { .act = ACT_GELU };
	struct ir_graph *g = new_graph();
	struct ir_value *x = net_dense(g, "fc", net_input(g, "x", F32(2, 3)), 3), *loss;
	(void)state;

	x = net_op(g, IR_DENSE_DX, "back", NULL, x, net_param(g, "v", F32(3, 3)));
	loss = net_op(g, IR_MSE, "loss", NULL, x, x);
	loss->maker->in[1] = ir_find(g, "x");
	assert_status(ir_backward(g, loss), TT_ESUPPORT);
	assert_error("back (dense_dx): it has no gradient");
	ir_graph_free(&g);

	g = new_graph();
	x = net_input(g, "x", F32(2, 3));
	loss = net_op(g, IR_MSE, "loss", NULL,
	              net_op(g, IR_DENSE, "fc", &gelu, x, net_param(g, "w", F32(3, 3))), x);
	assert_status(ir_backward(g, loss), TT_ESUPPORT);
	assert_error("fc (dense): gelu must be a layer of its own");
	ir_graph_free(&g);
}

/* p[4,6] in parts, along the columns. */
static struct ir_node *split(struct ir_graph *g, int parts)
{
	const struct ir_attr a = { .axis = 1, .parts = parts };
	struct ir_value *p = net_param(g, "p", F32(4, 6));
	struct ir_node *n = ir_emit(g, IR_SPLIT, "split", &p, 1, &a);

	assert_non_null(n);
	return n;
}

static void every_part_of_a_split_gives_its_gradient(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_node *n = split(g, 3), *joined;
	(void)state;

	differentiate(g, net_op(g, IR_SUM, "sum", NULL, n->out[2], n->out[0], n->out[1]));
	joined = ir_find(g, "p")->grad->maker;
	assert_int_equal(joined->op, IR_CONCAT);
	for (int i = 0; i < 3; i++) {
		assert_non_null(n->out[i]->grad);
		assert_ptr_equal(joined->in[i], n->out[i]->grad);
	}
	assert_int_equal(net_count(g, IR_FILL), 0);
	ir_graph_free(&g);
}

static void a_part_that_nobody_reads_has_a_gradient_of_zeros(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_node *n = split(g, 2), *joined;
	(void)state;

	differentiate(g, n->out[1]);
	joined = ir_find(g, "p")->grad->maker;
	assert_int_equal(joined->op, IR_CONCAT);
	assert_int_equal(joined->in[0]->maker->op, IR_FILL);
	assert_true(joined->in[0]->maker->attr.alpha == 0);
	assert_ptr_equal(joined->in[1], n->out[1]->grad);
	assert_null(n->out[0]->grad);
	ir_graph_free(&g);
}

/* Each part is read by two, and the parts by one another. */
static void parts_collect_what_all_their_readers_give(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_node *n = split(g, 2);
	struct ir_value *y = net_op(g, IR_MULTIPLY, "mul", NULL, n->out[0], n->out[1]);
	(void)state;

	differentiate(g, net_op(g, IR_ADD, "add", NULL, y, n->out[0]));
	assert_int_equal(n->out[0]->grad->maker->op, IR_SUM);
	assert_int_equal(n->out[0]->grad->maker->n_in, 2);
	assert_int_equal(n->out[1]->grad->maker->op, IR_MULTIPLY);
	ir_graph_free(&g);
}

/* A batch of rows times one matrix: one product of all rows, no sum over products. */
static void weights_of_a_batch_have_one_product_as_gradient(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *w = net_param(g, "w", F32(4, 5));
	struct ir_value *y = net_op(g, IR_MATMUL, "m", NULL, net_input(g, "x", F32(2, 3, 4)), w);
	(void)state;

	differentiate(g, y);
	assert_int_equal(w->grad->maker->op, IR_MATMUL);
	assert_int_equal(w->grad->maker->in[0]->desc.ndim, 2);
	assert_int_equal(net_count(g, IR_REDUCE), 0);
	ir_graph_free(&g);
}

static void an_index_has_no_gradient(void **state)
{
	struct ir_graph *g = new_graph();
	struct ir_value *i = net_input(g, "i", S32(3)), *x = net_param(g, "p", F32(4, 6));
	(void)state;

	differentiate(g, net_op(g, IR_INDEX, "index", NULL, x, i));
	assert_int_equal(x->grad->maker->op, IR_INDEX_DX);
	assert_null(i->grad);
	ir_graph_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_parameter_gets_a_gradient_of_its_shape),
		cmocka_unit_test(the_gradient_of_an_input_is_never_made),
		cmocka_unit_test(the_seed_is_the_last_input),
		cmocka_unit_test(weights_are_read_before_their_gradient),
		cmocka_unit_test(gradients_come_in_descending_order),
		cmocka_unit_test(bias_and_weight_share_a_node),
		cmocka_unit_test(slopes_come_from_the_output_where_they_can),
		cmocka_unit_test(a_negative_slope_needs_the_input),
		cmocka_unit_test(several_readers_are_summed),
		cmocka_unit_test(a_hundred_readers_need_two_sums),
		cmocka_unit_test(a_shared_parameter_is_complete_at_its_first_reader),
		cmocka_unit_test(two_parameters_never_share_a_gradient),
		cmocka_unit_test(frozen_parameters_get_none),
		cmocka_unit_test(what_leads_to_no_loss_gets_none),
		cmocka_unit_test(concat_is_sliced),
		cmocka_unit_test(a_plain_batchnorm_does_not_keep_its_output),
		cmocka_unit_test(gradient_layers_are_linear),
		cmocka_unit_test(losses_that_cannot_be_differentiated_say_why),
		cmocka_unit_test(layers_without_a_gradient_say_so),
		cmocka_unit_test(every_part_of_a_split_gives_its_gradient),
		cmocka_unit_test(a_part_that_nobody_reads_has_a_gradient_of_zeros),
		cmocka_unit_test(parts_collect_what_all_their_readers_give),
		cmocka_unit_test(weights_of_a_batch_have_one_product_as_gradient),
		cmocka_unit_test(an_index_has_no_gradient),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
