/* cmd_predict.c -- tutti predict: what a model says about pictures or a source. */
#include <tutti/session.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "print/predictions.h"
#include "print/names.h"
#include "print/sink.h"
#include "predict/by_name.h"
#include "predict/samples.h"
#include "kit/paths.h"
#include "kit/specfile.h"
#include "kit/table.h"
#include "verbs.h"

#define CHUNK 64                   /* samples computed at once */

struct predict_args {
	struct common common;
	int64_t       top, samples, threads;
	const char   *format, *output, *kernel_cache, *orientation, *background;
};

#define AT(field) offsetof(struct predict_args, field)
static const char *const orientations[] = { "exif", "stored", NULL };      /* enum tt_orientation */

static const struct flag predict_flags[] = {
	{ "top",     'k', FLAG_INT,  AT(top), "K", .min = 1, .max = 1000, .def = "3", .help =
	  "how many of the likeliest classes to name" },
	{ "format",  'f', FLAG_TEXT, AT(format), "FORMAT", .words = prediction_formats,
	  .help = "text, csv or json; --json is short for the last (text; in a file csv, or json by "
	  "its name)" },
	{ "output",  'o', FLAG_TEXT, AT(output), "FILE", .help =
	  "write there, and nothing on stdout; the file appears whole or not at all" },
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
	{ "find photos -newer last | tutti predict best.safetensors -", "of files that a list names" },
	{ "tutti predict best.safetensors 'images:holiday.tar?size=32' --format csv",
	  "a table of answers for a whole source" },
	{ "tutti predict runs/shop new.csv -o answers.csv", "the same of a table, with its ids" },
	{ NULL, NULL },
};

struct prediction {
	const struct predict_args *args;
	struct samples   in;
	tt_model        *model;
	tt_session      *session;
	struct answers   answers;
	struct names     names;             /* of classes                              */
	void            *raw;               /* one sample as read                      */
	float           *x, *out;           /* CHUNK normalised samples, their answers */
	int64_t          index[CHUNK];      /* of the samples that could be read       */
	struct truth     truth[CHUNK];      /* where the source knows it               */
	float           *values;            /* [CHUNK][numbers of a target]            */
	int              by_name;           /* several inputs or sequences             */
	struct by_name   asked;
	int64_t          bad;               /* samples without an answer               */
};

static tt_status check_shape(const struct prediction *p)
{
	int64_t n = 1;

	if (p->by_name)
		return TT_OK;                   /* tt_source_match has looked */
	for (int i = 0; i < p->in.info.ndim; i++)
		n *= p->in.info.shape[i];
	if (n == tt_session_inputs(p->session))
		return TT_OK;
	return err_set(TT_ESHAPE, "%s: a sample has %lld numbers, the model takes %lld", p->in.word[0],
	               (long long)n, (long long)tt_session_inputs(p->session));
}

/* Numbers in a target of the source. */
static int values_of(const struct prediction *p)
{
	return p->in.source ? tt_source_describe(p->in.source)->values : 0;
}

static tt_status make_room(struct prediction *p)
{
	size_t in = p->by_name ? 0 : (size_t)tt_session_inputs(p->session);
	size_t out = (size_t)tt_session_outputs(p->session);

	p->raw = mem_calloc(in + 1, sizeof(float));
	p->x = mem_calloc(in * CHUNK + 1, sizeof(float));
	p->out = mem_calloc(out * CHUNK, sizeof(float));
	p->values = mem_calloc((size_t)values_of(p) * CHUNK + 1, sizeof(float));
	return p->raw && p->x && p->out && p->values ? TT_OK : TT_ENOMEM;
}

static tt_status check_output(const struct prediction *p, struct call *c, const char *checkpoint)
{
	tt_status st = paths_spare(p->args->output, checkpoint);

	for (int i = 1; st == TT_OK && i < c->args.n; i++)
		st = paths_spare(p->args->output, c->args.v[i]);
	for (int64_t i = 0; st == TT_OK && i < p->in.files.n; i++)
		st = paths_spare(p->args->output, p->in.files.file[i]);
	return st;
}

static int answers_classes(const char *loss)
{
	return strcmp(loss, "cross_entropy") == 0 || strcmp(loss, "focal") == 0;
}

static tt_status prepare(struct prediction *p, struct call *c)
{
	const char *path, *cache, *loss;
	tt_status   st;

	if ((st = paths_checkpoint(c->arena, c->args.v[0], &path)) != TT_OK ||
	    (st = paths_kernel_cache(c->arena, p->args->kernel_cache, &cache)) != TT_OK ||
	    (st = tt_model_load(&p->model, path)) != TT_OK)
		return st;
	p->by_name = by_name_wanted(tt_model_signature(p->model));
	p->in = (struct samples){ .arena = c->arena, .word = c->args.v + 1, .words = c->args.n - 1,
	                          .checkpoint = c->args.v[0], .model = p->model,
	                          .quiet = p->args->common.quiet, .most = p->args->samples };
	if ((st = samples_open(&p->in)) != TT_OK || (st = check_output(p, c, path)) != TT_OK ||
	    (st = tt_session_new(&p->session, p->model, TT_SESSION_OPTS(
		.batch = p->in.count < CHUNK ? (int)p->in.count : CHUNK,
		.threads = (int)p->args->threads, .kernel_cache = cache))) != TT_OK ||
	    (st = check_shape(p)) != TT_OK || (st = make_room(p)) != TT_OK ||
	    (st = specfile_text(c->arena, tt_model_spec(p->model), "model.loss", &loss)) != TT_OK ||
	    (st = names_of_classes(&p->names, p->model, p->in.source,
	                           (int)tt_session_outputs(p->session))) != TT_OK)
		return st;
	p->answers.width = (int)tt_session_outputs(p->session);
	p->answers.kind = answers_classes(loss) ? ANSWER_CLASSES : ANSWER_VALUES;
	if (tt_model_signature(p->model)->blank >= 0)
		p->answers.kind = ANSWER_SPELT;
	p->answers.top = (int)p->args->top;
	p->asked = (struct by_name){ .source = p->in.source, .view = p->in.view, .session = p->session,
	                             .signature = tt_model_signature(p->model) };
	p->answers.names = &p->names;
	if (p->in.source) {
		p->answers.ids = tt_source_describe(p->in.source)->ids;
		p->answers.id_names = tt_source_describe(p->in.source)->id_names;
	}
	if (!(p->answers.id = arena_alloc(c->arena, ((size_t)p->answers.ids + 1) * sizeof(char *))))
		return TT_ENOMEM;
	if (p->answers.kind == ANSWER_VALUES &&
	    strcmp(tt_model_signature(p->model)->output->name, "probabilities") == 0)
		p->answers.shares = names_of_shares(&p->names, p->answers.width);
	return TT_OK;
}

static void name_truth(const struct prediction *p, struct truth *t, int32_t label)
{
	const tt_source_info *info = tt_source_describe(p->in.source);

	if (label >= 0 && info->class_names && label < info->classes)
		t->class = info->class_names[label];
	else if (label >= 0)
		t->class = names_get(&p->names, label, t->number);
}

/* In the source's own words and numbers. */
static tt_status read_truth(struct prediction *p, int64_t i, int place)
{
	struct truth *t = &p->truth[place];
	const int n = values_of(p);
	int32_t label = -1;
	tt_status st;

	*t = (struct truth){ .n = n, .values = p->values + (size_t)place * (size_t)n };
	if (tt_source_schema(p->in.source)->kind == TT_TARGET_NONE)
		return TT_OK;
	st = tt_source_read(p->in.source, i, NULL, &label, p->values + (size_t)place * (size_t)n);
	if (st == TT_ENOENT)
		return TT_OK;                           /* it has none */
	if (n == 1 && isnan(t->values[0]))
		t->n = 0;
	if (st == TT_OK)
		name_truth(p, t, label);
	return st;
}

static tt_status read_one(struct prediction *p, int64_t i, int place)
{
	size_t    inputs = (size_t)tt_session_inputs(p->session);
	tt_status st;

	p->truth[place] = (struct truth){ 0 };
	p->index[place] = i;
	if (!p->in.source)
		st = tt_image_read_as(p->in.files.file[i], p->in.info.shape, TT_IMAGE_OPTS(
			.orientation = strcmp(p->args->orientation, orientations[TT_ORIENTATION_STORED]) == 0
				? TT_ORIENTATION_STORED : TT_ORIENTATION_EXIF,
			.background = p->args->background), p->raw);
	else if ((st = tt_source_read(p->in.view, i, p->raw, NULL, NULL)) == TT_OK)
		st = read_truth(p, i, place);
	if (st != TT_OK)
		return st;
	return tt_session_normalise(p->session, &p->in.info, p->raw, p->x + (size_t)place * inputs);
}

static const char *name_of(const struct prediction *p, int64_t i, char number[32])
{
	snprintf(number, 32, "%lld", (long long)i);
	return p->in.source ? number : p->in.files.file[i];
}

/* One bad sample among others is named, and the others get their answers. */
static tt_status forgive(struct prediction *p, int64_t i, tt_status st)
{
	const char *text = tt_last_error();
	char number[32];

	if (st == TT_OK || st == TT_ENOMEM || st == TT_ESTOPPED || p->in.count == 1)
		return st;
	p->bad++;
	if (p->in.source)
		text_printf(stderr, "tutti predict: sample %s: %s\n", name_of(p, i, number), text);
	else
		text_printf(stderr, "tutti predict: %s%s%s\n",
		            strstr(text, p->in.files.file[i]) ? "" : p->in.files.file[i],
		            strstr(text, p->in.files.file[i]) ? "" : ": ", text);
	return TT_OK;
}

static void find_ids(struct prediction *p, int64_t i)
{
	for (int k = 0; k < p->answers.ids; k++) {
		const char *id = tt_source_id(p->in.source, k, i);

		p->answers.id[k] = id ? id : "";
	}
}

static void answer(struct prediction *p, int place, const float *out)
{
	char number[32];

	find_ids(p, p->index[place]);
	predictions_add(&p->answers, name_of(p, p->index[place], number), &p->truth[place], out);
}

/* Each alone: one of them holds what the net cannot read. */
static tt_status run_singly(struct prediction *p, int n)
{
	const size_t in = (size_t)tt_session_inputs(p->session);
	tt_status st = TT_OK;

	for (int i = 0; i < n && st == TT_OK; i++) {
		if ((st = tt_session_run(p->session, p->x + (size_t)i * in, 1, p->out)) == TT_OK)
			answer(p, i, p->out);
		else
			st = forgive(p, p->index[i], st);
	}
	return st;
}

/* A line for the sample, or for each place of it: "sample:place". */
static tt_status answer_by_name(struct prediction *p, int64_t sample, int64_t i)
{
	const int per_place = by_name_per_place(p->asked.signature);
	const int64_t n = by_name_answers(&p->asked, i);
	char name[48];
	tt_status st = TT_OK;

	find_ids(p, sample);
	if (!per_place && (st = read_truth(p, sample, 0)) != TT_OK)
		return st;
	for (int64_t k = 0; k < n; k++) {
		if (per_place) {
			p->truth[0] = (struct truth){ 0 };
			name_truth(p, &p->truth[0], by_name_truth(&p->asked, i, k));
			snprintf(name, sizeof name, "%lld:%lld", (long long)sample, (long long)k);
		} else {
			snprintf(name, sizeof name, "%lld", (long long)sample);
		}
		predictions_add(&p->answers, name, &p->truth[0], by_name_answer(&p->asked, i, k));
	}
	return TT_OK;
}

/* "cat" or, where a label has more than one byte, "3 14 3". */
static tt_status write_spelt(const struct prediction *p, const int32_t *label, int64_t n,
                             struct str *out)
{
	char number[16];
	int words = 0;

	for (int i = 0; i < p->answers.width; i++)
		words |= i != p->asked.signature->blank && strlen(names_get(&p->names, i, number)) > 1;
	out->len = 0;
	str_add(out, "");
	for (int64_t k = 0; k < n; k++) {
		str_add(out, k && words ? " " : "");
		str_add(out, names_get(&p->names, label[k], number));
	}
	return str_status(out);
}

/* One line: what the net spells, and what the source does. */
static tt_status answer_spelt(struct prediction *p, int64_t sample, int64_t i)
{
	int32_t *label = mem_calloc((size_t)by_name_answers(&p->asked, i) + 1, sizeof *label);
	struct str is = { 0 }, truth = { 0 };
	char name[32];
	int64_t n = 0;
	tt_status st = label ? TT_OK : TT_ENOMEM;

	find_ids(p, sample);
	if (st == TT_OK)
		st = write_spelt(p, label, by_name_spelt(&p->asked, i, label), &is);
	while (st == TT_OK && n < by_name_answers(&p->asked, i) &&
	       by_name_truth(&p->asked, i, n) >= 0) {
		label[n] = by_name_truth(&p->asked, i, n);
		n++;
	}
	if (st == TT_OK && n)
		st = write_spelt(p, label, n, &truth);
	if (st == TT_OK) {
		p->truth[0] = (struct truth){ .class = n ? truth.p : NULL };
		p->answers.spelt = is.p;
		snprintf(name, sizeof name, "%lld", (long long)sample);
		predictions_add(&p->answers, name, &p->truth[0], p->asked.out);
	}
	str_release(&is);
	str_release(&truth);
	mem_free(label);
	return st;
}

static tt_status chunk_by_name(struct prediction *p, int64_t first, int n)
{
	tt_status st = by_name_ask(&p->asked, first, n);

	if (st != TT_OK && n == 1)
		return forgive(p, first, st);
	if (st == TT_ENOMEM || st == TT_ESTOPPED)
		return st;
	if (st == TT_OK) {
		for (int i = 0; i < n && st == TT_OK; i++)
			st = forgive(p, first + i, p->answers.kind == ANSWER_SPELT
			             ? answer_spelt(p, first + i, i) : answer_by_name(p, first + i, i));
		return st;
	}
	for (int i = 0; i < n; i++)             /* one of them is bad: each alone */
		if ((st = chunk_by_name(p, first + i, 1)) != TT_OK)
			return st;
	return TT_OK;
}

static tt_status prediction_chunk(struct prediction *p, int64_t first, int n)
{
	int       good = 0;
	tt_status st;

	if (p->by_name)
		return chunk_by_name(p, first, n);
	for (int i = 0; i < n; i++) {
		const int64_t bad = p->bad;

		if ((st = forgive(p, first + i, read_one(p, first + i, good))) != TT_OK)
			return st;
		good += p->bad == bad;
	}
	st = good ? tt_session_run(p->session, p->x, good, p->out) : TT_OK;
	if (st == TT_EINVAL)
		return run_singly(p, good);
	for (int i = 0; i < good && st == TT_OK; i++)
		answer(p, i, p->out + (size_t)i * (size_t)p->answers.width);
	return st;
}

static tt_status tell_bad(const struct prediction *p)
{
	return !p->bad ? TT_OK : err_set(TT_EFORMAT, "%lld of %lld have no answer", (long long)p->bad,
	                                 (long long)p->in.count);
}

static const char *format_of(const struct predict_args *a)
{
	if (a->common.json || (a->output && !a->format && str_ends_with(a->output, ".json")))
		return "json";
	return a->format ? a->format : a->output ? "csv" : "text";
}

static tt_status prediction_all(struct prediction *p)
{
	struct sink sink;
	tt_status   st = sink_open(&sink, p->args->output);

	if (st != TT_OK)
		return st;
	p->answers.to = sink.to;
	st = predictions_begin(&p->answers, format_of(p->args));

	for (int64_t i = 0; st == TT_OK && i < p->in.count; i += CHUNK)
		st = prediction_chunk(p, i, (int)(p->in.count - i < CHUNK ? p->in.count - i : CHUNK));
	if (st == TT_OK && (st = predictions_end(&p->answers)) == TT_OK)
		st = sink_commit(&sink);
	sink_close(&sink);
	return st == TT_OK ? tell_bad(p) : st;
}

static tt_status run_predict(struct call *c)
{
	struct prediction p = { .args = c->opts };
	tt_status         st = prepare(&p, c);

	if (st == TT_OK)
		st = prediction_all(&p);
	by_name_release(&p.asked);
	predictions_release(&p.answers);
	names_release(&p.names);
	samples_release(&p.in);
	mem_free(p.values);
	mem_free(p.raw);
	mem_free(p.x);
	mem_free(p.out);
	tt_session_free(&p.session);
	tt_model_free(&p.model);
	return st;
}

const struct verb verb_predict = {
	.name = "predict", .args = "CHECKPOINT FILE...|SOURCE", .min_args = 2, .max_args = 1 << 20,
	.summary = "ask a model about images or a source",
	.text =
	"Prints what the model of a checkpoint (a .safetensors file or a run folder) says about each\n"
	"image, or about each sample of a source or a table (FILE.csv).  A folder stands for the\n"
	"images below it, - for the files that stdin lists, or for a table on stdin where the model\n"
	"reads features.  Images are scaled to the size the model was trained on.  Models with\n"
	"classes name the likeliest ones, others print their numbers, beside what the source says is\n"
	"right.  What names the rows of a table (id columns) stands beside their answers.\n"
	"A net that answers at each place of a sequence gets a line for each, called sample:place.\n"
	"What cannot be read is named on stderr, the others get their answers, the exit code is 1.\n",
	.examples = predict_examples, .flags = predict_flags,
	.opts_size = sizeof(struct predict_args), .run = run_predict,
};
