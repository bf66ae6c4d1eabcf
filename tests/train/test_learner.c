/* A learner trains on the caller's batches as a trainer does on its own: the same bits, without a
 * source, epochs or files. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tutti/learner.h>
#include <tutti/runtime.h>
#include <tutti/train.h>

#include "base/mem.h"
#include "data/loader.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"
#include "support/teach.h"

/* ---- the same as a trainer ---- */

static void teach_from_loader(tt_learner *l, const tt_model *like)
{
	const struct train_opts *t = &like->spec->train;
	struct loader *from;
	tt_source *source;
	struct teach_columns c;
	struct batch *b;

	assert_ok(tt_source_open(&source, like->spec->data.train));
	assert_ok(loader_new(&from, source, &(struct loader_opts){ .data = &like->spec->data,
	                     .training = 1, .batch = t->batch, .world = 1,
	                     .seed = (uint64_t)t->seed }));
	for (int epoch = 0; epoch < t->epochs; epoch++) {
		assert_ok(loader_seek(from, epoch, 0));
		while (assert_ok(loader_next(from, &b)), b)
			assert_ok(tt_learner_step(l, teach_batch(&c, b->x, b->label, b->n), NULL, NULL));
	}
	loader_free(&from);
	tt_source_close(&source);
}

static void it_gives_the_bits_of_a_trainer(void **state)
{
	static const char *const how[][2] = {
		{ "train.optimizer", "{kind: sgd, lr: 0.05, momentum: 0.9}" },
		{ "train.optimizer", "{kind: adam, lr: 0.01}" },
		{ "train.optimizer", "{kind: sgd, lr: 0.05, clip_norm: 0.5}" },
		{ "train.optimizer", "{kind: lamb, lr: 0.01, weight_decay: 0.01}" },
		{ "train.micro_batch", "6" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
		tt_model *a = teach_model("name: net\n" TEACH_DATA TEACH_NET TEACH_TRAIN, how[i][0],
		                          how[i][1]);
		tt_model *b = teach_net(how[i][0], how[i][1]);
		tt_learner *l = teach_learner(b);
		tt_trainer *t;

		assert_ok(tt_trainer_new(&t, a, NULL));
		assert_ok(tt_trainer_run(t));
		teach_from_loader(l, a);
		assert_int_equal(tt_learner_steps(l), 8);
		teach_same(a, b);
		tt_trainer_free(&t);
		tt_learner_free(&l);
		tt_model_free(&a);
		tt_model_free(&b);
	}
}

static void bytes_are_scaled_as_a_source_is(void **state)
{
	tt_model *a = teach_net(NULL, NULL), *b = teach_net(NULL, NULL);
	tt_learner *of_floats = teach_learner(a), *of_bytes = teach_learner(b);
	static float scaled[TEACH_SAMPLES * TEACH_PIXELS];
	const struct data_opts *d = &a->spec->data;
	int64_t y[16];
	struct teach_columns c;

	(void)state;
	for (int i = 0; i < TEACH_SAMPLES; i++)
		loader_normalise(&(tt_source_info){ .size = sizeof(tt_source_info), .ndim = 3,
		                 .shape = { 1, TEACH_SIDE, TEACH_SIDE }, .type = TT_SAMPLE_U8 }, d,
		                 teach_raw + i * TEACH_PIXELS, scaled + i * TEACH_PIXELS);
	for (int i = 0; i < 3; i++) {
		assert_ok(tt_learner_step(of_floats, teach_batch(&c, scaled + i * 16 * TEACH_PIXELS,
		                          teach_classes + i * 16, 16), NULL, NULL));
		teach_some(&c, i * 16, 16);
		for (int k = 0; k < 16; k++)
			y[k] = teach_classes[i * 16 + k];
		c.x.type = TT_U8;
		c.x.data = teach_raw + i * 16 * TEACH_PIXELS;
		c.y.type = TT_I64;
		c.y.data = y;
		assert_ok(tt_learner_step(of_bytes, &c.batch, NULL, NULL));
	}
	teach_same(a, b);
	tt_learner_free(&of_floats);
	tt_learner_free(&of_bytes);
	tt_model_free(&a);
	tt_model_free(&b);
}

/* ---- steps ---- */

static void it_learns_and_says_so(void **state)
{
	tt_model *m = teach_net("train.optimizer", "{kind: adam, lr: 0.02}");
	tt_learner *l = teach_learner(m);
	tt_step_result r = TT_SIZED(tt_step_result);
	tt_metrics good = TT_SIZED(tt_metrics);
	double first = NAN;
	struct teach_columns c;

	(void)state;
	for (int i = 0; i < 60; i++) {
		assert_ok(tt_learner_step(l, teach_some(&c, i % 3 * 16, 16), NULL, &r));
		first = i ? first : r.loss;
		assert_int_equal(r.step, i + 1);
		assert_int_equal(r.samples, 16);
		assert_true(isnan(r.grad_norm));
	}
	assert_near(r.lr, 0.02, 0);
	assert_true(first > 0.9 && r.loss < 0.5 * first);
	assert_true(r.accuracy > 0.8 && r.accuracy <= 1);
	assert_ok(tt_learner_evaluate(l, teach_some(&c, 0, TEACH_SAMPLES), &good));
	assert_int_equal(good.samples, TEACH_SAMPLES);
	assert_true(good.accuracy > 0.9);
	tt_learner_free(&l);
	tt_model_free(&m);
}

static void an_evaluation_sees_the_parameters_of_now(void **state)
{
	tt_model *m = teach_net(NULL, NULL);
	tt_learner *l = teach_learner(m);
	tt_metrics before = TT_SIZED(tt_metrics), after = TT_SIZED(tt_metrics), again = before;
	struct teach_columns c;

	(void)state;
	assert_ok(tt_learner_evaluate(l, teach_some(&c, 0, 20), &before));
	assert_ok(tt_learner_evaluate(l, teach_some(&c, 0, 20), &again));
	assert_true(before.loss == again.loss);
	teach_steps(l, 0, 6);
	assert_ok(tt_learner_evaluate(l, teach_some(&c, 0, 20), &after));
	assert_true(after.loss != before.loss);
	tt_learner_free(&l);
	tt_model_free(&m);
}

static void the_callers_learning_rate_counts(void **state)
{
	tt_model *a = teach_net("train.optimizer", "{kind: sgd, lr: 0.05}");
	tt_model *b = teach_net("train.optimizer", "{kind: sgd, lr: 7}");
	tt_learner *la = teach_learner(a), *lb = teach_learner(b);
	struct teach_columns c;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_ok(tt_learner_step(la, teach_some(&c, 0, 16), NULL, NULL));
		assert_ok(tt_learner_step(lb, teach_some(&c, 0, 16), TT_STEP_OPTS(.lr = 0.05), NULL));
	}
	teach_same(a, b);
	tt_learner_free(&la);
	tt_learner_free(&lb);
	tt_model_free(&a);
	tt_model_free(&b);
}

/* Plain SGD without decay: w - lr * g, to the bit. */
static void gradients_are_those_of_the_step(void **state)
{
	tt_model *m = teach_net("train.optimizer", "{kind: sgd, lr: 0.25}");
	tt_learner *l = teach_learner(m);
	tt_tensor w = TT_SIZED(tt_tensor), g = TT_SIZED(tt_tensor);
	float before[TEACH_PIXELS];
	struct teach_columns c;

	(void)state;
	assert_ok(tt_model_tensor(m, 0, &w));
	assert_status(tt_learner_gradient(l, 0, &g), TT_ENOENT);
	memcpy(before, w.data, 36 * sizeof *before);
	assert_ok(tt_learner_step(l, teach_some(&c, 0, 16), NULL, NULL));
	assert_ok(tt_learner_gradient(l, 0, &g));
	assert_string_equal(g.name, w.name);
	for (int i = 0; i < 36; i++)
		assert_true(w.data[i] == before[i] - 0.25f * g.data[i]);
	assert_status(tt_learner_gradient(l, tt_model_tensors(m), &g), TT_ENOENT);
	tt_learner_free(&l);
	tt_model_free(&m);
}

static void batches_of_any_size_need_no_memory_after_the_first(void **state)
{
	tt_model *m = teach_net(NULL, NULL);
	tt_learner *l = teach_learner(m);
	struct teach_columns c;
	uint64_t before = 0;

	(void)state;
	assert_ok(tt_learner_warm(l, 16));
	for (int round = 0; round < 3; round++) {
		for (int n = 1; n <= 16; n += 5)
			assert_ok(tt_learner_step(l, teach_some(&c, 0, n), NULL, NULL));
		if (round == 0)
			before = mem_count();
	}
	assert_int_equal(mem_count(), before);
	tt_learner_free(&l);
	tt_model_free(&m);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
	tt_model *m = teach_net(NULL, NULL), *same = teach_net(NULL, NULL);
	tt_learner *l = teach_learner(m), *alike = teach_learner(same);
	const tt_batch *b;
	struct teach_columns c;
	int32_t far = TEACH_CLASSES;

	(void)state;
	b = teach_some(&c, 0, 4);
	c.x.shape[1] = 4;
	assert_status(tt_learner_step(l, b, NULL, NULL), TT_ESHAPE);
	b = teach_some(&c, 0, 4);                             /* bytes are converted, but not these */
	c.x.shape[1] = 2 * TEACH_SIDE;
	c.x.type = TT_U8;
	c.x.data = teach_raw;
	assert_status(tt_learner_step(l, b, NULL, NULL), TT_ESHAPE);
	assert_error("the samples are 1x16x8, the model wants 1x8x8");
	b = teach_some(&c, 0, 4);                             /* another first batch is fine */
	assert_ok(tt_learner_step(l, b, TT_STEP_OPTS(.lr = 1e-30), NULL));
	assert_ok(tt_learner_step(alike, b, TT_STEP_OPTS(.lr = 1e-30), NULL));
	c.y.name = "truth";
	assert_status(tt_learner_step(l, b, NULL, NULL), TT_EINVAL);
	assert_error("no column 'label'");
	assert_status(tt_learner_step(l, teach_some(&c, 0, 17), NULL, NULL), TT_EINVAL);
	assert_error("17 samples are more than the largest batch, 16");
	assert_status(tt_learner_step(l, teach_batch(&c, teach_pictures, &far, 1), NULL, NULL),
	              TT_EINVAL);
	assert_error("column 'label': sample 0: class 3 is outside of 3 classes");
	b = teach_some(&c, 0, 1);
	c.x.type = TT_U8;
	assert_status(tt_learner_step(l, b, NULL, NULL), TT_ESHAPE);
	assert_error("first batch");
	assert_status(tt_learner_step(l, teach_some(&c, 0, 8), TT_STEP_OPTS(.samples = 4), NULL),
	              TT_EINVAL);
	teach_same(m, same);
	assert_int_equal(tt_learner_steps(l), 1);
	tt_learner_free(&l);
	tt_learner_free(&alike);
	tt_model_free(&m);
	tt_model_free(&same);
}

static void a_loss_that_is_not_finite_ends_it(void **state)
{
	tt_model *m = teach_net(NULL, NULL);
	tt_learner *l = teach_learner(m);
	tt_status st = TT_OK;
	int64_t done = 0;
	struct teach_columns c;

	(void)state;
	for (; st == TT_OK && done < 10; done += st == TT_OK)
		st = tt_learner_step(l, teach_some(&c, 0, 16), TT_STEP_OPTS(.lr = 1e38), NULL);
	assert_int_equal(st, TT_ENAN);
	assert_error("the loss is not finite at step");
	assert_int_equal(tt_learner_steps(l), done);
	tt_learner_free(&l);
	tt_model_free(&m);
}

static int always(void *ctx)
{
	(void)ctx;
	return 1;
}

static void a_program_that_wants_to_stop_loses_nothing(void **state)
{
	tt_model *a = teach_net(NULL, NULL), *b = teach_net(NULL, NULL);
	tt_learner *one = teach_learner(a), *two = teach_learner(b);
	struct teach_columns c;

	(void)state;
	teach_steps(one, 0, 2);
	assert_ok(tt_runtime_set(TT_RUNTIME(.interrupted = always)));
	assert_status(tt_learner_step(one, teach_some(&c, 0, 16), NULL, NULL), TT_ESTOPPED);
	assert_ok(tt_runtime_set(NULL));
	assert_int_equal(tt_learner_steps(one), 2);
	teach_steps(one, 2, 4);
	teach_steps(two, 0, 4);
	teach_same(a, b);
	tt_learner_free(&one);
	tt_learner_free(&two);
	tt_model_free(&a);
	tt_model_free(&b);
}

/* A learner ends with the average of its steps; who goes on stepping goes on with the weights. */
static void a_finished_learner_shows_the_average(void **state)
{
	tt_model *m[2];
	tt_learner *l[2];
	float *average;
	size_t bytes;

	(void)state;
	for (int k = 0; k < 2; k++)
		l[k] = teach_learner(m[k] = teach_net("train.ema", k ? "0" : "0.5"));
	bytes = m[0]->param_count * sizeof *average;
	average = mem_alloc(bytes);
	memcpy(average, m[0]->params, bytes);
	for (int step = 0; step < 4; step++) {
		for (int k = 0; k < 2; k++)
			teach_steps(l[k], step, step + 1);
		teach_same(m[0], m[1]);
		for (size_t i = 0; i < m[0]->param_count; i++)
			average[i] = step ? (average[i] + m[0]->params[i]) / 2 : m[0]->params[i];
		if (step < 2)
			continue;
		assert_ok(tt_learner_finish(l[0]));
		assert_floats_near(m[0]->params, average, m[0]->param_count, 1e-6);
		assert_ok(tt_learner_save(l[0], test_path(test_temp_dir(), "l.safetensors")));
		assert_floats_near(m[0]->params, average, m[0]->param_count, 1e-6);
	}
	for (int k = 0; k < 2; k++) {
		tt_learner_free(&l[k]);
		tt_model_free(&m[k]);
	}
	mem_free(average);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_gives_the_bits_of_a_trainer),
		cmocka_unit_test(bytes_are_scaled_as_a_source_is),
		cmocka_unit_test(it_learns_and_says_so),
		cmocka_unit_test(an_evaluation_sees_the_parameters_of_now),
		cmocka_unit_test(the_callers_learning_rate_counts),
		cmocka_unit_test(gradients_are_those_of_the_step),
		cmocka_unit_test(batches_of_any_size_need_no_memory_after_the_first),
		cmocka_unit_test(what_does_not_fit_is_refused_and_changes_nothing),
		cmocka_unit_test(a_loss_that_is_not_finite_ends_it),
		cmocka_unit_test(a_program_that_wants_to_stop_loses_nothing),
		cmocka_unit_test(a_finished_learner_shows_the_average),
	};

	return cmocka_run_group_tests(tests, teach_make, NULL);
}
