/* A learner trains on the caller's batches as a trainer does on its own: the same bits, without a
 * source, epochs or files. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tutti/learner.h>
#include <tutti/runtime.h>
#include <tutti/train.h>

#include "base/mem.h"
#include "data/loader.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"
#include "support/ranks.h"

#define DATA \
	"data:\n" \
	"  train: synth:objects?size=8&count=50&classes=3&gray=yes\n" \
	"  mean: 0.5\n" \
	"  std: 0.25\n" \
	"  augment: {crop: 1, flip: yes}\n"
#define NET \
	"model:\n" \
	"  input: [1, 8, 8]\n" \
	"  layers:\n" \
	"    - conv2d: {out: 4, kernel: 3, padding: 1, bias: no}\n" \
	"    - batchnorm: {activation: relu}\n" \
	"    - maxpool: {kernel: 2}\n" \
	"    - flatten\n" \
	"    - dropout: {p: 0.3}\n" \
	"    - dense: {out: 3}\n"
#define TRAIN \
	"train:\n" \
	"  epochs: 2\n" \
	"  batch: 16\n" \
	"  threads: 1\n" \
	"  tune_kernels: no\n" \
	"  tensorboard: {every_steps: 0}\n"
#define SIDE 8
#define PIXELS (SIDE * SIDE)
#define CLASSES 3
#define SAMPLES 48

static tt_model *model_of(const char *text, const char *key, const char *value)
{
	tt_model *m;
	tt_spec *s;

	assert_ok(tt_spec_parse(&s, "learner.yaml", text));
	if (key)
		assert_ok(tt_spec_set(s, key, value));
	assert_ok(tt_model_new(&m, s));
	tt_spec_free(&s);
	return m;
}

/* Without a word of data. */
static tt_model *net(const char *key, const char *value)
{
	return model_of("name: net\n" NET TRAIN, key, value);
}

static tt_learner *learner(tt_model *m)
{
	tt_learner *l;

	assert_ok(tt_learner_new(&l, m, NULL));
	return l;
}

static void assert_same(const tt_model *a, const tt_model *b)
{
	assert_int_equal(a->param_count, b->param_count);
	assert_memory_equal(a->params, b->params, a->param_count * sizeof *a->params);
	assert_memory_equal(a->buffers, b->buffers, a->buffer_count * sizeof *a->buffers);
}

/* ---- batches from memory ---- */

static float   pictures[SAMPLES * PIXELS];
static uint8_t raw[SAMPLES * PIXELS];
static int32_t classes[SAMPLES];

/* Bright in one corner by class, and noise. */
static int make_samples(void **state)
{
	uint32_t noise = 1;

	(void)state;
	for (int i = 0; i < SAMPLES; i++) {
		classes[i] = i % CLASSES;
		for (int k = 0; k < PIXELS; k++) {
			noise = noise * 1664525 + 1013904223;
			raw[i * PIXELS + k] = (uint8_t)(noise >> 26);
			if (k / SIDE < SIDE / 2 && k % SIDE / 3 == classes[i])
				raw[i * PIXELS + k] = (uint8_t)(raw[i * PIXELS + k] + 150);
			pictures[i * PIXELS + k] = (float)raw[i * PIXELS + k] / 255.0f;
		}
	}
	return 0;
}

struct columns { tt_column x, y; const tt_column *at[2]; tt_batch batch; };

static const tt_batch *batch(struct columns *c, const float *x, const int32_t *y, int64_t n)
{
	c->x = (tt_column){ .size = sizeof c->x, .name = "picture", .type = TT_F32, .ndim = 3,
	                    .shape = { 1, SIDE, SIDE }, .data = x };
	c->y = (tt_column){ .size = sizeof c->y, .name = "label", .type = TT_I32, .data = y };
	c->at[0] = &c->x;
	c->at[1] = &c->y;
	c->batch = (tt_batch){ .size = sizeof c->batch, .columns = 2, .column = c->at, .n = n };
	return &c->batch;
}

static const tt_batch *some(struct columns *c, int64_t first, int64_t n)
{
	return batch(c, pictures + first * PIXELS, classes + first, n);
}

static void steps(tt_learner *l, int from, int to)
{
	struct columns c;

	for (int i = from; i < to; i++)
		assert_ok(tt_learner_step(l, some(&c, i % 3 * 16, 16), NULL, NULL));
}

/* ---- the same as a trainer ---- */

static void teach_from_loader(tt_learner *l, const tt_model *like)
{
	const struct train_opts *t = &like->spec->train;
	struct loader *from;
	tt_source *source;
	struct columns c;
	struct batch *b;

	assert_ok(tt_source_open(&source, like->spec->data.train));
	assert_ok(loader_new(&from, source, &(struct loader_opts){ .data = &like->spec->data,
	                     .training = 1, .batch = t->batch, .world = 1,
	                     .seed = (uint64_t)t->seed }));
	for (int epoch = 0; epoch < t->epochs; epoch++) {
		assert_ok(loader_seek(from, epoch, 0));
		while (assert_ok(loader_next(from, &b)), b)
			assert_ok(tt_learner_step(l, batch(&c, b->x, b->label, b->n), NULL, NULL));
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
		tt_model *a = model_of("name: net\n" DATA NET TRAIN, how[i][0], how[i][1]);
		tt_model *b = net(how[i][0], how[i][1]);
		tt_learner *l = learner(b);
		tt_trainer *t;

		assert_ok(tt_trainer_new(&t, a, NULL));
		assert_ok(tt_trainer_run(t));
		teach_from_loader(l, a);
		assert_int_equal(tt_learner_steps(l), 8);
		assert_same(a, b);
		tt_trainer_free(&t);
		tt_learner_free(&l);
		tt_model_free(&a);
		tt_model_free(&b);
	}
}

static void bytes_are_scaled_as_a_source_is(void **state)
{
	tt_model *a = net(NULL, NULL), *b = net(NULL, NULL);
	tt_learner *of_floats = learner(a), *of_bytes = learner(b);
	static float scaled[SAMPLES * PIXELS];
	const struct data_opts *d = &a->spec->data;
	int64_t y[16];
	struct columns c;

	(void)state;
	for (int i = 0; i < SAMPLES; i++)
		loader_normalise(&(tt_source_info){ .size = sizeof(tt_source_info), .ndim = 3,
		                 .shape = { 1, SIDE, SIDE }, .type = TT_SAMPLE_U8 }, d,
		                 raw + i * PIXELS, scaled + i * PIXELS);
	for (int i = 0; i < 3; i++) {
		assert_ok(tt_learner_step(of_floats, batch(&c, scaled + i * 16 * PIXELS,
		                          classes + i * 16, 16), NULL, NULL));
		some(&c, i * 16, 16);
		for (int k = 0; k < 16; k++)
			y[k] = classes[i * 16 + k];
		c.x.type = TT_U8;
		c.x.data = raw + i * 16 * PIXELS;
		c.y.type = TT_I64;
		c.y.data = y;
		assert_ok(tt_learner_step(of_bytes, &c.batch, NULL, NULL));
	}
	assert_same(a, b);
	tt_learner_free(&of_floats);
	tt_learner_free(&of_bytes);
	tt_model_free(&a);
	tt_model_free(&b);
}

/* ---- steps ---- */

static void it_learns_and_says_so(void **state)
{
	tt_model *m = net("train.optimizer", "{kind: adam, lr: 0.02}");
	tt_learner *l = learner(m);
	tt_step_result r = TT_SIZED(tt_step_result);
	tt_metrics good = TT_SIZED(tt_metrics);
	double first = NAN;
	struct columns c;

	(void)state;
	for (int i = 0; i < 60; i++) {
		assert_ok(tt_learner_step(l, some(&c, i % 3 * 16, 16), NULL, &r));
		first = i ? first : r.loss;
		assert_int_equal(r.step, i + 1);
		assert_int_equal(r.samples, 16);
		assert_true(isnan(r.grad_norm));
	}
	assert_near(r.lr, 0.02, 0);
	assert_true(first > 0.9 && r.loss < 0.5 * first);
	assert_true(r.accuracy > 0.8 && r.accuracy <= 1);
	assert_ok(tt_learner_evaluate(l, some(&c, 0, SAMPLES), &good));
	assert_int_equal(good.samples, SAMPLES);
	assert_true(good.accuracy > 0.9);
	tt_learner_free(&l);
	tt_model_free(&m);
}

static void an_evaluation_sees_the_parameters_of_now(void **state)
{
	tt_model *m = net(NULL, NULL);
	tt_learner *l = learner(m);
	tt_metrics before = TT_SIZED(tt_metrics), after = TT_SIZED(tt_metrics), again = before;
	struct columns c;

	(void)state;
	assert_ok(tt_learner_evaluate(l, some(&c, 0, 20), &before));
	assert_ok(tt_learner_evaluate(l, some(&c, 0, 20), &again));
	assert_true(before.loss == again.loss);
	steps(l, 0, 6);
	assert_ok(tt_learner_evaluate(l, some(&c, 0, 20), &after));
	assert_true(after.loss != before.loss);
	tt_learner_free(&l);
	tt_model_free(&m);
}

static void the_callers_learning_rate_counts(void **state)
{
	tt_model *a = net("train.optimizer", "{kind: sgd, lr: 0.05}");
	tt_model *b = net("train.optimizer", "{kind: sgd, lr: 7}");
	tt_learner *la = learner(a), *lb = learner(b);
	struct columns c;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_ok(tt_learner_step(la, some(&c, 0, 16), NULL, NULL));
		assert_ok(tt_learner_step(lb, some(&c, 0, 16), TT_STEP_OPTS(.lr = 0.05), NULL));
	}
	assert_same(a, b);
	tt_learner_free(&la);
	tt_learner_free(&lb);
	tt_model_free(&a);
	tt_model_free(&b);
}

/* Plain SGD without decay: w - lr * g, to the bit. */
static void gradients_are_those_of_the_step(void **state)
{
	tt_model *m = net("train.optimizer", "{kind: sgd, lr: 0.25}");
	tt_learner *l = learner(m);
	tt_tensor w = TT_SIZED(tt_tensor), g = TT_SIZED(tt_tensor);
	float before[PIXELS];
	struct columns c;

	(void)state;
	assert_ok(tt_model_tensor(m, 0, &w));
	assert_status(tt_learner_gradient(l, 0, &g), TT_ENOENT);
	memcpy(before, w.data, 36 * sizeof *before);
	assert_ok(tt_learner_step(l, some(&c, 0, 16), NULL, NULL));
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
	tt_model *m = net(NULL, NULL);
	tt_learner *l = learner(m);
	struct columns c;
	uint64_t before = 0;

	(void)state;
	assert_ok(tt_learner_warm(l, 16));
	for (int round = 0; round < 3; round++) {
		for (int n = 1; n <= 16; n += 5)
			assert_ok(tt_learner_step(l, some(&c, 0, n), NULL, NULL));
		if (round == 0)
			before = mem_count();
	}
	assert_int_equal(mem_count(), before);
	tt_learner_free(&l);
	tt_model_free(&m);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
	tt_model *m = net(NULL, NULL), *same = net(NULL, NULL);
	tt_learner *l = learner(m), *alike = learner(same);
	const tt_batch *b;
	struct columns c;
	int32_t far = CLASSES;

	(void)state;
	b = some(&c, 0, 4);
	c.x.shape[1] = 4;
	assert_status(tt_learner_step(l, b, NULL, NULL), TT_ESHAPE);
	b = some(&c, 0, 4);                             /* bytes are converted, but not these */
	c.x.shape[1] = 2 * SIDE;
	c.x.type = TT_U8;
	c.x.data = raw;
	assert_status(tt_learner_step(l, b, NULL, NULL), TT_ESHAPE);
	assert_error("the samples are 1x16x8, the model wants 1x8x8");
	b = some(&c, 0, 4);                             /* another first batch is fine */
	assert_ok(tt_learner_step(l, b, TT_STEP_OPTS(.lr = 1e-30), NULL));
	assert_ok(tt_learner_step(alike, b, TT_STEP_OPTS(.lr = 1e-30), NULL));
	c.y.name = "truth";
	assert_status(tt_learner_step(l, b, NULL, NULL), TT_EINVAL);
	assert_error("no column 'label'");
	assert_status(tt_learner_step(l, some(&c, 0, 17), NULL, NULL), TT_EINVAL);
	assert_error("17 samples are more than the largest batch, 16");
	assert_status(tt_learner_step(l, batch(&c, pictures, &far, 1), NULL, NULL), TT_EINVAL);
	assert_error("column 'label': sample 0: class 3 is outside of 3 classes");
	b = some(&c, 0, 1);
	c.x.type = TT_U8;
	assert_status(tt_learner_step(l, b, NULL, NULL), TT_ESHAPE);
	assert_error("first batch");
	assert_status(tt_learner_step(l, some(&c, 0, 8), TT_STEP_OPTS(.samples = 4), NULL),
	              TT_EINVAL);
	assert_same(m, same);
	assert_int_equal(tt_learner_steps(l), 1);
	tt_learner_free(&l);
	tt_learner_free(&alike);
	tt_model_free(&m);
	tt_model_free(&same);
}

static void a_loss_that_is_not_finite_ends_it(void **state)
{
	tt_model *m = net(NULL, NULL);
	tt_learner *l = learner(m);
	tt_status st = TT_OK;
	int64_t done = 0;
	struct columns c;

	(void)state;
	for (; st == TT_OK && done < 10; done += st == TT_OK)
		st = tt_learner_step(l, some(&c, 0, 16), TT_STEP_OPTS(.lr = 1e38), NULL);
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
	tt_model *a = net(NULL, NULL), *b = net(NULL, NULL);
	tt_learner *one = learner(a), *two = learner(b);
	struct columns c;

	(void)state;
	steps(one, 0, 2);
	assert_ok(tt_runtime_set(TT_RUNTIME(.interrupted = always)));
	assert_status(tt_learner_step(one, some(&c, 0, 16), NULL, NULL), TT_ESTOPPED);
	assert_ok(tt_runtime_set(NULL));
	assert_int_equal(tt_learner_steps(one), 2);
	steps(one, 2, 4);
	steps(two, 0, 4);
	assert_same(a, b);
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
		l[k] = learner(m[k] = net("train.ema", k ? "0" : "0.5"));
	bytes = m[0]->param_count * sizeof *average;
	average = mem_alloc(bytes);
	memcpy(average, m[0]->params, bytes);
	for (int step = 0; step < 4; step++) {
		for (int k = 0; k < 2; k++)
			steps(l[k], step, step + 1);
		assert_same(m[0], m[1]);
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

/* ---- checkpoints ---- */

static void a_loaded_learner_goes_on_to_the_same_bits(void **state)
{
	const char *path = test_path(test_temp_dir(), "learner.safetensors");
	tt_model *a = net("train.optimizer", "{kind: adam, lr: 0.01}");
	tt_model *b = net("train.optimizer", "{kind: adam, lr: 0.01}");
	tt_learner *one = learner(a), *two = learner(b);

	(void)state;
	steps(one, 0, 3);
	assert_ok(tt_learner_save(one, path));
	steps(one, 3, 7);
	assert_ok(tt_learner_load(two, path));
	assert_int_equal(tt_learner_steps(two), 3);
	steps(two, 3, 7);
	assert_same(a, b);
	tt_learner_free(&one);
	tt_learner_free(&two);
	tt_model_free(&a);
	tt_model_free(&b);
}

static void it_goes_on_from_a_trainers_checkpoint(void **state)
{
	const char *path = test_path(test_temp_dir(), "trainer.safetensors");
	tt_model *a = model_of("name: net\n" DATA NET TRAIN, NULL, NULL), *b = net(NULL, NULL);
	tt_learner *l = learner(b);
	tt_trainer *t;
	int more;

	(void)state;
	assert_ok(tt_trainer_new(&t, a, NULL));
	assert_ok(tt_trainer_steps(t, 3, &more));
	assert_ok(tt_trainer_checkpoint(t, path));
	assert_ok(tt_learner_load(l, path));
	assert_int_equal(tt_learner_steps(l), 3);
	assert_same(a, b);
	tt_trainer_free(&t);
	tt_learner_free(&l);
	tt_model_free(&a);
	tt_model_free(&b);
}

/* A learner with an optimizer of another kind loads what one of the first has saved. */
static void load_as(const char *path, const char *kind, const char *as)
{
	char written[40], this[40], text[80];
	tt_model *a, *b, *was = net(NULL, NULL);
	tt_learner *from, *to;

	snprintf(written, sizeof written, "{kind: %s}", kind);
	snprintf(this, sizeof this, "{kind: %s}", as);
	from = learner(a = net("train.optimizer", written));
	to = learner(b = net("train.optimizer", this));
	steps(from, 0, 2);
	assert_ok(tt_learner_save(from, path));
	assert_status(tt_learner_load(to, path), TT_ESPEC);
	snprintf(text, sizeof text, "train.optimizer.kind %s, this spec's is %s", kind, as);
	assert_error(text);
	assert_same(b, was);
	assert_int_equal(tt_learner_steps(to), 0);
	assert_ok(tt_model_save(a, path));
	assert_status(tt_learner_load(from, path), TT_EFORMAT);
	tt_learner_free(&from);
	tt_learner_free(&to);
	tt_model_free(&a);
	tt_model_free(&b);
	tt_model_free(&was);
}

static void another_optimizers_state_is_refused(void **state)
{
	static const char *const pair[][2] = {
		{ "sgd", "adam" }, { "adam", "sgd" }, { "adam", "lamb" }, { "adam", "adamw" },
		{ "adam", "rmsprop" },
	};
	const char *path = test_path(test_temp_dir(), "other.safetensors");

	(void)state;
	for (size_t i = 0; i < sizeof pair / sizeof *pair; i++)
		load_as(path, pair[i][0], pair[i][1]);
}

/* The kind is the same, its settings want more than there is, or less. */
static void a_state_of_other_settings_is_refused(void **state)
{
	const char *path = test_path(test_temp_dir(), "plain.safetensors");
	tt_model *a = net("train.optimizer", "{kind: sgd}");
	tt_model *b = net("train.optimizer", "{kind: sgd, momentum: 0.9}");
	tt_learner *plain = learner(a), *heavy = learner(b);

	(void)state;
	steps(plain, 0, 2);
	assert_ok(tt_learner_save(plain, path));
	assert_status(tt_learner_load(heavy, path), TT_ESPEC);
	assert_error("has no 'tutti.optim.momentum_buffer'");
	steps(heavy, 0, 2);
	assert_ok(tt_learner_save(heavy, path));
	assert_status(tt_learner_load(plain, path), TT_ESPEC);
	assert_error("has 'tutti.optim.momentum_buffer', which this spec's train.optimizer does not");
	tt_learner_free(&plain);
	tt_learner_free(&heavy);
	tt_model_free(&a);
	tt_model_free(&b);
}

/* ---- groups ---- */

#define RANKS 2
static const char dense[] =
	"name: net\nmodel: {input: [1, 8, 8], layers: [flatten, dense: {out: 12, activation: tanh},"
	" dense: {out: 3}]}\n" TRAIN;
static tt_model *of_rank[RANKS];

/* On each kind of group anew; the first one's parameters count. */
static void renew(int rank)
{
	tt_model_free(&of_rank[rank]);
	of_rank[rank] = model_of(dense, NULL, NULL);
	if (rank)
		of_rank[rank]->params[0] = 5;
}

/* Rank r of each batch of 16 takes the rows r, r + 2, ...; the last step is all rank 0's. */
static void learn_together(struct comm *c, void *ctx)
{
	static float rows[RANKS][8 * PIXELS];
	static int32_t labels[RANKS][8];
	tt_step_result r = TT_SIZED(tt_step_result);
	struct columns k;
	tt_learner *l;

	(void)ctx;
	renew(c->rank);
	rank_ok(tt_learner_new(&l, of_rank[c->rank], TT_LEARNER_OPTS(.group = c)));
	for (int s = 0; s < 4; s++) {
		const int alone = s == 3, n = alone ? 8 - 8 * c->rank : 8;

		for (int i = 0; i < 8; i++) {
			const int at = s % 3 * 16 + (alone ? i : i * RANKS + c->rank);

			memcpy(rows[c->rank] + i * PIXELS, pictures + at * PIXELS, PIXELS * sizeof(float));
			labels[c->rank][i] = classes[at];
		}
		rank_ok(tt_learner_step(l, batch(&k, rows[c->rank], labels[c->rank], n),
		                        TT_STEP_OPTS(.samples = alone ? 8 : 16), &r));
		rank_true(r.samples == (alone ? 8 : 16));
		rank_true(r.accuracy >= 0 && r.accuracy <= 1);
	}
	rank_ok(tt_learner_finish(l));
	tt_learner_free(&l);
}

static void a_group_learns_as_one(void **state)
{
	tt_model *m = model_of(dense, NULL, NULL);
	tt_learner *l = learner(m);
	struct columns c;

	(void)state;
	ranks_run((struct ranks){ .n = RANKS }, learn_together, NULL);
	for (int s = 0; s < 4; s++)
		assert_ok(tt_learner_step(l, some(&c, s % 3 * 16, s == 3 ? 8 : 16), NULL, NULL));
	assert_same(of_rank[0], of_rank[1]);
	assert_floats_near(of_rank[0]->params, m->params, m->param_count, 1e-5);
	tt_learner_free(&l);
	tt_model_free(&m);
	for (int r = 0; r < RANKS; r++)
		tt_model_free(&of_rank[r]);
}

/* ---- in a child ---- */

/* Memory of the program's own, and how much of it is out. */
static int64_t blocks_out, blocks_given;

static void *give(void *ctx, size_t bytes)
{
	(void)ctx;
	__atomic_fetch_add(&blocks_out, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&blocks_given, 1, __ATOMIC_RELAXED);
	return malloc(bytes);
}

static void take_back(void *ctx, void *p)
{
	(void)ctx;
	__atomic_fetch_sub(&blocks_out, 1, __ATOMIC_RELAXED);
	free(p);
}

/* What the child does and answers: its parameters after four steps. */
static int learn_and_tell(int to, int own_memory)
{
	ssize_t bytes, sent;
	tt_learner *l;
	tt_model *m;

	if (own_memory && tt_runtime_set(TT_RUNTIME(.alloc = give, .free = take_back)) != TT_OK)
		return 2;
	l = learner(m = net(NULL, NULL));
	steps(l, 0, 4);
	tt_learner_free(&l);
	bytes = (ssize_t)(m->param_count * sizeof *m->params);
	sent = write(to, m->params, (size_t)bytes);
	tt_model_free(&m);
	if (own_memory && (!blocks_given || blocks_out))
		return 3;
	return sent != bytes;
}

static void assert_a_child_learns(const float *want, size_t bytes, int own_memory)
{
	char *got = calloc(1, bytes);
	int end[2], status;
	size_t have = 0;
	pid_t child;

	assert_int_equal(pipe(end), 0);
	child = fork();
	if (child == 0) {
		alarm(20);
		_exit(learn_and_tell(end[1], own_memory));
	}
	close(end[1]);
	for (ssize_t n; have < bytes && (n = read(end[0], got + have, bytes - have)) > 0;)
		have += (size_t)n;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_memory_equal(got, want, bytes);
	close(end[0]);
	free(got);
}

/* As a server does that forks for each request, after it has trained itself.  Memory of its own a
 * child can have once nothing of the parent's is in use. */
static void a_forked_child_learns_the_same(void **state)
{
	tt_model *m = net(NULL, NULL);
	tt_learner *l = learner(m);
	const size_t bytes = m->param_count * sizeof *m->params;
	float *want = malloc(bytes);

	(void)state;
	steps(l, 0, 4);
	memcpy(want, m->params, bytes);
	assert_a_child_learns(want, bytes, 0);
	tt_learner_free(&l);
	tt_model_free(&m);
	assert_int_equal(mem_live(), 0);
	assert_a_child_learns(want, bytes, 1);
	free(want);
}

static void nothing_stays_behind(void **state)
{
	const int64_t live = mem_live();
	tt_model *m = net(NULL, NULL);
	tt_learner *l = learner(m);
	tt_metrics good = TT_SIZED(tt_metrics);
	struct columns c;

	(void)state;
	steps(l, 0, 1);
	assert_ok(tt_learner_evaluate(l, some(&c, 0, 5), &good));
	tt_learner_free(&l);
	tt_learner_free(&l);
	tt_model_free(&m);
	assert_int_equal(mem_live(), live);
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
		cmocka_unit_test(a_loaded_learner_goes_on_to_the_same_bits),
		cmocka_unit_test(it_goes_on_from_a_trainers_checkpoint),
		cmocka_unit_test(another_optimizers_state_is_refused),
		cmocka_unit_test(a_state_of_other_settings_is_refused),
		cmocka_unit_test(a_group_learns_as_one),
		cmocka_unit_test(a_forked_child_learns_the_same),
		cmocka_unit_test(nothing_stays_behind),
	};

	return cmocka_run_group_tests(tests, make_samples, NULL);
}
