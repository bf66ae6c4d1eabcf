/* Trainers side by side: any number of workers gives what one would have given. */
#include "support/support.h"
#include "support/ranks.h"
#include "support/tiny.h"
#include "support/workers.h"

#include <math.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/nn/model.h"
#include "learn/learner/learner_own.h"
#include "learn/train/trainer_own.h"

static void same_as_one(const char *text, int step)
{
	tt_progress one, many;
	tt_model *alone = workers_trained(text, 1, NULL, &one), *m;

	for (int n = 2; n <= 9; n += step) {
		m = workers_trained(text, n, NULL, &many);
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
	same_as_one(workers_mlp, 1);
}

static void convolutions_too(void **state)
{
	(void)state;
	same_as_one(workers_conv, 3);
}

static void gradients_as_factors_too(void **state)
{
	(void)state;
	same_as_one(workers_wide, 1);
	same_as_one(workers_deep, 3);
}

static int64_t sent_by_two(const char *factors, const char *batch)
{
	tt_model *m = tiny_model(workers_wide, "distribute.factors", factors, "train.batch", batch,
	                         "distribute.shard_optimizer", "no", NULL);
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

/* By memory each rank makes a part of the product; else all make all of it. */
static void shared_products_have_the_same_bits(void **state)
{
	static const char *const text[] = { workers_wide, workers_deep };
	static const char *const shared[] = { "no", "yes" };

	(void)state;
	for (int i = 0; i < 2; i++)
		for (int workers = 2; workers <= 8; workers += 3) {
			tt_model *m[2];

			for (int k = 0; k < 2; k++) {
				tt_trainer *t;

				m[k] = tiny_model(text[i], "distribute.shard_optimizer", shared[k],
				                  "distribute.algorithm", "hierarchical", NULL);
				assert_ok(tt_trainer_new(&t, m[k], TT_TRAINER_OPTS(.workers = workers)));
				assert_true(t->learner->n_factored > 0);
				assert_int_equal(learner_shares_products(t->learner), k);
				assert_ok(tt_trainer_run(t));
				tt_trainer_free(&t);
			}
			assert_memory_equal(m[1]->params, m[0]->params, m[0]->param_count * sizeof(float));
			tt_model_free(&m[0]);
			tt_model_free(&m[1]);
		}
}

static int factored_by_two(const char *key, const char *value)
{
	static const char wide[] =
		"name: wide\n"
		"data: {train: 'synth:objects?size=16&count=37&classes=3&gray=yes'}\n"
		"model:\n"
		"  input: [1, 16, 16]\n"
		"  layers: [flatten, {dense: {out: 512, activation: relu}}, {dense: {out: 3}}]\n"
		"train: {epochs: 2, batch: 16, threads: 1, tune_kernels: no, optimizer: {lr: 0.01}}\n";
	tt_model *one = workers_trained(wide, 1, NULL, NULL), *m = tiny_model(wide, key, value, NULL);
	tt_trainer *t;
	int factored;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2)));
	factored = t->learner->n_factored;
	assert_ok(tt_trainer_run(t));
	assert_floats_near(m->params, one->params, m->param_count, 5e-5);
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_model_free(&one);
	return factored;
}

/* Where one thread a rank, as for all else, makes its part, and nobody minds the other bits. */
static void large_layers_share_products_by_memory(void **state)
{
	(void)state;
	assert_int_equal(factored_by_two("train.threads", "1"), 1);
	assert_int_equal(factored_by_two("train.threads", "2"), 1);        /* one for each */
	assert_int_equal(factored_by_two("train.threads", "3"), 0);
	assert_int_equal(factored_by_two("train.threads", "4"), 0);
	assert_int_equal(factored_by_two("distribute.factors", "no"), 0);
	assert_int_equal(factored_by_two("distribute.deterministic", "yes"), 0);
	assert_int_equal(factored_by_two("distribute.shard_optimizer", "no"), 0);
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
static void microbatch_give_what_the_whole_gives(void **state)
{
	static const struct { const char *text, *clip; } net[] = {
		{ workers_mlp, "0" }, { workers_conv, "0.5" },
	};
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

static void parameters_are_equal_after_each_step(void **state)
{
	static const int workers[] = { 2, 3, 5, 8 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof workers / sizeof *workers; i++) {
		tt_model *m = tiny_model(i % 2 ? workers_wide : tiny_conv, "distribute.bucket_bytes",
		                         "512", NULL);
		tt_trainer *t;
		int more = 1;

		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers[i / 2])));
		while (more) {
			assert_ok(tt_trainer_step(t, &more));
			workers_check_equal(t);
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

		m[i] = tiny_model(workers_mlp, "distribute.deterministic", "yes", "distribute.bucket_bytes",
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

/* Optimizers that take ranges, some that want tensors or the whole; ranks without samples at
 * times. */
static void overlap_does_not_change_a_bit(void **state)
{
	static const struct { const char *text; const char *set[4]; } row[] = {
		{ workers_mlp, { "train.optimizer.momentum", "0.9" } },
		{ workers_mlp, { "train.optimizer.kind", "lamb", "train.optimizer.momentum", "0" } },
		{ workers_mlp, { "train.optimizer.clip_norm", "0.5" } },
		{ workers_mlp, { "train.schedule.kind", "cosine", "train.schedule.gamma", "0.5" } },
		{ workers_conv, { "train.optimizer.kind", "adamw", "train.batch", "5" } },
		{ tiny_conv, { "distribute.wire", "bf16" } },
		{ workers_wide, { "train.optimizer.momentum", "0.9" } },
		{ workers_wide, { "train.optimizer.clip_norm", "0.5" } },
		{ workers_wide, { "distribute.wire", "f16", "train.batch", "6" } },
		{ workers_deep, { "train.optimizer.momentum", "0.9" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		for (int workers = 2; workers <= 4; workers += 2) {
			tt_model *m[3];

			for (int k = 0; k < 3; k++) {
				m[k] = workers_overlapped(row[i].text, row[i].set, k, workers);
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
		m[i] = tiny_model(workers_mlp, "distribute.bucket_bytes", "256", "distribute.algorithm",
		                  "ring", "distribute.overlap", i ? "forward" : "none", NULL);
		assert_ok(tt_trainer_new(&t[i], m[i], TT_TRAINER_OPTS(.workers = 3)));
	}
	for (int i = 0; more; i++) {            /* the second by 1, 2, 3, 1 ... */
		for (int k = 0; k <= i % 3 && more; k++)
			assert_ok(tt_trainer_step(t[0], &more));
		assert_ok(tt_trainer_steps(t[1], i % 3 + 1, &more));
		workers_check_equal(t[1]);
		assert_memory_equal(m[1]->params, m[0]->params, m[0]->param_count * sizeof(float));
	}
	assert_int_equal(tt_trainer_progress(t[0])->step, tt_trainer_progress(t[1])->step);
	assert_status(tt_trainer_steps(t[1], 0, &more), TT_EINVAL);
	for (int i = 0; i < 2; i++) {
		tt_trainer_free(&t[i]);
		tt_model_free(&m[i]);
	}
}

/* ---- strategies ---- */

static void every_rule_learns_and_leaves_one_model(void **state)
{
	char folder[1024];

	(void)state;
	for (size_t i = 0; i < WORKERS_RULES; i++)
		for (int workers = 1; workers <= 4; workers += 3) {
			tt_model *m = workers_of_rule(i);
			const tt_progress *p;
			tt_trainer *t;

			snprintf(folder, sizeof folder, "%s/run", test_temp_dir());
			assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers,
			                                                .run_dir = folder)));
			assert_ok(tt_trainer_run(t));
			p = tt_trainer_progress(t);
			assert_int_equal(p->step, 24);
			assert_true(isfinite(p->valid_loss));
			if (!(p->loss < 1.1))
				fail_msg("%s, period %s, %d workers: loss %g", workers_rule[i][0],
				         workers_rule[i][1], workers, p->loss);
			if (t->group)
				workers_check_equal(t);
			tt_trainer_free(&t);
			tt_model_free(&m);
		}
}

/* ---- odd sizes ---- */

static void more_workers_than_samples_still_finish(void **state)
{
	tt_model *one = workers_trained(workers_mlp, 1, NULL, NULL);

	(void)state;
	for (int n = 11; n <= 16; n += 5) {
		tt_model *m = workers_trained(workers_mlp, n, NULL, NULL);

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

	rank_ok(tt_spec_parse(&spec, "mlp.yaml", workers_mlp));
	rank_ok(tt_spec_set(spec, "train.optimizer.lr", s->lr[c->rank]));
	rank_ok(tt_model_new(&m, spec));
	rank_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.group = c)));
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
	tt_model *m = workers_trained(workers_mlp, 3, NULL, NULL);

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

/* ---- what can be seen ---- */

static void a_trace_shows_every_rank(void **state)
{
	char path[1024], *text;
	size_t size;
	tt_model *m;

	(void)state;
	snprintf(path, sizeof path, "%s/trace.json", test_temp_dir());
	m = workers_trained(workers_mlp, 3, TT_TRAINER_OPTS(.trace = path), NULL);
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
	tt_model *m = tiny_model(workers_mlp, "train.epochs", "4", NULL);
	tt_trainer *t;
	uint64_t before = 0;
	int more = 1;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3)));
	for (int i = 0; more && i < 11; i++) {
		if (i == 8) {
			local_workers_settle(t->group);
			before = mem_count();
		}
		assert_ok(tt_trainer_step(t, &more));
	}
	local_workers_settle(t->group);
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
		cmocka_unit_test(shared_products_have_the_same_bits),
		cmocka_unit_test(large_layers_share_products_by_memory),
		cmocka_unit_test(microbatch_give_what_the_whole_gives),
		cmocka_unit_test(parameters_are_equal_after_each_step),
		cmocka_unit_test(deterministic_runs_have_the_same_bits),
		cmocka_unit_test(overlap_does_not_change_a_bit),
		cmocka_unit_test(steps_by_hand_leave_nothing_under_way),
		cmocka_unit_test(every_rule_learns_and_leaves_one_model),
		cmocka_unit_test(more_workers_than_samples_still_finish),
		cmocka_unit_test(a_launcher_brings_its_own_group),
		cmocka_unit_test(unequal_workers_refuse_and_name_the_difference),
		cmocka_unit_test(a_trace_shows_every_rank),
		cmocka_unit_test(steps_allocate_nothing_after_the_first_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
