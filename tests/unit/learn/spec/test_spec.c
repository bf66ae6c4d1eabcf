/* Specs: from files, from texts, from calls; written out; changed. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/spec/spec.h"
#include "support/support.h"

static char *text_of(const tt_spec *s)
{
	char *text;

	assert_ok(tt_spec_text(s, &text));
	return text;
}

static tt_spec *lenet_by_calls(void)
{
	static const char *const layers[][2] = {
		{ "conv2d", "{name: conv1, out: 6, kernel: 5, padding: 2, activation: relu}" },
		{ "maxpool", "{kernel: 2}" },
		{ "conv2d", "{name: conv2, out: 16, kernel: 5, activation: relu}" },
		{ "maxpool", "{kernel: 2}" },
		{ "flatten", NULL },
		{ "dense", "{name: fc1, out: 120, activation: relu}" },
		{ "dense", "{name: fc2, out: 84, activation: relu}" },
		{ "dense", "{name: fc3, out: 10}" },
	};
	tt_spec *s;

	assert_ok(tt_spec_new(&s, "lenet5"));
	assert_ok(tt_spec_set(s, "model.input", "[1, 28, 28]"));
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		assert_ok(tt_spec_layer(s, layers[i][0], layers[i][1]));
	return s;
}

static void calls_and_files_say_the_same(void **state)
{
	tt_spec *s = lenet_by_calls(), *file;

	(void)state;
	assert_ok(tt_spec_load(&file, test_source("examples/lenet5.yaml")));
	assert_ok(tt_spec_resolve(s));
	assert_ok(tt_spec_resolve(file));
	assert_int_equal(s->n_parameters, 61706);
	assert_int_equal(file->n_parameters, 61706);
	assert_int_equal(node_count(s->model.layers), node_count(file->model.layers));
	tt_spec_free(&s);
	tt_spec_free(&file);
	assert_null(s);
}

static void a_resolved_spec_shows_every_default_and_reads_back(void **state)
{
	tt_spec *s = lenet_by_calls(), *again;
	char *first, *second;

	(void)state;
	assert_ok(tt_spec_resolve(s));
	first = text_of(s);
	assert_contains(first, "beta2: 0.999");
	assert_contains(first, "seed: 1\n");
	assert_ok(tt_spec_parse(&again, "again", first));
	assert_ok(tt_spec_resolve(again));
	second = text_of(again);
	assert_string_equal(first, second);
	tt_free(first);
	tt_free(second);
	tt_spec_free(&s);
	tt_spec_free(&again);
}

static void an_unresolved_spec_says_what_was_written(void **state)
{
	tt_spec *s;
	char *text;

	(void)state;
	assert_ok(tt_spec_parse(&s, "x", "name: a\ntrain: {epochs: 3}\n"));
	text = text_of(s);
	assert_string_equal(text, "name: a\ntrain:\n  epochs: 3\n");
	tt_free(text);
	tt_spec_free(&s);
}

static void keys_set_later_win(void **state)
{
	tt_spec *s = lenet_by_calls();

	(void)state;
	assert_ok(tt_spec_resolve(s));
	assert_int_equal(s->train.epochs, 1);
	assert_ok(tt_spec_set(s, "train.epochs", "7"));
	assert_ok(tt_spec_set(s, "train.optimizer", "{kind: adam, lr: 1e-3}"));
	assert_ok(tt_spec_set(s, "train.optimizer.lr", "0.5"));
	assert_ok(tt_spec_set(s, "model.layers.0.conv2d.out", "8"));
	assert_ok(tt_spec_resolve(s));
	assert_int_equal(s->train.epochs, 7);
	assert_int_equal(s->train.optimizer.kind, OPTIM_ADAM);
	assert_near(s->train.optimizer.lr, 0.5, 0);
	assert_int_equal(s->n_parameters, 61706 + 2 * 26 + 2 * 16 * 25);
	tt_spec_free(&s);
}

static void a_layers_setting_needs_no_kind(void **state)
{
	static const char *const keys[][2] = {
		{ "model.layers.0.out", "model.layers.0.conv2d.out" },
		{ "model.layers.1.kernel", "model.layers.1.maxpool.kernel" },
		{ "model.layers.2.residual.layers.0.out", "model.layers.2.residual.layers.0.conv2d.out" },
		{ "model.layers.2.layers.0.out", "model.layers.2.residual.layers.0.conv2d.out" },
		{ "model.layers.0.conv2d.kernel", "model.layers.0.conv2d.kernel" },
	};
	tt_spec *s;
	char *got;

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		assert_ok(tt_spec_parse(&s, "x", "name: a\nmodel:\n  input: [1, 8, 8]\n  layers:\n"
		                        "  - conv2d: {out: 4}\n  - maxpool\n"
		                        "  - residual: {layers: [{conv2d: {out: 4}}]}\n"));
		assert_ok(tt_spec_set(s, keys[i][0], "3"));
		assert_ok(tt_spec_get(s, keys[i][1], &got));
		assert_string_equal(got, "3");
		tt_free(got);
		tt_spec_free(&s);
	}
}

static void wrong_settings_are_named_without_a_file(void **state)
{
	tt_spec *s = lenet_by_calls();

	(void)state;
	assert_status(tt_spec_layer(s, "conv", NULL), TT_ESPEC);
	assert_error("unknown layer 'conv'");
	assert_ok(tt_spec_set(s, "train.epoch", "3"));
	assert_status(tt_spec_resolve(s), TT_ESPEC);
	assert_error("unknown key 'epoch'; did you mean 'epochs'?");
	assert_error("--set train.epoch");
	tt_spec_free(&s);
	s = lenet_by_calls();
	assert_ok(tt_spec_layer(s, "dense", "{out: 3, activation: rlu}"));
	assert_status(tt_spec_resolve(s), TT_ESPEC);
	assert_error("activation cannot be 'rlu'");
	tt_spec_free(&s);
	assert_status(tt_spec_load(&s, "/nonexistent.yaml"), TT_ENOENT);
}

static void a_second_mapping_cannot_be_smuggled_in(void **state)
{
	tt_spec *s = lenet_by_calls();

	(void)state;
	assert_status(tt_spec_layer(s, "dense", "{out: 3}\nrelu: {}"), TT_ESPEC);
	tt_spec_free(&s);
}

static void a_copy_is_its_own(void **state)
{
	tt_spec *s, *copy;

	(void)state;
	assert_ok(tt_spec_parse(&s, "orig.yaml",
	                        "model:\n  input: [4]\n  layers:\n    - dense: {out: 0}\n"));
	assert_ok(spec_copy(&copy, s));
	tt_spec_free(&s);
	assert_status(tt_spec_resolve(copy), TT_ESPEC);
	assert_error("orig.yaml:4: dense1 (dense)");
	tt_spec_free(&copy);
}

static void memory_that_ends_leaks_nothing(void **state)
{
	int64_t live = mem_live();
	uint64_t n = 0;
	tt_status st;

	(void)state;
	do {
		tt_spec *s = NULL, *copy = NULL;
		char *text = NULL;

		mem_fail_at(++n, 1);
		st = tt_spec_load(&s, test_source("examples/resnet20.yaml"));
		if (st == TT_OK)
			st = tt_spec_set(s, "train.optimizer.lr", "0.5");
		if (st == TT_OK)
			st = tt_spec_layer(s, "dense", "{out: 3}");
		if (st == TT_OK)
			st = spec_copy(&copy, s);
		if (st == TT_OK)
			st = tt_spec_resolve(copy);
		if (st == TT_OK)
			st = tt_spec_text(copy, &text);
		mem_fail_at(0, 0);
		tt_free(text);
		tt_spec_free(&copy);
		tt_spec_free(&s);
		assert_int_equal(mem_live(), live);
	} while (st != TT_OK);
	assert_true(n > 20);
}

static tt_spec *of_data(const char *data, const char *loss)
{
	char text[1000];
	tt_spec *s;

	snprintf(text, sizeof text, "data: {train: '%.600s'}\nmodel: {input: [1, 8, 8], loss: %s,\n"
	         "  layers: [flatten, dense: {name: fc, out: classes}]}\n", data, loss);
	assert_ok(tt_spec_parse(&s, "net", text));
	return s;
}

static void classes_are_as_many_as_the_data_have(void **state)
{
	static const char *const many[] = { "3", "7" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char uri[100], *out;
		tt_spec *s;

		snprintf(uri, sizeof uri, "synth:objects?size=8&count=20&gray=yes&classes=%s", many[i]);
		s = of_data(uri, "cross_entropy");
		assert_status(tt_spec_resolve(s), TT_ESPEC);
		assert_ok(tt_spec_meet(s));
		assert_ok(tt_spec_resolve(s));
		assert_ok(tt_spec_get(s, "model.layers.1.dense.out", &out));
		assert_string_equal(out, many[i]);
		tt_free(out);
		assert_ok(tt_spec_meet(s));             /* nothing is left to its data */
		assert_int_equal(s->resolved, 1);
		tt_spec_free(&s);
	}
}

static void data_without_classes_are_refused_by_name(void **state)
{
	const char *table = test_path(test_temp_dir(), "values.csv");
	char uri[600];
	tt_spec *s = of_data("", "cross_entropy");

	(void)state;
	assert_status(tt_spec_meet(s), TT_ESPEC);
	assert_contains(tt_last_error(), "net:3: `out: classes` asks data.train, which is not set");
	tt_spec_free(&s);
	assert_ok(file_write_all(table, "a,b\n1,0.5\n2,1.5\n", 16));
	snprintf(uri, sizeof uri, "csv:%s", table);
	s = of_data(uri, "mse");
	assert_status(tt_spec_meet(s), TT_ESPEC);
	assert_contains(tt_last_error(), "are no classes");
	tt_spec_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_and_files_say_the_same),
		cmocka_unit_test(a_resolved_spec_shows_every_default_and_reads_back),
		cmocka_unit_test(an_unresolved_spec_says_what_was_written),
		cmocka_unit_test(keys_set_later_win),
		cmocka_unit_test(a_layers_setting_needs_no_kind),
		cmocka_unit_test(wrong_settings_are_named_without_a_file),
		cmocka_unit_test(a_second_mapping_cannot_be_smuggled_in),
		cmocka_unit_test(classes_are_as_many_as_the_data_have),
		cmocka_unit_test(data_without_classes_are_refused_by_name),
		cmocka_unit_test(a_copy_is_its_own),
		cmocka_unit_test(memory_that_ends_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
