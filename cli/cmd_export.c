/* cmd_export.c -- tutti export: a trained model as a file for other tools. */
#include <tutti/files.h>

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "kit/paths.h"
#include "print/json.h"
#include "verbs.h"

struct export_args {
	struct common common;
	const char   *dtype, *safetensors, *keras, *onnx;
};

static const char *const types[] = { "f32", "bf16", NULL };      /* as enum tt_file_type */

#define AT(field) offsetof(struct export_args, field)
static const struct flag export_flags[] = {
	{ "safetensors", 0, FLAG_TEXT, AT(safetensors), "FILE", .help =
	  "parameters and buffers as a PyTorch state_dict, which load_state_dict takes" },
	{ "keras",  0, FLAG_TEXT, AT(keras), "FILE", .help =
	  "layers and weights for Keras: FILE.keras, or FILE.h5 as it was before Keras 3" },
	{ "onnx",  0, FLAG_TEXT, AT(onnx), "FILE", .help =
	  "the net with its weights and what it does with raw samples, for onnxruntime and others" },
	{ "dtype",  0, FLAG_TEXT, AT(dtype), "TYPE", .def = "f32", .words = types, .help =
	  "how numbers are written, in safetensors" },
	{ .kind = FLAG_END },
};

/* A format of the library's, and the option that asks for it. */
static const struct { const char *format; size_t at; } wanted[] = {
	{ "safetensors", AT(safetensors) }, { "keras", AT(keras) },
	{ "onnx", AT(onnx) },
};
#define FORMATS (sizeof wanted / sizeof *wanted)

static const struct example export_examples[] = {
	{ "tutti export runs/lenet5 --safetensors lenet5.safetensors",
	  "in Python: model.load_state_dict(safetensors.torch.load_file(\"lenet5.safetensors\"))" },
	{ "tutti export runs/lenet5 --keras lenet5.keras",
	  "in Python: keras.saving.load_model(\"lenet5.keras\")" },
	{ "tutti export runs/lenet5 --onnx lenet5.onnx",
	  "in Python: onnxruntime.InferenceSession(\"lenet5.onnx\")" },
	{ NULL, NULL },
};

static const char *file_of(const struct export_args *o, size_t i)
{
	return *(const char *const *)(const void *)((const char *)o + wanted[i].at);
}

static enum tt_file_type type_of(const char *word)
{
	return strcmp(word, types[TT_FILE_BF16]) == 0 ? TT_FILE_BF16 : TT_FILE_F32;
}

/* Neither the checkpoint nor one another is written over. */
static tt_status check_files(const struct export_args *o, const char *checkpoint)
{
	tt_status st = TT_OK;

	for (size_t i = 0; i < FORMATS && st == TT_OK; i++) {
		st = paths_spare(file_of(o, i), checkpoint);
		for (size_t k = 0; k < i && st == TT_OK && file_of(o, i); k++)
			if (file_of(o, k) && (strcmp(file_of(o, i), file_of(o, k)) == 0 ||
			                      file_same(file_of(o, i), file_of(o, k))))
				st = err_set(TT_EINVAL, "%s: --%s and --%s are two files", file_of(o, i),
				             wanted[k].format, wanted[i].format);
	}
	return st;
}

static tt_status write_all(const struct export_args *o, const tt_model *m)
{
	tt_status st = TT_OK;

	for (size_t i = 0; i < FORMATS && st == TT_OK; i++) {
		if (!file_of(o, i))
			continue;
		st = tt_file_write(m, wanted[i].format, file_of(o, i), type_of(o->dtype));
		if (st == TT_OK && !o->common.quiet)
			fprintf(stderr, "%s is written\n", file_of(o, i));
	}
	return st;
}

static tt_status print_json(const struct export_args *o, const char *checkpoint)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "checkpoint", checkpoint);
	for (size_t i = 0; i < FORMATS; i++)
		if (file_of(o, i))
			json_text(&j, wanted[i].format, file_of(o, i));
	json_close(&j, '}');
	return json_print(&j);
}

static tt_status run_export(struct call *c)
{
	const struct export_args *o = c->opts;
	tt_model *m = NULL;
	const char *checkpoint;
	int files = 0;
	tt_status st;

	for (size_t i = 0; i < FORMATS; i++)
		files += file_of(o, i) != NULL;
	if (!files)
		return err_set(TT_EINVAL, "say what to write: --safetensors FILE, --keras FILE or "
		               "--onnx FILE");
	if ((st = paths_checkpoint(c->arena, c->args.v[0], &checkpoint)) == TT_OK &&
	    (st = check_files(o, checkpoint)) == TT_OK &&
	    (st = tt_model_load(&m, checkpoint)) == TT_OK && (st = write_all(o, m)) == TT_OK &&
	    o->common.json)
		st = print_json(o, checkpoint);
	tt_model_free(&m);
	return st;
}

const struct verb verb_export = {
	.name = "export", .args = "RUN|CHECKPOINT", .min_args = 1, .max_args = 1,
	.summary = "a trained model as a file for other tools",
	.text =
	"Writes the model of a checkpoint (of a run folder: its best) for PyTorch, Keras or as\n"
	"ONNX.  Tensors keep their names, which are PyTorch's; for Keras images become channels-last;\n"
	"of ONNX, inputs and outputs have the names of the data, batch and length are free.  A layer\n"
	"that a format cannot hold is named, and nothing is written.\n",
	.examples = export_examples, .flags = export_flags, .opts_size = sizeof(struct export_args),
	.run = run_export,
};
