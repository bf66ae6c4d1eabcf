/* Samples with weights: loss, gradient and metrics are sum(w * x) / sum(w) over the batch of all
 * workers, wherever a batch comes from and however it is cut. */
#include "support/support.h"
#include "support/ranks.h"
#include "support/tiny.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include <tutti/learner.h>
#include <tutti/train.h>

#include "distribute/sync/sync.h"
#include "learn/nn/loss.h"
#include "learn/nn/model.h"
#include "learn/predict/evaluator.h"
#include "learn/spec/spec.h"

#define SAMPLES 24
#define FEATURES 5
#define CLASSES 3

static const char net[] =
	"name: weighed\n"
	"model: {input: [5], layers: [dense: {out: 7, activation: tanh}, dense: {out: 3}]}\n"
	"train: {epochs: 2, batch: 24, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.2, momentum: 0.5}}\n";

/* Rows with whole weights, each as often as it weighs in `again`; some weigh nothing. */
static struct rows {
	float   x[3 * SAMPLES][FEATURES], y[3 * SAMPLES][CLASSES], weight[3 * SAMPLES];
	int32_t label[3 * SAMPLES];
	int64_t n;
} rows, again, ones;

static int make_rows(void **state)
{
	uint32_t noise = 7;

	(void)state;
	rows.n = SAMPLES;
	for (int i = 0; i < SAMPLES; i++) {
		rows.label[i] = i % CLASSES;
		rows.weight[i] = (float)(i * 7 % 4);
		for (int k = 0; k < FEATURES; k++) {
			noise = noise * 1664525 + 1013904223;
			rows.x[i][k] = (float)(noise >> 8) / (1 << 23) - 1 + (k == rows.label[i]);
		}
		for (int k = 0; k < CLASSES; k++)
			rows.y[i][k] = k == rows.label[i] ? 1 : 0.25F;
		for (int k = 0; k < (int)rows.weight[i]; k++, again.n++) {
			memcpy(again.x[again.n], rows.x[i], sizeof rows.x[i]);
			memcpy(again.y[again.n], rows.y[i], sizeof rows.y[i]);
			again.label[again.n] = rows.label[i];
		}
	}
	ones = rows;
	for (int i = 0; i < SAMPLES; i++)
		ones.weight[i] = 1;
	return 0;
}

/* ---- batches ---- */

struct columns { tt_column x, y; const tt_column *at[2]; tt_batch batch; };
enum weighted { PLAIN, WEIGHTED };

static const tt_batch *cut(struct columns *c, const struct rows *r, int loss, int64_t first,
                           int64_t n)
{
	const int class = loss_row(loss)->takes == TAKES_CLASS;

	c->x = (tt_column){ .size = sizeof c->x, .name = "x", .type = TT_F32, .ndim = 1,
	                    .shape = { FEATURES }, .data = r->x[first] };
	c->y = (tt_column){ .size = sizeof c->y, .name = "label", .type = class ? TT_I32 : TT_F32,
	                    .ndim = !class, .shape = { class ? 0 : CLASSES },
	                    .data = class ? (const void *)&r->label[first] : r->y[first] };
	c->at[0] = &c->x;
	c->at[1] = &c->y;
	c->batch = (tt_batch){ .size = sizeof c->batch, .columns = 2, .column = c->at, .n = n };
	return &c->batch;
}

static const tt_batch *all(struct columns *c, const struct rows *r, int loss, enum weighted w)
{
	cut(c, r, loss, 0, r->n);
	c->batch.weight = w == WEIGHTED ? r->weight : NULL;
	return &c->batch;
}

static const char *loss_word(int loss)
{
	for (const struct option *o = model_options; o->name; o++)
		if (strcmp(o->name, "loss") == 0)
			return o->words[loss];
	return NULL;
}

/* The first from loss on that a net of one answer a sample can have; lists: train_ctc. */
static int next_loss(int loss)
{
	while (loss_word(loss) && loss_row(loss)->takes == TAKES_LABELS)
		loss++;
	return loss;
}

static tt_model *model_for(int loss, const char *micro_batch)
{
	return tiny_model(net, "model.loss", loss_word(loss), "train.micro_batch", micro_batch, NULL);
}

/* Four steps on the whole of r; then how good it is on it. */
static tt_model *learnt(int loss, const char *micro, const struct rows *r, enum weighted w,
                        tt_metrics *m)
{
	tt_model *model = model_for(loss, micro);
	struct columns c;
	tt_learner *l;

	assert_ok(tt_learner_new(&l, model, TT_LEARNER_OPTS(.batch = 3 * SAMPLES)));
	for (int i = 0; i < 4; i++)
		assert_ok(tt_learner_step(l, all(&c, r, loss, w), NULL, NULL));
	*m = (tt_metrics)TT_SIZED(tt_metrics);
	assert_ok(tt_learner_evaluate(l, all(&c, r, loss, w), m));
	tt_learner_free(&l);
	return model;
}

/* ---- what a weight means, for every loss ---- */

static void a_sample_of_weight_n_counts_as_n_samples(void **state)
{
	(void)state;
	for (int loss = next_loss(0); loss_word(loss); loss = next_loss(loss + 1))
		for (int micro = 0; micro < 2; micro++) {
			tt_metrics a, b;
			tt_model *one = learnt(loss, micro ? "5" : "0", &rows, WEIGHTED, &a);
			tt_model *many = learnt(loss, "0", &again, PLAIN, &b);

			assert_floats_near(one->params, many->params, one->param_count, 2e-6);
			assert_near(a.loss, b.loss, 1e-6);
			assert_int_equal(a.samples, SAMPLES);
			assert_near(a.weight, (double)again.n, 0);
			if (loss_row(loss)->takes == TAKES_CLASS)
				assert_near(a.accuracy, b.accuracy, 1e-12);
			tt_model_free(&one);
			tt_model_free(&many);
		}
}

static void weights_of_one_change_no_bit(void **state)
{
	(void)state;
	for (int loss = next_loss(0); loss_word(loss); loss = next_loss(loss + 1))
		for (int micro = 0; micro < 2; micro++) {
			tt_metrics a, b;
			tt_model *one = learnt(loss, micro ? "7" : "0", &ones, WEIGHTED, &a);
			tt_model *none = learnt(loss, micro ? "7" : "0", &ones, PLAIN, &b);

			assert_memory_equal(one->params, none->params, one->param_count * sizeof(float));
			assert_near(a.loss, b.loss, 0);
			assert_near(a.weight, b.weight, 0);
			tt_model_free(&one);
			tt_model_free(&none);
		}
}

static void weights_that_add_up_to_nothing_teach_nothing(void **state)
{
	static const float nothing[] = { 0, FLT_MIN / (4 * SAMPLES) };

	(void)state;
	for (int loss = next_loss(0); loss_word(loss); loss = next_loss(loss + 1))
		for (int i = 0; i < 2; i++) {
			tt_model *m = model_for(loss, "0"), *was = model_for(loss, "0");
			tt_step_result r = TT_SIZED(tt_step_result);
			struct rows light = rows;
			struct columns c;
			tt_learner *l;

			for (int k = 0; k < SAMPLES; k++)
				light.weight[k] = nothing[i];
			assert_ok(tt_learner_new(&l, m, NULL));
			assert_ok(tt_learner_step(l, all(&c, &light, loss, WEIGHTED), NULL, &r));
			assert_floats_near(m->params, was->params, m->param_count, 0);
			assert_int_equal(r.samples, SAMPLES);
			assert_true(i || (r.weight == 0 && isnan(r.loss)));
			assert_ok(tt_learner_step(l, all(&c, &rows, loss, WEIGHTED), NULL, &r));
			assert_true(r.weight == (double)again.n && isfinite(r.loss));
			tt_learner_free(&l);
			tt_model_free(&m);
			tt_model_free(&was);
		}
}

static void what_is_no_weight_is_refused_by_its_row(void **state)
{
	static const float wrong[] = { -1, NAN, INFINITY, -INFINITY };
	tt_model *m = model_for(LOSS_XENT, "0");
	struct columns c;
	tt_metrics how = TT_SIZED(tt_metrics);
	tt_learner *l;

	(void)state;
	assert_ok(tt_learner_new(&l, m, NULL));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct rows bad = rows;

		bad.weight[17] = wrong[i];
		all(&c, &bad, LOSS_XENT, WEIGHTED);
		assert_status(tt_learner_step(l, &c.batch, NULL, NULL), TT_EINVAL);
		assert_error("sample 17 weighs");
		assert_status(tt_learner_evaluate(l, &c.batch, &how), TT_EINVAL);
	}
	assert_int_equal(tt_learner_steps(l), 0);
	tt_learner_free(&l);
	tt_model_free(&m);
}

/* ---- groups: rank r has the rows r, r + 2, ... ---- */

#define RANKS 2
static struct rows of_rank[RANKS];
static tt_model *taught[RANKS];

/* The second step is rank 1's alone; in the third only rank 0 has weights, and rank 1 counts 1. */
static void learn_together(struct comm *c, void *ctx)
{
	struct rows *mine = &of_rank[c->rank];
	const int loss = *(const int *)ctx, rank = c->rank;
	tt_step_result r = TT_SIZED(tt_step_result);
	struct columns k;
	tt_learner *l;

	tt_model_free(&taught[rank]);
	taught[rank] = model_for(loss, "0");
	*mine = (struct rows){ .n = SAMPLES / RANKS };
	for (int i = 0; i < SAMPLES / RANKS; i++) {
		memcpy(mine->x[i], rows.x[i * RANKS + rank], sizeof rows.x[0]);
		memcpy(mine->y[i], rows.y[i * RANKS + rank], sizeof rows.y[0]);
		mine->label[i] = rows.label[i * RANKS + rank];
		mine->weight[i] = rows.weight[i * RANKS + rank];
	}
	rank_ok(tt_learner_new(&l, taught[rank], TT_LEARNER_OPTS(.group = c)));
	rank_ok(tt_learner_step(l, all(&k, mine, loss, WEIGHTED), NULL, &r));
	rank_true(r.samples == SAMPLES && r.weight == (double)again.n);
	all(&k, mine, loss, WEIGHTED);
	k.batch.n *= rank;
	rank_ok(tt_learner_step(l, &k.batch, TT_STEP_OPTS(.samples = SAMPLES / 2), &r));
	rank_true(r.samples == SAMPLES / 2);
	rank_ok(tt_learner_step(l, all(&k, mine, loss, rank ? PLAIN : WEIGHTED), NULL, &r));
	rank_ok(tt_learner_finish(l));
	tt_learner_free(&l);
}

static tt_model *learn_alone(int loss)
{
	tt_model *m = model_for(loss, "0");
	struct rows third = rows;
	struct columns c;
	tt_learner *l;

	for (int i = 1; i < SAMPLES; i += 2)
		third.weight[i] = 1;
	assert_ok(tt_learner_new(&l, m, NULL));
	assert_ok(tt_learner_step(l, all(&c, &rows, loss, WEIGHTED), NULL, NULL));
	assert_ok(tt_learner_step(l, all(&c, &of_rank[1], loss, WEIGHTED), NULL, NULL));
	assert_ok(tt_learner_step(l, all(&c, &third, loss, WEIGHTED), NULL, NULL));
	tt_learner_free(&l);
	return m;
}

static void a_group_weighs_the_batch_of_all(void **state)
{
	(void)state;
	for (int loss = next_loss(0); loss_word(loss); loss = next_loss(loss + 1)) {
		tt_model *m;

		ranks_run((struct ranks){ .n = RANKS }, learn_together, &loss);
		m = learn_alone(loss);
		assert_floats_near(taught[0]->params, m->params, m->param_count, 2e-6);
		assert_memory_equal(taught[0]->params, taught[1]->params, m->param_count * sizeof(float));
		tt_model_free(&m);
	}
	for (int r = 0; r < RANKS; r++)
		tt_model_free(&taught[r]);
}

/* A group that began without weights has none later: its ranks no longer ask one another. */
static void begin_without(struct comm *c, void *ctx)
{
	tt_model *m = model_for(LOSS_XENT, "0");
	struct columns k;
	tt_learner *l;

	(void)ctx;
	rank_ok(tt_learner_new(&l, m, TT_LEARNER_OPTS(.group = c, .batch = 2 * SAMPLES)));
	rank_ok(tt_learner_step(l, all(&k, &rows, LOSS_XENT, PLAIN), NULL, NULL));
	rank_fails(tt_learner_step(l, all(&k, &rows, LOSS_XENT, WEIGHTED), NULL, NULL),
	           "no worker's had any in the first step");
	rank_ok(tt_learner_step(l, all(&k, &rows, LOSS_XENT, PLAIN), NULL, NULL));
	tt_learner_free(&l);
	tt_model_free(&m);
}

static void a_group_decides_at_its_first_step(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = RANKS }, begin_without, NULL);
}

/* ---- sources ---- */

static tt_status give(void *ctx, int64_t first, int64_t n, tt_column *const *column)
{
	const struct rows *r = ctx;

	(void)n;
	column[0]->data = r->x[first];
	column[1]->data = &r->label[first];
	column[2]->data = &r->weight[first];
	return TT_OK;
}

enum origin { FROM_MEMORY, FROM_CALLBACK, ORIGINS };

static tt_source *source_of(struct rows *r, enum origin from, enum weighted w)
{
	const tt_column x = { .size = sizeof x, .name = "x", .type = TT_F32, .ndim = 1,
	                      .shape = { FEATURES }, .data = from == FROM_MEMORY ? r->x : NULL };
	const tt_column y = { .size = sizeof y, .name = "label", .type = TT_I32,
	                      .data = from == FROM_MEMORY ? r->label : NULL };
	const tt_column weight = { .size = sizeof weight, .name = "w", .type = TT_F32,
	                           .data = from == FROM_MEMORY ? r->weight : NULL };
	const tt_column *const column[] = { &x, &y, &weight };
	const tt_schema s = { .size = sizeof s, .columns = w == WEIGHTED ? 3 : 2, .column = column,
	                      .target = "label", .kind = TT_TARGET_CLASS, .classes = CLASSES,
	                      .weight = w == WEIGHTED ? "w" : NULL };
	tt_source *out;

	if (from == FROM_MEMORY)
		assert_ok(tt_source_from_memory(&out, &s, r->n));
	else
		assert_ok(tt_source_from_callback(&out, &s, r->n, TT_CALLBACK(.read = give, .ctx = r)));
	return out;
}

struct course { const char *strategy, *period, *batch; int workers; const char *combine; };

static tt_model *trained(const struct course *k, const tt_source *s, tt_progress *p)
{
	tt_model *m = tiny_model(net, "distribute.strategy", k->strategy,
	                         "distribute.period", k->period, "train.batch", k->batch,
	                         "train.optimizer.momentum", "0", "distribute.deterministic", "yes",
	                         "distribute.combine", k->combine ? k->combine : "average", NULL);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = k->workers, .train = s,
	                                                .valid = s)));
	assert_ok(tt_trainer_run(t));
	*p = *tt_trainer_progress(t);
	tt_trainer_free(&t);
	return m;
}

static void every_source_brings_its_weights(void **state)
{
	const struct course one = { "allreduce", "1", "24", 1, NULL };
	tt_progress p, q;
	tt_source *plain = source_of(&again, FROM_MEMORY, PLAIN);
	struct course whole = { "allreduce", "1", "72", 1, NULL };
	tt_model *want = trained(&whole, plain, &q);

	(void)state;
	for (enum origin from = 0; from < ORIGINS; from++) {
		tt_source *s = source_of(&rows, from, WEIGHTED);
		tt_model *m = trained(&one, s, &p);

		assert_floats_near(m->params, want->params, m->param_count, 1e-6);
		assert_near(p.loss, q.loss, 1e-6);
		assert_near(p.accuracy, q.accuracy, 1e-12);
		assert_near(p.valid_loss, q.valid_loss, 1e-6);
		assert_near(p.valid_accuracy, q.valid_accuracy, 1e-12);
		tt_source_close(&s);
		tt_model_free(&m);
	}
	tt_source_close(&plain);
	tt_model_free(&want);
}

/* A worker of hogwild is alone here: two of them read as it happens. */
static struct course course_of(int i, const char *batch)
{
	const int workers = sync_strategies[i]->in_process ? 1 : 2;

	return (struct course){ sync_words[i], "2", batch, workers, NULL };
}

static void same_bits(const struct course *k, struct rows *a, enum weighted how, struct rows *b)
{
	tt_source *s = source_of(a, FROM_MEMORY, how), *r = source_of(b, FROM_MEMORY, WEIGHTED);
	tt_progress p, q;
	tt_model *m = trained(k, s, &p), *n = trained(k, r, &q);

	assert_int_equal(m->param_count, n->param_count);
	if (memcmp(m->params, n->params, m->param_count * sizeof(float)) != 0)
		fail_msg("%s: other parameters", k->strategy);
	assert_near(p.loss, q.loss, 0);
	assert_near(p.accuracy, q.accuracy, 0);
	assert_near(p.valid_loss, q.valid_loss, 0);
	tt_model_free(&m);
	tt_model_free(&n);
	tt_source_close(&s);
	tt_source_close(&r);
}

/* Only how much samples weigh beside one another counts: twice as much of all is the same. */
static void every_strategy_weighs_samples(void **state)
{
	struct rows twice = rows;

	(void)state;
	for (int i = 0; i < SAMPLES; i++)
		twice.weight[i] *= 2;
	for (int i = 0; sync_strategies[i]; i++) {
		const struct course k = course_of(i, "10");

		same_bits(&k, &ones, PLAIN, &ones);
		same_bits(&k, &rows, WEIGHTED, &twice);
	}
}

/* The net that combines the members of an ensemble learns from samples as they weigh. */
static void a_combining_net_weighs_samples(void **state)
{
	const struct course k = { "ensemble", "1", "10", 2, "net" };
	struct rows twice = rows;
	tt_source *light = source_of(&ones, FROM_MEMORY, WEIGHTED);
	tt_source *heavy = source_of(&rows, FROM_MEMORY, WEIGHTED);
	tt_progress p;
	tt_model *m = trained(&k, light, &p), *n = trained(&k, heavy, &p);

	(void)state;
	for (int i = 0; i < SAMPLES; i++)
		twice.weight[i] *= 2;
	same_bits(&k, &ones, PLAIN, &ones);
	same_bits(&k, &rows, WEIGHTED, &twice);
	assert_true(memcmp(m->params, n->params, m->param_count * sizeof(float)) != 0);
	tt_model_free(&m);
	tt_model_free(&n);
	tt_source_close(&light);
	tt_source_close(&heavy);
}

/* Where each step is one batch of all, or is averaged after it, two workers are as one. */
static void two_workers_weigh_as_one(void **state)
{
	static const struct course courses[] = {
		{ "allreduce", "1", "10", 2, NULL }, { "allreduce", "1", "10", 3, NULL },
		{ "average", "1", "10", 2, NULL },
	};
	const struct course alone = { "allreduce", "1", "10", 1, NULL };
	tt_source *s = source_of(&rows, FROM_MEMORY, WEIGHTED);
	tt_progress p, q;
	tt_model *one = trained(&alone, s, &p);

	(void)state;
	for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
		tt_model *m = trained(&courses[i], s, &q);

		assert_floats_near(m->params, one->params, m->param_count, 2e-6);
		if (strcmp(courses[i].strategy, "allreduce") == 0)
			assert_near(p.loss, q.loss, 1e-6);
		assert_near(p.valid_loss, q.valid_loss, 1e-6);
		tt_model_free(&m);
	}
	tt_model_free(&one);
	tt_source_close(&s);
}

/* In the middle of an epoch its sums are saved as they are. */
static void a_weighted_run_is_resumed(void **state)
{
	const char *path = test_path(test_temp_dir(), "weighed.safetensors");
	tt_source *s = source_of(&rows, FROM_MEMORY, WEIGHTED);
	tt_model *m[2];
	tt_trainer *t;
	tt_progress p[2];
	int more;

	(void)state;
	for (int i = 0; i < 2; i++) {
		m[i] = tiny_model(net, "train.batch", "10", NULL);
		assert_ok(tt_trainer_new(&t, m[i], TT_TRAINER_OPTS(.train = s,
		                                                   .resume = i ? path : NULL)));
		if (!i) {
			assert_ok(tt_trainer_steps(t, 2, &more));
			assert_ok(tt_trainer_checkpoint(t, path));
		}
		assert_ok(tt_trainer_run(t));
		p[i] = *tt_trainer_progress(t);
		tt_trainer_free(&t);
	}
	assert_memory_equal(m[0]->params, m[1]->params, m[0]->param_count * sizeof(float));
	assert_near(p[0].loss, p[1].loss, 0);
	assert_near(p[0].accuracy, p[1].accuracy, 0);
	for (int i = 0; i < 2; i++)
		tt_model_free(&m[i]);
	tt_source_close(&s);
}

/* The loss is what is divided by the weights last: a rate has no part in it. */
static void weights_beyond_a_float_are_named(void **state)
{
	struct rows heavy = rows;
	struct columns c;
	tt_metrics how = TT_SIZED(tt_metrics);
	tt_model *m = model_for(LOSS_XENT, "0");
	tt_source *s;
	tt_learner *l;
	tt_trainer *t;

	(void)state;
	for (int i = 0; i < SAMPLES; i++)
		heavy.weight[i] = 3e38F;
	assert_ok(tt_learner_new(&l, m, NULL));
	assert_status(tt_learner_evaluate(l, all(&c, &heavy, LOSS_XENT, WEIGHTED), &how), TT_ENAN);
	assert_error("the samples weigh 7.2e+39 in all");
	assert_status(tt_learner_step(l, all(&c, &heavy, LOSS_XENT, WEIGHTED), NULL, NULL), TT_ENAN);
	assert_error("samples weigh 7.2e+39 in all");
	tt_learner_free(&l);
	s = source_of(&heavy, FROM_MEMORY, WEIGHTED);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s)));
	assert_status(tt_trainer_run(t), TT_ENAN);
	assert_error("divide all weights");
	assert_null(strstr(tt_last_error(), "smaller"));
	tt_trainer_free(&t);
	tt_source_close(&s);
	tt_model_free(&m);
}

static void count_notes(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	(void)p;
	*(int *)ctx += e == TT_EVENT_NOTE && strstr(text, "weigh 0") != NULL;
}

/* Some of a batch may weigh nothing, a batch may, all may not. */
static void a_run_that_nothing_weighs_in_does_not_pass_for_one(void **state)
{
	struct rows some = rows;
	int notes = 0;

	(void)state;
	for (int all_of_them = 0; all_of_them < 2; all_of_them++) {
		tt_model *m = tiny_model(net, "train.batch", "1", NULL);
		tt_source *s;
		tt_trainer *t;

		for (int i = 0; all_of_them && i < SAMPLES; i++)
			some.weight[i] = 0;
		s = source_of(&some, FROM_MEMORY, WEIGHTED);
		notes = 0;
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(
			.train = s, .observe = count_notes, .observe_ctx = &notes)));
		assert_status(tt_trainer_run(t), all_of_them ? TT_EINVAL : TT_OK);
		if (all_of_them)
			assert_error("all 24 samples of data.train weigh 0");
		assert_int_equal(notes, 1);
		tt_trainer_free(&t);
		tt_source_close(&s);
		tt_model_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_of_weight_n_counts_as_n_samples),
		cmocka_unit_test(weights_of_one_change_no_bit),
		cmocka_unit_test(weights_that_add_up_to_nothing_teach_nothing),
		cmocka_unit_test(what_is_no_weight_is_refused_by_its_row),
		cmocka_unit_test(weights_beyond_a_float_are_named),
		cmocka_unit_test(a_run_that_nothing_weighs_in_does_not_pass_for_one),
		cmocka_unit_test(a_group_weighs_the_batch_of_all),
		cmocka_unit_test(a_group_decides_at_its_first_step),
		cmocka_unit_test(every_source_brings_its_weights),
		cmocka_unit_test(every_strategy_weighs_samples),
		cmocka_unit_test(a_combining_net_weighs_samples),
		cmocka_unit_test(two_workers_weigh_as_one),
		cmocka_unit_test(a_weighted_run_is_resumed),
	};

	return cmocka_run_group_tests(tests, make_rows, NULL);
}
