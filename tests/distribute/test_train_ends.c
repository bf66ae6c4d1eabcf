/* How runs of several workers end, and go on: checkpoints, stops, a worker that is lost. */
#include "support/support.h"
#include "support/tiny.h"
#include "support/workers.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "sys/thread.h"
#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"
#include "learn/train/trainer_own.h"

/* ---- checkpoints ---- */

static char folder[1024];

static const char *new_folder(void)
{
	snprintf(folder, sizeof folder, "%s/run", test_temp_dir());
	return folder;
}

/* Run until `step`, with `workers`, from where the folder's last checkpoint stands. */
static void run_part(const char *text, int workers, int64_t step, tt_model **out)
{
	tt_model *m = tiny_model(text, NULL);
	struct workers_stop s = { .step = step };
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers, .run_dir = folder,
	          .resume = "auto", .observe = workers_stop_at, .observe_ctx = &s)));
	s.t = t;
	assert_status(tt_trainer_run(t), step ? TT_ESTOPPED : TT_OK);
	tt_trainer_free(&t);
	if (out)
		*out = m;
	else
		tt_model_free(&m);
}

static void a_stopped_run_goes_on_with_any_number_of_workers(void **state)
{
	static const char *const text[] = { workers_mlp, workers_wide, workers_deep };

	(void)state;
	for (int i = 0; i < 3; i++) {
		tt_model *whole = workers_trained(text[i], 1, NULL, NULL), *m;

		new_folder();
		run_part(text[i], 3, 3, NULL);          /* in mid-epoch, and after its last step */
		run_part(text[i], 5, 7, NULL);
		run_part(text[i], 1, 9, NULL);
		run_part(text[i], 2, 0, &m);
		assert_floats_near(m->params, whole->params, m->param_count, 5e-5);
		tt_model_free(&m);
		tt_model_free(&whole);
	}
}

/* The same workers, stopped and resumed in mid-epoch with checkpoints on the way: every bit. */
static void a_resumed_run_is_the_same_to_the_bit(void **state)
{
	const char *const set[] = { "train.checkpoint.every_steps", "3", "train.checkpoint.keep", "2" };
	tt_model *whole, *m;

	(void)state;
	whole = workers_overlapped(workers_mlp, set, 2, 3);
	new_folder();
	for (int64_t step = 6; step >= 0; step -= 3) {
		struct workers_stop s = { .step = step ? 20 - step : 0 };
		tt_trainer *t;

		m = tiny_model(workers_mlp, "distribute.bucket_bytes", "256", "distribute.algorithm",
		               "ring", "train.epochs", "8", set[0], set[1], set[2], set[3], NULL);
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3, .run_dir = folder,
		          .resume = "auto", .observe = workers_stop_at, .observe_ctx = &s)));
		s.t = t;
		assert_status(tt_trainer_run(t), step ? TT_ESTOPPED : TT_OK);
		tt_trainer_free(&t);
		if (!step)
			assert_memory_equal(m->params, whole->params, m->param_count * sizeof(float));
		tt_model_free(&m);
	}
	tt_model_free(&whole);
}

/* Five steps of three workers, to a file. */
static void run_five(const char *text, const char *shard, char **out, size_t *size)
{
	tt_model *m = tiny_model(text, "distribute.algorithm", "hierarchical",
	                         "distribute.bucket_bytes", "256",
	                         "distribute.shard_optimizer", shard, NULL);
	const char *path = test_path(test_temp_dir(), "five.safetensors");
	tt_trainer *t;
	int more;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3)));
	assert_ok(tt_trainer_steps(t, 5, &more));
	assert_ok(tt_trainer_checkpoint(t, path));
	tt_trainer_free(&t);
	tt_model_free(&m);
	assert_ok(file_read_all(path, 0, out, size));
}

/* Behind the header of a safetensors file, whose length comes first. */
static size_t tensors_at(const char *file)
{
	uint64_t header;

	memcpy(&header, file, sizeof header);
	return sizeof header + (size_t)header;
}

static void an_optimizer_that_is_shared_out_writes_the_checkpoint_of_a_whole_one(void **state)
{
	static const char *const texts[] = { workers_mlp, workers_conv, workers_wide };

	(void)state;
	for (int i = 0; i < 3; i++) {
		char *file[2];
		size_t size[2], floats[2];

		for (int k = 0; k < 2; k++) {
			run_five(texts[i], k ? "yes" : "no", &file[k], &size[k]);
			floats[k] = size[k] - tensors_at(file[k]);
		}
		assert_true(floats[0] > 0 && floats[0] == floats[1]);
		assert_memory_equal(file[0] + size[0] - floats[0], file[1] + size[1] - floats[1],
		                    floats[0]);
		mem_free(file[0]);
		mem_free(file[1]);
	}
}

static void numbers_of_checkpoints_do_not_depend_on_workers(void **state)
{
	tt_model *m;
	struct ckpt *c;

	(void)state;
	for (int workers = 1; workers <= 3; workers += 2) {
		new_folder();
		/* A wish to stop travels with the next step. */
		run_part(workers_mlp, workers, workers == 1 ? 3 : 2, NULL);
		assert_ok(ckpt_open(&c, test_path(folder, "checkpoints/last.safetensors")));
		assert_string_equal(ckpt_meta(c, "tutti.samples"), "30");
		assert_string_equal(ckpt_meta(c, "tutti.consumed"), "30");
		ckpt_close(&c);
	}
	assert_ok(tt_model_load(&m, test_path(folder, "checkpoints/last.safetensors")));
	tt_model_free(&m);
}

/* Whoever is lost in the first epoch finds a checkpoint as well. */
static void there_is_a_checkpoint_from_the_start(void **state)
{
	tt_model *m = tiny_model(workers_mlp, "train.optimizer.lr", "1e30", NULL);
	tt_trainer *t;

	(void)state;
	new_folder();
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .run_dir = folder)));
	assert_status(tt_trainer_run(t), TT_ENAN);
	assert_error("the loss is not finite on");
	assert_error("at step ");
	assert_error("last good checkpoint: ");
	tt_trainer_free(&t);
	tt_model_free(&m);
	run_part(workers_mlp, 3, 0, NULL);
}

static void checkpoints_between_steps_are_meetings(void **state)
{
	tt_model *m = tiny_model(workers_mlp, "distribute.strategy", "average", "distribute.period",
	                         "5", NULL);
	char path[1024];
	tt_model *saved;
	tt_trainer *t;
	int more;

	(void)state;
	snprintf(path, sizeof path, "%s/now.safetensors", test_temp_dir());
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2)));
	for (int i = 0; i < 3; i++)
		assert_ok(tt_trainer_step(t, &more));
	assert_ok(tt_trainer_checkpoint(t, path));
	local_workers_settle(t->group);
	assert_ok(tt_model_load(&saved, path));
	for (size_t i = 0; i < m->param_count; i++) {
		float other = trainer_peer(t, 1)->model->params[i];

		assert_near(saved->params[i], (m->params[i] + other) / 2, 1e-6);
	}
	tt_model_free(&saved);
	while (more)
		assert_ok(tt_trainer_step(t, &more));
	tt_trainer_free(&t);
	tt_model_free(&m);
}

/* ---- strategies ---- */

static void every_rule_stops_and_resumes(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORKERS_RULES; i++) {
		tt_model *m = workers_of_rule(i);
		struct workers_stop s = { .step = 6 };
		tt_trainer *t;

		new_folder();
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3, .run_dir = folder,
		          .observe = workers_stop_at, .observe_ctx = &s)));
		s.t = t;
		assert_status(tt_trainer_run(t), TT_ESTOPPED);
		tt_trainer_free(&t);
		tt_model_free(&m);
		m = workers_of_rule(i);
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .run_dir = folder,
		          .resume = "auto")));
		assert_true(tt_trainer_progress(t)->step >= 6);
		assert_ok(tt_trainer_run(t));
		assert_int_equal(tt_trainer_progress(t)->step, 24);
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
}

/* Before a folder is made. */
static void what_a_rule_cannot_do_is_refused(void **state)
{
	static const struct { const char *strategy, *key, *value, *want; } row[] = {
		{ "easgd", "distribute.period", "0", "distribute.period: 0 is one average at the end" },
		{ "eamsgd", "distribute.period", "0", "distribute.period: 0 is one average at the end" },
		{ "eamsgd", "train.optimizer.momentum", "0.5", "distribute.delta" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		tt_model *m = tiny_model(workers_mlp, "distribute.strategy", row[i].strategy,
		                         "train.optimizer.momentum", "0", row[i].key, row[i].value, NULL);
		tt_trainer *t = NULL;

		assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2,
		                                                    .run_dir = new_folder())), TT_ESPEC);
		assert_error(row[i].want);
		assert_false(file_exists(folder));
		tt_model_free(&m);
	}
}

/* ---- trouble ---- */

static void give_up_at(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	static const struct comm_fault why = { TT_EIO, 2, "rank 2 gave up: it was told to" };
	tt_trainer *t = *(tt_trainer **)ctx;

	(void)text;
	if (e == TT_EVENT_STEP && p->step == 4)         /* as rank 2 would, from another thread */
		t->comm->ops->abandon(t->comm, &why);
}

static void a_lost_worker_is_named_and_all_end(void **state)
{
	double start = thread_seconds();
	tt_model *m = tiny_model(workers_mlp, NULL);
	tt_trainer *t = NULL;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 4, .observe = give_up_at,
	                                                .observe_ctx = &t)));
	assert_status(tt_trainer_run(t), TT_EPEER);
	assert_error("rank 2");
	assert_error("it was told to");
	assert_true(thread_seconds() - start < 20);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resumed_run_is_the_same_to_the_bit),
		cmocka_unit_test(a_stopped_run_goes_on_with_any_number_of_workers),
		cmocka_unit_test(an_optimizer_that_is_shared_out_writes_the_checkpoint_of_a_whole_one),
		cmocka_unit_test(numbers_of_checkpoints_do_not_depend_on_workers),
		cmocka_unit_test(there_is_a_checkpoint_from_the_start),
		cmocka_unit_test(checkpoints_between_steps_are_meetings),
		cmocka_unit_test(every_rule_stops_and_resumes),
		cmocka_unit_test(what_a_rule_cannot_do_is_refused),
		cmocka_unit_test(a_lost_worker_is_named_and_all_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
