/* ONNX models: those of tests/onnx, which PyTorch has made (make.py there), give onnxruntime's
 * answers and travel out and in again to the bit; files that lie are one line. */
#include "support/answers.h"
#include "support/support.h"

#include <stdio.h>
#include <string.h>

#include <tutti/data.h>
#include <tutti/files.h>
#include <tutti/session.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "learn/nn/model.h"
#include "learn/onnx/in/atoms.h"
#include "learn/onnx/in/read.h"
#include "learn/onnx/out/rows.h"

static tt_model *model_of(const char *text)
{
	tt_spec *s;
	tt_model *m;

	assert_ok(tt_spec_parse(&s, "net.yaml", text));
	assert_ok(tt_model_new(&m, s));
	tt_spec_free(&s);
	return m;
}

static void every_operation_is_written_or_says_why_not(void **state)
{
	(void)state;
	for (int i = 0; i < IR_OP_COUNT; i++) {
		const struct out_row *row = &onnx_out_rows[i];

		if (!row->emit == !row->why_not)
			fail_msg("%s has neither a function nor a reason, or both",
			         ir_op_name((enum ir_op)i));
	}
}

static void what_onnx_lacks_is_named_and_nothing_written(void **state)
{
	tt_model *m = model_of("name: n\nmodel:\n  input: [4, 5, 5]\n  layers:\n"
	                       "    - lrn: {size: 4, name: near}\n    - flatten\n"
	                       "    - dense: {out: 2}\n");
	const char *path = test_path(test_temp_dir(), "none.onnx");

	(void)state;
	assert_status(tt_file_write(m, "onnx", path, TT_FILE_F32), TT_ESUPPORT);
	assert_error("layer near (lrn) cannot be written for ONNX");
	assert_false(file_exists(path));
	assert_status(tt_file_write(m, "onnx", path, TT_FILE_BF16), TT_EINVAL);
	tt_model_free(&m);
}

/* ---- in ---- */

static const char *file(const char *name)
{
	static char path[1024];

	snprintf(path, sizeof path, "tests/onnx/%s", name);
	return test_source(path);
}

/* Two samples of numbers that are the same everywhere. */
static void run(const tt_model *m, float *out)
{
	const char *cache = test_path(test_temp_dir(), "kernels");
	float x[1024];
	tt_session *s;
	int64_t n;

	assert_ok(tt_session_new(&s, m, TT_SESSION_OPTS(.threads = 1, .kernel_cache = cache)));
	n = 2 * tt_session_inputs(s);
	assert_true(n <= 1024);
	for (int64_t i = 0; i < n; i++)
		x[i] = answers_input(i);
	assert_ok(tt_session_run(s, x, 2, out));
	tt_session_free(&s);
}

static void models_give_the_answers_of_onnxruntime_and_go_back(void **state)
{
	static const char *const names[] = { "mlp", "cnn", "resnet", "up", "lstm2", "state", "rnn",
	                                     "encoder" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		float want[64], got[64], once_more[64];
		char name[64];
		const char *path = test_path(test_temp_dir(), "again.onnx");
		tt_model *m, *again;
		const int n = answers_read(file("answers.txt"), names[i], want, 64);

		snprintf(name, sizeof name, "%s.onnx", names[i]);
		assert_ok(tt_file_read(&m, file(name)));
		run(m, got);
		assert_floats_near(got, want, (size_t)n, 2e-6);
		assert_ok(tt_file_write(m, "onnx", path, TT_FILE_F32));
		assert_ok(tt_file_read(&again, path));
		answers_same_tensors(m, again);
		run(again, once_more);
		assert_memory_equal(got, once_more, (size_t)n * sizeof *got);
		tt_model_free(&again);
		tt_model_free(&m);
	}
}

/* Whatever a file says of shapes; that no sum of theirs overflows UBSan looks for. */
static void dimensions_of_any_size_are_told_apart(void **state)
{
	static const int64_t dim[][3] = {
		{ 0, 0, 24 }, { INT64_MIN, 0, 24 }, { INT64_MAX, 0, -1 }, { 0, 0, INT64_MIN },
		{ -1, INT64_MAX, INT64_MAX },
	};
	struct atoms a;

	(void)state;
	for (size_t i = 0; i < sizeof dim / sizeof *dim; i++)
		for (int64_t batch = 0; batch <= 3; batch += 3) {
			atoms_init(&a, 10, 24, 0);
			assert_int_equal(atoms_reshape(&a, dim[i], 3, 1, batch), i == 0);
		}
}

static void files_that_lie_are_refused(void **state)
{
	static const struct { const char *name; tt_status st; const char *why; } rows[] = {
		{ "lacks.onnx", TT_ESUPPORT, "node sharp (Hardmax): tutti has no such layer" },
		{ "circle.onnx", TT_EFORMAT, "node one (Add) reads 'b', which nothing before it makes" },
		{ "huge.onnx", TT_EFORMAT, "'w' has an impossible shape" },
		{ "short.onnx", TT_EFORMAT, "'w' has not as many numbers as its shape says" },
		{ "unlike.onnx", TT_ESUPPORT, "node fc (Gemm): its weights do not fit what it reads" },
		{ "hollow.onnx", TT_EFORMAT, "'w' has an impossible shape" },
		{ "wide.onnx", TT_ESUPPORT, "node two (Concat): it makes a dimension of 4294967294" },
		{ "far.onnx", TT_ESUPPORT, "node away (Unsqueeze): there is no axis 9223372036854775807" },
		{ "more.onnx", TT_ESUPPORT, "node up (ConvTranspose): its output_padding is impossible" },
		{ "both.onnx", TT_ESUPPORT, "node sum (Add): a constant is added" },
		{ "none.onnx", TT_ENOENT, "none.onnx" },
	};
	tt_model *m = NULL;
	char *bytes;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_status(tt_file_read(&m, file(rows[i].name)), rows[i].st);
		assert_error(rows[i].why);
	}
	assert_ok(file_read_all(file("cnn.onnx"), 0, &bytes, &n));
	for (size_t cut = 0; cut < n; cut += n / 37)
		assert_true(onnx_read_bytes(&m, "cut", bytes, cut) != TT_OK);
	mem_free(bytes);
	assert_null(m);
}

/* Field `number` of a message, as protobuf has it. */
static void field(struct str *s, int number, const char *bytes, size_t n)
{
	char head[12] = { (char)(number << 3 | 2) };
	int k = 1;

	for (size_t left = n; left > 127; left >>= 7)
		head[k++] = (char)(left | 128);
	head[k] = (char)(n >> 7 * (k - 1));
	str_add_bytes(s, head, (size_t)k + 1);
	str_add_bytes(s, bytes, n);
}

static void add_node(struct str *graph, int from)
{
	struct str n = {0};
	char name[16];

	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "v%d", from + i);
		field(&n, 1 + i, name, strlen(name));
	}
	field(&n, 3, "act", 3);
	field(&n, 4, "Relu", 4);
	field(graph, 1, n.p, n.len);
	assert_ok(str_status(&n));
	str_release(&n);
}

/* Each layer needs a name of its own: time grows as their number. */
static void many_nodes_of_one_name_are_read_soon(void **state)
{
	enum { NODES = 9000 };
	/* float [n, 2], as a ValueInfo's type */
	static const char type[] = "\x12\x0e\x0a\x0c\x08\x01\x12\x08\x0a\x02\x12\x00\x0a\x02\x08\x02";
	struct str graph = {0}, x = {0}, y = {0}, model = {0};
	char name[16];
	tt_model *m;

	(void)state;
	for (int i = 0; i < NODES; i++)
		add_node(&graph, i);
	field(&x, 1, "v0", 2);
	str_add_bytes(&x, type, sizeof type - 1);
	field(&graph, 11, x.p, x.len);
	snprintf(name, sizeof name, "v%d", NODES);
	field(&y, 1, name, strlen(name));
	field(&graph, 12, y.p, y.len);
	field(&model, 7, graph.p, graph.len);
	field(&model, 8, "\x10\x11", 2);        /* opset 17 */
	assert_ok(str_status(&model));
	assert_ok(onnx_read_bytes(&m, "many", model.p, model.len));
	tt_model_free(&m);
	str_release(&graph);
	str_release(&x);
	str_release(&y);
	str_release(&model);
}

/* A mean and deviation in front of the net, and the names of classes, are the model's again. */
static void what_stands_in_front_of_the_net_comes_back(void **state)
{
	tt_model *m = model_of("name: n\ndata:\n  mean: [0.1307, 0.25]\n  std: [0.3081]\nmodel:\n"
	                       "  input: [2, 3, 3]\n  layers:\n    - flatten\n"
	                       "    - dense: {out: 2, name: fc}\n");
	const char *path = test_path(test_temp_dir(), "front.onnx");
	const tt_signature *s;
	tt_model *again;

	(void)state;
	assert_ok(tt_file_write(m, "onnx", path, TT_FILE_F32));
	assert_ok(tt_file_read(&again, path));
	s = tt_model_signature(again);
	assert_int_equal(s->means, 2);
	assert_int_equal(s->stds, 1);
	assert_true(s->mean[0] == 0.1307 && s->mean[1] == 0.25 && s->std[0] == 0.3081);
	answers_same_tensors(m, again);
	tt_model_free(&again);
	tt_model_free(&m);
}

/* Of a classifier that tells a label and probabilities by name, the latter are the answer; what
 * scales its features is the model's mean and deviation. */
static void classifiers_of_other_tools_come_in_with_scaling_and_names(void **state)
{
	float want[4], got[4], x[6];
	const tt_signature *s;
	tt_session *session;
	tt_model *m;

	(void)state;
	assert_ok(tt_file_read(&m, file("classes.onnx")));
	s = tt_model_signature(m);
	assert_int_equal(s->data->classes, 2);
	assert_string_equal(s->data->class_names[1], "good");
	assert_int_equal(s->means, 3);
	assert_int_equal(s->stds, 3);
	for (int i = 0; i < 6; i++)
		x[i] = (answers_input(i) - (float)s->mean[i % 3]) / (float)s->std[i % 3];
	assert_int_equal(answers_read(file("answers.txt"), "classes", want, 4), 4);
	assert_ok(tt_session_new(&session, m, TT_SESSION_OPTS(.threads = 1)));
	assert_ok(tt_session_run(session, x, 2, got));
	assert_floats_near(got, want, 4, 2e-6);
	tt_session_free(&session);
	tt_model_free(&m);
}

/* A word in a file becomes another, as long. */
static void put(char *bytes, size_t n, const char *word, const char *other)
{
	char *at = memmem(bytes, n, word, strlen(word));

	assert_non_null(at);
	memcpy(at, other, strlen(word));
}

static const char *text_of(const tt_model *m, const char *key)
{
	static char *text;

	tt_free(text);
	assert_ok(tt_spec_get(tt_model_spec(m), key, &text));
	return text;
}

static void check_schema(const tt_model *m, const char *feature, const char *class)
{
	const tt_schema *s = tt_model_signature(m)->data;

	assert_string_equal(s->column[0]->features[1], feature);
	assert_string_equal(s->class_names[0], class);
}

/* What the data were called and how they were made travels: by tutti's own word of it, or by lists
 * that anybody can write. */
static void names_and_losses_come_back(void **state)
{
	static const char csv[] = "a,b,kind\n1,2,yes\n3,4,no\n5,6,yes\n";
	tt_model *m = model_of("name: n\nmodel:\n  input: [2]\n  loss: hinge\n  layers:\n"
	                       "    - dense: {out: 2, name: fc}\n"), *again;
	const char *table = test_path(test_temp_dir(), "names.csv"), *path;
	char uri[1100], *bytes;
	tt_source *rows;
	size_t n;

	(void)state;
	assert_ok(file_write_all(table, csv, sizeof csv - 1));
	snprintf(uri, sizeof uri, "csv:%s", table);
	assert_ok(tt_source_open(&rows, uri));
	assert_ok(nn_bind(m, tt_source_schema(rows)));
	tt_source_close(&rows);
	path = test_path(test_temp_dir(), "names.onnx");
	assert_ok(tt_file_write(m, "onnx", path, TT_FILE_F32));
	assert_ok(tt_file_read(&again, path));
	check_schema(again, "b", "no");
	assert_string_equal(tt_model_signature(again)->data->target, "kind");
	assert_string_equal(text_of(again, "model.loss"), "hinge");
	tt_model_free(&again);
	assert_ok(file_read_all(path, 0, &bytes, &n));
	put(bytes, n, "tutti.signature", "other.signature");
	assert_ok(onnx_read_bytes(&again, "lists", bytes, n));
	check_schema(again, "b", "no");
	tt_model_free(&again);
	put(bytes, n, "[\"a\", \"b\"]", "[\"a,   b\"]");
	assert_status(onnx_read_bytes(&again, "few", bytes, n), TT_EFORMAT);
	mem_free(bytes);
	tt_model_free(&m);
}

/* A net that has seen pictures calls its input as they are called; so is a layer called here. */
static void inputs_are_found_whatever_they_are_called(void **state)
{
	tt_model *m = model_of("name: n\nmodel:\n  input: [3, 16, 16]\n  layers:\n"
	                       "    - conv2d: {out: 2, kernel: 3, name: image}\n    - flatten\n"
	                       "    - dense: {out: 10, name: fc}\n");
	const char *path = test_path(test_temp_dir(), "image.onnx");
	tt_source *pictures;
	tt_model *again;

	(void)state;
	assert_ok(tt_source_open(&pictures, "synth:objects?size=16&count=4"));
	assert_ok(nn_bind(m, tt_source_schema(pictures)));
	tt_source_close(&pictures);
	assert_ok(tt_file_write(m, "onnx", path, TT_FILE_F32));
	assert_ok(tt_file_read(&again, path));
	answers_same_tensors(m, again);
	tt_model_free(&again);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_written_or_says_why_not),
		cmocka_unit_test(what_onnx_lacks_is_named_and_nothing_written),
		cmocka_unit_test(models_give_the_answers_of_onnxruntime_and_go_back),
		cmocka_unit_test(dimensions_of_any_size_are_told_apart),
		cmocka_unit_test(files_that_lie_are_refused),
		cmocka_unit_test(many_nodes_of_one_name_are_read_soon),
		cmocka_unit_test(what_stands_in_front_of_the_net_comes_back),
		cmocka_unit_test(classifiers_of_other_tools_come_in_with_scaling_and_names),
		cmocka_unit_test(names_and_losses_come_back),
		cmocka_unit_test(inputs_are_found_whatever_they_are_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
