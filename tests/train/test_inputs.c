/* Several inputs by name, and sequences: what fills them up changes nothing, and workers, parts of
 * a batch and the order of columns do not either. */
#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

#include <tutti/learner.h>
#include <tutti/session.h>
#include <tutti/train.h>

#include "data/loader.h"
#include "learn/nn/layers/kinds.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"

#define SAMPLES 24
#define PARTS   3
#define VOCABULARY 11
#define LONGEST 9

static const char joined[] =
	"name: joined\n"
	"model: {input: [5], layers: [dense: {out: 7, activation: tanh}, dense: {out: 3}]}\n"
	"train: {epochs: 2, batch: 8, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.2, momentum: 0.5}}\n";

/* The same net, whose five numbers come in two columns. */
static const char apart[] =
	"name: apart\n"
	"model: {inputs: {left: [2], right: {shape: [3]}},\n"
	"        layers: [concat: {from: [left, right]}, dense: {out: 7, activation: tanh},\n"
	"                 dense: {out: 3}]}\n"
	"train: {epochs: 2, batch: 8, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.2, momentum: 0.5}}\n";

/* A class at each place of a sequence of words, beside what is known of the whole. */
static const char places[] =
	"name: places\n"
	"model: {inputs: {words: {shape: [-1], type: i32}},\n"
	"        layers: [embedding: {rows: 11, dim: 6}, dense: {out: 8, activation: relu},\n"
	"                 layernorm: {dims: 1}, dropout: {p: 0.2}, dense: {out: 4}]}\n"
	"train: {epochs: 3, batch: 11, threads: 1, tune_kernels: no, seed: 3,\n"
	"        optimizer: {kind: sgd, lr: 0.3}}\n";

static struct rows {
	float   whole[SAMPLES][5], left[SAMPLES][2], right[SAMPLES][3];
	int32_t label[SAMPLES];
	int64_t offsets[SAMPLES + 1];
	int64_t words[SAMPLES * LONGEST];
	int32_t tags[SAMPLES * LONGEST];
} rows;

static int make_rows(void **state)
{
	uint32_t noise = 5;

	(void)state;
	for (int i = 0; i < SAMPLES; i++) {
		const int n = i * 5 % LONGEST + 1;

		for (int k = 0; k < 5; k++) {
			noise = noise * 1664525 + 1013904223;
			rows.whole[i][k] = (float)(noise >> 8) / (1 << 23) - 1 + (k == i % 3);
		}
		memcpy(rows.left[i], rows.whole[i], sizeof rows.left[i]);
		memcpy(rows.right[i], rows.whole[i] + 2, sizeof rows.right[i]);
		rows.label[i] = i % 3;
		rows.offsets[i + 1] = rows.offsets[i] + n;
		for (int64_t k = rows.offsets[i]; k < rows.offsets[i + 1]; k++) {
			rows.words[k] = (i * 3 + k * 7) % VOCABULARY;
			rows.tags[k] = k % 5 == 4 ? -1 : (int32_t)(rows.words[k] % 4);
		}
	}
	return 0;
}

/* ---- several inputs ---- */

struct columns { tt_column c[3]; const tt_column *at[3]; tt_batch batch; };

static const tt_batch *in_one(struct columns *s, int first, int n)
{
	s->c[0] = *TT_COLUMN(.name = "x", .ndim = 1, .shape = { 5 }, .type = TT_F32,
	                     .data = rows.whole[first]);
	s->c[1] = *TT_COLUMN(.name = "label", .type = TT_I32, .data = &rows.label[first]);
	s->at[0] = &s->c[0];
	s->at[1] = &s->c[1];
	s->batch = *TT_BATCH(.columns = 2, .column = s->at, .n = n);
	return &s->batch;
}

/* In another order than the model's. */
static const tt_batch *in_two(struct columns *s, int first, int n)
{
	s->c[0] = *TT_COLUMN(.name = "right", .ndim = 1, .shape = { 3 }, .type = TT_F32,
	                     .data = rows.right[first]);
	s->c[1] = *TT_COLUMN(.name = "label", .type = TT_I32, .data = &rows.label[first]);
	s->c[2] = *TT_COLUMN(.name = "left", .ndim = 1, .shape = { 2 }, .type = TT_F32,
	                     .data = rows.left[first]);
	for (int i = 0; i < 3; i++)
		s->at[i] = &s->c[i];
	s->batch = *TT_BATCH(.columns = 3, .column = s->at, .n = n);
	return &s->batch;
}

static void two_inputs_are_one_that_is_cut(void **state)
{
	tt_model *a = tiny_model(joined, NULL), *b = tiny_model(apart, NULL);
	struct columns s;
	tt_learner *l, *m;
	tt_metrics x = TT_SIZED(tt_metrics), y = TT_SIZED(tt_metrics);

	(void)state;
	assert_int_equal(a->param_count, b->param_count);
	memcpy(b->params, a->params, a->param_count * sizeof *a->params);
	assert_ok(tt_learner_new(&l, a, NULL));
	assert_ok(tt_learner_new(&m, b, NULL));
	for (int i = 0; i < SAMPLES; i += 8) {
		assert_ok(tt_learner_step(l, in_one(&s, i, 8), NULL, NULL));
		assert_ok(tt_learner_step(m, in_two(&s, i, 8), NULL, NULL));
	}
	assert_memory_equal(a->params, b->params, a->param_count * sizeof *a->params);
	assert_ok(tt_learner_evaluate(l, in_one(&s, 0, 8), &x));
	assert_ok(tt_learner_evaluate(m, in_two(&s, 0, 8), &y));
	assert_near(x.loss, y.loss, 0);
	tt_learner_free(&l);
	tt_learner_free(&m);
	tt_model_free(&a);
	tt_model_free(&b);
}

static void a_session_finds_the_columns_by_name(void **state)
{
	tt_model *b = tiny_model(apart, NULL), *a = tiny_model(joined, NULL);
	float one[SAMPLES][3], two[SAMPLES][3];
	struct columns s;
	tt_session *session;

	(void)state;
	memcpy(b->params, a->params, a->param_count * sizeof *a->params);
	assert_ok(tt_session_new(&session, a, NULL));
	assert_ok(tt_session_predict(session, in_one(&s, 0, SAMPLES), one[0]));
	tt_session_free(&session);
	assert_ok(tt_session_new(&session, b, NULL));
	assert_ok(tt_session_predict(session, in_two(&s, 0, SAMPLES), two[0]));
	assert_memory_equal(one, two, sizeof one);
	assert_status(tt_session_predict(session, in_one(&s, 0, SAMPLES), two[0]), TT_EINVAL);
	assert_error("no column 'left'");
	assert_status(tt_session_run(session, rows.whole[0], 1, one[0]), TT_ESUPPORT);
	assert_error("several inputs");
	tt_session_free(&session);
	tt_model_free(&a);
	tt_model_free(&b);
}

static tt_source *source_of(const tt_batch *b, const char *target, enum tt_target_kind kind,
                            int classes)
{
	tt_source *s;

	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = b->columns, .column = b->column,
	                                .target = target, .kind = kind, .classes = classes), b->n));
	return s;
}

static void a_trainer_and_a_checkpoint_know_them(void **state)
{
	char path[300], *json;
	tt_model *m = tiny_model(apart, NULL), *again;
	struct columns s;
	tt_source *source = source_of(in_two(&s, 0, SAMPLES), "label", TT_TARGET_CLASS, 3);
	tt_metrics x = TT_SIZED(tt_metrics), y = TT_SIZED(tt_metrics);
	tt_session *session;
	tt_trainer *t;

	(void)state;
	snprintf(path, sizeof path, "%s/inputs.safetensors", test_temp_dir());
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = source, .valid = source,
	                                                .workers = 2)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	assert_ok(tt_session_new(&session, m, NULL));
	assert_ok(tt_session_evaluate(session, source, &x));
	tt_session_free(&session);
	assert_ok(tt_model_save(m, path));
	assert_ok(tt_model_load(&again, path));
	assert_ok(tt_model_signature_json(again, &json));
	assert_non_null(strstr(json, "\"left\""));
	assert_non_null(strstr(json, "\"right\""));
	tt_free(json);
	assert_ok(tt_session_new(&session, again, NULL));
	assert_ok(tt_session_evaluate(session, source, &y));
	assert_near(x.loss, y.loss, 0);
	tt_session_free(&session);
	tt_free(x.confusion);
	tt_free(y.confusion);
	tt_source_close(&source);
	tt_model_free(&again);
	tt_model_free(&m);
}

/* A new net is shown the columns of its data in its own order, wherever the target lies. */
static void a_trainer_finds_the_columns_by_name(void **state)
{
	tt_model *a = tiny_model(joined, "data.shuffle", "no", NULL);
	tt_model *b = tiny_model(apart, "data.shuffle", "no", NULL);
	struct columns s;
	tt_source *one = source_of(in_one(&s, 0, SAMPLES), "label", TT_TARGET_CLASS, 3);
	tt_source *two = source_of(in_two(&s, 0, SAMPLES), "label", TT_TARGET_CLASS, 3);
	tt_trainer *t;

	(void)state;
	memcpy(b->params, a->params, a->param_count * sizeof *a->params);
	assert_ok(tt_trainer_new(&t, a, TT_TRAINER_OPTS(.train = one)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	assert_ok(tt_trainer_new(&t, b, TT_TRAINER_OPTS(.train = two)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	assert_memory_equal(a->params, b->params, a->param_count * sizeof *a->params);
	tt_source_close(&one);
	tt_source_close(&two);
	tt_model_free(&a);
	tt_model_free(&b);
}

static void bad_inputs_are_named(void **state)
{
	static const struct { const char *inputs, *says; } bad[] = {
		{ "{}", "a map of 1 to" },
		{ "{a: [2], b: [0]}", "input 'b'" },
		{ "{a: [2], b: [2, -1]}", "input 'b'" },
		{ "{a: {shape: [2], kind: f32}}", "kind" },
		{ "{a: [2], b: {shape: [3], type: f64}}", "f64" },
		{ "[2]", "must be a map" },
		{ "{left: [2], right: [3], more: [1]}", "no layer reads the input 'more'" },
		{ "{left: [2], right: {shape: [-1], type: i32}}", "concat" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		tt_spec *s;

		assert_ok(tt_spec_parse(&s, "bad", apart));
		assert_ok(tt_spec_set(s, "model.inputs", bad[i].inputs));
		assert_status(tt_spec_resolve(s), i == 7 ? TT_ESHAPE : TT_ESPEC);
		assert_error(bad[i].says);
		tt_spec_free(&s);
	}
}

/* ---- sequences ---- */

static const tt_batch *sequences(struct columns *s, int first, int n)
{
	s->c[0] = *TT_COLUMN(.name = "words", .ndim = 1, .shape = { -1 }, .type = TT_I64,
	                     .data = rows.words, .offsets = rows.offsets + first);
	s->c[1] = *TT_COLUMN(.name = "tags", .ndim = 1, .shape = { -1 }, .type = TT_I32,
	                     .data = rows.tags, .offsets = rows.offsets + first);
	s->at[0] = &s->c[0];
	s->at[1] = &s->c[1];
	s->batch = *TT_BATCH(.columns = 2, .column = s->at, .n = n);
	return &s->batch;
}

static void what_fills_a_sequence_up_does_not_count(void **state)
{
	tt_model *m = tiny_model(places, NULL);
	struct columns s;
	tt_metrics all = TT_SIZED(tt_metrics), one = TT_SIZED(tt_metrics);
	double loss = 0, weight = 0, right = 0;
	tt_learner *l;

	(void)state;
	assert_true(m->per_place);
	assert_ok(tt_learner_new(&l, m, TT_LEARNER_OPTS(.batch = SAMPLES, .target = "tags")));
	assert_ok(tt_learner_evaluate(l, sequences(&s, 0, SAMPLES), &all));
	for (int i = 0; i < SAMPLES; i++) {
		assert_ok(tt_learner_evaluate(l, sequences(&s, i, 1), &one));
		loss += one.weight > 0 ? one.loss * one.weight : 0;
		right += one.weight > 0 ? one.accuracy * one.weight : 0;
		weight += one.weight;
	}
	assert_int_equal(all.samples, SAMPLES);
	assert_near(all.weight, weight, 0);
	assert_near(all.loss, loss / weight, 1e-6);
	assert_near(all.accuracy, right / weight, 1e-9);
	tt_learner_free(&l);
	tt_model_free(&m);
}

static void answers_come_without_what_fills_up(void **state)
{
	static float all[SAMPLES * LONGEST][4], one[LONGEST][4];
	tt_model *m = tiny_model(places, NULL);
	struct columns s;
	tt_session *session;

	(void)state;
	assert_ok(tt_session_new(&session, m, TT_SESSION_OPTS(.batch = 16)));
	assert_ok(tt_session_predict(session, sequences(&s, 0, SAMPLES), all[0]));
	for (int i = 0; i < SAMPLES; i++) {
		const int64_t at = rows.offsets[i], n = rows.offsets[i + 1] - at;

		assert_ok(tt_session_predict(session, sequences(&s, i, 1), one[0]));
		assert_floats_near(one[0], all[at], (size_t)n * 4, 1e-6);
	}
	rows.words[3] = VOCABULARY;
	assert_status(tt_session_predict(session, sequences(&s, 0, SAMPLES), all[0]), TT_EINVAL);
	assert_error("the token 11 is no row");
	rows.words[3] = 3 * 7 % VOCABULARY;
	tt_session_free(&session);
	tt_model_free(&m);
}

/* Ranks that share their norms run what has any even where they have no sample. */
static tt_model *trained(int workers, const char *micro, tt_metrics *out)
{
	tt_model *m = tiny_model(places, "train.micro_batch", micro, "distribute.sync_batchnorm",
	                         workers > 2 ? "yes" : "no", NULL);
	struct columns s;
	tt_source *source = source_of(sequences(&s, 0, SAMPLES), "tags", TT_TARGET_PLACES, 4);
	tt_session *session;
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = source, .valid = source,
	                                                .workers = workers)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	*out = (tt_metrics)TT_SIZED(tt_metrics);
	assert_ok(tt_session_new(&session, m, NULL));
	assert_ok(tt_session_evaluate(session, source, out));
	tt_session_free(&session);
	tt_free(out->confusion);
	tt_source_close(&source);
	return m;
}

static void workers_and_parts_of_a_batch_learn_the_same(void **state)
{
	tt_metrics a, b;
	tt_model *one = trained(1, "0", &a);

	(void)state;
	assert_true(a.loss < 1.386);            /* log 4: less than guessing */
	for (int i = 0; i < 3; i++) {
		tt_model *other = trained(i < 2 ? i + 1 : 3, i == 0 ? "3" : "0", &b);

		assert_floats_near(one->params, other->params, one->param_count, 3e-6);
		assert_near(a.loss, b.loss, 1e-6);
		assert_near(a.weight, b.weight, 0);
		tt_model_free(&other);
	}
	tt_model_free(&one);
}

/* ---- every kind of layer that takes sequences ---- */

/* Settings of those that need some, between the embedding and what makes one vector of it all. */
static const struct { const char *kind, *layers; } taken[] = {
	{ "dense", "dense: {out: 6, activation: tanh}" },
	{ "embedding", "embedding: {rows: 11, dim: 6, from: words}" },
	{ "rnn", "rnn: {hidden: 6, num_layers: 2, bidirectional: yes}" },
	{ "lstm", "lstm: {hidden: 6, num_layers: 2, bidirectional: yes}" },
	{ "gru", "gru: {hidden: 6, num_layers: 2, bidirectional: yes}" },
	{ "lstm", "gru: {hidden: 6, output: last, bidirectional: yes}" },
	{ "add", "add: {from: [embedding1, embedding1]}" },
	{ "multiply", "multiply: {from: [embedding1, embedding1]}" },
	{ "attention", "attention: {heads: 2, causal: yes}" },
	{ "attention", "attention: {heads: 3, rotary: yes}" },
	{ "transformer", "transformer: {heads: 2, hidden: 5, norm_first: yes}" },
	{ "positions", "positions: {kind: learned, max: 64}" },
	{ "positions", "positions: {kind: learned, max: 9}" },     /* fewer than the batch has */
	{ "positions", "positions: {kind: sinusoidal}" },
	{ "concat", "concat: {from: [embedding1, embedding1], axis: 2}" },
	{ "sequence", "sequence: {layers: [dense: {out: 6}]}" },
	{ "repeat", "repeat: {times: 2, layers: [dense: {out: 6}]}" },
	{ "residual", "residual: {body: [dense: {out: 6}], activation: relu}" },
	{ "branches", "branches: {paths: [[dense: {out: 6}], [lstm: {hidden: 6}]], join: add}" },
	{ "seqpool", "seqpool: {pool: mean}" }, { "seqpool", "seqpool: {pool: sum}" },
	{ "seqpool", "seqpool: {pool: max}" }, { "seqpool", "seqpool: {pool: last}" },
};

static void check_alone(const char *layer, int pooled)
{
	static float all[SAMPLES][4], one[4];
	char layers[400];
	tt_session *session;
	struct columns s;
	tt_model *m;

	snprintf(layers, sizeof layers, "[embedding: {rows: 11, dim: 6}, %s, %sdense: {out: 4}]", layer,
	         pooled ? "" : "seqpool: {pool: mean}, ");
	m = tiny_model(places, "model.layers", layers, NULL);
	assert_false(m->per_place);
	assert_ok(tt_session_new(&session, m, TT_SESSION_OPTS(.batch = 32)));
	assert_ok(tt_session_predict(session, sequences(&s, 0, SAMPLES), all[0]));
	for (int i = 0; i < SAMPLES; i++) {
		assert_ok(tt_session_predict(session, sequences(&s, i, 1), one));
		for (int k = 0; k < 4; k++)
			if (!(fabsf(one[k] - all[i][k]) <= 2e-6F))
				fail_msg("%s: sample %d: %.9g alone, %.9g among others", layer, i, (double)one[k],
				         (double)all[i][k]);
	}
	tt_session_free(&session);
	tt_model_free(&m);
}

static void every_kind_gives_a_sequence_the_same_alone_and_filled_up(void **state)
{
	(void)state;
	for (int i = 0; layer_kinds[i]; i++) {
		const struct layer_kind *kind = layer_kinds[i];
		int found = 0;

		for (size_t k = 0; k < sizeof taken / sizeof *taken; k++)
			if (strcmp(taken[k].kind, kind->name) == 0) {
				check_alone(taken[k].layers, strstr(taken[k].layers, "pool:") ||
				            strstr(taken[k].layers, "output: last"));
				found = 1;
			}
		if (!found && kind->time != TIME_REFUSED)
			check_alone(kind->name, 0);
	}
}

/* Nobody's place is behind the last that there are numbers for. */
static void longer_sequences_than_a_layer_knows_are_named(void **state)
{
	tt_model *m = tiny_model(places, "model.layers", "[embedding: {rows: 11, dim: 6}, "
	                         "positions: {name: place, max: 5}, dense: {out: 4}]", NULL);
	float out[SAMPLES * LONGEST][4];
	struct columns s;
	tt_session *session;

	(void)state;
	assert_ok(tt_session_new(&session, m, NULL));
	assert_status(tt_session_predict(session, sequences(&s, 0, SAMPLES), out[0]), TT_EINVAL);
	assert_error("sample 1: 'words' has 6 places, and layer 'place' knows 5");
	assert_ok(tt_session_predict(session, sequences(&s, 0, 1), out[0]));
	tt_session_free(&session);
	tt_model_free(&m);
}

/* Names of the classes of places cannot be mapped as those of samples are: they are the same. */
static void classes_of_places_keep_their_order(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	static const char *const other[] = { "a", "c", "b", "d" };
	tt_model *m = tiny_model(places, NULL);
	struct columns s;
	const tt_batch *b = sequences(&s, 0, SAMPLES);
	tt_schema d = *TT_SCHEMA(.columns = b->columns, .column = b->column, .target = "tags",
	                         .kind = TT_TARGET_PLACES, .classes = 4, .class_names = names);
	tt_source *source, *view;

	(void)state;
	assert_ok(nn_bind(m, &d));
	assert_ok(tt_source_from_memory(&source, &d, b->n));
	assert_ok(tt_source_match(&view, source, m, TT_MATCH_ALL));
	assert_int_equal(tt_source_schema(view)->column[1]->shape[0], -1);
	assert_int_equal(tt_source_describe(view)->classes, 4);
	tt_source_close(&view);
	tt_source_close(&source);
	d.class_names = other;
	assert_ok(tt_source_from_memory(&source, &d, b->n));
	assert_status(tt_source_match(&view, source, m, TT_MATCH_ALL), TT_ESHAPE);
	assert_error("class 1 is 'c' here and 'b' to the model");
	tt_source_close(&source);
	tt_model_free(&m);
}

/* Whole numbers name things: they do not go through f32, which has no 16777217. */
static void a_token_of_any_size_arrives_as_it_is(void **state)
{
	static const int32_t token[2] = { 16777217, 3 }, label[2] = { 0, 1 };
	const tt_column *column[] = {
		TT_COLUMN(.name = "token", .type = TT_I32, .ndim = 1, .shape = { 1 }, .data = token),
		TT_COLUMN(.name = "label", .type = TT_I32, .data = label) };
	const struct data_opts data = { .threads = 1 };
	tt_source *s = source_of(TT_BATCH(.columns = 2, .column = column, .n = 2), "label",
	                         TT_TARGET_CLASS, 2);
	struct loader *l;
	struct batch *b;

	(void)state;
	assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &data, .batch = 2, .world = 1 }));
	assert_ok(loader_seek(l, 0, 0));
	assert_ok(loader_next(l, &b));
	assert_int_equal(b->data.column[0]->type, TT_I32);
	assert_memory_equal(b->data.column[0]->data, token, sizeof token);
	loader_free(&l);
	tt_source_close(&s);
}

static void layers_that_mix_places_are_refused(void **state)
{
	static const char *const bad[] = {
		"[embedding: {rows: 11, dim: 6}, flatten, dense: {out: 4}]",
		"[dense: {out: 4}]", "[embedding: {rows: 11, dim: 6}, reshape: {shape: [-1]}]",
		"[embedding: {rows: 11, dim: 6}, layernorm: {dims: 2}, dense: {out: 4}]",
		"[embedding: {rows: 11, dim: 6}, concat: {from: [embedding1, embedding1]}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		tt_spec *s;

		assert_ok(tt_spec_parse(&s, "bad", places));
		assert_ok(tt_spec_set(s, "model.layers", bad[i]));
		assert_status(tt_spec_resolve(s), TT_ESHAPE);
		tt_spec_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_inputs_are_one_that_is_cut),
		cmocka_unit_test(a_session_finds_the_columns_by_name),
		cmocka_unit_test(a_trainer_and_a_checkpoint_know_them),
		cmocka_unit_test(a_trainer_finds_the_columns_by_name),
		cmocka_unit_test(bad_inputs_are_named),
		cmocka_unit_test(what_fills_a_sequence_up_does_not_count),
		cmocka_unit_test(answers_come_without_what_fills_up),
		cmocka_unit_test(workers_and_parts_of_a_batch_learn_the_same),
		cmocka_unit_test(every_kind_gives_a_sequence_the_same_alone_and_filled_up),
		cmocka_unit_test(longer_sequences_than_a_layer_knows_are_named),
		cmocka_unit_test(classes_of_places_keep_their_order),
		cmocka_unit_test(a_token_of_any_size_arrives_as_it_is),
		cmocka_unit_test(layers_that_mix_places_are_refused),
	};

	return cmocka_run_group_tests(tests, make_rows, NULL);
}
