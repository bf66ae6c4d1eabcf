/* test_golden.c -- the reference kernels give PyTorch's numbers.
 *
 * Every kernel and gradient rule stands behind these: what is wrong here is wrong everywhere.
 * PyTorch computes in double, so the bound is what one rounding to f32 per operation costs. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "compute/ir/op.h"
#include "support/op_case.h"

#define BOUND 4e-6                      /* of the largest number of a result */

static struct op_cases cases;

static int read_cases(void **state)
{
	(void)state;
	op_cases_read(&cases, test_source("tests/op/cases.txt"));
	return 0;
}

static int release_cases(void **state)
{
	(void)state;
	op_cases_release(&cases);
	return 0;
}

/* One line of golden numbers: "case result count stride value ..." */
struct golden { const char *name, *result; int64_t n, stride; char *values; };

static struct golden parse_line(char *line)
{
	char *rest;
	struct golden g = { .name = strtok_r(line, " ", &rest) };

	g.result = strtok_r(NULL, " ", &rest);
	g.n = atoll(strtok_r(NULL, " ", &rest));
	g.stride = atoll(strtok_r(NULL, " ", &rest));
	g.values = rest;
	return g;
}

static void compare(const struct golden *g, const struct op_result *r)
{
	double largest = 1e-30;
	char *p = g->values;

	assert_string_equal(g->result, r->name);
	assert_int_equal(g->n, r->n);
	for (int64_t i = 0; i < r->n; i++)
		largest = fmax(largest, fabs((double)r->v[i]));
	for (int64_t i = 0; i < r->n; i += g->stride) {
		double want = strtod(p, &p), got = r->v[i];

		if (isnan(got) && isnan(want))
			continue;
		if (!(fabs(got - want) <= BOUND * largest))
			fail_msg("%s %s[%lld]: %.9g, PyTorch has %.9g (largest %.3g)", g->name,
			         r->name, (long long)i, got, want, largest);
	}
}

/* The lines stand in the order of the cases and their results. */
static void check_file(const char *path)
{
	char *text, *line, *rest;
	int lines = 0, expected = 0;

	assert_ok(file_read_all(path, 0, &text, &(size_t){ 0 }));
	line = strtok_r(text, "\n", &rest);
	for (int c = 0; c < cases.n; c++) {
		struct ir_graph *g = op_case_graph(&cases.item[c]);
		struct op_results r;

		op_case_reference(&cases.item[c], g, &r);
		for (int i = 0; i < r.n; i++, expected++) {
			struct golden gold;

			if (!line)
				fail_msg("%s ends before case %s", path, cases.item[c].name);
			gold = parse_line(line);
			assert_string_equal(gold.name, cases.item[c].name);
			compare(&gold, &r.item[i]);
			line = strtok_r(NULL, "\n", &rest);
			lines++;
		}
		op_results_release(&r);
		ir_graph_free(&g);
	}
	assert_null(line);
	assert_int_equal(lines, expected);
	mem_free(text);
}

static void reference_gives_the_stored_numbers_of_pytorch(void **state)
{
	(void)state;
	check_file(test_source("tests/op/golden.txt"));
}

static void reference_gives_all_numbers_of_pytorch(void **state)
{
	const char *out = test_path(test_temp_dir(), "golden.txt");
	char command[2048];

	(void)state;
	if (system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0)
		test_skip("Python has no torch");
	snprintf(command, sizeof command, "/usr/bin/python3 -B %s %s %s",
	         test_source("tools/golden/ops.py"), test_source("tests/op/cases.txt"), out);
	assert_int_equal(system(command), 0);
	check_file(out);
}

static void every_operation_is_in_some_case(void **state)
{
	int seen[IR_OP_COUNT] = { 0 };

	(void)state;
	for (int c = 0; c < cases.n; c++) {
		struct ir_graph *g = op_case_graph(&cases.item[c]);

		for (const struct ir_node *n = g->first; n; n = n->next)
			seen[n->op]++;
		ir_graph_free(&g);
	}
	for (int op = 0; op < IR_OP_COUNT; op++)
		if (!seen[op])
			fail_msg("no case tries %s", ir_op_name(op));
}

static void every_gradient_is_in_some_case(void **state)
{
	int seen[IR_OP_COUNT] = { 0 };

	(void)state;
	for (int c = 0; c < cases.n; c++)
		seen[cases.item[c].op] |= cases.item[c].grad;
	for (int op = 0; op < IR_OP_COUNT; op++)
		if (!seen[op] && ir_op_row(op)->grad)
			fail_msg("no case tries the gradient of %s", ir_op_name(op));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_in_some_case),
		cmocka_unit_test(every_gradient_is_in_some_case),
		cmocka_unit_test(reference_gives_the_stored_numbers_of_pytorch),
		cmocka_unit_test(reference_gives_all_numbers_of_pytorch),
	};

	return cmocka_run_group_tests(tests, read_cases, release_cases);
}
