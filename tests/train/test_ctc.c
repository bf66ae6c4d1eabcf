/* Labels spelt along sequences of another length (model.loss: ctc), from memory: what fills up
 * changes nothing, workers learn the same, what cannot be spelt is said; images whose columns are
 * places. */
#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

#include <tutti/learner.h>
#include <tutti/session.h>
#include <tutti/train.h>

#include "learn/nn/model.h"

enum { SAMPLES = 60, LONGEST = 18, WORDS = 4, CLASSES = 4 };

/* Words 1 to 3 stand for labels 1 to 3, each as often as it likes, 0 for silence in between. */
static const char spec[] =
	"name: spell\n"
	"model: {inputs: {words: {shape: [-1], type: i32}}, loss: ctc,\n"
	"        layers: [embedding: {rows: 4, dim: 8}, dense: {out: 16, activation: tanh},\n"
	"                 dense: {out: 4}]}\n"
	"train: {epochs: 8, batch: 13, threads: 1, tune_kernels: no, seed: 3,\n"
	"        optimizer: {kind: adamw, lr: 0.02}}\n";

static struct {
	int64_t in[SAMPLES + 1], out[SAMPLES + 1];
	int64_t words[SAMPLES * LONGEST];
	int32_t labels[SAMPLES * LONGEST];
} rows;

static int make_rows(void **state)
{
	uint32_t noise = 9;

	(void)state;
	for (int i = 0; i < SAMPLES; i++) {
		int64_t at = rows.in[i], to = rows.out[i];

		for (int k = 0; k < i % 4; k++) {
			noise = noise * 1664525 + 1013904223;
			rows.labels[to++] = (int32_t)(noise >> 20) % 3 + 1;
			for (uint32_t j = 0; j <= (noise >> 12 & 1); j++)
				rows.words[at++] = rows.labels[to - 1];
			rows.words[at++] = 0;
		}
		if (i % 4 == 0)
			rows.words[at++] = 0;
		rows.in[i + 1] = at;
		rows.out[i + 1] = to;
	}
	return 0;
}

struct columns { tt_column c[2]; const tt_column *at[2]; tt_batch batch; };

static const tt_batch *batch_of(struct columns *s, int first, int n)
{
	s->c[0] = *TT_COLUMN(.name = "words", .type = TT_I64, .ndim = 1, .shape = { -1 },
	                     .data = rows.words, .offsets = rows.in + first);
	s->c[1] = *TT_COLUMN(.name = "said", .type = TT_I32, .ndim = 1, .shape = { -1 },
	                     .data = rows.labels, .offsets = rows.out + first);
	s->at[0] = &s->c[0];
	s->at[1] = &s->c[1];
	s->batch = *TT_BATCH(.columns = 2, .column = s->at, .n = n);
	return &s->batch;
}

static const char *const names[CLASSES] = { "-", "a", "b", "c" };

static tt_source *source_of(const tt_batch *b)
{
	tt_source *s;

	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(
		.columns = b->columns, .column = b->column, .target = "said",
		.kind = TT_TARGET_PLACES, .classes = CLASSES, .class_names = names), b->n));
	return s;
}

/* The score of that name. */
static double score_of(const tt_evaluation *e, const char *name)
{
	tt_score s = TT_SIZED(tt_score);

	for (int i = 0; i < tt_evaluation_count(e); i++) {
		assert_ok(tt_evaluation_get(e, i, &s));
		if (strcmp(s.name, name) == 0)
			return s.value;
	}
	fail_msg("there is no score '%s'", name);
	return NAN;
}

struct result { double loss, token_error, accuracy; };

static tt_model *trained(int workers, const char *micro, struct result *out)
{
	tt_model *m = tiny_model(spec, "train.micro_batch", micro, NULL);
	struct columns s;
	tt_source *source = source_of(batch_of(&s, 0, SAMPLES));
	tt_evaluation *e;
	tt_session *session;
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = source, .valid = source,
	                                                .workers = workers)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	assert_ok(tt_session_new(&session, m, NULL));
	assert_ok(tt_session_evaluation(&e, session, source));
	*out = (struct result){ score_of(e, "loss"), score_of(e, "token_error"),
	                        score_of(e, "accuracy") };
	tt_evaluation_free(&e);
	tt_session_free(&session);
	tt_source_close(&source);
	return m;
}

static void it_learns_to_spell_and_workers_learn_the_same(void **state)
{
	struct result a, b;
	tt_model *one = trained(1, "0", &a);

	(void)state;
	assert_true(a.token_error < 0.1);
	assert_true(a.accuracy > 0.8);
	assert_int_equal(tt_model_signature(one)->blank, 0);
	for (int i = 0; i < 3; i++) {
		tt_model *other = trained(i + 1, i ? "0" : "5", &b);

		assert_floats_near(one->params, other->params, one->param_count, 2e-5);
		assert_near(a.loss, b.loss, 1e-5);
		assert_near(a.token_error, b.token_error, 1e-12);
		tt_model_free(&other);
	}
	tt_model_free(&one);
}

/* The loss of some samples together is the mean of what each loses alone, in a shorter batch. */
static void what_fills_up_a_batch_changes_nothing(void **state)
{
	tt_model *m = tiny_model(spec, NULL);
	tt_session *session;
	tt_metrics all = TT_SIZED(tt_metrics), one = TT_SIZED(tt_metrics);
	struct columns s;
	tt_source *source = source_of(batch_of(&s, 0, SAMPLES));
	double sum = 0;

	(void)state;
	assert_ok(tt_session_new(&session, m, NULL));
	assert_ok(tt_session_evaluate(session, source, &all));
	tt_source_close(&source);
	for (int i = 0; i < SAMPLES; i++) {
		source = source_of(batch_of(&s, i, 1));
		assert_ok(tt_session_evaluate(session, source, &one));
		sum += one.loss;
		tt_source_close(&source);
	}
	assert_near(all.loss, sum / SAMPLES, 1e-5);
	assert_near(all.weight, SAMPLES, 0);
	tt_session_free(&session);
	tt_model_free(&m);
}

/* ---- what is wrong ---- */

static void check_refused(const char *infinity, int32_t label, int words, const char *why)
{
	tt_model *m = tiny_model(spec, "model.ctc_zero_infinity", infinity, NULL);
	const int64_t two[2] = { 1, 2 }, in[2] = { 0, words }, out[2] = { 0, 2 };
	const int32_t labels[2] = { label, label };
	tt_metrics got = TT_SIZED(tt_metrics);
	tt_session *session;
	struct columns s;
	tt_source *source;

	batch_of(&s, 0, 1);
	s.c[0].data = two;
	s.c[0].offsets = in;
	s.c[1].data = labels;
	s.c[1].offsets = out;
	source = source_of(&s.batch);
	assert_ok(tt_session_new(&session, m, NULL));
	if (why) {
		assert_status(tt_session_evaluate(session, source, &got), TT_EFORMAT);
		assert_error(why);
	} else {
		assert_ok(tt_session_evaluate(session, source, &got));
		assert_near(got.loss, 0, 0);
	}
	tt_source_close(&source);
	tt_session_free(&session);
	tt_model_free(&m);
}

static void labels_that_cannot_be_spelt_are_named_or_lose_nothing(void **state)
{
	(void)state;
	check_refused("no", 2, 2, "sample 0: 2 labels with 1 of them like the one before need 3 "
	              "places, the sequence has 2");
	check_refused("no", 2, 0, "the sequence has 0");
	check_refused("yes", 2, 2, NULL);
	check_refused("yes", 2, 0, NULL);
	check_refused("yes", 0, 2, "holds the blank, class 0");
	check_refused("no", -1, 2, "label -1, and the model has 0 to 3");
}

static void a_net_that_cannot_spell_says_so(void **state)
{
	static const struct { const char *key, *value, *why; } wrong[] = {
		{ "model.layers", "[embedding: {rows: 4, dim: 8}, seqpool: {pool: mean}, dense: {out: 4}]",
		  "spells labels along the places of a sequence" },
		{ "model.ctc_blank", "4", "model.ctc_blank is 4, and the last layer's classes are 0 to 3" },
		{ "model.outputs", "{aux: {from: dense1, loss: cross_entropy}}", "takes another kind" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		tt_spec *s = tiny_spec(spec, wrong[i].key, wrong[i].value, NULL);
		tt_model *m = NULL;

		assert_true(tt_model_new(&m, s) != TT_OK);
		assert_error(wrong[i].why);
		tt_spec_free(&s);
	}
}

static void a_target_that_is_no_list_is_refused(void **state)
{
	tt_model *m = tiny_model(spec, NULL);
	int32_t label[SAMPLES] = { 1, 2, 3 };
	tt_metrics got = TT_SIZED(tt_metrics);
	tt_session *session;
	struct columns s;
	tt_source *source;

	(void)state;
	batch_of(&s, 0, SAMPLES);
	s.c[1] = *TT_COLUMN(.name = "said", .type = TT_I32, .data = label);
	assert_ok(tt_source_from_memory(&source, TT_SCHEMA(
		.columns = 2, .column = s.at, .target = "said", .kind = TT_TARGET_CLASS,
		.classes = CLASSES), SAMPLES));
	assert_ok(tt_session_new(&session, m, NULL));
	assert_status(tt_session_evaluate(session, source, &got), TT_ESHAPE);
	assert_error("spells a list of labels for each sample");
	tt_source_close(&source);
	tt_session_free(&session);
	tt_model_free(&m);
}

/* ---- two outputs, steps of the caller's own ---- */

static void a_second_output_spells_the_same_labels(void **state)
{
	tt_model *m = tiny_model(spec, "model.outputs",
	                         "{aux: {from: side, weight: 0.5}}", "model.layers",
	                         "[embedding: {rows: 4, dim: 8}, dense: {out: 4, name: side},"
	                         " dense: {out: 4, from: embedding1}]", NULL);
	tt_step_result first = TT_SIZED(tt_step_result), last = TT_SIZED(tt_step_result);
	struct columns s;
	tt_learner *l;

	(void)state;
	assert_ok(tt_learner_new(&l, m, TT_LEARNER_OPTS(.target = "said")));
	for (int i = 0; i < 60; i++)
		assert_ok(tt_learner_step(l, batch_of(&s, 0, 13), NULL, i ? &last : &first));
	assert_true(last.loss < first.loss / 2);
	tt_learner_free(&l);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_learns_to_spell_and_workers_learn_the_same),
		cmocka_unit_test(what_fills_up_a_batch_changes_nothing),
		cmocka_unit_test(labels_that_cannot_be_spelt_are_named_or_lose_nothing),
		cmocka_unit_test(a_net_that_cannot_spell_says_so),
		cmocka_unit_test(a_target_that_is_no_list_is_refused),
		cmocka_unit_test(a_second_output_spells_the_same_labels),
	};

	return cmocka_run_group_tests(tests, make_rows, NULL);
}
