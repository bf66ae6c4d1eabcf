/* cmd_predict.c -- tutti predict: what a model says about pictures or a source. */
#include <tutti/session.h>

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "print/predictions.h"
#include "print/names.h"
#include "kit/paths.h"
#include "kit/specfile.h"
#include "verbs.h"

#define CHUNK 64                   /* samples computed at once */

struct predict_args {
	struct common common;
	int64_t       top, samples, threads;
	const char   *format, *kernel_cache, *orientation, *background;
};

#define AT(field) offsetof(struct predict_args, field)
static const char *const orientations[] = { "exif", "stored", NULL };      /* enum tt_orientation */

static const struct flag predict_flags[] = {
	{ "top",     'k', FLAG_INT,  AT(top), "K", .min = 1, .max = 1000, .def = "3", .help =
	  "how many of the likeliest classes to name" },
	{ "format",  'f', FLAG_TEXT, AT(format), "FORMAT", .words = prediction_formats, .def = "text",
	  .help = "text, csv or json; --json is short for the last" },
	{ "samples", 'n', FLAG_INT,  AT(samples), "N", .max = INT64_MAX, .help =
	  "of a source: only its first N samples (all)" },
	{ "orientation", 0, FLAG_TEXT, AT(orientation), "HOW", .words = orientations, .def = "exif",
	  .help = "of files: exif turns them upright by their EXIF data, stored does not" },
	{ "background", 0, FLAG_TEXT, AT(background), "COLOUR", .help =
	  "of files: white, black or RRGGBB behind transparent pixels (they count as opaque)" },
	{ "threads", 't', FLAG_INT,  AT(threads), "N", .max = 4096, .def = "0", .help =
	  "compute threads; 0: all cores" },
	{ "kernel-cache", 0, FLAG_TEXT, AT(kernel_cache), "FILE", .help =
	  "where measured choices are remembered (~/.cache/tutti/kernels.txt)" },
	{ .kind = FLAG_END },
};

static const struct example predict_examples[] = {
	{ "tutti predict runs/lenet5-20260101-120000 seven.png", "what digit is this?" },
	{ "tutti predict best.safetensors 'images:holiday.tar?size=32' --format csv",
	  "a table of answers for a whole source" },
	{ NULL, NULL },
};

/* Where samples come from: the words of the command line are files, or one is a source. */
struct prediction {
	const struct predict_args *args;
	char           **file;
	tt_source       *source;            /* NULL: files                             */
	tt_source       *view;              /* the source as the net wants it          */
	tt_source_info   info;              /* of the source, or of a picture that fits */
	int64_t          count;
	tt_model        *model;
	tt_session      *session;
	struct answers   answers;
	struct names     names;             /* of classes                              */
	void            *raw;               /* one sample as read                      */
	float           *x, *out;           /* CHUNK normalised samples, their answers */
	int32_t          label[CHUNK];      /* the truth, where the source knows it    */
};

/* "scheme:place", unless a file of that very name is there. */
static int is_source(const char *word)
{
	const char *colon = strchr(word, ':'), *slash = strchr(word, '/');

	return colon && colon > word && (!slash || colon < slash) && !file_exists(word);
}

/* Pictures are decoded to the shape the net wants, "[3, 32, 32]" in its spec. */
static tt_status describe_pictures(struct prediction *p, struct arena *a, const char *checkpoint)
{
	const char *input;
	long long shape[3];
	tt_status st = specfile_text(a, tt_model_spec(p->model), "model.input", &input);

	if (st != TT_OK)
		return st;
	if (sscanf(input, "[%lld, %lld, %lld]", &shape[0], &shape[1], &shape[2]) != 3 ||
	    (shape[0] != 1 && shape[0] != 3))
		return err_set(TT_ESHAPE, "%s: its net does not take pictures; name a source instead of "
		               "files", checkpoint);
	p->info = (tt_source_info){ .size = sizeof p->info, .count = p->count, .ndim = 3,
	                            .type = TT_SAMPLE_U8 };
	for (int i = 0; i < 3; i++)
		p->info.shape[i] = shape[i];
	return TT_OK;
}

/* A folder or a table is a source of a scheme. */
static tt_status refuse_others(const char *word)
{
	const size_t n = strlen(word);

	if (file_is_dir(word))
		return err_set(TT_EINVAL, "%s is a folder: write images:%s", word, word);
	if (n > 4 && strcmp(word + n - 4, ".csv") == 0)
		return err_set(TT_EINVAL, "%s is a table: write csv:%s", word, word);
	return TT_OK;
}

static tt_status open_inputs(struct prediction *p, struct call *c)
{
	tt_status st;

	p->file = c->args.v + 1;
	p->count = c->args.n - 1;
	if (!is_source(p->file[0])) {
		for (int64_t i = 0; i < p->count; i++)
			if ((st = refuse_others(p->file[i])) != TT_OK)
				return st;
		return describe_pictures(p, c->arena, c->args.v[0]);
	}
	if (p->count > 1)
		return err_set(TT_EINVAL, "one source at a time: '%s' is one too many", p->file[1]);
	if ((st = tt_source_open_for(&p->source, p->file[0], p->model)) != TT_OK)
		return st;
	/* The truth is shown where the net knows the classes; nobody needs it. */
	st = tt_source_match(&p->view, p->source, p->model, TT_MATCH_ALL);
	if (st == TT_ESHAPE)
		st = tt_source_match(&p->view, p->source, p->model, TT_MATCH_INPUTS);
	if (st != TT_OK)
		return st;
	p->info = *tt_source_describe(p->view);
	p->count = p->info.count;
	if (p->args->samples && p->args->samples < p->count)
		p->count = p->args->samples;
	return TT_OK;
}

static tt_status check_shape(const struct prediction *p)
{
	int64_t n = 1;

	for (int i = 0; i < p->info.ndim; i++)
		n *= p->info.shape[i];
	if (n == tt_session_inputs(p->session))
		return TT_OK;
	return err_set(TT_ESHAPE, "%s: a sample has %lld numbers, the net takes %lld", p->file[0],
	               (long long)n, (long long)tt_session_inputs(p->session));
}

static tt_status make_room(struct prediction *p)
{
	size_t in = (size_t)tt_session_inputs(p->session);
	size_t out = (size_t)tt_session_outputs(p->session);

	p->raw = mem_calloc(in, sizeof(float));
	p->x = mem_calloc(in * CHUNK, sizeof(float));
	p->out = mem_calloc(out * CHUNK, sizeof(float));
	return p->raw && p->x && p->out ? TT_OK : TT_ENOMEM;
}

static tt_status prepare(struct prediction *p, struct call *c)
{
	const char *path, *cache, *loss;
	tt_status   st;

	if ((st = paths_checkpoint(c->arena, c->args.v[0], &path)) != TT_OK ||
	    (st = paths_kernel_cache(c->arena, p->args->kernel_cache, &cache)) != TT_OK ||
	    (st = tt_model_load(&p->model, path)) != TT_OK ||
	    (st = open_inputs(p, c)) != TT_OK ||
	    (st = tt_session_new(&p->session, p->model, TT_SESSION_OPTS(
		.batch = p->count < CHUNK ? (int)p->count : CHUNK,
		.threads = (int)p->args->threads, .kernel_cache = cache))) != TT_OK ||
	    (st = check_shape(p)) != TT_OK || (st = make_room(p)) != TT_OK ||
	    (st = specfile_text(c->arena, tt_model_spec(p->model), "model.loss", &loss)) != TT_OK ||
	    (st = names_of_classes(&p->names, p->model, p->view,
	                           (int)tt_session_outputs(p->session))) != TT_OK)
		return st;
	p->answers.width = (int)tt_session_outputs(p->session);
	p->answers.kind = strcmp(loss, "cross_entropy") == 0 ? ANSWER_CLASSES : ANSWER_VALUES;
	p->answers.top = (int)p->args->top;
	p->answers.names = &p->names;
	return TT_OK;
}

static tt_status read_one(struct prediction *p, int64_t i, int place)
{
	size_t    inputs = (size_t)tt_session_inputs(p->session);
	tt_status st;

	p->label[place] = -1;
	if (p->source)
		st = tt_source_read(p->view, i, p->raw, p->info.target == TT_TARGET_CLASS
		                    ? &p->label[place] : NULL, NULL);
	else
		st = tt_image_read_as(p->file[i], p->info.shape, TT_IMAGE_OPTS(
			.orientation = strcmp(p->args->orientation, orientations[TT_ORIENTATION_STORED]) == 0
				? TT_ORIENTATION_STORED : TT_ORIENTATION_EXIF,
			.background = p->args->background), p->raw);
	if (st != TT_OK)
		return st;
	return tt_session_normalise(p->session, &p->info, p->raw, p->x + (size_t)place * inputs);
}

static tt_status prediction_chunk(struct prediction *p, int64_t first, int n)
{
	char      name[32];
	tt_status st;

	for (int i = 0; i < n; i++)
		if ((st = read_one(p, first + i, i)) != TT_OK)
			return st;
	if ((st = tt_session_run(p->session, p->x, n, p->out)) != TT_OK)
		return st;
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%lld", (long long)(first + i));
		predictions_add(&p->answers, p->source ? name : p->file[first + i], p->label[i],
		            p->out + (size_t)i * (size_t)p->answers.width);
	}
	return TT_OK;
}

static tt_status prediction_all(struct prediction *p)
{
	const char *format = p->args->common.json ? "json" : p->args->format;
	tt_status   st = predictions_begin(&p->answers, format);

	for (int64_t i = 0; st == TT_OK && i < p->count; i += CHUNK)
		st = prediction_chunk(p, i, (int)(p->count - i < CHUNK ? p->count - i : CHUNK));
	return st == TT_OK ? predictions_end(&p->answers) : st;
}

static tt_status run_predict(struct call *c)
{
	struct prediction p = { .args = c->opts };
	tt_status         st = prepare(&p, c);

	if (st == TT_OK)
		st = prediction_all(&p);
	predictions_release(&p.answers);
	names_release(&p.names);
	mem_free(p.raw);
	mem_free(p.x);
	mem_free(p.out);
	tt_source_close(&p.view);
	tt_source_close(&p.source);
	tt_session_free(&p.session);
	tt_model_free(&p.model);
	return st;
}

const struct verb verb_predict = {
	.name = "predict", .args = "CHECKPOINT FILE...|SOURCE", .min_args = 2, .max_args = 1 << 20,
	.summary = "ask a model about pictures or a source",
	.text =
	"Prints what the model of a checkpoint (a .safetensors file or a run folder) says about each\n"
	"JPEG or PNG file, or about each sample of a source.  Pictures are scaled to the size the net\n"
	"was trained on.  Nets with classes name the likeliest ones, others print their numbers.\n",
	.examples = predict_examples, .flags = predict_flags,
	.opts_size = sizeof(struct predict_args), .run = run_predict,
};
