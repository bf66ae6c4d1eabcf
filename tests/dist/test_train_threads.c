/* Trainers side by side: any number of workers gives what one would have given. */
#include "support/support.h"
#include "support/ranks.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"
#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"
#include "learn/train/trainer.h"

/* Two dense layers and a dropout between them, 37 samples in batches of 10: 10 + 10 + 10 + 7. */
static const char mlp[] =
	"name: mlp\n"
	"data: {train: 'synth:objects?size=8&count=37&classes=3&gray=yes', mean: 0.5, std: 0.25,\n"
	"       valid: 'synth:objects?size=8&count=11&classes=3&gray=yes&split=test'}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 8, activation: relu}\n"
	"    - dropout: {p: 0.2}\n"
	"    - dense: {name: fc2, out: 3}\n"
	"train: {epochs: 3, batch: 10, threads: 1, tune_kernels: no, top_k: 2,\n"
	"        optimizer: {kind: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0.001}}\n";

/* A net of convolutions without batch norm, whose statistics would depend on the share. */
static const char conv[] =
	"name: conv\n"
	"data: {train: 'synth:objects?size=8&count=37&classes=3&gray=yes', mean: 0.5, std: 0.25,\n"
	"       augment: {crop: 1, flip: yes}}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - conv2d: {name: conv1, out: 4, kernel: 3, padding: 1, activation: relu}\n"
	"    - maxpool: {kernel: 2}\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 3}\n"
	"train: {epochs: 2, batch: 12, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: adam, lr: 0.01, eps: 0.001}}\n";

/* Dense layers whose gradients travel as factors, but for the last; of two workers, those of the
 * first without their zeros. */
static const char wide[] =
	"name: wide\n"
	"data: {train: 'synth:objects?size=8&count=37&classes=3&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 41, activation: relu}\n"
	"    - dropout: {p: 0.5}\n"
	"    - dense: {name: fc2, out: 50, bias: no, activation: tanh}\n"
	"    - dense: {name: fc3, out: 3}\n"
	"train: {epochs: 4, batch: 15, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0.001}}\n"
	"distribute: {factors: yes}\n";

/* Convolutions whose gradients travel as factors: over four places, and over one of them. */
static const char deep[] =
	"name: deep\n"
	"data: {train: 'synth:objects?size=8&count=37&classes=3&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - conv2d: {name: conv1, out: 24, kernel: 3, padding: 1, activation: relu}\n"
	"    - maxpool: {kernel: 4}\n"
	"    - conv2d: {name: conv2, out: 40, kernel: 3, padding: 1, activation: relu}\n"
	"    - conv2d: {name: conv3, out: 30, kernel: 2, bias: no, activation: relu}\n"
	"    - flatten\n"
	"    - dense: {name: fc, out: 3}\n"
	"train: {epochs: 3, batch: 12, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.05, momentum: 0.9}}\n"
	"distribute: {factors: yes}\n";

static tt_model *trained(const char *text, int workers, const tt_trainer_opts *more,
                         tt_progress *out)
{
	tt_trainer_opts o = more ? *more : (tt_trainer_opts){ .size = sizeof o };
	tt_model *m = tiny_model(text, NULL);
	tt_trainer *t;

	o.workers = workers;
	assert_ok(tt_trainer_new(&t, m, &o));
	assert_ok(tt_trainer_run(t));
	if (out)
		*out = *tt_trainer_progress(t);
	tt_trainer_free(&t);
	return m;
}

static void same_as_one(const char *text, int step)
{
	tt_progress one, many;
	tt_model *alone = trained(text, 1, NULL, &one), *m;

	for (int n = 2; n <= 9; n += step) {
		m = trained(text, n, NULL, &many);
		assert_floats_near(m->params, alone->params, m->param_count, 5e-5);
		assert_int_equal(many.workers, n);
		assert_int_equal(many.step, one.step);
		assert_near(many.loss, one.loss, 1e-4);
		assert_near(many.accuracy, one.accuracy, 0.03);
		if (!isnan(one.valid_loss))
			assert_near(many.valid_loss, one.valid_loss, 1e-4);
		tt_model_free(&m);
	}
	tt_model_free(&alone);
}

static void any_number_of_workers_gives_what_one_gives(void **state)
{
	(void)state;
	same_as_one(mlp, 1);
}

static void convolutions_too(void **state)
{
	(void)state;
	same_as_one(conv, 3);
}

static void gradients_as_factors_too(void **state)
{
	(void)state;
	same_as_one(wide, 1);
	same_as_one(deep, 3);
}

static int64_t sent_by_two(const char *factors, const char *batch)
{
	tt_model *m = tiny_model(wide, "distribute.factors", factors, "train.batch", batch, NULL);
	tt_trainer *t;
	int64_t sent;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2)));
	assert_ok(tt_trainer_run(t));
	sent = tt_trainer_progress(t)->bytes_sent;
	tt_trainer_free(&t);
	tt_model_free(&m);
	return sent;
}

/* What `steps` of the spec save of the sums of fc1 and fc2, 4,674 weights, if all numbers of the
 * factors travel, behind heads of 16 floats and lengths of 8 bytes. */
static int64_t saved(int64_t steps, int64_t samples)
{
	return steps * (4 * (4674 - samples * (64 + 41 + 41 + 50) - 2 * 16) - 2 * 8);
}

static void factors_are_fewer_bytes(void **state)
{
	(void)state;
	/* Marks for the zeros of four samples cost more than they save. */
	assert_int_equal(sent_by_two("no", "8") - sent_by_two("yes", "8"), saved(20, 4));
	assert_int_equal(sent_by_two("auto", "8"), sent_by_two("no", "8"));      /* memory is shared */
}

/* Three quarters of what comes back through relu and dropout are zeros. */
static void zeros_do_not_travel(void **state)
{
	const int64_t zeros = 4 * 8 * (15 * 41 / 2 - 2 * 41);

	(void)state;
	assert_true(sent_by_two("no", "30") - sent_by_two("yes", "30") > saved(8, 15) + zeros);
}

/* ---- shares in pieces ---- */

static tt_model *in_pieces(const char *text, const char *size, const char *clip, int workers)
{
	tt_model *m = tiny_model(text, "train.micro_batch", size, "train.optimizer.clip_norm", clip,
	                         NULL);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	return m;
}

/* Batches of 10, 12 and less, of which a rank has some samples or none, by 1, 3, 4 or all; with
 * gradients as they come, and whole for the sake of their norm. */
static void pieces_give_what_the_whole_gives(void **state)
{
	static const struct { const char *text, *clip; } net[] = { { mlp, "0" }, { conv, "0.5" } };
	static const char *const size[] = { "1", "3", "4", "100" };
	static const int workers[] = { 1, 2, 3, 7 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		tt_model *whole = in_pieces(net[i].text, "0", net[i].clip, 1);

		for (int s = 0; s < 4; s++)
			for (int w = 0; w < 4; w++) {
				tt_model *m = in_pieces(net[i].text, size[s], net[i].clip, workers[w]);

				assert_floats_near(m->params, whole->params, m->param_count, 5e-5);
				tt_model_free(&m);
			}
		tt_model_free(&whole);
	}
}

/* ---- equal to the bit ---- */

static void check_equal(const struct tt_trainer *t)
{
	group_settle(t->group);
	for (int i = 1; i < group_size(t->group); i++)
		assert_memory_equal(group_peer(t->group, i)->model->params, t->model->params,
		                    t->model->param_count * sizeof(float));
}

static void parameters_are_equal_after_each_step(void **state)
{
	static const int workers[] = { 2, 3, 5, 8 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof workers / sizeof *workers; i++) {
		tt_model *m = tiny_model(i % 2 ? wide : tiny_conv, "distribute.bucket_bytes", "512", NULL);
		tt_trainer *t;
		int more = 1;

		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers[i / 2])));
		while (more) {
			assert_ok(tt_trainer_step(t, &more));
			check_equal(t);
		}
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
}

/* Twice the same, and with other buckets too, when asked for. */
static void deterministic_runs_have_the_same_bits(void **state)
{
	static const char *const bucket[] = { "64", "64", "4096" };
	tt_model *m[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		tt_trainer *t;

		m[i] = tiny_model(mlp, "distribute.deterministic", "yes", "distribute.bucket_bytes",
		                  bucket[i], NULL);
		assert_ok(tt_trainer_new(&t, m[i], TT_TRAINER_OPTS(.workers = 3)));
		assert_ok(tt_trainer_run(t));
		tt_trainer_free(&t);
		assert_memory_equal(m[i]->params, m[0]->params, m[0]->param_count * sizeof(float));
	}
	for (int i = 0; i < 3; i++)
		tt_model_free(&m[i]);
}

/* ---- sums under way while the next step begins ---- */

static const char *const overlap_word[] = { "none", "backward", "forward" };

static tt_model *overlapped(const char *text, const char *const set[4], int how, int workers)
{
	tt_model *m = tiny_model(text, "distribute.bucket_bytes", "256", "train.epochs", "8",
	                         "distribute.algorithm", "ring", "distribute.overlap",
	                         overlap_word[how], set[0], set[1], set[2],
	                         set[3], NULL);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers)));
	assert_ok(tt_trainer_run(t));
	check_equal(t);
	tt_trainer_free(&t);
	return m;
}

/* Rules that take ranges, rules that want tensors or the whole; ranks without samples at times. */
static void overlap_does_not_change_a_bit(void **state)
{
	static const struct { const char *text; const char *set[4]; } row[] = {
		{ mlp, { "train.optimizer.momentum", "0.9" } },
		{ mlp, { "train.optimizer.kind", "lamb", "train.optimizer.momentum", "0" } },
		{ mlp, { "train.optimizer.clip_norm", "0.5" } },
		{ mlp, { "train.schedule.kind", "cosine", "train.schedule.gamma", "0.5" } },
		{ conv, { "train.optimizer.kind", "adamw", "train.batch", "5" } },
		{ tiny_conv, { "distribute.wire", "bf16" } },
		{ wide, { "train.optimizer.momentum", "0.9" } },
		{ wide, { "train.optimizer.clip_norm", "0.5" } },
		{ wide, { "distribute.wire", "f16", "train.batch", "6" } },
		{ deep, { "train.optimizer.momentum", "0.9" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		for (int workers = 2; workers <= 4; workers += 2) {
			tt_model *m[3];

			for (int k = 0; k < 3; k++) {
				m[k] = overlapped(row[i].text, row[i].set, k, workers);
				assert_memory_equal(m[k]->params, m[0]->params,
				                    m[0]->param_count * sizeof(float));
			}
			for (int k = 0; k < 3; k++)
				tt_model_free(&m[k]);
		}
}

/* Whoever reads parameters between the steps of tt_trainer_step finds whole steps. */
static void steps_by_hand_leave_nothing_under_way(void **state)
{
	tt_model *m[2];
	tt_trainer *t[2];
	int more = 1;

	(void)state;
	for (int i = 0; i < 2; i++) {
		m[i] = tiny_model(mlp, "distribute.bucket_bytes", "256", "distribute.algorithm", "ring",
		                  "distribute.overlap", i ? "forward" : "none", NULL);
		assert_ok(tt_trainer_new(&t[i], m[i], TT_TRAINER_OPTS(.workers = 3)));
	}
	for (int i = 0; more; i++) {            /* the second by 1, 2, 3, 1 ... */
		for (int k = 0; k <= i % 3 && more; k++)
			assert_ok(tt_trainer_step(t[0], &more));
		assert_ok(tt_trainer_steps(t[1], i % 3 + 1, &more));
		check_equal(t[1]);
		assert_memory_equal(m[1]->params, m[0]->params, m[0]->param_count * sizeof(float));
	}
	assert_int_equal(tt_trainer_progress(t[0])->step, tt_trainer_progress(t[1])->step);
	assert_status(tt_trainer_steps(t[1], 0, &more), TT_EINVAL);
	for (int i = 0; i < 2; i++) {
		tt_trainer_free(&t[i]);
		tt_model_free(&m[i]);
	}
}

/* ---- checkpoints ---- */

static char folder[1024];

static const char *new_folder(void)
{
	snprintf(folder, sizeof folder, "%s/run", test_temp_dir());
	return folder;
}

struct stopper { tt_trainer *t; int64_t step; };

static void stop_at(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	struct stopper *s = ctx;

	(void)text;
	if (e == TT_EVENT_STEP && p->step == s->step)
		tt_trainer_stop(s->t);
}

/* Run until `step`, with `workers`, from where the folder's last checkpoint stands. */
static void run_part(const char *text, int workers, int64_t step, tt_model **out)
{
	tt_model *m = tiny_model(text, NULL);
	struct stopper s = { .step = step };
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers, .run_dir = folder,
	          .resume = "auto", .observe = stop_at, .observe_ctx = &s)));
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
	static const char *const text[] = { mlp, wide, deep };

	(void)state;
	for (int i = 0; i < 3; i++) {
		tt_model *whole = trained(text[i], 1, NULL, NULL), *m;

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
	whole = overlapped(mlp, set, 2, 3);
	new_folder();
	for (int64_t step = 6; step >= 0; step -= 3) {
		struct stopper s = { .step = step ? 20 - step : 0 };
		tt_trainer *t;

		m = tiny_model(mlp, "distribute.bucket_bytes", "256", "distribute.algorithm", "ring",
		               "train.epochs", "8", set[0], set[1], set[2], set[3], NULL);
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3, .run_dir = folder,
		          .resume = "auto", .observe = stop_at, .observe_ctx = &s)));
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
	static const char *const texts[] = { mlp, conv, wide };

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
		run_part(mlp, workers, workers == 1 ? 3 : 2, NULL);
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
	tt_model *m = tiny_model(mlp, "train.optimizer.lr", "1e30", NULL);
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
	run_part(mlp, 3, 0, NULL);
}

static void checkpoints_between_steps_are_meetings(void **state)
{
	tt_model *m = tiny_model(mlp, "distribute.strategy", "average", "distribute.period", "5", NULL);
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
	group_settle(t->group);
	assert_ok(tt_model_load(&saved, path));
	for (size_t i = 0; i < m->param_count; i++) {
		float other = group_peer(t->group, 1)->model->params[i];

		assert_near(saved->params[i], (m->params[i] + other) / 2, 1e-6);
	}
	tt_model_free(&saved);
	while (more)
		assert_ok(tt_trainer_step(t, &more));
	tt_trainer_free(&t);
	tt_model_free(&m);
}

/* ---- rules ---- */

static const char *const every_rule[][2] = {
	{ "allreduce", "1" }, { "average", "3" }, { "average", "0" }, { "easgd", "2" },
	{ "eamsgd", "2" },
};
#define RULES (sizeof every_rule / sizeof *every_rule)

static tt_model *model_of_rule(size_t i)
{
	return tiny_model(mlp, "distribute.strategy", every_rule[i][0],
	                  "distribute.period", every_rule[i][1], "train.epochs", "6",
	                  "train.optimizer.momentum", "0",
	                  "distribute.delta", "0.5", "train.checkpoint.every_steps", "2", NULL);
}

static void every_rule_learns_and_leaves_one_model(void **state)
{
	(void)state;
	for (size_t i = 0; i < RULES; i++)
		for (int workers = 1; workers <= 4; workers += 3) {
			tt_model *m = model_of_rule(i);
			const tt_progress *p;
			tt_trainer *t;

			new_folder();
			assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers,
			                                                .run_dir = folder)));
			assert_ok(tt_trainer_run(t));
			p = tt_trainer_progress(t);
			assert_int_equal(p->step, 24);
			assert_true(isfinite(p->valid_loss));
			if (!(p->loss < 1.1))
				fail_msg("%s, period %s, %d workers: loss %g", every_rule[i][0],
				         every_rule[i][1], workers, p->loss);
			if (t->group)
				check_equal(t);
			tt_trainer_free(&t);
			tt_model_free(&m);
		}
}

static void every_rule_stops_and_resumes(void **state)
{
	(void)state;
	for (size_t i = 0; i < RULES; i++) {
		tt_model *m = model_of_rule(i);
		struct stopper s = { .step = 6 };
		tt_trainer *t;

		new_folder();
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3, .run_dir = folder,
		          .observe = stop_at, .observe_ctx = &s)));
		s.t = t;
		assert_status(tt_trainer_run(t), TT_ESTOPPED);
		tt_trainer_free(&t);
		tt_model_free(&m);
		m = model_of_rule(i);
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .run_dir = folder,
		          .resume = "auto")));
		assert_true(tt_trainer_progress(t)->step >= 6);
		assert_ok(tt_trainer_run(t));
		assert_int_equal(tt_trainer_progress(t)->step, 24);
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
}

static void eamsgd_refuses_a_second_momentum(void **state)
{
	tt_model *m = tiny_model(mlp, "distribute.strategy", "eamsgd", NULL);
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2)));
	assert_status(tt_trainer_run(t), TT_ESPEC);
	assert_error("distribute.delta");
	tt_trainer_free(&t);
	tt_model_free(&m);
}

/* ---- odd sizes ---- */

static void more_workers_than_samples_still_finish(void **state)
{
	tt_model *one = trained(mlp, 1, NULL, NULL);

	(void)state;
	for (int n = 11; n <= 16; n += 5) {
		tt_model *m = trained(mlp, n, NULL, NULL);

		assert_floats_near(m->params, one->params, m->param_count, 5e-5);
		tt_model_free(&m);
	}
	tt_model_free(&one);
}

/* ---- one process per rank, as under a launcher ---- */

struct spread { const char *lr[3]; tt_status status[3]; char text[3][ERR_MAX]; float first[3]; };

static void run_one(struct comm *c, void *ctx)
{
	struct spread *s = ctx;
	tt_spec *spec = NULL;
	tt_model *m = NULL;
	tt_trainer *t = NULL;

	rank_ok(tt_spec_parse(&spec, "mlp.yaml", mlp));
	rank_ok(tt_spec_set(spec, "train.optimizer.lr", s->lr[c->rank]));
	rank_ok(tt_model_new(&m, spec));
	rank_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.comm = c)));
	s->status[c->rank] = tt_trainer_run(t);
	snprintf(s->text[c->rank], ERR_MAX, "%s", tt_last_error());
	s->first[c->rank] = m->params[0];
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_spec_free(&spec);
}

static void a_launcher_brings_its_own_group(void **state)
{
	struct spread s = { .lr = { "0.05", "0.05", "0.05" } };
	tt_model *m = trained(mlp, 3, NULL, NULL);

	(void)state;
	ranks_run((struct ranks){ .n = 3 }, run_one, &s);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s.status[i], TT_OK);
		assert_near(s.first[i], m->params[0], 1e-5);
	}
	tt_model_free(&m);
}

static void unequal_workers_refuse_and_name_the_difference(void **state)
{
	struct spread s = { .lr = { "0.05", "0.05", "0.07" } };

	(void)state;
	ranks_run((struct ranks){ .n = 3 }, run_one, &s);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s.status[i], TT_ESPEC);
		assert_contains(s.text[i], "rank 2");
		assert_contains(s.text[i], "0.07");
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
	tt_model *m = tiny_model(mlp, NULL);
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

/* ---- what can be seen ---- */

static void a_trace_shows_every_rank(void **state)
{
	char path[1024], *text;
	size_t size;
	tt_model *m;

	(void)state;
	snprintf(path, sizeof path, "%s/trace.json", test_temp_dir());
	m = trained(mlp, 3, TT_TRAINER_OPTS(.trace = path), NULL);
	assert_ok(file_read_all(path, 0, &text, &size));
	assert_contains(text, "\"name\":\"rank 2\"");
	assert_contains(text, "\"name\":\"step 12\"");
	assert_contains(text, "\"name\":\"bucket 0\"");
	assert_contains(text, "\"ph\":\"X\",\"pid\":2,\"tid\":1");
	assert_memory_equal(text + size - 3, "\n]\n", 3);
	mem_free(text);
	tt_model_free(&m);
}

static void steps_allocate_nothing_after_the_first_epoch(void **state)
{
	tt_model *m = tiny_model(mlp, "train.epochs", "4", NULL);
	tt_trainer *t;
	uint64_t before = 0;
	int more = 1;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3)));
	for (int i = 0; more && i < 11; i++) {
		if (i == 8) {
			group_settle(t->group);
			before = mem_count();
		}
		assert_ok(tt_trainer_step(t, &more));
	}
	group_settle(t->group);
	assert_int_equal(mem_count(), before);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_workers_gives_what_one_gives),
		cmocka_unit_test(convolutions_too),
		cmocka_unit_test(gradients_as_factors_too),
		cmocka_unit_test(factors_are_fewer_bytes),
		cmocka_unit_test(zeros_do_not_travel),
		cmocka_unit_test(pieces_give_what_the_whole_gives),
		cmocka_unit_test(parameters_are_equal_after_each_step),
		cmocka_unit_test(deterministic_runs_have_the_same_bits),
		cmocka_unit_test(overlap_does_not_change_a_bit),
		cmocka_unit_test(steps_by_hand_leave_nothing_under_way),
		cmocka_unit_test(a_resumed_run_is_the_same_to_the_bit),
		cmocka_unit_test(a_stopped_run_goes_on_with_any_number_of_workers),
		cmocka_unit_test(an_optimizer_that_is_shared_out_writes_the_checkpoint_of_a_whole_one),
		cmocka_unit_test(numbers_of_checkpoints_do_not_depend_on_workers),
		cmocka_unit_test(there_is_a_checkpoint_from_the_start),
		cmocka_unit_test(checkpoints_between_steps_are_meetings),
		cmocka_unit_test(every_rule_learns_and_leaves_one_model),
		cmocka_unit_test(every_rule_stops_and_resumes),
		cmocka_unit_test(eamsgd_refuses_a_second_momentum),
		cmocka_unit_test(more_workers_than_samples_still_finish),
		cmocka_unit_test(a_launcher_brings_its_own_group),
		cmocka_unit_test(unequal_workers_refuse_and_name_the_difference),
		cmocka_unit_test(a_lost_worker_is_named_and_all_end),
		cmocka_unit_test(a_trace_shows_every_rank),
		cmocka_unit_test(steps_allocate_nothing_after_the_first_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
