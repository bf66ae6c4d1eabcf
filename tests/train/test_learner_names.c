/* A learner's model knows its data by name: columns, features and classes. */
#include "support/support.h"

#include <tutti/learner.h>

#include "learn/nn/model.h"
#include "support/tiny.h"

#define TRAIN "train: {batch: 16, threads: 1, tune_kernels: no}\n"
#define FEATURES 3
static const char *const feature_names[] = { "length", "width", "height" };
static const char *const other_order[] = { "height", "length", "width" };
static const char *const fruit[] = { "apple", "pear", "plum" };
static const char *const fruit_other_order[] = { "pear", "apple", "plum" };
#define FRUIT .classes = 3, .class_names = fruit
static const float of_fruit[4 * FEATURES] = { 1, 2, 3, 4, 0, 2, 1, 1, 5, 0, 3, 1 };
static const int32_t kind_of[4] = { 0, 1, 2, 1 };

static tt_model *fruit_net(void)
{
	return tiny_model("name: fruit\nmodel: {input: [3], layers: [dense: {out: 3}]}\n"
	                  "data: {mean: [0.5, 1, 2], std: [1, 2, 4]}\n" TRAIN, NULL);
}

static tt_learner *learner(tt_model *m)
{
	tt_learner *l;

	assert_ok(tt_learner_new(&l, m, NULL));
	return l;
}

static void assert_same(const tt_model *a, const tt_model *b)
{
	assert_int_equal(a->param_count, b->param_count);
	assert_memory_equal(a->params, b->params, a->param_count * sizeof *a->params);
}

struct columns { tt_column x, y; const tt_column *at[2]; tt_batch batch; };

/* Four samples. */
static const tt_batch *batch(struct columns *c, const float *x, int64_t numbers,
                             const char *const *features)
{
	c->x = (tt_column){ .size = sizeof c->x, .name = "measures", .type = TT_F32, .ndim = 1,
	                    .shape = { numbers }, .features = features, .data = x };
	c->y = (tt_column){ .size = sizeof c->y, .name = "label", .type = TT_I32, .data = kind_of };
	c->at[0] = &c->x;
	c->at[1] = &c->y;
	c->batch = (tt_batch){ .size = sizeof c->batch, .columns = 2, .column = c->at, .n = 4 };
	return &c->batch;
}

/* The same samples in either order of the features. */
static const tt_batch *measured(struct columns *c, const char *const *order)
{
	static float moved[4 * FEATURES];

	for (int i = 0; i < 4; i++)
		for (int f = 0; f < FEATURES; f++)
			moved[i * FEATURES + f] = of_fruit[i * FEATURES + (f + FEATURES - 1) % FEATURES];
	return batch(c, order == other_order ? moved : of_fruit, FEATURES, order);
}

static void a_model_learns_the_names_of_the_first_batch(void **state)
{
	const char *path = test_path(test_temp_dir(), "names.safetensors");
	tt_model *m = fruit_net(), *again;
	const tt_signature *s;
	struct columns c;
	tt_learner *l;

	(void)state;
	assert_string_equal(tt_model_signature(m)->data->target, "label");
	assert_ok(tt_learner_new(&l, m, TT_LEARNER_OPTS(FRUIT)));
	assert_false(tt_model_signature(m)->known);
	assert_ok(tt_learner_step(l, measured(&c, feature_names), NULL, NULL));
	assert_ok(tt_learner_save(l, path));
	assert_ok(tt_model_load(&again, path));
	s = tt_model_signature(again);
	assert_true(s->known);
	assert_string_equal(s->data->column[0]->name, "measures");
	assert_string_equal(s->data->column[0]->features[2], "height");
	assert_string_equal(s->data->target, "label");
	assert_int_equal(s->data->kind, TT_TARGET_CLASS);
	assert_string_equal(s->data->class_names[1], "pear");
	tt_learner_free(&l);
	tt_model_free(&m);
	tt_model_free(&again);
}

/* mean and std are the features', too. */
static void features_are_found_by_name(void **state)
{
	tt_model *a = fruit_net(), *b = fruit_net();
	tt_learner *one = learner(a), *two = learner(b);
	tt_metrics here = TT_SIZED(tt_metrics), there = TT_SIZED(tt_metrics);
	struct columns c;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_ok(tt_learner_step(one, measured(&c, feature_names), NULL, NULL));
		assert_ok(tt_learner_step(two, measured(&c, i % 2 ? other_order : feature_names), NULL,
		                          NULL));
	}
	assert_same(a, b);
	assert_ok(tt_learner_evaluate(one, measured(&c, feature_names), &here));
	assert_ok(tt_learner_evaluate(one, measured(&c, other_order), &there));
	assert_true(here.loss == there.loss);
	measured(&c, fruit);
	assert_status(tt_learner_step(one, &c.batch, NULL, NULL), TT_ESHAPE);
	assert_error("no feature 'length'");
	tt_learner_free(&one);
	tt_learner_free(&two);
	tt_model_free(&a);
	tt_model_free(&b);
}

static void other_names_than_the_models_are_refused(void **state)
{
	const char *path = test_path(test_temp_dir(), "order.safetensors");
	tt_model *a = fruit_net(), *b = fruit_net();
	tt_learner *one, *two = learner(b), *other;
	struct columns c;

	(void)state;
	assert_ok(tt_learner_new(&one, a, TT_LEARNER_OPTS(FRUIT)));
	assert_ok(tt_learner_step(one, measured(&c, feature_names), NULL, NULL));
	assert_ok(tt_learner_save(one, path));
	assert_ok(tt_learner_new(&other, a, TT_LEARNER_OPTS(.classes = 3,
	                         .class_names = fruit_other_order)));
	assert_status(tt_learner_step(other, measured(&c, feature_names), NULL, NULL), TT_ESHAPE);
	assert_error("class 0 is 'pear' here and 'apple' to the model");
	tt_learner_free(&other);
	assert_status(tt_learner_new(&other, a, TT_LEARNER_OPTS(.classes = 3)), TT_EINVAL);
	assert_ok(tt_learner_new(&other, a, TT_LEARNER_OPTS(.classes = 2, .class_names = fruit)));
	assert_status(tt_learner_step(other, measured(&c, feature_names), NULL, NULL), TT_EINVAL);
	tt_learner_free(&other);
	assert_ok(tt_learner_step(two, measured(&c, other_order), NULL, NULL));
	assert_status(tt_learner_load(two, path), TT_ESHAPE);
	assert_error("feature 0");
	tt_learner_free(&one);
	tt_learner_free(&two);
	tt_model_free(&a);
	tt_model_free(&b);
}

static void a_loaded_learner_knows_the_names(void **state)
{
	const char *path = test_path(test_temp_dir(), "known.safetensors");
	tt_model *a = fruit_net(), *b = fruit_net();
	tt_learner *one, *two = learner(b);
	struct columns c;

	(void)state;
	assert_ok(tt_learner_new(&one, a, TT_LEARNER_OPTS(FRUIT)));
	assert_ok(tt_learner_step(one, measured(&c, feature_names), NULL, NULL));
	assert_ok(tt_learner_save(one, path));
	assert_ok(tt_learner_load(two, path));
	assert_string_equal(tt_model_signature(b)->data->class_names[2], "plum");
	assert_ok(tt_learner_step(one, measured(&c, feature_names), NULL, NULL));
	assert_ok(tt_learner_step(two, measured(&c, other_order), NULL, NULL));
	assert_same(a, b);
	tt_learner_free(&one);
	tt_learner_free(&two);
	tt_model_free(&a);
	tt_model_free(&b);
}

/* Targets of more dimensions are a row of values; one column may be both input and target. */
static void values_of_any_shape_are_learnt(void **state)
{
	static const char *const text =
		"name: same\nmodel: {input: [64], loss: mse, layers: [dense: {out: 64}]}\n" TRAIN;
	static const float numbers[4 * 64] = { 1, 2, 3 };
	tt_model *m = tiny_model(text, NULL);
	tt_learner *l = learner(m);
	const tt_batch *b;
	struct columns c;

	(void)state;
	b = batch(&c, numbers, 64, NULL);
	c.x.ndim = 3;
	c.x.shape[0] = 1;
	c.x.shape[1] = c.x.shape[2] = 8;
	c.y = c.x;
	c.y.name = "label";
	assert_ok(tt_learner_step(l, b, NULL, NULL));
	assert_true(tt_model_signature(m)->known);
	assert_int_equal(tt_model_signature(m)->data->kind, TT_TARGET_VALUES);
	tt_learner_free(&l);
	assert_ok(tt_model_unbind(m));
	assert_ok(tt_learner_new(&l, m, TT_LEARNER_OPTS(.input = "measures",
	                         .target = "measures")));
	assert_ok(tt_learner_step(l, batch(&c, numbers, 64, NULL), NULL, NULL));
	tt_learner_free(&l);
	tt_model_free(&m);
}

/* What the model has learnt is found by its name, and nothing else is taken for it. */
static void columns_are_found_by_the_names_that_the_model_knows(void **state)
{
	tt_model *m = fruit_net();
	tt_learner *l = learner(m), *told;
	struct columns c;

	(void)state;
	assert_ok(tt_learner_step(l, measured(&c, NULL), NULL, NULL));
	measured(&c, NULL);
	c.x.name = "weights";
	assert_status(tt_learner_step(l, &c.batch, NULL, NULL), TT_EINVAL);
	assert_error("no column 'measures', but 'weights'");
	measured(&c, NULL);
	c.y.name = "kind";
	assert_status(tt_learner_step(l, &c.batch, NULL, NULL), TT_EINVAL);
	assert_error("no column 'label'");
	tt_learner_free(&l);
	l = learner(m);                                 /* another learner of the same model */
	measured(&c, NULL);
	c.x.name = "weights";
	assert_status(tt_learner_step(l, &c.batch, NULL, NULL), TT_EINVAL);
	assert_ok(tt_learner_new(&told, m, TT_LEARNER_OPTS(.input = "weights")));
	assert_ok(tt_learner_step(told, &c.batch, NULL, NULL));
	tt_learner_free(&told);
	tt_learner_free(&l);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_model_learns_the_names_of_the_first_batch),
		cmocka_unit_test(features_are_found_by_name),
		cmocka_unit_test(other_names_than_the_models_are_refused),
		cmocka_unit_test(a_loaded_learner_knows_the_names),
		cmocka_unit_test(values_of_any_shape_are_learnt),
		cmocka_unit_test(columns_are_found_by_the_names_that_the_model_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
