/* Keras models: those of tests/keras, which Keras has made (make.py there), give its answers, and
 * travel out and in again to the bit. */
#include "support/answers.h"
#include "support/support.h"

#include <stdio.h>
#include <string.h>

#include <tutti/files.h>
#include <tutti/session.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/keras/h5.h"
#include "learn/keras/keras.h"

static const char *file(const char *name)
{
	static char path[1024];

	snprintf(path, sizeof path, "tests/keras/%s", name);
	return test_source(path);
}

static void need_hdf5(void)
{
	const struct h5_ops *ops;

	if (h5_find(&ops) != TT_OK)
		test_skip("libhdf5 is not built in");
}

/* The input of make.py, c channels of h x w last, as tutti has it. */
static void input(const int64_t shape[3], int64_t samples, float *out)
{
	const int64_t h = shape[0], w = shape[1], c = shape[2], all = h * w * c;

	for (int64_t i = 0; i < samples * all; i++) {
		const int64_t at = i % all, channel = at % c, place = at / c;

		out[i / all * all + channel * h * w + place] = answers_input(i);
	}
}

static void says(const tt_model *m, const char *word, const int64_t shape[3])
{
	float x[1024], want[64], got[64];
	const int n = answers_read(file("answers.txt"), word, want, 64);
	tt_session *s;

	input(shape, 2, x);
	assert_ok(tt_session_new(&s, m, TT_SESSION_OPTS(.threads = 1)));
	assert_int_equal(tt_session_outputs(s) * 2, n);
	assert_ok(tt_session_run(s, x, 2, got));
	assert_floats_near(got, want, (size_t)n, 2e-6);
	tt_session_free(&s);
}

static void round_trip(const char *name, const char *word, const int64_t shape[3])
{
	static const char *const kinds[] = { "again.keras", "again.h5" };
	tt_model *m, *again;

	assert_ok(tt_file_read(&m, file(name)));
	says(m, word, shape);
	for (size_t i = 0; i < 2; i++) {
		const char *path = test_path(test_temp_dir(), kinds[i]);

		assert_ok(tt_file_write(m, "keras", path, TT_FILE_F32));
		assert_ok(tt_file_read(&again, path));
		says(again, word, shape);
		if (strcmp(word, "chain") == 0)
			answers_same_tensors(m, again);         /* layers in the same order */
		tt_model_free(&again);
	}
	tt_model_free(&m);
}

static void models_give_the_answers_of_keras_and_go_back(void **state)
{
	const int64_t image[3] = { 9, 7, 3 }, row[3] = { 1, 1, 12 };

	(void)state;
	need_hdf5();
	round_trip("net.keras", "net", image);
	round_trip("net.h5", "net", image);
	round_trip("chain.keras", "chain", row);
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static void what_is_not_there_is_refused(void **state)
{
	char *bytes;
	size_t n;
	tt_model *m = NULL;

	(void)state;
	need_hdf5();
	assert_status(tt_file_read(&m, file("lacks.keras")), TT_ESUPPORT);
	assert_error("layer twice (UpSampling2D): tutti has no such layer");
	assert_status(tt_file_read(&m, file("none.keras")), TT_ENOENT);
	assert_status(tt_file_read(&m, "x.onx"), TT_EFORMAT);
	assert_ok(file_read_all(file("net.keras"), 0, &bytes, &n));
	for (size_t cut = 0; cut < n; cut += n / 7) {
		const char *path = test_path(test_temp_dir(), "cut.keras");

		write_file(path, bytes, cut);
		assert_true(tt_file_read(&m, path) != TT_OK);
	}
	mem_free(bytes);
	assert_null(m);
}

static void what_keras_does_otherwise_is_not_written(void **state)
{
	const char *path = test_path(test_temp_dir(), "none.keras");
	tt_model *m = NULL;
	tt_spec *s;

	(void)state;
	need_hdf5();
	assert_ok(tt_spec_parse(&s, "norm.yaml", "model: {input: [2, 4, 4], layers: [conv2d: {out: 3}, "
	                        "layernorm, flatten, dense: {out: 2}]}"));
	assert_ok(tt_model_new(&m, s));
	assert_status(tt_file_write(m, "keras", path, TT_FILE_F32), TT_ESUPPORT);
	assert_error("works along the width of an image");
	assert_false(file_exists(path));
	tt_model_free(&m);
	tt_spec_free(&s);
}

/* A head that training alone has is no layer of the file, and its loss none of the answer's. */
static void what_the_answer_does_not_need_stays_here(void **state)
{
	const char *path = test_path(test_temp_dir(), "heads.keras");
	tt_model *m = NULL, *again = NULL;
	tt_spec *s;
	tt_tensor t = TT_SIZED(tt_tensor);

	(void)state;
	need_hdf5();
	assert_ok(tt_spec_parse(&s, "heads.yaml", "model: {input: [4], layers: ["
	                        "dense: {name: body, out: 3}, dense: {name: side, out: 2}, "
	                        "dense: {name: fc, from: body, out: 2}], "
	                        "outputs: {side: {from: side}}}"));
	assert_ok(tt_model_new(&m, s));
	assert_ok(tt_file_write(m, "keras", path, TT_FILE_F32));
	assert_ok(tt_file_read(&again, path));
	assert_int_equal(tt_model_tensors(again), 4);
	assert_ok(tt_model_tensor(again, 3, &t));
	assert_string_equal(t.name, "fc.bias");
	tt_model_free(&m);
	tt_model_free(&again);
	tt_spec_free(&s);
}

/* hostile.py made them. */
static void numbers_from_elsewhere_are_refused(void **state)
{
	static const struct { const char *file, *says; } all[] = {
		{ "link.keras", "there is no such array" },
		{ "storage.keras", "its numbers lie in another file" },
		{ "view.keras", "its numbers lie in another file" },
		{ "bomb.keras", "model.weights.h5 unpacks to more than the" },
	};
	tt_model *m = NULL;

	(void)state;
	need_hdf5();
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		assert_status(tt_file_read(&m, file(all[i].file)), TT_EFORMAT);
		assert_error(all[i].says);
	}
}

/* Each layer reads the one that is written behind it: time grows as their number. */
static void many_layers_the_wrong_way_round_are_read_soon(void **state)
{
	enum { LAYERS = 5000 };
	struct str text = {0};
	tt_spec *s = NULL;

	(void)state;
	str_add(&text, "{\"class_name\":\"Functional\",\"config\":{\"name\":\"n\",\"layers\":[");
	for (int i = LAYERS; i > 0; i--)
		str_addf(&text, "{\"class_name\":\"ReLU\",\"config\":{\"name\":\"r%d\"},"
		         "\"inbound_nodes\":[[[\"r%d\",0,0,{}]]]},", i, i - 1);
	str_addf(&text, "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"r0\","
	         "\"batch_shape\":[null,8]},\"inbound_nodes\":[]}],"
	         "\"input_layers\":[[\"r0\",0,0]],\"output_layers\":[[\"r%d\",0,0]]}}", LAYERS);
	assert_ok(str_status(&text));
	assert_ok(keras_parse_config("f", text.p, text.len, &s));
	tt_spec_free(&s);
	str_release(&text);
}

static void architectures_that_lie_are_refused(void **state)
{
#define HEAD "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"n\",\"layers\":["
#define INPUT "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"i\",\"batch_shape\":[null,8]}}"
#define BEHIND(name, from) "{\"class_name\":\"Dense\",\"name\":\"" name "\",\"config\":{" \
	"\"name\":\"" name "\",\"units\":2},\"inbound_nodes\":[[[\"" from "\",0,0,{}]]]}"
	static const struct { const char *text, *why; } rows[] = {
		{ "[]", "is no map" }, { "{}", "no list of layers" },
		{ HEAD "]}}", "no list of layers" },
		{ HEAD "{\"class_name\":\"Dense\"}]}}", "a layer has no config" },
		{ HEAD INPUT "," INPUT "]}}", "two layers have one name" },
		{ HEAD "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"i\",\"batch_shape\":"
		  "[null,null,null,3]}}]}}", "no fixed size" },
		{ HEAD "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"i\"}}]}}", "0 dimensions" },
		{ HEAD INPUT ",{\"class_name\":\"Dense\",\"config\":{\"name\":\"d\",\"units\":3,"
		  "\"activation\":\"mish\"}}]}}",
		  "layer d (Dense): tutti has not got its activation" },
		{ HEAD INPUT ",{\"class_name\":\"Conv2D\",\"config\":{\"name\":\"c\",\"kernel_size\":[3,3],"
		  "\"data_format\":\"channels_first\"}}]}}", "channels_first" },
		{ "{\"class_name\":\"Functional\",\"config\":{\"layers\":[" INPUT "," BEHIND("d", "i")
		  "," BEHIND("e", "d") "],\"input_layers\":[[\"i\",0,0]],"
		  "\"output_layers\":[[\"d\",0,0]]}}", "layer e is no part of its answer" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		tt_spec *s = NULL;

		assert_true(keras_parse_config("x.json", rows[i].text, strlen(rows[i].text), &s) != TT_OK);
		assert_error(rows[i].why);
		assert_null(s);
	}
}

#define BATCHNORM(axis) "{\"class_name\":\"BatchNormalization\",\"config\":{\"name\":\"b\"," \
	"\"axis\":" axis "}}"
#define LAYER(class_name) ",{\"class_name\":\"" class_name "\",\"config\":{\"name\":\"" \
	class_name "\"}},"

/* Axis 1 is the last of features and the height of pictures. */
static void channels_are_the_last_axis(void **state)
{
#define PICTURES "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"i\"," \
	"\"batch_shape\":[null,4,4,4]}}"
#define END ",{\"class_name\":\"Dense\",\"config\":{\"name\":\"d\",\"units\":2}}]}}"
	static const struct { const char *text; int fits; } rows[] = {
		{ HEAD PICTURES "," BATCHNORM("3") LAYER("Flatten") BATCHNORM("[1]") END, 1 },
		{ HEAD PICTURES "," BATCHNORM("-1") LAYER("Flatten") BATCHNORM("-1") END, 1 },
		{ HEAD PICTURES "," BATCHNORM("1") LAYER("Flatten") BATCHNORM("1") END, 0 },
		{ HEAD PICTURES "," BATCHNORM("[1]") LAYER("Flatten") BATCHNORM("1") END, 0 },
		{ HEAD INPUT "," BATCHNORM("1") END, 1 },
		{ HEAD INPUT "," BATCHNORM("3") END, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str text = { 0 };
		tt_spec *s = NULL;
		char *second;

		str_add(&text, rows[i].text);                   /* two layers have two names */
		if ((second = strstr(text.p, "\"Flatten\"")) && (second = strstr(second, "\"b\"")))
			second[1] = 'c';
		if (rows[i].fits) {
			assert_ok(keras_parse_config("x.json", text.p, text.len, &s));
		} else {
			assert_status(keras_parse_config("x.json", text.p, text.len, &s), TT_ESUPPORT);
			assert_error("its axis is not the channels");
		}
		tt_spec_free(&s);
		str_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels_are_the_last_axis),
		cmocka_unit_test(models_give_the_answers_of_keras_and_go_back),
		cmocka_unit_test(what_is_not_there_is_refused),
		cmocka_unit_test(what_keras_does_otherwise_is_not_written),
		cmocka_unit_test(what_the_answer_does_not_need_stays_here),
		cmocka_unit_test(numbers_from_elsewhere_are_refused),
		cmocka_unit_test(many_layers_the_wrong_way_round_are_read_soon),
		cmocka_unit_test(architectures_that_lie_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
