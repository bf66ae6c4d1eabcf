/* data.normalise through the API: found once, kept by whatever is made from the model. */
#include "support/support.h"

#include <string.h>

#include <tutti/learner.h>
#include <tutti/session.h>
#include <tutti/train.h>

#include "base/mem.h"

static float far[64][2];
static int32_t label[64];

static tt_source *source(int count, float shift)
{
	static tt_column x, y;
	static const tt_column *columns[] = { &x, &y };
	tt_source *s;

	for (int i = 0; i < 64; i++) {
		far[i][0] = 1e5f + shift + (float)(i % 2);
		far[i][1] = 3;
		label[i] = i % 2;
	}
	x = *TT_COLUMN(.name = "x", .type = TT_F32, .ndim = 1, .shape = { 2 }, .data = far);
	y = *TT_COLUMN(.name = "kind", .type = TT_I32, .data = label);
	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = columns,
		.target = "kind", .kind = TT_TARGET_CLASS, .classes = 2), count));
	return s;
}

static tt_model *net(void)
{
	tt_spec *s;
	tt_model *m;

	assert_ok(tt_spec_parse(&s, "net", "data: {normalise: standard}\n"
	                        "model: {input: [2], layers: [dense: {out: 2}]}\n"
	                        "train: {epochs: 1, batch: 16, threads: 1, tune_kernels: no}\n"));
	assert_ok(tt_model_new(&m, s));
	tt_spec_free(&s);
	return m;
}

static void says(const tt_model *m, double mean, double std)
{
	const tt_signature *s = tt_model_signature(m);

	assert_int_equal(s->means, 2);
	assert_near(s->mean[0], mean, 1e-9);
	assert_near(s->std[0], std, 1e-9);
	assert_true(s->std[1] == 1);
}

static tt_status train(tt_model *m, tt_source *s)
{
	tt_trainer *t = NULL;
	tt_status st = tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s));

	if (st == TT_OK)
		st = tt_trainer_run(t);
	tt_trainer_free(&t);
	return st;
}

static void what_was_found_is_kept_and_used(void **state)
{
	const char *path = test_path(test_temp_dir(), "m.safetensors");
	const tt_source_info info = { .size = sizeof info, .count = 1, .ndim = 1, .shape = { 2 },
	                              .type = TT_SAMPLE_F32 };
	const float raw[] = { 1e5f + 1, 3 };
	tt_source *s = source(64, 0);
	tt_model *m = net(), *again;
	tt_session *use;
	float x[2];

	(void)state;
	assert_ok(train(m, s));
	says(m, 1e5 + 0.5, 0.5);
	assert_ok(tt_model_save(m, path));
	assert_ok(tt_model_load(&again, path));
	says(again, 1e5 + 0.5, 0.5);
	assert_ok(tt_session_new(&use, again, NULL));
	assert_ok(tt_session_normalise(use, &info, raw, x));
	assert_near(x[0], 1, 0);
	assert_near(x[1], 0, 0);
	tt_session_free(&use);
	tt_source_close(&s);
	s = source(64, 500);                    /* other data: the net keeps what it was trained with */
	assert_ok(train(again, s));
	says(again, 1e5 + 0.5, 0.5);
	tt_source_close(&s);
	tt_model_free(&again);
	tt_model_free(&m);
}

static void a_learner_has_no_data_to_find_them_in(void **state)
{
	tt_learner *l = NULL;
	tt_model *m = net();

	(void)state;
	assert_status(tt_learner_new(&l, m, NULL), TT_ESPEC);
	assert_error("give data.mean and data.std");
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_found_is_kept_and_used),
		cmocka_unit_test(a_learner_has_no_data_to_find_them_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
