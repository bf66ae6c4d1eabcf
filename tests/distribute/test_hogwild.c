/* Threads on one vector: they learn as one does, stop and go on, and one alone is plain SGD. */
#include "support/support.h"
#include "support/tiny.h"
#include "support/workers.h"

#include <math.h>
#include <string.h>

#include "learn/nn/model.h"
#include "learn/train/trainer_own.h"

/* Enough samples that the classes can be told apart. */
static const char net[] =
	"name: hogwild\n"
	"data: {train: 'synth:objects?size=8&count=1200&classes=3&gray=yes', mean: 0.5, std: 0.25,\n"
	"       valid: 'synth:objects?size=8&count=600&classes=3&gray=yes&split=test'}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - conv2d: {name: conv1, out: 8, kernel: 3, padding: 1, bias: no}\n"
	"    - batchnorm: {name: bn1, activation: relu}\n"
	"    - maxpool: {kernel: 2}\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 3}\n"
	"train: {epochs: 6, batch: 16, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.05, momentum: 0.5}}\n"
	"distribute: {strategy: hogwild}\n";

static tt_progress train(int workers, const char *strategy, tt_model **out)
{
	tt_model *m = tiny_model(net, "distribute.strategy", strategy, NULL);
	tt_progress p;
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers)));
	assert_ok(tt_trainer_run(t));
	p = *tt_trainer_progress(t);
	if (workers > 1)
		workers_check_equal(t);
	tt_trainer_free(&t);
	if (out)
		*out = m;
	else
		tt_model_free(&m);
	return p;
}

static void one_worker_is_plain_sgd_to_the_bit(void **state)
{
	tt_model *a, *b;

	(void)state;
	train(1, "hogwild", &a);
	train(1, "allreduce", &b);
	assert_memory_equal(a->params, b->params, a->param_count * sizeof(float));
	assert_memory_equal(a->buffers, b->buffers, a->buffer_count * sizeof(float));
	tt_model_free(&a);
	tt_model_free(&b);
}

/* As many steps in all, each sample once an epoch, and about the same accuracy: within 3 standard
 * deviations of two proportions of 600. */
static void several_workers_learn_as_one_does(void **state)
{
	const tt_progress one = train(1, "hogwild", NULL);

	(void)state;
	assert_true(one.valid_accuracy > 0.78);
	for (int n = 2; n <= 4; n++) {
		const tt_progress p = train(n, "hogwild", NULL);
		const double q = one.valid_accuracy;

		assert_true(p.valid_accuracy > q - 3 * sqrt(2 * q * (1 - q) / 600) - 0.02);
		assert_int_equal(p.step, one.step);
		assert_int_equal(p.epoch, one.epoch);
		assert_true(isfinite(p.loss) && p.loss < 1);
	}
}

struct counter { int64_t epochs; double loss[8]; int64_t samples; };

static void count_epochs(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	struct counter *c = ctx;

	(void)text;
	if (e == TT_EVENT_EPOCH && c->epochs < 8)
		c->loss[c->epochs++] = p->loss;
}

/* Losses are over all samples of an epoch, whoever has computed them. */
static void an_epochs_numbers_are_those_of_all(void **state)
{
	tt_model *m = tiny_model(net, "train.optimizer.lr", "0.0000001", NULL);
	struct counter c = { 0 };
	tt_trainer *t;
	double first;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3, .observe = count_epochs,
	          .observe_ctx = &c)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	tt_model_free(&m);
	assert_int_equal(c.epochs, 6);
	first = c.loss[0];                      /* nothing is learnt: each epoch says the same */
	for (int i = 1; i < 6; i++)
		assert_true(fabs(c.loss[i] - first) < 0.02 * first);
}

static void stopped_and_resumed(int workers, const char *folder, int64_t at, tt_progress *out)
{
	tt_model *m = tiny_model(net, NULL);
	struct workers_stop s = { .step = at };
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers, .run_dir = folder,
	          .resume = "auto", .observe = workers_stop_at, .observe_ctx = &s)));
	s.t = t;
	assert_status(tt_trainer_run(t), at ? TT_ESTOPPED : TT_OK);
	*out = *tt_trainer_progress(t);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void stop_soon(void *stop, enum tt_event e, const tt_progress *p, const char *text)
{
	const struct workers_stop *s = stop;

	(void)text;
	if (e == TT_EVENT_STEP && p->step >= s->step)
		tt_trainer_stop(s->t);
}

/* In mid-epoch, with another number of workers, and to the end. */
static void a_stopped_run_goes_on(void **state)
{
	char folder[1024];
	struct workers_stop s = { .step = 40 };
	tt_model *m = tiny_model(net, NULL);
	tt_progress p;
	tt_trainer *t;

	(void)state;
	snprintf(folder, sizeof folder, "%s/run", test_temp_dir());
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3, .run_dir = folder,
	          .resume = "auto", .observe = stop_soon, .observe_ctx = &s)));
	s.t = t;
	assert_status(tt_trainer_run(t), TT_ESTOPPED);
	assert_true(tt_trainer_progress(t)->step >= 40);
	s.step = 150;
	assert_status(tt_trainer_run(t), TT_ESTOPPED);          /* the same trainer goes on */
	tt_trainer_free(&t);
	tt_model_free(&m);
	stopped_and_resumed(2, folder, 0, &p);
	assert_true(p.valid_accuracy > 0.8);
	assert_int_equal(p.epoch, 5);
}

/* Steps of all parts of a run, and samples of each epoch that ended in the last. */
struct parts { tt_trainer *t; int64_t stop, steps, wrong; };

static void look_at_epochs(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	struct parts *c = ctx;

	(void)text;
	if (e == TT_EVENT_EPOCH)
		c->wrong += c->t->epoch_sums.samples != 1200;
	if (e == TT_EVENT_STEP && c->stop && p->step >= c->stop)
		tt_trainer_stop(c->t);
	c->steps = p->step;
}

/* Loaders have taken batches ahead when a run stops: who goes on does these, and no other twice. */
static void a_run_in_parts_does_each_batch_once(void **state)
{
	static const int64_t stops[] = { 7, 20, 74, 76, 149, 151, 230, 0 };
	char folder[1024];

	(void)state;
	snprintf(folder, sizeof folder, "%s/run", test_temp_dir());
	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
		tt_model *m = tiny_model(net, NULL);
		struct parts c = { .stop = stops[i] };

		assert_ok(tt_trainer_new(&c.t, m, TT_TRAINER_OPTS(.workers = 2 + (int)(i % 3),
		          .run_dir = folder, .resume = "auto", .observe = look_at_epochs,
		          .observe_ctx = &c)));
		assert_status(tt_trainer_run(c.t), stops[i] ? TT_ESTOPPED : TT_OK);
		assert_int_equal(c.wrong, 0);
		if (!stops[i])
			assert_int_equal(c.steps, 6 * 75);
		tt_trainer_free(&c.t);
		tt_model_free(&m);
	}
}

/* Between calls the model is what all workers have, and can be saved. */
static void steps_and_checkpoints_between_them(void **state)
{
	const char *path = test_path(test_temp_dir(), "hogwild.safetensors");
	tt_model *m = tiny_model(net, NULL), *again;
	tt_trainer *t;
	int more = 1;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3)));
	for (int i = 0; i < 30 && more; i++)
		assert_ok(tt_trainer_steps(t, 3, &more));
	assert_ok(tt_trainer_checkpoint(t, path));
	assert_ok(tt_model_load(&again, path));
	assert_memory_equal(again->params, m->params, m->param_count * sizeof(float));
	assert_memory_equal(again->buffers, m->buffers, m->buffer_count * sizeof(float));
	while (more)
		assert_ok(tt_trainer_steps(t, 7, &more));
	workers_check_equal(t);
	tt_trainer_free(&t);
	tt_model_free(&again);
	tt_model_free(&m);
}

/* Whoever comes upon it, all end, and say why. */
static void a_loss_that_is_not_finite_ends_all(void **state)
{
	tt_model *m = tiny_model(net, "train.optimizer.lr", "1e30", "train.epochs", "50", NULL);
	tt_trainer *t;
	tt_status st;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3)));
	st = tt_trainer_run(t);
	assert_true(st == TT_ENAN || st == TT_EPEER);
	assert_contains(tt_last_error(), "not finite");
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void what_it_cannot_do_is_refused(void **state)
{
	static const char *const row[][3] = {
		{ "train.checkpoint.every_steps", "5", "between epochs only" },
		{ "distribute.sync_batchnorm", "yes", "as only distribute.strategy: allreduce does" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		tt_model *m = tiny_model(net, row[i][0], row[i][1], NULL);
		tt_trainer *t;

		assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2)), TT_ESPEC);
		assert_contains(tt_last_error(), row[i][2]);
		tt_model_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_worker_is_plain_sgd_to_the_bit),
		cmocka_unit_test(several_workers_learn_as_one_does),
		cmocka_unit_test(an_epochs_numbers_are_those_of_all),
		cmocka_unit_test(a_stopped_run_goes_on),
		cmocka_unit_test(a_run_in_parts_does_each_batch_once),
		cmocka_unit_test(steps_and_checkpoints_between_them),
		cmocka_unit_test(a_loss_that_is_not_finite_ends_all),
		cmocka_unit_test(what_it_cannot_do_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
