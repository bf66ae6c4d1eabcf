/* How a learner goes on: from a checkpoint, among others of a group, in a child; and what it
 * leaves. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tutti/learner.h>
#include <tutti/runtime.h>
#include <tutti/train.h>

#include "base/mem.h"
#include "learn/nn/model.h"
#include "support/ranks.h"
#include "support/teach.h"

/* ---- checkpoints ---- */

static void a_loaded_learner_goes_on_to_the_same_bits(void **state)
{
	const char *path = test_path(test_temp_dir(), "learner.safetensors");
	tt_model *a = teach_net("train.optimizer", "{kind: adam, lr: 0.01}");
	tt_model *b = teach_net("train.optimizer", "{kind: adam, lr: 0.01}");
	tt_learner *one = teach_learner(a), *two = teach_learner(b);

	(void)state;
	teach_steps(one, 0, 3);
	assert_ok(tt_learner_save(one, path));
	teach_steps(one, 3, 7);
	assert_ok(tt_learner_load(two, path));
	assert_int_equal(tt_learner_steps(two), 3);
	teach_steps(two, 3, 7);
	teach_same(a, b);
	tt_learner_free(&one);
	tt_learner_free(&two);
	tt_model_free(&a);
	tt_model_free(&b);
}

static void it_goes_on_from_a_trainers_checkpoint(void **state)
{
	const char *path = test_path(test_temp_dir(), "trainer.safetensors");
	tt_model *a = teach_model("name: net\n" TEACH_DATA TEACH_NET TEACH_TRAIN, NULL, NULL);
	tt_model *b = teach_net(NULL, NULL);
	tt_learner *l = teach_learner(b);
	tt_trainer *t;
	int more;

	(void)state;
	assert_ok(tt_trainer_new(&t, a, NULL));
	assert_ok(tt_trainer_steps(t, 3, &more));
	assert_ok(tt_trainer_checkpoint(t, path));
	assert_ok(tt_learner_load(l, path));
	assert_int_equal(tt_learner_steps(l), 3);
	teach_same(a, b);
	tt_trainer_free(&t);
	tt_learner_free(&l);
	tt_model_free(&a);
	tt_model_free(&b);
}

/* A learner with an optimizer of another kind loads what one of the first has saved. */
static void load_as(const char *path, const char *kind, const char *as)
{
	char written[40], this[40], text[80];
	tt_model *a, *b, *was = teach_net(NULL, NULL);
	tt_learner *from, *to;

	snprintf(written, sizeof written, "{kind: %s}", kind);
	snprintf(this, sizeof this, "{kind: %s}", as);
	from = teach_learner(a = teach_net("train.optimizer", written));
	to = teach_learner(b = teach_net("train.optimizer", this));
	teach_steps(from, 0, 2);
	assert_ok(tt_learner_save(from, path));
	assert_status(tt_learner_load(to, path), TT_ESPEC);
	snprintf(text, sizeof text, "train.optimizer.kind %s, this spec's is %s", kind, as);
	assert_error(text);
	teach_same(b, was);
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
	tt_model *a = teach_net("train.optimizer", "{kind: sgd}");
	tt_model *b = teach_net("train.optimizer", "{kind: sgd, momentum: 0.9}");
	tt_learner *plain = teach_learner(a), *heavy = teach_learner(b);

	(void)state;
	teach_steps(plain, 0, 2);
	assert_ok(tt_learner_save(plain, path));
	assert_status(tt_learner_load(heavy, path), TT_ESPEC);
	assert_error("has no 'tutti.optim.momentum_buffer'");
	teach_steps(heavy, 0, 2);
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
	" dense: {out: 3}]}\n" TEACH_TRAIN;
static tt_model *of_rank[RANKS];

/* On each kind of group anew; the first one's parameters count. */
static void renew(int rank)
{
	tt_model_free(&of_rank[rank]);
	of_rank[rank] = teach_model(dense, NULL, NULL);
	if (rank)
		of_rank[rank]->params[0] = 5;
}

/* Rank r of each batch of 16 takes the rows r, r + 2, ...; the last step is all rank 0's. */
static void learn_together(struct comm *c, void *ctx)
{
	static float rows[RANKS][8 * TEACH_PIXELS];
	static int32_t labels[RANKS][8];
	tt_step_result r = TT_SIZED(tt_step_result);
	struct teach_columns k;
	tt_learner *l;

	(void)ctx;
	renew(c->rank);
	rank_ok(tt_learner_new(&l, of_rank[c->rank], TT_LEARNER_OPTS(.group = c)));
	for (int s = 0; s < 4; s++) {
		const int alone = s == 3, n = alone ? 8 - 8 * c->rank : 8;

		for (int i = 0; i < 8; i++) {
			const int at = s % 3 * 16 + (alone ? i : i * RANKS + c->rank);

			memcpy(rows[c->rank] + i * TEACH_PIXELS, teach_pictures + at * TEACH_PIXELS,
			       TEACH_PIXELS * sizeof(float));
			labels[c->rank][i] = teach_classes[at];
		}
		rank_ok(tt_learner_step(l, teach_batch(&k, rows[c->rank], labels[c->rank], n),
		                        TT_STEP_OPTS(.samples = alone ? 8 : 16), &r));
		rank_true(r.samples == (alone ? 8 : 16));
		rank_true(r.accuracy >= 0 && r.accuracy <= 1);
	}
	rank_ok(tt_learner_finish(l));
	tt_learner_free(&l);
}

static void a_group_learns_as_one(void **state)
{
	tt_model *m = teach_model(dense, NULL, NULL);
	tt_learner *l = teach_learner(m);
	struct teach_columns c;

	(void)state;
	ranks_run((struct ranks){ .n = RANKS }, learn_together, NULL);
	for (int s = 0; s < 4; s++)
		assert_ok(tt_learner_step(l, teach_some(&c, s % 3 * 16, s == 3 ? 8 : 16), NULL, NULL));
	teach_same(of_rank[0], of_rank[1]);
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
	l = teach_learner(m = teach_net(NULL, NULL));
	teach_steps(l, 0, 4);
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
	tt_model *m = teach_net(NULL, NULL);
	tt_learner *l = teach_learner(m);
	const size_t bytes = m->param_count * sizeof *m->params;
	float *want = malloc(bytes);

	(void)state;
	teach_steps(l, 0, 4);
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
	tt_model *m = teach_net(NULL, NULL);
	tt_learner *l = teach_learner(m);
	tt_metrics good = TT_SIZED(tt_metrics);
	struct teach_columns c;

	(void)state;
	teach_steps(l, 0, 1);
	assert_ok(tt_learner_evaluate(l, teach_some(&c, 0, 5), &good));
	tt_learner_free(&l);
	tt_learner_free(&l);
	tt_model_free(&m);
	assert_int_equal(mem_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loaded_learner_goes_on_to_the_same_bits),
		cmocka_unit_test(it_goes_on_from_a_trainers_checkpoint),
		cmocka_unit_test(another_optimizers_state_is_refused),
		cmocka_unit_test(a_state_of_other_settings_is_refused),
		cmocka_unit_test(a_group_learns_as_one),
		cmocka_unit_test(a_forked_child_learns_the_same),
		cmocka_unit_test(nothing_stays_behind),
	};

	return cmocka_run_group_tests(tests, teach_make, NULL);
}
