/* What a net knows of its data, and how data of another order are shown to it. */
#include "support/support.h"

#include <stdio.h>
#include <string.h>

#include <tutti/session.h>
#include <tutti/train.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/nn/model.h"
#include "learn/nn/signature.h"

/* ---- nets and tables ---- */

static tt_model *net(const char *input, int outputs, const char *loss)
{
	char text[300];
	tt_spec *s;
	tt_model *m;

	snprintf(text, sizeof text, "data: {mean: 0.5, std: [2]}\nmodel: {input: %s, loss: %s, layers: "
	         "[flatten, dense: {out: %d}]}\n", input, loss, outputs);
	assert_ok(tt_spec_parse(&s, "net", text));
	assert_ok(tt_model_new(&m, s));
	tt_spec_free(&s);
	return m;
}

/* A table of two rows: features in this order, one class for each row. */
struct table {
	const char *features[4], *classes[4];
	float       x[2][4];
	int64_t     label[2];
	const char *name, *target;
	int         n_features, n_classes;
};

static tt_source *table_source(const struct table *t)
{
	const tt_column x = { .size = sizeof x, .type = TT_F32, .name = t->name ? t->name : "x",
	                      .ndim = 1, .shape = { t->n_features }, .data = t->x,
	                      .features = t->features[0] ? t->features : NULL };
	const tt_column y = { .size = sizeof y, .type = TT_I64, .name = t->target ? t->target : "kind",
	                      .data = t->label };
	const tt_column *columns[] = { &x, &y };
	tt_source *s;

	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(
		.columns = 2, .column = columns, .target = y.name, .kind = TT_TARGET_CLASS,
		.classes = t->n_classes, .class_names = t->classes[0] ? t->classes : NULL), 2));
	return s;
}

#define ROWS(n) { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } }, .n_features = n

/* x has rows of n_features numbers: a table of two features uses { 1, 2 } and { 3, 4 }. */
static const struct table fruit = { .features = { "length", "width" },
	.classes = { "apple", "pear", "plum" }, .n_classes = 3, .label = { 0, 1 }, .x = ROWS(2) };

static tt_model *trained_on(const struct table *t)
{
	tt_model *m = net("[2]", 3, "cross_entropy");
	tt_source *s = table_source(t);

	assert_ok(nn_bind(m, tt_source_schema(s)));
	tt_source_close(&s);
	return m;
}

/* ---- what is known ---- */

static void a_new_net_knows_what_its_spec_says(void **state)
{
	tt_model *m = net("[1, 4, 4]", 3, "cross_entropy");
	const tt_signature *s = tt_model_signature(m);

	(void)state;
	assert_int_equal(s->known, 0);
	assert_string_equal(s->data->column[0]->name, "x");
	assert_int_equal(s->data->column[0]->ndim, 3);
	assert_int_equal(s->data->column[0]->shape[2], 4);
	assert_int_equal(s->data->kind, TT_TARGET_CLASS);
	assert_int_equal(s->data->classes, 3);
	assert_null(s->data->class_names);
	assert_string_equal(s->output->name, "probabilities");
	assert_int_equal(s->output->shape[0], 3);
	assert_int_equal(s->means, 1);
	assert_near(s->mean[0], 0.5, 0);
	assert_near(s->std[0], 2, 0);
	tt_model_free(&m);
	m = net("[2]", 3, "mse");
	assert_int_equal(tt_model_signature(m)->data->kind, TT_TARGET_VALUES);
	assert_string_equal(tt_model_signature(m)->output->name, "values");
	tt_model_free(&m);
}

static void data_give_their_names_until_they_are_taken_back(void **state)
{
	tt_model *m = trained_on(&fruit);
	const tt_signature *s = tt_model_signature(m);

	(void)state;
	assert_int_equal(s->known, 1);
	assert_string_equal(s->data->column[0]->features[1], "width");
	assert_string_equal(s->data->target, "kind");
	assert_string_equal(s->data->class_names[2], "plum");
	assert_int_equal(s->means, 1);
	assert_ok(tt_model_unbind(m));
	s = tt_model_signature(m);
	assert_int_equal(s->known, 0);
	assert_null(s->data->class_names);
	assert_near(s->mean[0], 0.5, 0);
	tt_model_free(&m);
}

/* ---- as many rows as there are things ---- */

static tt_status bind_rows(int rows, const char *recipe, enum tt_target_kind kind)
{
	const int places = kind == TT_TARGET_PLACES;
	char text[400];
	const tt_column *column[] = {
		TT_COLUMN(.name = "colour", .type = TT_I32, .ndim = places, .shape = { places ? -1 : 0 }),
		TT_COLUMN(.name = "kind", .type = TT_I32, .ndim = places, .shape = { places ? -1 : 0 }) };
	tt_spec *s;
	tt_model *m;
	tt_status st;

	snprintf(text, sizeof text, "model: {inputs: {colour: {shape: [%d], type: i32}}, layers: [\n"
	         "embedding: {rows: %d, dim: 2}, %sdense: {out: 3}]}\n", places ? -1 : 1, rows,
	         places ? "" : "flatten, ");
	assert_ok(tt_spec_parse(&s, "net", text));
	assert_ok(tt_model_new(&m, s));
	st = nn_bind(m, TT_SCHEMA(.columns = 2, .column = column, .target = "kind", .kind = kind,
	                          .classes = 3, .recipe = recipe));
	assert_int_equal(m->signature->view.known, st == TT_OK);
	tt_spec_free(&s);
	tt_model_free(&m);
	return st;
}

static void an_embedding_has_a_row_for_each_thing_or_training_never_begins(void **state)
{
	static const char category[] = "{\"columns\": [{\"name\": \"colour\", \"kind\": "
		"\"category\", \"apart\": true, \"values\": [\"blue\", \"green\", \"red\"]}]}";
	static const char text[] = "{\"tokenizer\": {}}";

	(void)state;
	assert_status(bind_rows(3, category, TT_TARGET_CLASS), TT_ESHAPE);
	assert_contains(tt_last_error(), "column 'colour' is numbered 0 to 3");
	assert_contains(tt_last_error(), "embedding 'embedding1'");
	assert_contains(tt_last_error(), "rows: 4, or more");
	assert_ok(bind_rows(4, category, TT_TARGET_CLASS));
	assert_status(bind_rows(2, text, TT_TARGET_PLACES), TT_ESHAPE);
	assert_contains(tt_last_error(), "rows: 3, or more");
	assert_ok(bind_rows(3, text, TT_TARGET_PLACES));
	assert_ok(bind_rows(2, NULL, TT_TARGET_CLASS));        /* nobody knows how many */
}

/* ---- files ---- */

static void a_checkpoint_keeps_all_of_it(void **state)
{
	const char *path = test_path(test_temp_dir(), "m.safetensors");
	const struct table odd = { .features = { "a \"b\"", "\xc3\xa9" }, .name = "[", .target = "{",
	                           .classes = { "", "x,y", "z" }, .n_classes = 3, .x = ROWS(2) };
	tt_model *m = trained_on(&odd), *again;
	char *before, *after;

	(void)state;
	assert_ok(tt_model_save(m, path));
	assert_ok(tt_model_load(&again, path));
	assert_ok(tt_model_signature_json(m, &before));
	assert_ok(tt_model_signature_json(again, &after));
	assert_string_equal(before, after);
	assert_contains(after, "\"type\": \"i64\"");
	assert_string_equal(tt_model_signature(again)->data->class_names[1], "x,y");
	tt_free(before);
	tt_free(after);
	tt_model_free(&m);
	tt_model_free(&again);
}

/* Version 0.1 knew names of classes and nothing else. */
static void a_checkpoint_of_version_0_1_has_what_follows_from_its_spec(void **state)
{
	const char *path = test_source("tests/golden/checkpoint-0.1.safetensors");
	const tt_signature *s;
	tt_source *source, *view;
	tt_model *m;

	(void)state;
	assert_ok(tt_model_load(&m, path));
	s = tt_model_signature(m);
	assert_int_equal(s->known, 0);
	assert_string_equal(s->data->column[0]->name, "x");
	assert_string_equal(s->data->class_names[0], "arrow");
	/* A subset of its classes is found by name. */
	assert_ok(tt_source_open(&source, "synth:objects?size=16&count=4&classes=2"));
	assert_ok(tt_source_match(&view, source, m, TT_MATCH_ALL));
	assert_int_equal(tt_source_describe(view)->classes, s->data->classes);
	tt_source_close(&view);
	tt_source_close(&source);
	tt_model_free(&m);
}

static void a_signature_that_is_none_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "[]", "{}", "{\"inputs\": []}", "{\"inputs\": [{\"name\": \"x\"}]}",
		"{\"inputs\": [{\"name\": \"x\", \"type\": \"f33\", \"shape\": [2]}]}",
		"{\"inputs\": [{\"name\": \"x\", \"type\": \"f32\", \"shape\": [3]}]}",
		"{\"inputs\": [{\"name\": \"x\", \"type\": \"f32\", \"shape\": [1, 1, 1, 1, 2]}]}",
		"{\"inputs\": [{\"name\": \"x\", \"type\": \"f32\", \"shape\": 2}]}",
		"{\"inputs\": [{\"name\": \"x\", \"type\": \"f32\", \"shape\": [2], "
		"\"features\": [\"a\"]}]}",
		"{\"inputs\": [{\"name\": \"x\", \"type\": \"f32\", \"shape\": [2]}], "
		"\"target\": {\"name\": \"y\", \"type\": \"i32\", \"shape\": [], \"kind\": \"class\", "
		"\"classes\": 2000000000, \"class_names\": []}}",
		"{\"inputs\": [{\"name\": \"x\", \"type\": \"f32\", \"shape\": [2]}], "
		"\"target\": {\"name\": \"y\", \"type\": \"i32\", \"shape\": [], \"kind\": \"sort\"}}",
		"{\"inputs\": [{\"name\": \"x\", \"type\": \"f32\", \"shape\": [2]}], \"std\": [0]}",
		"{\"inputs\": [{\"name\": \"x\", \"type\": \"f32\", \"shape\": [2]}], \"std\": [1, -2]}",
	};
	tt_model *m = net("[2]", 3, "cross_entropy");

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct signature *s = NULL;

		assert_status(signature_read(&s, m, wrong[i], "f"), TT_EFORMAT);
		assert_error("f: tutti.signature");
		assert_null(s);
	}
	tt_model_free(&m);
}

/* What a checkpoint's metadata say of one thing they say alike; nothing of it is believed else. */
static void a_checkpoint_that_contradicts_itself_is_refused(void **state)
{
	static const struct { const char *was, *is, *error; } edits[] = {
		{ "tutti.classes\":\"[\\\"apple\\\"", "tutti.classes\":\"[\\\"grape\\\"",
		  "class 0 is 'grape' in tutti.classes, 'apple' in tutti.signature" },
		{ "\\\"pear\\\", \\\"plum\\\"]\"", "\\\"pear or a plum\\\"]\"",
		  "tutti.classes has 2 names, tutti.signature 3" },
		{ "\\\"classes\\\": 3, \\\"class_names", "\\\"classes\\\": 7, \\\"other_names",
		  "tutti.signature has 7 classes, but the model 3 outputs" },
	};
	const char *path = test_path(test_temp_dir(), "m.safetensors");
	tt_model *m = trained_on(&fruit), *again = NULL;

	(void)state;
	assert_ok(tt_model_save(m, path));
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		const char *bad = test_path(test_temp_dir(), "bad.safetensors");
		char *text, *at;
		size_t n;

		assert_ok(file_read_all(path, 1 << 20, &text, &n));
		at = memmem(text, n, edits[i].was, strlen(edits[i].was));
		assert_non_null(at);
		assert_int_equal(strlen(edits[i].was), strlen(edits[i].is));
		memcpy(at, edits[i].is, strlen(edits[i].is));
		assert_ok(file_write_all(bad, text, n));
		mem_free(text);
		assert_status(tt_model_load(&again, bad), TT_EFORMAT);
		assert_error(edits[i].error);
		assert_null(again);
	}
	tt_model_free(&m);
}

/* ---- matching ---- */

static void features_and_classes_are_found_by_name(void **state)
{
	const struct table other = { .features = { "colour", "width", "length" }, .target = "sort",
		.classes = { "plum", "apple" }, .n_classes = 2, .label = { 0, 1 },
		.x = { { 9, 2, 1, 9 }, { 4, 3 } }, .n_features = 3 };
	tt_model *m = trained_on(&fruit);
	tt_source *s = table_source(&other), *view;
	const tt_schema *v;
	int32_t label[2];
	float x[2][2];

	(void)state;
	assert_ok(tt_source_match(&view, s, m, TT_MATCH_ALL));
	v = tt_source_schema(view);
	assert_string_equal(v->target, "kind");
	assert_int_equal(v->classes, 3);
	assert_string_equal(v->column[0]->features[0], "length");
	for (int i = 0; i < 2; i++)
		assert_ok(tt_source_read(view, i, x[i], &label[i], NULL));
	assert_near(x[0][0], 1, 0);
	assert_near(x[0][1], 2, 0);
	assert_near(x[1][0], 3, 0);
	assert_near(x[1][1], 4, 0);
	assert_int_equal(label[0], 2);
	assert_int_equal(label[1], 0);
	tt_source_close(&view);
	assert_ok(tt_source_match(&view, s, m, TT_MATCH_INPUTS));
	assert_int_equal(tt_source_schema(view)->columns, 1);
	assert_ok(tt_source_read(view, 1, x[0], NULL, NULL));
	assert_near(x[0][1], 4, 0);
	tt_source_close(&view);
	tt_source_close(&s);
	tt_model_free(&m);
}

static void what_fits_is_left_alone(void **state)
{
	tt_model *m = trained_on(&fruit);
	tt_source *s = table_source(&fruit), *view = s;

	(void)state;
	assert_ok(signature_view(m->signature, s, &view));
	assert_null(view);
	tt_source_close(&s);
	tt_model_free(&m);
}

static void what_does_not_fit_names_both_sides(void **state)
{
	static const struct { struct table t; const char *says; } wrong[] = {
		{ { .name = "image", .n_features = 2, .n_classes = 3 },
		  "trained on column 'x' (f32 [2]), the source has none of that name but 'image'" },
		{ { .features = { "length", "size" }, .n_features = 2, .n_classes = 3 },
		  "no feature 'width': there are length, size" },
		{ { .n_features = 3, .n_classes = 3 },
		  "the source has 3 features, the model wants 2: 1 too many" },
		{ { .features = { "length", "width" }, .classes = { "apple", "cherry" }, .n_features = 2,
		    .n_classes = 2 },
		  "does not know the source's class 'cherry': there are apple, pear, plum" },
	};
	static const float prices[] = { 1, 2 };
	const tt_column x = { .size = sizeof x, .type = TT_F32, .name = "x", .ndim = 1, .shape = { 2 },
	                      .data = fruit.x };
	const tt_column price = { .size = sizeof price, .type = TT_F32, .name = "price",
	                          .data = prices };
	const tt_column *columns[] = { &x, &price };
	tt_model *m = trained_on(&fruit);
	tt_source *s, *view = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		s = table_source(&wrong[i].t);
		assert_status(tt_source_match(&view, s, m, TT_MATCH_ALL), TT_ESHAPE);
		assert_error(wrong[i].says);
		tt_source_close(&s);
	}
	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(
		.columns = 2, .column = columns, .target = "price", .kind = TT_TARGET_VALUES), 2));
	assert_status(tt_source_match(&view, s, m, TT_MATCH_ALL), TT_ESHAPE);
	assert_error("trained to predict a class ('kind'), the source's target 'price' is values");
	assert_null(view);
	tt_source_close(&s);
	tt_model_free(&m);
}

/* A net without names takes the only input, whatever it is called. */
static void a_net_without_names_goes_by_shape(void **state)
{
	const struct table t = { .name = "anything", .n_features = 2, .n_classes = 3 };
	tt_model *m = net("[2]", 3, "cross_entropy");
	tt_source *s = table_source(&t), *view;

	(void)state;
	assert_ok(tt_source_match(&view, s, m, TT_MATCH_ALL));
	tt_source_close(&view);
	tt_source_close(&s);
	tt_model_free(&m);
}

/* ---- a whole life ---- */

/* Trained from memory, saved, and asked about the same samples in another order of everything. */
static void evaluation_does_not_depend_on_the_order_of_names(void **state)
{
	const struct table mixed = { .features = { "width", "length" },
		.classes = { "pear", "plum", "apple" }, .n_classes = 3, .label = { 2, 0 },
		.x = { { 2, 1, 4, 3 } }, .n_features = 2 };
	tt_model *m = net("[2]", 3, "cross_entropy");
	tt_source *s = table_source(&fruit), *other = table_source(&mixed);
	tt_metrics a = TT_SIZED(tt_metrics), b = TT_SIZED(tt_metrics);
	tt_session *p;
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s, .valid = other)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	assert_ok(tt_session_new(&p, m, NULL));
	assert_ok(tt_session_evaluate(p, s, &a));
	assert_ok(tt_session_evaluate(p, other, &b));
	assert_int_equal(a.samples, 2);
	assert_near(a.loss, b.loss, 0);
	assert_memory_equal(a.confusion, b.confusion, 9 * sizeof *a.confusion);
	tt_free(a.confusion);
	tt_free(b.confusion);
	tt_session_free(&p);
	tt_source_close(&s);
	tt_source_close(&other);
	tt_model_free(&m);
}

/* Weights are no input; the model knows their name, and says it again from a checkpoint. */
static void weights_are_known_by_name(void **state)
{
	static const float w[] = { 1, 2 };
	const tt_column x = { .size = sizeof x, .type = TT_F32, .name = "x", .ndim = 1, .shape = { 2 },
	                      .data = fruit.x };
	const tt_column y = { .size = sizeof y, .type = TT_I64, .name = "kind", .data = fruit.label };
	const tt_column weight = { .size = sizeof weight, .type = TT_F32, .name = "w", .data = w };
	const tt_column *columns[] = { &weight, &x, &y };
	const char *path = test_path(test_temp_dir(), "weighed.safetensors");
	tt_model *m = net("[2]", 3, "cross_entropy"), *again;
	tt_source *plain = table_source(&fruit), *s;
	tt_trainer *t;

	(void)state;
	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(
		.columns = 3, .column = columns, .target = "kind", .weight = "w",
		.kind = TT_TARGET_CLASS, .classes = 3), 2));
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s, .valid = plain)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	assert_ok(tt_model_save(m, path));
	assert_ok(tt_model_load(&again, path));
	assert_string_equal(tt_model_signature(again)->data->weight, "w");
	assert_string_equal(nn_known_columns(again).weight, "w");
	assert_int_equal(tt_model_signature(again)->data->columns, 3);
	tt_source_close(&plain);
	tt_source_close(&s);
	tt_model_free(&m);
	tt_model_free(&again);
}

/* A run goes on with the data that it began with, or says what is different. */
static void a_run_goes_on_with_the_names_it_knows(void **state)
{
	const char *dir = test_path(test_temp_dir(), "run");
	const struct table mixed = { .features = { "width", "length" },
		.classes = { "apple", "pear", "plum" }, .n_classes = 3, .x = ROWS(2) };
	const struct table strange = { .features = { "length", "width" },
		.classes = { "apple", "pear", "quince" }, .n_classes = 3, .x = ROWS(2) };
	const struct { const struct table *t; tt_status st; const char *says; } row[] = {
		{ &mixed, TT_OK, "" }, { &strange, TT_ESHAPE, "data.train: the model does not know" },
		{ &fruit, TT_OK, "" },
	};
	tt_model *m = net("[2]", 3, "cross_entropy");
	tt_source *s = table_source(&fruit);
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s, .run_dir = dir)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_source_close(&s);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		m = net("[2]", 3, "cross_entropy");
		s = table_source(row[i].t);
		assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s, .run_dir = dir,
		                                                    .resume = "auto")), row[i].st);
		if (row[i].st == TT_OK)
			tt_trainer_free(&t);
		else
			assert_error(row[i].says);
		tt_model_free(&m);
		tt_source_close(&s);
	}
}

static void a_training_that_cannot_begin_leaves_no_names(void **state)
{
	const struct table two = { .n_features = 2, .classes = { "a", "b" }, .n_classes = 2 };
	tt_model *m = net("[2]", 3, "cross_entropy");
	tt_source *s = table_source(&two);
	tt_trainer *t = NULL;

	(void)state;
	assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s)), TT_ESHAPE);
	assert_error("2 classes, the last layer has 3 outputs");
	assert_int_equal(tt_model_signature(m)->known, 0);
	tt_source_close(&s);
	s = table_source(&fruit);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s)));
	tt_trainer_free(&t);
	tt_source_close(&s);
	tt_model_free(&m);
}

static void no_allocation_may_fail_badly(void **state)
{
	const int64_t before = mem_live();
	tt_status st = TT_ENOMEM;

	(void)state;
	for (uint64_t n = 1; st != TT_OK; n++) {
		struct table other = fruit;
		tt_model *m = net("[2]", 3, "cross_entropy");
		tt_source *s = table_source(&other), *view = NULL;
		char *json = NULL;
		struct signature *again = NULL;

		assert_true(n < 1000);
		mem_fail_at(n, 1);
		if ((st = nn_bind(m, tt_source_schema(s))) == TT_OK &&
		    (st = tt_source_match(&view, s, m, TT_MATCH_ALL)) == TT_OK &&
		    (st = tt_model_signature_json(m, &json)) == TT_OK)
			st = signature_read(&again, m, json, "f");
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		signature_free(&again);
		tt_free(json);
		tt_source_close(&view);
		tt_source_close(&s);
		tt_model_free(&m);
	}
	assert_int_equal(mem_live(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_net_knows_what_its_spec_says),
		cmocka_unit_test(data_give_their_names_until_they_are_taken_back),
		cmocka_unit_test(an_embedding_has_a_row_for_each_thing_or_training_never_begins),
		cmocka_unit_test(a_checkpoint_keeps_all_of_it),
		cmocka_unit_test(a_checkpoint_of_version_0_1_has_what_follows_from_its_spec),
		cmocka_unit_test(a_signature_that_is_none_is_refused),
		cmocka_unit_test(a_checkpoint_that_contradicts_itself_is_refused),
		cmocka_unit_test(features_and_classes_are_found_by_name),
		cmocka_unit_test(what_fits_is_left_alone),
		cmocka_unit_test(what_does_not_fit_names_both_sides),
		cmocka_unit_test(a_net_without_names_goes_by_shape),
		cmocka_unit_test(evaluation_does_not_depend_on_the_order_of_names),
		cmocka_unit_test(weights_are_known_by_name),
		cmocka_unit_test(a_run_goes_on_with_the_names_it_knows),
		cmocka_unit_test(a_training_that_cannot_begin_leaves_no_names),
		cmocka_unit_test(no_allocation_may_fail_badly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
