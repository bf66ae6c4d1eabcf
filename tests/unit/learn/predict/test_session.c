#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"

#define SAMPLES 53              /* 32 + 16 + 4 + 1 at batch 32 */

static const char source[] = "synth:objects?size=8&count=53&classes=3&gray=yes&split=test";

/* A model that has seen a few steps, so that its batch norm is not the identity. */
static tt_model *trained(void)
{
	tt_model *m = tiny_model(tiny_conv, NULL);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, NULL));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	return m;
}

static void read_samples(const tt_session *p, float *x, int32_t *label)
{
	uint8_t raw[64];
	tt_source *s;

	assert_ok(tt_source_open(&s, source));
	for (int i = 0; i < SAMPLES; i++) {
		assert_ok(tt_source_read(s, i, raw, &label[i], NULL));
		assert_ok(tt_session_normalise(p, tt_source_describe(s), raw, x + 64 * i));
	}
	tt_source_close(&s);
}

static void session_gives_the_same_answers_in_any_chunks(void **state)
{
	static float x[SAMPLES * 64], whole[SAMPLES * 3], one[SAMPLES * 3];
	static int32_t label[SAMPLES];
	tt_model *m = trained();
	tt_session *p;

	(void)state;
	assert_ok(tt_session_new(&p, m, TT_SESSION_OPTS(.batch = 32, .threads = 1)));
	tt_model_free(&m);                      /* the session has its own */
	assert_int_equal(tt_session_inputs(p), 64);
	assert_int_equal(tt_session_outputs(p), 3);
	read_samples(p, x, label);
	assert_ok(tt_session_run(p, x, SAMPLES, whole));
	for (int i = 0; i < SAMPLES; i++)
		assert_ok(tt_session_run(p, x + 64 * i, 1, one + 3 * i));
	assert_floats_near(one, whole, SAMPLES * 3, 1e-5);
	for (int i = 0; i < SAMPLES; i++)
		assert_near(whole[3 * i] + whole[3 * i + 1] + whole[3 * i + 2], 1, 1e-5);
	tt_session_free(&p);
}

static void session_eval_counts_what_run_answers(void **state)
{
	static float x[SAMPLES * 64], y[SAMPLES * 3];
	static int32_t label[SAMPLES];
	tt_model *m = trained();
	int64_t confusion[9] = {0}, correct = 0;
	tt_metrics metrics = TT_SIZED(tt_metrics);
	tt_session *p;
	tt_source *s;

	(void)state;
	assert_ok(tt_session_new(&p, m, TT_SESSION_OPTS(.batch = 16, .top_k = 3, .threads = 1)));
	read_samples(p, x, label);
	assert_ok(tt_session_run(p, x, SAMPLES, y));
	for (int i = 0; i < SAMPLES; i++) {
		int best = 0;

		for (int j = 1; j < 3; j++)
			best = y[3 * i + j] > y[3 * i + best] ? j : best;
		confusion[3 * label[i] + best]++;
		correct += best == label[i];
	}
	assert_ok(tt_source_open(&s, source));
	assert_ok(tt_session_evaluate(p, s, &metrics));
	assert_int_equal(metrics.samples, SAMPLES);
	assert_int_equal(metrics.classes, 3);
	assert_near(metrics.accuracy, (double)correct / SAMPLES, 1e-12);
	assert_near(metrics.top_k, 1, 1e-12);
	assert_true(isfinite(metrics.loss));
	assert_memory_equal(metrics.confusion, confusion, sizeof confusion);
	tt_free(metrics.confusion);
	tt_source_close(&s);
	tt_session_free(&p);
	tt_model_free(&m);
}

/* What training says about validation is what evaluating its checkpoint says. */
static void session_eval_agrees_with_validation(void **state)
{
	tt_model *m = tiny_model(tiny_conv, NULL), *again;
	char dir[1024];
	tt_metrics metrics = TT_SIZED(tt_metrics);
	tt_session *p;
	tt_trainer *t;
	tt_source *s;

	(void)state;
	snprintf(dir, sizeof dir, "%s/run", test_temp_dir());
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir)));
	assert_ok(tt_trainer_run(t));
	assert_ok(tt_model_load(&again, test_path(dir, "checkpoints/last.safetensors")));
	assert_ok(tt_session_new(&p, again, TT_SESSION_OPTS(.batch = 16, .threads = 1)));
	assert_ok(tt_source_open(&s, again->spec->data.valid));
	assert_ok(tt_session_evaluate(p, s, &metrics));
	assert_true(metrics.loss == tt_trainer_progress(t)->valid_loss);
	assert_true(metrics.accuracy == tt_trainer_progress(t)->valid_accuracy);
	tt_free(metrics.confusion);
	tt_source_close(&s);
	tt_session_free(&p);
	tt_trainer_free(&t);
	tt_model_free(&again);
	tt_model_free(&m);
}

static void session_runs_allocate_nothing_after_the_first(void **state)
{
	static float x[24 * 64], y[24 * 3];
	tt_model *m = trained();
	tt_session *p;
	uint64_t before;

	(void)state;
	assert_ok(tt_session_new(&p, m, TT_SESSION_OPTS(.batch = 16, .threads = 1)));
	assert_ok(tt_session_run(p, x, 24, y));
	before = mem_count();
	for (int i = 0; i < 10; i++)
		assert_ok(tt_session_run(p, x, 24, y));
	assert_int_equal(mem_count(), before);
	tt_session_free(&p);
	tt_model_free(&m);
}

/* Targets for every loss: values, yes/no in one column, one-hot for the rest. */
static void train_loss(const char *loss, const char *out, const char *rows, int has_accuracy)
{
	char csv[1024], uri[1100], layers[200];
	tt_model *m;
	tt_trainer *t;
	tt_spec *s;

	snprintf(csv, sizeof csv, "%s/rows.csv", test_temp_dir());
	snprintf(uri, sizeof uri, "csv:%s", csv);
	snprintf(layers, sizeof layers, "{name: fc, out: %s}", out);
	assert_ok(file_write_all(csv, rows, strlen(rows)));
	assert_ok(tt_spec_new(&s, "loss"));
	assert_ok(tt_spec_set(s, "data.train", uri));
	assert_ok(tt_spec_set(s, "data.valid", uri));
	assert_ok(tt_spec_set(s, "model.input", "[2]"));
	assert_ok(tt_spec_set(s, "model.loss", loss));
	assert_ok(tt_spec_set(s, "train.epochs", "60"));
	assert_ok(tt_spec_set(s, "train.tune_kernels", "no"));
	assert_ok(tt_spec_set(s, "train.optimizer", "{kind: adam, lr: 0.1}"));
	assert_ok(tt_spec_layer(s, "dense", layers));
	assert_ok(tt_model_new(&m, s));
	assert_ok(tt_trainer_new(&t, m, NULL));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(!isnan(tt_trainer_progress(t)->valid_accuracy), has_accuracy);
	if (has_accuracy)
		assert_near(tt_trainer_progress(t)->valid_accuracy, 1, 0);
	else
		assert_true(tt_trainer_progress(t)->valid_loss < 0.05);
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_spec_free(&s);
}

static void every_loss_gets_the_targets_it_wants(void **state)
{
	static const char two[] = "a,b,label\n1,0,yes\n0,1,no\n0.9,0.1,yes\n0.1,0.8,no\n";
	static const char three[] = "a,b,label\n1,0,x\n0,1,y\n-1,-1,z\n0.9,0,x\n0,0.9,y\n";
	static const char line[] = "a,b,v\n1,0,1.5\n0,1,-0.5\n1,1,1.25\n0,0,-0.25\n0.5,0.5,0.5\n";

	(void)state;
	train_loss("cross_entropy", "3", three, 1);
	train_loss("bce", "1", two, 1);
	train_loss("bce", "3", three, 1);
	train_loss("mse", "1", line, 0);
	train_loss("huber", "1", line, 0);
}

static void refuse(const tt_session_opts *o, const char *message)
{
	tt_model *m = tiny_model(tiny_mlp, NULL);
	tt_session *p = NULL;

	assert_status(tt_session_new(&p, m, o), TT_EINVAL);
	assert_null(p);
	assert_error(message);
	tt_model_free(&m);
}

/* A caller's description is not believed before it is looked at. */
static void a_sample_to_normalise_is_what_the_net_reads(void **state)
{
	static const struct { tt_source_info info; tt_status st; const char *says; } row[] = {
		{ { .ndim = 1 << 20 }, TT_EINVAL, "a sample of 1048576 dimensions" },
		{ { .ndim = 5, .shape = { 1, 8, 8, 1 } }, TT_EINVAL, "5 dimensions: 0 to 4" },
		{ { .ndim = -1 }, TT_EINVAL, "-1 dimensions" },
		{ { .ndim = 2, .shape = { -8, -8 } }, TT_EINVAL, "dimension 0 of a sample is -8" },
		{ { .ndim = 3, .shape = { (int64_t)1 << 62, 4, 64 } }, TT_EINVAL, "dimension 1" },
		{ { .ndim = 1, .shape = { 64 }, .type = 9 }, TT_EINVAL, "no type 9" },
		{ { .ndim = 1, .shape = { 63 } }, TT_ESHAPE, "63 numbers, the model wants 64" },
		{ { .ndim = 1, .shape = { 64 } }, TT_OK, "" },
	};
	static float raw[64], x[64];
	tt_model *m = tiny_model(tiny_mlp, NULL);
	tt_session *p;

	(void)state;
	assert_ok(tt_session_new(&p, m, NULL));
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		tt_source_info info = row[i].info;

		info.size = sizeof info;
		info.type = info.type ? info.type : TT_SAMPLE_F32;
		assert_status(tt_session_normalise(p, &info, raw, x), row[i].st);
		assert_error(row[i].says);
	}
	tt_session_free(&p);
	tt_model_free(&m);
}

static void session_refuses_with_the_reason(void **state)
{
	static float x[64], y[3];
	tt_model *m = tiny_model(tiny_mlp, NULL);
	tt_metrics metrics = TT_SIZED(tt_metrics);
	tt_session *p;
	tt_source *s;

	(void)state;
	refuse(TT_SESSION_OPTS(.precision = "f16"), "'f16' is none of f32, bf16");
	refuse(TT_SESSION_OPTS(.batch = -1), "batch -1");
	refuse(&(tt_session_opts){ 0 }, "size is 0");
	assert_ok(tt_session_new(&p, m, NULL));
	assert_status(tt_session_run(p, x, 0, y), TT_EINVAL);
	assert_ok(tt_source_open(&s, "synth:objects?size=8&count=8&classes=5&gray=yes"));
	assert_status(tt_session_evaluate(p, s, &metrics), TT_ESHAPE);
	assert_error("5 classes, the last layer has 2");
	tt_source_close(&s);
	tt_session_free(&p);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_gives_the_same_answers_in_any_chunks),
		cmocka_unit_test(session_eval_counts_what_run_answers),
		cmocka_unit_test(session_eval_agrees_with_validation),
		cmocka_unit_test(session_runs_allocate_nothing_after_the_first),
		cmocka_unit_test(every_loss_gets_the_targets_it_wants),
		cmocka_unit_test(a_sample_to_normalise_is_what_the_net_reads),
		cmocka_unit_test(session_refuses_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
