/* ONNX models: those of tests/onnx, which PyTorch has made (make.py there), give onnxruntime's
 * answers and travel out and in again to the bit; files that lie are one line. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tutti/data.h>
#include <tutti/files.h>
#include <tutti/session.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/nn/model.h"
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

/* What onnxruntime said: the numbers behind this word. */
static int answers(const char *word, float *out)
{
	char *text, *rest, *line;
	size_t size;
	int n = 0;

	assert_ok(file_read_all(file("answers.txt"), 0, &text, &size));
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, word, strlen(word)) == 0 && line[strlen(word)] == ' ')
			for (char *at = line + strlen(word), *end; ; at = end) {
				const float v = strtof(at, &end);

				if (end == at)
					break;
				out[n++] = v;
			}
	mem_free(text);
	return n;
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
		x[i] = (float)(37 * i % 101 - 50) / 50;
	assert_ok(tt_session_run(s, x, 2, out));
	tt_session_free(&s);
}

static void same_numbers(const tt_model *a, const tt_model *b)
{
	assert_int_equal(tt_model_tensors(a), tt_model_tensors(b));
	for (int i = 0; i < tt_model_tensors(a); i++) {
		tt_tensor x = TT_SIZED(tt_tensor), y = TT_SIZED(tt_tensor);
		size_t n = 1;

		assert_ok(tt_model_tensor(a, i, &x));
		assert_ok(tt_model_tensor(b, i, &y));
		assert_string_equal(x.name, y.name);
		assert_int_equal(x.ndim, y.ndim);
		for (int k = 0; k < x.ndim; k++)
			n *= (size_t)x.shape[k];
		assert_memory_equal(x.data, y.data, n * sizeof *x.data);
	}
}

static void models_give_the_answers_of_onnxruntime_and_go_back(void **state)
{
	static const char *const names[] = { "mlp", "cnn", "resnet", "up", "lstm2", "state", "rnn" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		float want[64], got[64], once_more[64];
		char name[64];
		const char *path = test_path(test_temp_dir(), "again.onnx");
		tt_model *m, *again;
		int n = answers(names[i], want);

		assert_true(n > 0);
		snprintf(name, sizeof name, "%s.onnx", names[i]);
		assert_ok(tt_file_read(&m, file(name)));
		run(m, got);
		assert_floats_near(got, want, (size_t)n, 2e-6);
		assert_ok(tt_file_write(m, "onnx", path, TT_FILE_F32));
		assert_ok(tt_file_read(&again, path));
		same_numbers(m, again);
		run(again, once_more);
		assert_memory_equal(got, once_more, (size_t)n * sizeof *got);
		tt_model_free(&again);
		tt_model_free(&m);
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
	same_numbers(m, again);
	tt_model_free(&again);
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
	same_numbers(m, again);
	tt_model_free(&again);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_written_or_says_why_not),
		cmocka_unit_test(what_onnx_lacks_is_named_and_nothing_written),
		cmocka_unit_test(models_give_the_answers_of_onnxruntime_and_go_back),
		cmocka_unit_test(files_that_lie_are_refused),
		cmocka_unit_test(what_stands_in_front_of_the_net_comes_back),
		cmocka_unit_test(inputs_are_found_whatever_they_are_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
