/* Trainings whose batches are of samples of like length. */
#include "support/support.h"

#include <string.h>

#include "learn/nn/model.h"
#include "support/tiny.h"

#define SAMPLES 240
#define LONGEST 60

static const char classifier[] =
	"name: like\n"
	"data: {buckets: 4, prefetch: 2}\n"
	"model: {inputs: {words: {shape: [-1], type: i32}},\n"
	"        layers: [embedding: {rows: 11, dim: 6}, gru: {hidden: 6, output: last},\n"
	"                 dropout: {p: 0.2}, dense: {out: 3}]}\n"
	"train: {epochs: 2, batch: 16, threads: 1, tune_kernels: no, seed: 3,\n"
	"        optimizer: {kind: adam, lr: 0.01}}\n";

static int64_t offsets[SAMPLES + 1];
static int32_t words[SAMPLES * LONGEST], label[SAMPLES];

static int make_sequences(void **state)
{
	(void)state;
	for (int i = 0; i < SAMPLES; i++) {
		const int n = i % 8 ? i * 7 % 9 + 1 : i * 11 % LONGEST + 1;

		offsets[i + 1] = offsets[i] + n;
		label[i] = i % 3;
		for (int64_t k = offsets[i]; k < offsets[i + 1]; k++)
			words[k] = (int32_t)((i % 3 * 3 + k * 7) % 11);
	}
	return 0;
}

static tt_source *open_sequences(void)
{
	const tt_column w = { .size = sizeof w, .name = "words", .type = TT_I32, .ndim = 1,
	                      .shape = { -1 }, .data = words, .offsets = offsets };
	const tt_column l = { .size = sizeof l, .name = "label", .type = TT_I32, .data = label };
	const tt_column *const columns[] = { &w, &l };
	tt_source *s;

	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = columns,
	          .target = "label", .kind = TT_TARGET_CLASS, .classes = 3), SAMPLES));
	return s;
}

static tt_model *trained(const char *buckets, int workers, const char *micro)
{
	tt_model *m = tiny_model(classifier, "data.buckets", buckets, "train.micro_batch", micro, NULL);
	tt_source *s = open_sequences();
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s, .workers = workers)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	tt_source_close(&s);
	return m;
}

static void workers_and_parts_of_a_batch_learn_the_same(void **state)
{
	tt_model *one = trained("4", 1, "0"), *plain = trained("no", 1, "0");
	double apart = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		tt_model *other = trained("4", i < 2 ? i + 1 : 3, i == 0 ? "5" : "0");

		assert_floats_near(one->params, other->params, one->param_count, 1e-5);
		tt_model_free(&other);
	}
	for (size_t i = 0; i < one->param_count; i++)       /* it is another order */
		apart += (double)(one->params[i] != plain->params[i]);
	assert_true(apart > 0);
	tt_model_free(&one);
	tt_model_free(&plain);
}

static void a_run_goes_on_in_the_middle_of_a_window_to_the_bit(void **state)
{
	tt_model *whole = trained("4", 1, "0"), *first = tiny_model(classifier, NULL);
	tt_model *second = tiny_model(classifier, NULL);
	tt_source *s = open_sequences();
	char path[1024];
	tt_trainer *t;
	int more;

	(void)state;
	strcpy(path, test_path(test_temp_dir(), "middle.safetensors"));
	assert_ok(tt_trainer_new(&t, first, TT_TRAINER_OPTS(.train = s)));
	assert_ok(tt_trainer_steps(t, 21, &more));          /* 15 an epoch, 4 in a window */
	assert_ok(tt_trainer_checkpoint(t, path));
	tt_trainer_free(&t);
	assert_ok(tt_trainer_new(&t, second, TT_TRAINER_OPTS(.train = s, .resume = path)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	assert_memory_equal(second->params, whole->params, whole->param_count * sizeof(float));
	tt_source_close(&s);
	tt_model_free(&first);
	tt_model_free(&second);
	tt_model_free(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_and_parts_of_a_batch_learn_the_same),
		cmocka_unit_test(a_run_goes_on_in_the_middle_of_a_window_to_the_bit),
	};

	return cmocka_run_group_tests(tests, make_sequences, NULL);
}
