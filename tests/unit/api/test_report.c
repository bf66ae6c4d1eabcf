#include "support/support.h"
#include "support/tiny.h"

#include <string.h>

#include <tutti/report.h>

#include "base/mem.h"

static void a_report_adds_up_to_the_model(void **state)
{
	tt_model *m = tiny_model(tiny_conv, NULL);
	tt_report_layer w = TT_SIZED(tt_report_layer);
	const tt_report_info *info;
	int64_t params = 0;
	tt_report *r;

	(void)state;
	assert_ok(tt_report_new(&r, m, TT_REPORT_OPTS(.threads = 1)));
	info = tt_report_describe(r);
	assert_int_equal(info->batch, 16);               /* the spec's */
	assert_int_equal(info->parameters, tt_model_parameters(m));
	assert_true(info->buffers > 0 && info->planned_bytes > 0);
	assert_true(info->unplanned_bytes >= info->planned_bytes);
	tt_model_free(&m);                               /* a report outlives it */
	for (int i = 0; i < info->layers; i++) {
		assert_ok(tt_report_get_layer(r, i, &w));
		assert_true(*w.name && *w.kind && *w.output && w.flops >= 0);
		params += w.parameters;
	}
	assert_int_equal(params, info->parameters);
	assert_status(tt_report_get_layer(r, info->layers, &w), TT_EINVAL);
	tt_report_free(&r);
	assert_null(r);
}

static void a_measured_report_has_milliseconds(void **state)
{
	tt_model *m = tiny_model(tiny_mlp, NULL);
	tt_report_step s = TT_SIZED(tt_report_step);
	double ms = 0;
	tt_report *r;

	(void)state;
	assert_ok(tt_report_new(&r, m, TT_REPORT_OPTS(.batch = 4, .threads = 1,
		.purpose = TT_REPORT_PREDICT, .detail = TT_REPORT_MEASURED)));
	assert_true(tt_report_describe(r)->steps > 0);
	for (int i = 0; i < tt_report_describe(r)->steps; i++) {
		assert_ok(tt_report_get_step(r, i, &s));
		assert_true(*s.device && *s.operation);
		ms += s.ms;
	}
	assert_true(ms > 0);
	assert_status(tt_report_get_step(r, -1, &s), TT_EINVAL);
	tt_report_free(&r);
	tt_model_free(&m);
}

static void a_graph_has_a_line_for_each_operation(void **state)
{
	tt_model *m = tiny_model(tiny_mlp, NULL);
	char *text;

	(void)state;
	assert_ok(tt_report_graph(m, TT_REPORT_OPTS(.purpose = TT_REPORT_PREDICT), &text));
	assert_contains(text, "dense");
	assert_contains(text, "16");
	tt_free(text);
	assert_status(tt_report_graph(m, TT_REPORT_OPTS(.batch = -1), &text), TT_EINVAL);
	tt_model_free(&m);
}

static void a_report_survives_a_lack_of_memory(void **state)
{
	tt_model *m = tiny_model(tiny_mlp, NULL);
	tt_status st = TT_ENOMEM;
	int64_t live = mem_live();
	tt_report *r = NULL;

	(void)state;
	for (uint64_t n = 1; st != TT_OK; n += 3) {
		mem_fail_at(n, 1);
		st = tt_report_new(&r, m, TT_REPORT_OPTS(.batch = 2, .threads = 1));
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		assert_true(st == TT_OK || mem_live() == live);
	}
	tt_report_free(&r);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_adds_up_to_the_model),
		cmocka_unit_test(a_measured_report_has_milliseconds),
		cmocka_unit_test(a_graph_has_a_line_for_each_operation),
		cmocka_unit_test(a_report_survives_a_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
