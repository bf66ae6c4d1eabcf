/* test_numeric.c -- gradients are the slopes of what was computed.
 *
 * Central differences of the loss against what ir_backward and the gradient kernels say, for every
 * float parameter of every small case.  PyTorch's numbers (test_golden.c) are sharper; this test
 * needs no second framework and no trust in one. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include "support/interp.h"
#include "support/op_case.h"

#define MAX_PARAMS 260                  /* larger cases would take long and show nothing more */
#define STEP (1.0 / 256)
#define BOUND 2e-3                      /* of the largest slope                               */
#define KINK_SHARE 0.25                 /* so many places may stand on a kink                 */

/* The loss in double from the op's output: the graph's own f32 sum would drown small slopes. */
static double loss_of(const struct interp *p, const struct ir_value *loss)
{
	const struct ir_node *n = loss->maker;
	double sum = 0;

	if (n->op != IR_MSE || n->n_in > 2)
		return OP_CASE_SEED * (double)interp_f32(p, loss)[0];
	for (int64_t i = 0; i < tensor_count(&n->in[0]->desc); i++) {
		double d = (double)interp_f32(p, n->in[0])[i] - interp_f32(p, n->in[1])[i];

		sum += d * d;
	}
	return OP_CASE_SEED * sum * (double)n->in[0]->desc.dim[0] /
	       (double)tensor_count(&n->in[0]->desc);
}

/* The loss is what the gradient's seed belongs to: the last value before the backward nodes. */
static const struct ir_value *find_loss(const struct ir_graph *g)
{
	const struct ir_node *last = NULL;

	for (const struct ir_node *n = g->first; n && !n->backward; n = n->next)
		last = n;
	assert_non_null(last);
	return last->out[0];
}

struct slopes { double left, right, middle; };

static struct slopes slopes_at(struct interp *p, const struct ir_graph *g, float *x)
{
	const struct ir_value *loss = find_loss(g);
	float x0 = *x, step = (float)STEP;
	double l[3];

	for (int i = 0; i < 3; i++) {
		*x = x0 + (float)(i - 1) * step;
		interp_run(p, &op_case_run);
		l[i] = loss_of(p, loss);
	}
	*x = x0;
	return (struct slopes){ (l[1] - l[0]) / STEP, (l[2] - l[1]) / STEP,
	                        (l[2] - l[0]) / (2 * STEP) };
}

/* One parameter: want[] is what the gradient kernels said. */
static int check_param(struct interp *p, const struct ir_graph *g, const struct ir_value *v,
                       const float *want)
{
	int64_t n = tensor_count(&v->desc);
	double largest = 1e-3;
	int kinks = 0;

	for (int64_t i = 0; i < n; i++)
		largest = fmax(largest, fabs((double)want[i]));
	for (int64_t i = 0; i < n; i++) {
		struct slopes s = slopes_at(p, g, interp_f32(p, v) + i);

		if (fabs(s.middle - want[i]) <= BOUND * largest)
			continue;
		/* On a kink the two sides differ, and any slope between them is right. */
		if (want[i] >= fmin(s.left, s.right) - BOUND * largest &&
		    want[i] <= fmax(s.left, s.right) + BOUND * largest)
			kinks++;
		else
			fail_msg("%s of %s[%lld]: %.6g, differences say %.6g", g->first->name,
			         v->name, (long long)i, (double)want[i], s.middle);
	}
	return kinks;
}

static int64_t params_of(const struct ir_graph *g)
{
	int64_t n = 0;

	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_PARAM && g->value[i]->grad)
			n += tensor_count(&g->value[i]->desc);
	return n;
}

/* Numbers of kind grid stand on ties, where several kinks meet, and among holes there are no
 * numbers: slopes mean nothing. */
static int has_no_slopes(const struct op_case *c)
{
	for (int i = 0; i < c->n_in; i++)
		if (strcmp(c->in[i].kind, "grid") == 0 || strcmp(c->in[i].kind, "holes") == 0)
			return 1;
	return 0;
}

/* 1 if the case was small enough to try. */
static int check_case(const struct op_case *c)
{
	struct ir_graph *g = op_case_graph(c);
	int64_t n = params_of(g);
	struct op_results r;
	struct interp *p;
	int kinks = 0, k = 0;

	if (n > 0 && n <= MAX_PARAMS) {
		op_case_reference(c, g, &r);
		assert_ok(interp_new(&p, g));
		for (int i = 0; i < g->n_values; i++)
			if (g->value[i]->kind != IR_TEMP)
				op_case_fill(c, g->value[i], interp_data(p, g->value[i]));
		while (r.item[k].name[0] != 'd')        /* outputs come first */
			k++;
		for (int i = 0; i < g->n_values; i++)
			if (g->value[i]->kind == IR_PARAM && g->value[i]->grad)
				kinks += check_param(p, g, g->value[i], r.item[k++].v);
		if (kinks > KINK_SHARE * (double)n)
			fail_msg("%s: %d of %lld places stand on kinks", c->name, kinks, (long long)n);
		interp_free(&p);
		op_results_release(&r);
	}
	ir_graph_free(&g);
	return n > 0 && n <= MAX_PARAMS;
}

static void gradients_are_slopes(void **state)
{
	struct op_cases cases;
	int tried[IR_OP_COUNT] = { 0 };

	(void)state;
	op_cases_read(&cases, test_source("tests/op/cases.txt"));
	for (int i = 0; i < cases.n; i++)
		if (cases.item[i].grad && !has_no_slopes(&cases.item[i]))
			tried[cases.item[i].op] += check_case(&cases.item[i]);
	for (int i = 0; i < cases.n; i++)
		if (cases.item[i].grad && !tried[cases.item[i].op])
			fail_msg("no case of %s is small enough", ir_op_name(cases.item[i].op));
	op_cases_release(&cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(gradients_are_slopes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
