/* Nets that train apart and answer as one. */
#include "support/support.h"
#include "support/tiny.h"
#include "support/workers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <tutti/session.h>

#include "base/mem.h"
#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"
#include "learn/train/trainer_own.h"

static char folder[1024];

static const char *last_of(void)
{
	return test_path(folder, "checkpoints/last.safetensors");
}

static void new_folder(void)
{
	snprintf(folder, sizeof folder, "%s/run", test_temp_dir());
}

static tt_model *ensemble_of(const char *text, const char *combine)
{
	return tiny_model(text, "distribute.strategy", "ensemble", "distribute.combine", combine,
	                  "train.combiner.batch", "16", NULL);
}

/* The model is the whole afterwards. */
static tt_model *trained(const char *text, int workers, const char *combine, tt_progress *out)
{
	tt_model *m = ensemble_of(text, combine);
	tt_trainer *t;

	new_folder();
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers, .run_dir = folder)));
	assert_ok(tt_trainer_run(t));
	if (out)
		*out = *tt_trainer_progress(t);
	tt_trainer_free(&t);
	return m;
}

/* ---- one model ---- */

#define SAMPLES 5
#define INPUTS 64

static void predict(const tt_model *m, float *out)
{
	float x[SAMPLES * INPUTS];
	tt_session *p;

	for (int i = 0; i < SAMPLES * INPUTS; i++)
		x[i] = sinf((float)i);
	assert_ok(tt_session_new(&p, m, TT_SESSION_OPTS(.threads = 1)));
	assert_int_equal(tt_session_inputs(p), INPUTS);
	assert_ok(tt_session_run(p, x, SAMPLES, out));
	tt_session_free(&p);
}

/* Member i of the whole as a net of its own. */
static tt_model *member_of(const tt_model *whole, const char *text, int i)
{
	tt_model *m = tiny_model(text, NULL);

	memcpy(m->params, whole->params + (size_t)i * m->param_count, m->param_count * sizeof(float));
	memcpy(m->buffers, whole->buffers + (size_t)i * m->buffer_count,
	       m->buffer_count * sizeof(float));
	return m;
}

static void says_the_average(const char *text, int outputs, int workers)
{
	float all[SAMPLES * 4], one[SAMPLES * 4], mean[SAMPLES * 4] = { 0 };
	tt_model *made = trained(text, workers, "average", NULL), *whole, *m;

	assert_ok(tt_model_load(&whole, last_of()));
	assert_memory_equal(whole->params, made->params, made->param_count * sizeof(float));
	predict(whole, all);
	for (int i = 0; i < workers; i++) {
		m = member_of(whole, text, i);
		predict(m, one);
		for (int k = 0; k < SAMPLES * outputs; k++)
			mean[k] += one[k] / (float)workers;
		tt_model_free(&m);
	}
	assert_floats_near(all, mean, SAMPLES * outputs, 1e-5);
	tt_model_free(&whole);
	tt_model_free(&made);
}

static void the_whole_says_what_members_say_on_average(void **state)
{
	(void)state;
	says_the_average(tiny_conv, 3, 3);
	says_the_average(tiny_mlp, 2, 2);
}

static const char values[] =
	"name: values\n"
	"data: {train: 'synth:objects?size=8&count=40&classes=2&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  loss: LOSS\n"
	"  layers: [flatten, {dense: {out: 4, activation: tanh}}, {dense: {out: 2}}]\n"
	"train: {epochs: 2, batch: 8, threads: 1, tune_kernels: no, optimizer: {lr: 0.1}}\n";

static void other_losses_average_values_or_yes_and_no(void **state)
{
	static const char *const loss[] = { "mse ", "bce " };
	char text[sizeof values];

	(void)state;
	for (int i = 0; i < 2; i++) {
		memcpy(text, values, sizeof values);
		memcpy(strstr(text, "LOSS"), loss[i], 4);
		says_the_average(text, 2, 3);
	}
}

static void names_are_those_of_the_net_under_its_number(void **state)
{
	static const char *const want[] = {
		"members.0.conv1.weight", "members.0.bn1.weight", "members.0.bn1.bias",
		"members.0.fc1.weight", "members.0.fc1.bias", "members.1.conv1.weight",
	};
	tt_model *whole = trained(tiny_conv, 2, "average", NULL);
	tt_tensor t = TT_SIZED(tt_tensor);

	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_ok(tt_model_tensor(whole, i, &t));
		assert_string_equal(t.name, want[i]);
	}
	assert_ok(tt_model_tensor(whole, tt_model_tensors(whole) - 1, &t));
	assert_string_equal(t.name, "members.1.bn1.running_var");
	tt_model_free(&whole);
}

/* Layers without a name are called as they are without an ensemble. */
static void nameless_layers_keep_their_names(void **state)
{
	char text[sizeof values];
	tt_tensor t = TT_SIZED(tt_tensor);
	tt_model *whole;

	(void)state;
	memcpy(text, values, sizeof values);
	memcpy(strstr(text, "LOSS"), "mse ", 4);
	whole = trained(text, 2, "net", NULL);
	assert_ok(tt_model_tensor(whole, 2, &t));
	assert_string_equal(t.name, "members.0.dense2.weight");
	assert_ok(tt_model_tensor(whole, 8, &t));
	assert_string_equal(t.name, "combiner.fc1.weight");
	assert_int_equal(t.shape[1], 4);            /* two members say two numbers each */
	tt_model_free(&whole);
}

/* ---- members ---- */

static void ensemble_begin_differently_and_say_how_good_they_are(void **state)
{
	tt_progress p;
	tt_model *whole;
	tt_trainer *t;
	int more;

	(void)state;
	new_folder();
	whole = ensemble_of(tiny_conv, "average");
	assert_ok(tt_trainer_new(&t, whole, TT_TRAINER_OPTS(.workers = 3)));
	for (int i = 0; i < 2; i++)
		for (int j = i + 1; j < 3; j++) {
			const float *a = whole->params + (size_t)i * t->model->param_count;

			assert_memory_not_equal(a, a + (size_t)(j - i) * t->model->param_count,
			                        36 * sizeof(float));
		}
	do
		assert_ok(tt_trainer_step(t, &more));
	while (more);
	p = *tt_trainer_progress(t);
	assert_int_equal(p.members, 3);
	for (int i = 0; i < 3; i++)
		assert_in_range(100 * p.member_accuracy[i], 0, 100);
	local_workers_settle(t->group);
	for (int i = 1; i < 3; i++) {
		const struct tt_trainer *peer = trainer_peer(t, i);

		assert_memory_equal(peer->model->params, whole->params + (size_t)i *
		                    peer->model->param_count, peer->model->param_count * sizeof(float));
		assert_memory_equal(peer->ensemble->whole->params, whole->params,
		                    whole->param_count * sizeof(float));
	}
	tt_trainer_free(&t);
	tt_model_free(&whole);
}

/* Nothing goes from one to another: a slower member, or more of them, do not change the first. */
static void who_trains_beside_does_not_matter(void **state)
{
	tt_model *m = ensemble_of(tiny_mlp, "average");
	float first[2][4096];
	tt_trainer *t;
	int more;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2)));
		if (i)                          /* another start for member 1 alone */
			for (size_t k = 0; k < t->model->param_count; k++)
				m->params[t->model->param_count + k] *= 0.5f;
		do
			assert_ok(tt_trainer_step(t, &more));
		while (more);
		assert_true(t->model->param_count <= 4096);
		memcpy(first[i], t->model->params, t->model->param_count * sizeof(float));
		if (i)
			assert_memory_equal(first[0], first[1], t->model->param_count * sizeof(float));
		tt_trainer_free(&t);
		tt_model_free(&m);
		m = ensemble_of(tiny_mlp, "average");
	}
	tt_model_free(&m);
}

/* ---- a net behind them ---- */

static void a_net_learns_from_what_they_say(void **state)
{
	tt_progress p;
	tt_model *average = trained(tiny_conv, 3, "average", NULL), *whole, *again;
	tt_session *judge;
	tt_source *source;
	tt_metrics m = TT_SIZED(tt_metrics);
	struct ckpt *c;

	(void)state;
	whole = trained(tiny_conv, 3, "net", &p);
	/* They themselves are the same. */
	assert_int_equal(whole->param_count, average->param_count + 9 * 3 + 3);
	assert_memory_equal(whole->params, average->params, average->param_count * sizeof(float));
	assert_memory_equal(whole->buffers, average->buffers, average->buffer_count * sizeof(float));
	assert_ok(tt_model_load(&again, last_of()));
	assert_memory_equal(again->params, whole->params, whole->param_count * sizeof(float));
	assert_ok(ckpt_open(&c, last_of()));
	assert_string_equal(ckpt_meta(c, "tutti.members"), "3");
	assert_string_equal(ckpt_meta(c, "tutti.combined"), "1");
	ckpt_close(&c);
	/* What was said of it is true. */
	assert_ok(tt_source_open(&source,
	                         "synth:objects?size=8&count=20&classes=3&gray=yes&split=test"));
	assert_ok(tt_session_new(&judge, again, TT_SESSION_OPTS(.threads = 1)));
	assert_ok(tt_session_evaluate(judge, source, &m));
	assert_near(m.accuracy, p.valid_accuracy, 1e-9);
	assert_near(m.loss, p.valid_loss, 1e-5);
	tt_free(m.confusion);
	tt_session_free(&judge);
	tt_source_close(&source);
	tt_model_free(&again);
	tt_model_free(&whole);
	tt_model_free(&average);
}

/* With time enough it fits the training data better than the average does. */
static void the_net_makes_the_loss_smaller(void **state)
{
	double loss[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		tt_model *m = tiny_model(tiny_mlp, "distribute.strategy", "ensemble", "distribute.combine",
		                         i ? "net" : "average", "train.combiner.epochs", "200",
		                         "train.combiner.batch", "16", "train.combiner.lr", "0.01",
		                         "train.combiner.layers",
		                         "[{dense: {out: 8, activation: relu}}, {dense: {out: 2}}]",
		                         "data.valid", "synth:objects?size=8&count=40&classes=2&gray=yes",
		                         NULL);
		tt_trainer *t;

		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3)));
		assert_ok(tt_trainer_run(t));
		loss[i] = tt_trainer_progress(t)->valid_loss;
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
	assert_true(loss[1] < 0.9 * loss[0]);
}

static void an_early_stop_combines_too(void **state)
{
	tt_model *m = tiny_model(tiny_conv, "distribute.strategy", "ensemble", "distribute.combine",
	                         "net", "train.early_stop", "{patience: 1, min_delta: 10}",
	                         "train.epochs", "50", NULL);
	tt_model *saved;
	tt_trainer *t;

	(void)state;
	new_folder();
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .run_dir = folder)));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(tt_trainer_progress(t)->members, 2);
	assert_true(tt_trainer_progress(t)->epoch < 10);
	tt_trainer_free(&t);
	assert_ok(tt_model_load(&saved, last_of()));
	assert_int_equal(saved->param_count, m->param_count);
	assert_memory_equal(saved->params, m->params, m->param_count * sizeof(float));
	tt_model_free(&saved);
	tt_model_free(&m);
}

/* ---- stopped and gone on with ---- */

static void resume_is_exact(const char *combine)
{
	tt_model *whole = trained(tiny_conv, 3, combine, NULL), *m = ensemble_of(tiny_conv, combine);
	char path[1100];
	tt_progress before;
	tt_trainer *t;
	int more;

	snprintf(path, sizeof path, "%s/mid.safetensors", test_temp_dir());
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3)));
	for (int i = 0; i < 6; i++)                 /* in the middle of the second epoch */
		assert_ok(tt_trainer_step(t, &more));
	assert_ok(tt_trainer_checkpoint(t, path));
	tt_trainer_free(&t);
	tt_model_free(&m);
	m = ensemble_of(tiny_conv, combine);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3, .resume = path)));
	before = *tt_trainer_progress(t);
	assert_int_equal(before.step, 6);
	assert_ok(tt_trainer_run(t));
	assert_int_equal(tt_trainer_progress(t)->step, 8);
	tt_trainer_free(&t);
	assert_int_equal(m->param_count, whole->param_count);
	assert_memory_equal(m->params, whole->params, m->param_count * sizeof(float));
	assert_memory_equal(m->buffers, whole->buffers, m->buffer_count * sizeof(float));
	tt_model_free(&m);
	tt_model_free(&whole);
}

/* The nets never talk, but a wish to stop is heard within half a second: here after steps 1, 2, 6
 * and 22 at the latest. */
static void a_wish_to_stop_is_heard_amid_an_epoch(void **state)
{
	tt_model *whole = NULL;

	(void)state;
	for (int stop = 0; stop < 2; stop++) {
		tt_model *m = tiny_model(tiny_conv, "distribute.strategy", "ensemble", "train.batch", "2",
		                         NULL);
		struct workers_stop s = { .step = stop ? 3 : 0 };
		tt_trainer *t;

		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .observe = workers_stop_at,
		                                                .observe_ctx = &s)));
		s.t = t;
		if (stop) {
			assert_status(tt_trainer_run(t), TT_ESTOPPED);
			assert_in_range(tt_trainer_progress(t)->step, 3, 6);
		}
		assert_ok(tt_trainer_run(t));
		tt_trainer_free(&t);
		if (whole) {
			assert_memory_equal(m->params, whole->params, m->param_count * sizeof(float));
			tt_model_free(&whole);
		}
		whole = m;
	}
	tt_model_free(&whole);
}

static void a_stopped_ensemble_goes_on_to_the_bit(void **state)
{
	(void)state;
	resume_is_exact("average");
	resume_is_exact("net");
}

/* A run that is over has nothing to do, and its model is the combined one; more epochs make it go
 * on from the members. */
static void a_finished_one_is_found_finished(void **state)
{
	tt_model *whole = trained(tiny_conv, 2, "net", NULL), *m = ensemble_of(tiny_conv, "net");
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .resume = last_of())));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	assert_memory_equal(m->params, whole->params, m->param_count * sizeof(float));
	tt_model_free(&m);
	m = tiny_model(tiny_conv, "distribute.strategy", "ensemble", "distribute.combine", "net",
	               "train.epochs", "3", NULL);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .resume = last_of())));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(tt_trainer_progress(t)->step, 12);
	tt_trainer_free(&t);
	assert_int_equal(m->param_count, whole->param_count);
	assert_memory_not_equal(m->params, whole->params, m->param_count * sizeof(float));
	tt_model_free(&m);
	tt_model_free(&whole);
}

static void refuse(tt_model *m, int workers, const char *text)
{
	tt_trainer *t = NULL;
	tt_tensor first = TT_SIZED(tt_tensor);

	assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers, .resume = last_of())),
	              TT_ESPEC);
	assert_error(text);
	assert_null(t);
	assert_ok(tt_model_tensor(m, 0, &first));         /* as it was */
	assert_string_equal(first.name, "conv1.weight");
	tt_model_free(&m);
}

static void ensemble_cannot_be_dealt_to_other_workers(void **state)
{
	tt_model *whole = trained(tiny_conv, 3, "average", NULL);

	(void)state;
	tt_model_free(&whole);
	refuse(ensemble_of(tiny_conv, "average"), 2, "an ensemble of 3 models");
	refuse(tiny_model(tiny_conv, NULL), 1, "distribute.strategy: ensemble and 3 workers");
	refuse(ensemble_of(tiny_conv, "average"), 65, "2 to 64 are possible");
}

static void one_worker_is_the_net_alone(void **state)
{
	tt_model *one = trained(tiny_conv, 1, "net", NULL), *plain = tiny_model(tiny_conv, NULL);
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, plain, NULL));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	assert_int_equal(one->param_count, plain->param_count);
	assert_memory_equal(one->params, plain->params, one->param_count * sizeof(float));
	tt_model_free(&plain);
	tt_model_free(&one);
}

/* 5 samples for 8 members: three of them learn nothing, and all end. */
static void ensemble_without_samples_still_finish(void **state)
{
	tt_model *m = tiny_model(tiny_mlp, "distribute.strategy", "ensemble", "data.train",
	                         "synth:objects?size=8&count=5&classes=2&gray=yes",
	                         "distribute.combine", "net", "train.batch", "3", NULL);
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 8)));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(tt_trainer_progress(t)->step, 4);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_says_what_members_say_on_average),
		cmocka_unit_test(other_losses_average_values_or_yes_and_no),
		cmocka_unit_test(names_are_those_of_the_net_under_its_number),
		cmocka_unit_test(nameless_layers_keep_their_names),
		cmocka_unit_test(ensemble_begin_differently_and_say_how_good_they_are),
		cmocka_unit_test(who_trains_beside_does_not_matter),
		cmocka_unit_test(a_net_learns_from_what_they_say),
		cmocka_unit_test(the_net_makes_the_loss_smaller),
		cmocka_unit_test(an_early_stop_combines_too),
		cmocka_unit_test(a_wish_to_stop_is_heard_amid_an_epoch),
		cmocka_unit_test(a_stopped_ensemble_goes_on_to_the_bit),
		cmocka_unit_test(a_finished_one_is_found_finished),
		cmocka_unit_test(ensemble_cannot_be_dealt_to_other_workers),
		cmocka_unit_test(one_worker_is_the_net_alone),
		cmocka_unit_test(ensemble_without_samples_still_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
