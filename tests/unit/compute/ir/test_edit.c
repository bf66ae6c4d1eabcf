/* Edits keep the graph sound once it is renumbered, and memory running out leaves no leak. */
#include "compute/ir/edit.h"

#include "base/mem.h"
#include "compute/pass/pass.h"
#include "support/nets.h"
#include "support/support.h"

/* x -> a(relu) -> b(tanh) -> c(elu), output b and c */
static struct ir_graph *chain(struct ir_value *v[4])
{
	struct ir_graph *g;

	assert_ok(ir_graph_new(&g));
	v[0] = net_input(g, "x", F32(2, 3));
	v[1] = net_act(g, "a", v[0], ACT_RELU);
	v[2] = net_act(g, "b", v[1], ACT_TANH);
	v[3] = net_act(g, "c", v[2], ACT_ELU);
	ir_output(g, v[2]);
	ir_output(g, v[3]);
	return g;
}

static void removing_closes_the_gap(void **state)
{
	struct ir_value *v[4];
	struct ir_graph *g = chain(v);
	(void)state;

	ir_replace_uses(g, v[2], v[1]);
	ir_remove_node(g, v[2]->maker);
	ir_renumber(g);
	assert_ok(ir_verify(g));
	assert_int_equal(g->n_nodes, 2);
	assert_int_equal(g->n_values, 3);
	assert_ptr_equal(v[3]->maker->in[0], v[1]);
	assert_int_equal(v[1]->output, 1);      /* the output moved with the uses */
	ir_graph_free(&g);
}

static void ends_can_be_removed(void **state)
{
	struct ir_value *v[4];
	struct ir_graph *g = chain(v);
	(void)state;

	ir_replace_uses(g, v[1], v[0]);
	ir_remove_node(g, v[1]->maker);
	ir_renumber(g);
	assert_ok(ir_verify(g));
	assert_ptr_equal(g->first, v[2]->maker);
	v[3]->output = 0;
	g->n_outputs--;
	ir_remove_node(g, v[3]->maker);
	ir_renumber(g);
	assert_ok(ir_verify(g));
	assert_ptr_equal(g->last, v[2]->maker);
	ir_graph_free(&g);
}

static void a_node_can_be_put_in_front(void **state)
{
	struct ir_value *v[4], *y;
	struct ir_graph *g = chain(v);
	(void)state;

	y = net_act(g, "new", v[0], ACT_SILU);
	assert_ok(ir_set_inputs(g, v[1]->maker, &y, 1));
	ir_move_before(g, y->maker, v[1]->maker);
	ir_renumber(g);
	assert_ok(ir_verify(g));
	assert_ptr_equal(g->first, y->maker);
	ir_graph_free(&g);
}

static void only_reader_means_only(void **state)
{
	struct ir_value *v[4];
	struct ir_graph *g = chain(v);
	(void)state;

	assert_ptr_equal(ir_only_reader(g, v[1]), v[2]->maker);
	assert_null(ir_only_reader(g, v[2]));           /* an output */
	net_op(g, IR_ADD, "add", NULL, v[1], v[1]);
	assert_null(ir_only_reader(g, v[1]));
	ir_graph_free(&g);
}

static void a_removed_gradient_is_forgotten(void **state)
{
	struct ir_graph *g = net_lenet(NET_TRAIN);
	struct ir_value *w = ir_find(g, "conv1.weight");
	(void)state;

	ir_remove_node(g, w->grad->maker);
	assert_null(w->grad);
	ir_renumber(g);
	assert_ok(ir_verify(g));
	ir_graph_free(&g);
}

/* The same steps as net_lenet's, but every one may fail. */
static tt_status build_all(struct ir_graph **out)
{
	const struct tensor_desc dx = F32(2, 3), dw = F32(4, 3), db = F32(4), dt = F32(2, 4);
	struct ir_value *x, *w, *b, *t;
	struct ir_node *n;
	tt_status st;

	if ((st = ir_graph_new(out)) != TT_OK)
		return st;
	x = ir_input(*out, "x", &dx);
	w = ir_param(*out, "w", &dw, 0);
	b = ir_param(*out, "b", &db, 12);
	t = ir_input(*out, "t", &dt);
	n = ir_emit(*out, IR_DENSE, "fc", (struct ir_value *const[]){ x, w, b }, 3, NULL);
	for (int i = 0; i < 80 && n; i++)
		n = ir_emit(*out, IR_ADD, "add", (struct ir_value *const[]){ n->out[0], n->out[0] },
		            2, NULL);
	if (!n || !t)
		return TT_ENOMEM;
	n = ir_emit(*out, IR_MSE, "loss", (struct ir_value *const[]){ n->out[0], t }, 2, NULL);
	if (!n)
		return TT_ENOMEM;
	ir_output(*out, n->out[0]);
	if ((st = ir_backward(*out, n->out[0])) != TT_OK)
		return st;
	return pass_all(*out, PASS_TRAIN);
}

static void every_allocation_may_fail(void **state)
{
	int64_t live = mem_live();
	tt_status st = TT_ENOMEM;
	int failures = 0;
	(void)state;

	for (uint64_t n = 1; st != TT_OK; n++, failures++) {
		struct ir_graph *g = NULL;

		mem_fail_at(n, 1);
		st = build_all(&g);
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		ir_graph_free(&g);
		assert_int_equal(mem_live(), live);
	}
	assert_true(failures > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removing_closes_the_gap),
		cmocka_unit_test(ends_can_be_removed),
		cmocka_unit_test(a_node_can_be_put_in_front),
		cmocka_unit_test(only_reader_means_only),
		cmocka_unit_test(a_removed_gradient_is_forgotten),
		cmocka_unit_test(every_allocation_may_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
