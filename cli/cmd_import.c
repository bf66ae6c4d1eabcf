/* cmd_import.c -- tutti import: a model of another tool becomes a spec and a checkpoint. */
#include <tutti/files.h>
#include <tutti/run.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/table.h"
#include "print/json.h"
#include "verbs.h"

struct import_args {
	struct common common;
	const char   *out;
};

#define AT(field) offsetof(struct import_args, field)
static const struct flag import_flags[] = {
	{ "out", 'o', FLAG_TEXT, AT(out), "DIR", .help =
	  "where spec.yaml and the checkpoint are written: a folder that eval, predict and train take "
	  "as a run" },
	{ .kind = FLAG_END },
};

static const struct example import_examples[] = {
	{ "tutti import net.keras -o net", "layers and weights of a Keras model" },
	{ "tutti import net.onnx -o net", "of an ONNX file, such as torch.onnx.export writes" },
	{ "tutti predict net picture.png", "which is then used as any other" },
	{ NULL, NULL },
};

/* The checkpoint first: a spec alone would look like a model. */
static tt_status write_files(const tt_model *m, const char *last, const char *spec)
{
	char *text = NULL;
	tt_status st;

	if ((st = tt_spec_text(tt_model_spec(m), &text)) == TT_OK &&
	    (st = tt_model_save(m, last)) == TT_OK &&
	    (st = file_write_all(spec, text, strlen(text))) != TT_OK)
		unlink(last);
	tt_free(text);
	return st;
}

/* All of it, or nothing is left: a disk that was full is no reason to ask for another folder. */
static tt_status write_model(const tt_model *m, const char *dir)
{
	const int made = !file_exists(dir);
	char *spec = NULL, *last = NULL, *end;
	tt_status st;

	if ((st = tt_run_path(dir, TT_RUN_SPEC, &spec)) != TT_OK ||
	    (st = tt_run_path(dir, TT_RUN_LAST, &last)) != TT_OK)
		goto out;
	if (file_exists(last) || file_exists(spec)) {
		st = err_set(TT_EINVAL, "%s: there is a model already; name another folder", dir);
		goto out;
	}
	end = strrchr(last, '/');
	*end = 0;
	st = file_mkdirs(last);
	*end = '/';
	if (st == TT_OK)
		st = write_files(m, last, spec);
	*end = 0;
	if (st != TT_OK)
		rmdir(last);                    /* only goes if it is empty */
	if (st != TT_OK && made)
		rmdir(dir);
out:
	tt_free(spec);
	tt_free(last);
	return st;
}

static tt_status report(const struct call *c, const tt_model *m)
{
	const struct import_args *o = c->opts;
	const size_t n = tt_model_parameters(m);
	char number[NUMBER_TEXT];
	struct json j = { 0 };

	if (!o->common.quiet)
		fprintf(stderr, "%s: %s parameters in %d tensors are in %s\n", c->args.v[0],
		        text_count((long long)n, number), tt_model_tensors(m), o->out);
	if (!o->common.json)
		return TT_OK;
	json_open(&j, NULL, '{');
	json_text(&j, "run", o->out);
	json_int(&j, "parameters", (int64_t)n);
	json_int(&j, "tensors", tt_model_tensors(m));
	json_close(&j, '}');
	return json_print(&j);
}

static tt_status run_import(struct call *c)
{
	const struct import_args *o = c->opts;
	tt_model *m = NULL;
	tt_status st;

	if (!o->out)
		return err_set(TT_EINVAL, "say where to: -o DIR");
	if ((st = tt_file_read(&m, c->args.v[0])) == TT_OK && (st = write_model(m, o->out)) == TT_OK)
		st = report(c, m);
	tt_model_free(&m);
	return st;
}

const struct verb verb_import = {
	.name = "import", .args = "FILE", .min_args = 1, .max_args = 1,
	.summary = "a model of another tool as a spec and a checkpoint",
	.text =
	"Reads layers and weights of an ONNX file (opset 7 and later) or a Keras model (.keras, or\n"
	".h5 of before Keras 3) and writes them as a spec and a checkpoint.  Images of Keras become\n"
	"channels-first, as everywhere in tutti; the rows of a dense layer behind a flatten are put\n"
	"in their order.  A softmax or sigmoid at the end becomes the loss; an answer without one is\n"
	"taken as it is (loss: mse).  A layer that tutti has not got is named, and nothing is\n"
	"written.  What preprocessing the model expects a Keras file does not say, an ONNX file may.\n",
	.examples = import_examples, .flags = import_flags, .opts_size = sizeof(struct import_args),
	.run = run_import,
};
