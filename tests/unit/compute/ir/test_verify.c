/* The verifier accepts what the builder makes and names each rule that is broken. */
#include "compute/ir/graph.h"

#include <string.h>

#include "compute/ir/edit.h"
#include "support/nets.h"
#include "support/support.h"

static struct ir_node *node_at(const struct ir_graph *g, int place)
{
	struct ir_node *n = g->first;

	while (place-- > 0)
		n = n->next;
	return n;
}

static struct ir_node *find(const struct ir_graph *g, enum ir_op op)
{
	for (struct ir_node *n = g->first; n; n = n->next)
		if (n->op == op)
			return n;
	fail();
	return NULL;
}

static void tear_list(struct ir_graph *g)
{
	node_at(g, 2)->prev = node_at(g, 0);
}

static void misplace_node(struct ir_graph *g)
{
	node_at(g, 2)->id = 7;
}

static void miscount_nodes(struct ir_graph *g)
{
	g->n_nodes++;
}

static void lose_value(struct ir_graph *g)
{
	g->value[3] = NULL;
}

static void misnumber_value(struct ir_graph *g)
{
	g->value[3]->id = 4;
}

static void orphan_value(struct ir_graph *g)
{
	node_at(g, 0)->out[0]->maker = NULL;
}

static void break_shape(struct ir_graph *g)
{
	node_at(g, 0)->out[0]->desc.dim[1]--;
}

static void break_dims(struct ir_graph *g)
{
	node_at(g, 0)->out[0]->desc.dim[1] = -1;
}

static void break_attribute(struct ir_graph *g)
{
	node_at(g, 0)->attr.stride[0] = 2;
}

static void drop_input(struct ir_graph *g)
{
	node_at(g, 0)->n_in = 1;
}

static void read_foreign_value(struct ir_graph *g)
{
	struct ir_value *copy = arena_alloc(&g->arena, sizeof *copy);

	*copy = *node_at(g, 1)->in[0];
	node_at(g, 1)->in[0] = copy;
}

static void read_the_future(struct ir_graph *g)
{
	ir_move_before(g, node_at(g, 1), node_at(g, 0));
	ir_renumber(g);
}

static void make_twice(struct ir_graph *g)
{
	node_at(g, 1)->out[0] = node_at(g, 0)->out[0];
}

static void lose_maker(struct ir_graph *g)
{
	struct ir_node *last = g->last;

	g->last = last->prev;           /* taken out of the list, not out of the table */
	g->last->next = NULL;
	g->n_nodes--;
}

static void drop_output(struct ir_graph *g)
{
	find(g, IR_MAXPOOL)->n_out = 1;
}

static void repeat_input_number(struct ir_graph *g)
{
	ir_find(g, "label")->index = 0;
}

static void miscount_inputs(struct ir_graph *g)
{
	g->n_inputs++;
}

static void repeat_output_number(struct ir_graph *g)
{
	node_at(g, 0)->out[0]->output = 1;
}

static void number_output_too_high(struct ir_graph *g)
{
	node_at(g, 0)->out[0]->output = 2;
}

static void overlap_parameters(struct ir_graph *g)
{
	ir_find(g, "fc1.bias")->offset--;
}

static void leave_vector(struct ir_graph *g)
{
	g->param_count--;
}

static void repeat_name(struct ir_graph *g)
{
	ir_find(g, "fc1.bias")->name = "fc2.bias";
}

static void misshape_gradient(struct ir_graph *g)
{
	ir_find(g, "fc1.bias")->grad = node_at(g, 0)->out[0];
}

static void share_gradient(struct ir_graph *g)
{
	struct ir_value *v = net_param(g, "twin", ir_find(g, "fc1.bias")->desc);

	v->grad = ir_find(g, "fc1.bias")->grad;
}

static void make_leaf_a_gradient(struct ir_graph *g)
{
	struct ir_value *v = net_param(g, "twin", ir_find(g, "fc1.bias")->desc);

	v->grad = ir_find(g, "fc1.bias");
}

static const struct {
	void      (*harm)(struct ir_graph *g);
	const char *text;
} harms[] = {
	{ tear_list, "torn in front of it" },
	{ misplace_node, "it is node 7 but stands at place 2" },
	{ miscount_nodes, "nodes counted" },
	{ lose_value, "value 3 is missing" },
	{ misnumber_value, "stands at place 3" },
	{ orphan_value, "nobody makes value" },
	{ break_shape, "conv1 (conv2d): output 0 is 3x3x12x12, its rule says 3x4x12x12" },
	{ break_dims, "dimension 1 must be at least 1" },
	{ break_attribute, "its rule says 3x4x6x12" },
	{ drop_input, "it has 1 inputs, 2 to 3 are allowed" },
	{ read_foreign_value, "input 0 is not a value of this graph" },
	{ read_the_future, "is read before conv1 makes it" },
	{ make_twice, "output 0 has another maker" },
	{ lose_maker, "made by nodes" },
	{ drop_output, "it has 1 outputs, not 2" },
	{ repeat_input_number, "are both number 0" },
	{ miscount_inputs, "inputs and 1 outputs counted" },
	{ repeat_output_number, "are both output 1" },
	{ number_output_too_high, "is output 2 of 1" },
	{ overlap_parameters, "'fc1.weight' and 'fc1.bias' overlap" },
	{ leave_vector, "'fc2.bias' ends at" },
	{ repeat_name, "two parameters are named 'fc2.bias'" },
	{ misshape_gradient, "fc1.bias and its gradient have different shapes" },
	{ share_gradient, "'fc1.bias' and 'twin' share a gradient" },
	{ make_leaf_a_gradient, "nobody computes the gradient of 'twin'" },
};

static void every_broken_rule_is_named(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
		struct ir_graph *g = net_lenet(NET_TRAIN);
		tt_status st;

		assert_ok(ir_verify(g));
		harms[i].harm(g);
		st = ir_verify(g);
		if (st != TT_EINTERNAL)
			fail_msg("not seen: %s", harms[i].text);
		assert_error(harms[i].text);
		ir_graph_free(&g);
	}
}

static void sound_graphs_pass(void **state)
{
	struct ir_graph *(*const nets[])(enum net_mode) = { net_lenet, net_resnet };
	(void)state;

	for (int i = 0; i < 4; i++) {
		struct ir_graph *g = nets[i / 2](i % 2 ? NET_INFER : NET_TRAIN);

		assert_ok(ir_verify(g));
		ir_graph_free(&g);
	}
}

static void verifying_changes_nothing(void **state)
{
	struct ir_graph *g = net_resnet(NET_TRAIN);
	struct str before = {0}, after = {0};
	(void)state;

	ir_print(g, &before);
	assert_ok(ir_verify(g));
	ir_print(g, &after);
	assert_string_equal(before.p, after.p);
	str_release(&before);
	str_release(&after);
	ir_graph_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_broken_rule_is_named),
		cmocka_unit_test(sound_graphs_pass),
		cmocka_unit_test(verifying_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
