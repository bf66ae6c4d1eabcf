/* train.ema, for every row of the table of strategies: at each step a checkpoint's model is the
 * moving average of what the checkpoints say was trained until then. */
#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "distribute/sync/sync.h"
#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"

#define DECAY 0.7
#define STEPS 9                 /* of the run, of three epochs */

static const char net[] =
	"name: averaged\n"
	"data: {train: 'synth:objects?size=8&count=48&classes=3&gray=yes', mean: 0.5, std: 0.25,\n"
	"       valid: 'synth:objects?size=8&count=20&classes=3&gray=yes&split=test'}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers: [flatten, dense: {out: 12, activation: relu}, batchnorm, dense: {out: 3}]\n"
	"train: {epochs: 3, batch: 16, threads: 1, tune_kernels: no, ema: 0.7,\n"
	"        optimizer: {kind: sgd, lr: 0.1}}\n"
	"distribute: {period: 2}\n";

struct course { const char *strategy; int workers; };

static tt_model *model_of(const struct course *k)
{
	return tiny_model(net, "distribute.strategy", k->strategy, NULL);
}

/* The model of a checkpoint as one vector, in the order of m. */
static void read_model(const struct ckpt *c, const tt_model *m, float *out)
{
	for (int i = 0; i < m->n_params; i++) {
		const struct ckpt_tensor *t = ckpt_find(c, m->param[i].name);

		assert_non_null(t);
		memcpy(out + m->param[i].offset, t->data, m->param[i].count * sizeof *out);
	}
}

/* How far the model is from the average, which is taken one step further. */
static double follow(const char *path, const tt_model *m, double *average, int step)
{
	const struct ckpt_tensor *trained;
	float *model = mem_calloc(m->param_count, sizeof *model);
	double worst = 0;
	struct ckpt *c;

	assert_ok(ckpt_open(&c, path));
	read_model(c, m, model);
	assert_non_null(trained = ckpt_find(c, "tutti.trained"));
	assert_int_equal(trained->desc.dim[0], m->param_count);
	for (size_t i = 0; i < m->param_count; i++) {
		const double p = (double)((const float *)trained->data)[i];

		average[i] = step == 1 ? p : average[i] + (1 - DECAY) * (p - average[i]);
		worst = fmax(worst, fabs((double)model[i] - average[i]));
	}
	ckpt_close(&c);
	mem_free(model);
	return worst;
}

static void check_course(const struct course *k)
{
	const char *path = test_path(test_temp_dir(), "averaged.safetensors");
	tt_model *m = model_of(k);
	double *average = mem_calloc(m->param_count * (size_t)k->workers, sizeof *average);
	tt_trainer *t;
	int more = 1;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = k->workers)));
	for (int step = 1; step < STEPS; step++) {
		double off;

		assert_ok(tt_trainer_step(t, &more));
		assert_ok(tt_trainer_checkpoint(t, path));
		off = follow(path, m, average, step);
		if (!(off < 1e-5))
			fail_msg("%s, %d workers, step %d: %g beside the average", k->strategy, k->workers,
			         step, off);
	}
	tt_trainer_free(&t);
	tt_model_free(&m);
	mem_free(average);
}

/* Workers that do not wait for one another do as many steps in between as they like. */
static void the_model_is_the_average_at_each_step(void **state)
{
	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		check_course(&(struct course){ sync_words[i], 1 });
		if (!sync_strategies[i]->in_process)
			check_course(&(struct course){ sync_words[i], 2 });
	}
}

static double distance(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += pow((double)a[i] - (double)b[i], 2);
	return sqrt(sum);
}

/* The net that a run leaves in memory is the one that it has saved; what was trained lies nearer to
 * it than a whole training has moved. */
static void the_end_of_a_run_is_the_average(void **state)
{
	char dir[1024];

	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		const struct course k = { sync_words[i], 2 };
		tt_model *m = model_of(&k), *start = model_of(&k);
		float *saved;
		const struct ckpt_tensor *trained;
		struct ckpt *c;
		tt_trainer *t;

		strcpy(dir, test_path(test_temp_dir(), "run"));
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .run_dir = dir)));
		assert_ok(tt_trainer_run(t));
		assert_ok(ckpt_open(&c, test_path(dir, "checkpoints/last.safetensors")));
		saved = mem_calloc(m->param_count, sizeof *saved);
		read_model(c, m, saved);
		if (memcmp(saved, m->params, m->param_count * sizeof *saved) != 0)
			fail_msg("%s: the model is not what was saved", k.strategy);
		assert_non_null(trained = ckpt_find(c, "tutti.trained"));
		assert_true(distance(trained->data, saved, m->param_count) > 0);
		if (start->param_count == m->param_count)
			assert_true(distance(trained->data, saved, m->param_count) <
			            distance(start->params, saved, m->param_count));
		ckpt_close(&c);
		mem_free(saved);
		tt_trainer_free(&t);
		tt_model_free(&m);
		tt_model_free(&start);
	}
}

/* Nothing gets so much better: it ends before its five epochs are over. */
static void an_early_stop_leaves_the_average(void **state)
{
	char dir[1024];

	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		tt_model *m = tiny_model(net, "distribute.strategy", sync_words[i], "train.epochs", "5",
		                         "train.early_stop.patience", "1", "train.early_stop.min_delta",
		                         "1000", NULL);
		float *saved = NULL;
		struct ckpt *c;
		tt_trainer *t;

		strcpy(dir, test_path(test_temp_dir(), "run"));
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .run_dir = dir)));
		assert_ok(tt_trainer_run(t));
		assert_true(tt_trainer_progress(t)->epoch < 4);
		assert_ok(ckpt_open(&c, test_path(dir, "checkpoints/last.safetensors")));
		assert_non_null(saved = mem_calloc(m->param_count, sizeof *saved));
		read_model(c, m, saved);
		if (memcmp(saved, m->params, m->param_count * sizeof *saved) != 0)
			fail_msg("%s: the model is not what was saved", sync_words[i]);
		ckpt_close(&c);
		mem_free(saved);
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
}

/* Neither can pass for the other. */
static void a_run_goes_on_with_what_it_was_written_with(void **state)
{
	const char *path = test_path(test_temp_dir(), "averaged.safetensors");
	static const char *const value[] = { "0.7", "0" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		tt_model *m = tiny_model(net, "train.ema", value[i], NULL);
		tt_model *other = tiny_model(net, "train.ema", value[!i], NULL);
		tt_trainer *t, *none = NULL;
		int more;

		assert_ok(tt_trainer_new(&t, m, NULL));
		assert_ok(tt_trainer_step(t, &more));
		assert_ok(tt_trainer_checkpoint(t, path));
		assert_status(tt_trainer_new(&none, other, TT_TRAINER_OPTS(.resume = path)), TT_ESPEC);
		assert_error(i ? "was written without train.ema" : "was written with train.ema");
		tt_trainer_free(&t);
		tt_model_free(&m);
		tt_model_free(&other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_model_is_the_average_at_each_step),
		cmocka_unit_test(the_end_of_a_run_is_the_average),
		cmocka_unit_test(an_early_stop_leaves_the_average),
		cmocka_unit_test(a_run_goes_on_with_what_it_was_written_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
