/* Models: where their numbers begin, how they are saved and read back. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "sys/thread.h"
#include "learn/nn/model.h"
#include "learn/spec/save.h"
#include "support/support.h"

static tt_model *model_of(const char *yaml)
{
	tt_model *m;
	tt_spec *s;

	assert_ok(tt_spec_parse(&s, "test", yaml));
	assert_ok(tt_model_new(&m, s));
	tt_spec_free(&s);
	return m;
}

static const char small[] =
	"name: small\n"
	"model:\n"
	"  input: [2, 4, 4]\n"
	"  layers:\n"
	"    - conv2d: {out: 3, padding: 1}\n"
	"    - batchnorm: {gamma: 0.25}\n"
	"    - flatten\n"
	"    - dense: {name: fc, out: 5}\n";

static tt_tensor tensor(const tt_model *m, const char *name)
{
	tt_tensor t = TT_SIZED(tt_tensor);

	for (int i = 0; i < tt_model_tensors(m); i++) {
		assert_ok(tt_model_tensor(m, i, &t));
		if (strcmp(t.name, name) == 0)
			return t;
	}
	fail_msg("no tensor %s", name);
	return t;
}

static size_t count(const tt_tensor *t)
{
	size_t n = 1;

	for (int i = 0; i < t->ndim; i++)
		n *= (size_t)t->shape[i];
	return n;
}

static void tensors_are_listed_parameters_first(void **state)
{
	static const char *const names[] = { "conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias",
	                                     "fc.weight", "fc.bias", "bn1.running_mean",
	                                     "bn1.running_var" };
	tt_model *m = model_of(small);
	tt_tensor t = TT_SIZED(tt_tensor);

	(void)state;
	assert_int_equal(tt_model_tensors(m), 8);
	assert_int_equal(tt_model_parameters(m), 54 + 3 + 3 + 3 + 240 + 5);
	for (int i = 0; i < 8; i++) {
		assert_ok(tt_model_tensor(m, i, &t));
		assert_string_equal(t.name, names[i]);
		assert_int_equal(t.trainable, i < 6);
	}
	assert_status(tt_model_tensor(m, 8, &t), TT_EINVAL);
	assert_status(tt_model_tensor(m, -1, &t), TT_EINVAL);
	assert_near(tensor(m, "bn1.weight").data[1], 0.25, 0);
	assert_near(tensor(m, "bn1.running_var").data[2], 1, 0);
	assert_near(tensor(m, "bn1.running_mean").data[0], 0, 0);
	assert_near(tensor(m, "fc.bias").data[4], 0, 0);
	tt_model_free(&m);
	assert_null(m);
}

/* ---- initialisers ---- */

#define IN 300
#define OUT 500

static const struct { const char *init; double deviation, bound; int biases; } inits[] = {
	{ "he", 0.0816497, 1, 0 },              /* sqrt(2/300)                     */
	{ "glorot", 0.05, 0.0866026, 0 },       /* sqrt(2/800), bound sqrt(6/800)  */
	{ "lecun", 0.0577350, 1, 0 },           /* sqrt(1/300)                     */
	{ "uniform", 0.0288675, 0.0500001, 0 },
	{ "normal", 0.05, 1, 0 },
	{ "zeros", 0, 0, 0 },
	{ "torch", 0.0333333, 0.0577351, 1 },   /* bound 1/sqrt(300)               */
};

static void moments(const float *x, size_t n, double *mean, double *deviation, double *largest)
{
	double sum = 0, squares = 0;

	*largest = 0;
	for (size_t i = 0; i < n; i++) {
		sum += x[i];
		squares += (double)x[i] * x[i];
		*largest = fmax(*largest, fabs(x[i]));
	}
	*mean = sum / (double)n;
	*deviation = sqrt(squares / (double)n - *mean * *mean);
}

static void initialisers_have_their_spread(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof inits / sizeof *inits; i++) {
		double mean, deviation, largest;
		struct str yaml = {0};
		tt_model *m;
		tt_tensor w = TT_SIZED(tt_tensor), b = TT_SIZED(tt_tensor);

		str_addf(&yaml, "model: {input: [%d], init: %s, layers: [dense: {out: %d}]}", IN,
		         inits[i].init, OUT);
		m = model_of(yaml.p);
		str_release(&yaml);
		w = tensor(m, "dense1.weight");
		b = tensor(m, "dense1.bias");
		moments(w.data, count(&w), &mean, &deviation, &largest);
		print_message("%s\n", inits[i].init);
		/* 150,000 numbers: five standard errors */
		assert_true(fabs(mean) <= 5 * inits[i].deviation / sqrt(IN * OUT));
		assert_true(fabs(deviation - inits[i].deviation) <= 0.01 * inits[i].deviation);
		assert_true(largest <= inits[i].bound);
		moments(b.data, count(&b), &mean, &deviation, &largest);
		assert_true(inits[i].biases ? largest > 0.05 && largest < 0.0577351 : largest == 0);
		tt_model_free(&m);
	}
}

/* fan_in of a filter counts its taps and the channels it sees: 2 of 4 with two groups. */
static void filters_count_their_taps(void **state)
{
	double mean, deviation, largest;
	tt_model *m = model_of("model: {input: [4, 8, 8], layers: [conv2d: {out: 2000, groups: 2}, "
	                       "globalpool]}");
	tt_tensor w = tensor(m, "conv1.weight");

	(void)state;
	moments(w.data, count(&w), &mean, &deviation, &largest);
	assert_true(fabs(deviation - sqrt(2.0 / 18)) < 0.01);
	tt_model_free(&m);
}

static void beginnings_depend_on_seed_and_name_alone(void **state)
{
	static const char with_more[] =
		"model: {input: [2, 4, 4], layers: [conv2d: {out: 3, padding: 1}, batchnorm: {gamma: 0.25},"
		" flatten, dense: {name: more, out: 48}, dense: {name: fc, out: 5}]}";
	static const char other_seed[] =
		"model: {input: [2, 4, 4], layers: [conv2d: {out: 3, padding: 1}, flatten, "
		"dense: {name: fc, out: 5}]}\ntrain: {seed: 2}";
	tt_model *a = model_of(small), *b = model_of(with_more), *c = model_of(other_seed);
	tt_tensor x = tensor(a, "fc.weight"), y = tensor(b, "fc.weight"), z = tensor(c, "fc.weight");

	(void)state;
	assert_memory_equal(x.data, y.data, count(&x) * sizeof(float));
	assert_memory_not_equal(x.data, z.data, count(&x) * sizeof(float));
	tt_model_free(&a);
	tt_model_free(&b);
	tt_model_free(&c);
}

static void threads_change_no_number(void **state)
{
	tt_model *one, *three;

	(void)state;
	thread_set_count(1);
	one = model_of("model: {input: [300], layers: [dense: {out: 200}]}");
	thread_set_count(3);
	three = model_of("model: {input: [300], layers: [dense: {out: 200}]}");
	assert_memory_equal(one->params, three->params, one->param_count * sizeof(float));
	tt_model_free(&one);
	tt_model_free(&three);
}

/* ---- save and load ---- */

static void what_is_saved_is_loaded_to_the_bit(void **state)
{
	static const char *const classes[] = { "cat", "dog \"rex\"", "\xc3\xa9", "", "[" };
	const char *path = test_path(test_temp_dir(), "m.safetensors");
	tt_model *m = model_of(small), *again;
	char *first, *second;

	(void)state;
	m->buffers[0] = 0.125f;
	m->params[7] = -3;
	assert_ok(nn_set_classes(m, &(struct class_names){ classes, 5 }));
	assert_ok(tt_model_save(m, path));
	assert_ok(tt_model_load(&again, path));
	assert_int_equal(again->param_count, m->param_count);
	assert_memory_equal(again->params, m->params, m->param_count * sizeof(float));
	assert_memory_equal(again->buffers, m->buffers, m->buffer_count * sizeof(float));
	assert_int_equal(tt_model_signature(again)->data->classes, 5);
	for (int i = 0; i < 5; i++)
		assert_string_equal(tt_model_signature(again)->data->class_names[i], classes[i]);
	assert_ok(tt_spec_text(m->spec, &first));
	assert_ok(tt_spec_text(again->spec, &second));
	assert_string_equal(first, second);
	tt_free(first);
	tt_free(second);
	tt_model_free(&m);
	tt_model_free(&again);
}

static void tensors_that_do_not_fit_are_named(void **state)
{
	const char *path = test_path(test_temp_dir(), "m.safetensors");
	tt_model *m = model_of(small), *other = model_of(
		"model: {input: [2, 4, 4], layers: [conv2d: {out: 4, padding: 1}, batchnorm, flatten]}");
	struct ckpt *c;
	float before;

	(void)state;
	assert_ok(tt_model_save(m, path));
	assert_ok(ckpt_open(&c, path));
	before = other->params[0];
	assert_status(model_load_tensors(other, c, path), TT_ESHAPE);
	assert_error("m.safetensors: tensor 'conv1.weight' is 3x2x3x3 f32, but 4x2x3x3 f32 in the "
	             "model");
	assert_true(other->params[0] == before);
	ckpt_close(&c);
	tt_model_free(&other);
	other = model_of("model: {input: [3], layers: [dense: {name: new, out: 4}]}");
	assert_ok(ckpt_open(&c, path));
	assert_status(model_load_tensors(other, c, path), TT_ESHAPE);
	assert_error("has no tensor 'new.weight' (4x3)");
	ckpt_close(&c);
	tt_model_free(&m);
	tt_model_free(&other);
}

static void foreign_files_are_refused(void **state)
{
	const char *path = test_path(test_temp_dir(), "f.safetensors");
	const struct ckpt_meta newer[] = { { "tutti.format", "2" }, { "tutti.spec", "name: a" } };
	const struct ckpt_meta broken[] = { { "tutti.format", "1" }, { "tutti.spec", "model: [" } };
	tt_model *m = NULL;

	(void)state;
	assert_ok(ckpt_write(path, NULL, 0, NULL, 0));
	assert_status(tt_model_load(&m, path), TT_EFORMAT);
	assert_error("it holds no spec");
	assert_ok(ckpt_write(path, NULL, 0, newer, 2));
	assert_status(tt_model_load(&m, path), TT_EFORMAT);
	assert_error("format 2");
	assert_ok(ckpt_write(path, NULL, 0, broken, 2));
	assert_status(tt_model_load(&m, path), TT_ESPEC);
	assert_ok(file_write_all(path, "text", 4));
	assert_status(tt_model_load(&m, path), TT_EFORMAT);
	assert_null(m);
}

static void memory_that_ends_leaks_nothing(void **state)
{
	const char *path = test_path(test_temp_dir(), "m.safetensors");
	int64_t live = mem_live();
	uint64_t n = 0;
	tt_status st;
	tt_spec *s;

	(void)state;
	assert_ok(tt_spec_parse(&s, "test", small));
	live = mem_live();
	do {
		tt_model *m = NULL, *again = NULL;
		struct ir_graph *g = NULL;

		mem_fail_at(++n, 1);
		st = tt_model_new(&m, s);
		if (st == TT_OK)
			st = tt_model_save(m, path);
		if (st == TT_OK)
			st = tt_model_load(&again, path);
		if (st == TT_OK)
			st = nn_graph(again, 2, NN_TRAIN, &g);
		mem_fail_at(0, 0);
		if (g)
			ir_graph_free(&g);
		tt_model_free(&m);
		tt_model_free(&again);
		assert_int_equal(mem_live(), live);
	} while (st != TT_OK);
	assert_true(n > 40);
	tt_spec_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tensors_are_listed_parameters_first),
		cmocka_unit_test(initialisers_have_their_spread),
		cmocka_unit_test(filters_count_their_taps),
		cmocka_unit_test(beginnings_depend_on_seed_and_name_alone),
		cmocka_unit_test(threads_change_no_number),
		cmocka_unit_test(what_is_saved_is_loaded_to_the_bit),
		cmocka_unit_test(tensors_that_do_not_fit_are_named),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(memory_that_ends_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
