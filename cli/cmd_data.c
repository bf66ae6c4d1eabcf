/* cmd_data.c -- tutti data: what is in a source? */
#include <tutti/data.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "print/json.h"
#include "kit/paths.h"
#include "kit/table.h"
#include "verbs.h"

#define STATISTICS_SAMPLES 60000
#define SHEET_SAMPLES 100
#define SHEET_COLUMNS 10
#define NAMES_MAX 1000             /* classes listed one by one */
#define NAMES_BESIDE 16            /* tokens on a line          */

struct data_args {
	struct common common;
	const char   *sheet, *export;
	int64_t       samples;
};

#define AT(field) offsetof(struct data_args, field)
static const struct flag data_flags[] = {
	{ "sheet",   's', FLAG_TEXT, AT(sheet), "FILE.png", .help =
	  "draw samples side by side" },
	{ "export",  'x', FLAG_TEXT, AT(export), "DIR", .help =
	  "write the samples as PNG files, a folder per class" },
	{ "samples", 'n', FLAG_INT,  AT(samples), "N", .max = INT64_MAX, .help =
	  "how many samples to look at (60000), draw (100) or export (all): of more, one drawn at "
	  "random from each of N equal parts" },
	{ .kind = FLAG_END },
};

static const struct example data_examples[] = {
	{ "tutti data mnist:data/mnist", "count, shape, classes, and the mean and std for a spec" },
	{ "tutti data 'synth:objects?size=64' --sheet objects.png", "see what a source looks like" },
	{ "tutti data 'synth:objects?count=1000' --export objects", "make image files of it" },
	{ NULL, NULL },
};

/* Sums over the samples that were looked at. */
struct survey {
	tt_source            *source;
	const tt_source_info *info;
	int64_t               looked;      /* samples                                       */
	int                   channels;
	double               *sum, *sum2;  /* per channel, of distances from `base`; bytes count
	                                    * as 0..1                                       */
	double               *base;        /* the first sample's: sums of squares keep their digits */
	int64_t              *count;       /* per class                                     */
	void                 *raw;
	float                *values;
};

static int64_t numbers_in(const tt_source_info *info)
{
	int64_t n = 1;

	for (int i = 0; i < info->ndim; i++)
		n *= info->shape[i];
	return n;
}

/* Of a flat sample each feature is a channel: columns of a table have scales of their own. */
static tt_status survey_init(struct survey *s, tt_source *source)
{
	const tt_source_info *info = tt_source_describe(source);

	*s = (struct survey){ .source = source, .info = info };
	s->channels = info->ndim == 3 || info->ndim == 1 ? (int)info->shape[0] : 1;
	s->sum = mem_calloc((size_t)s->channels, sizeof *s->sum);
	s->sum2 = mem_calloc((size_t)s->channels, sizeof *s->sum2);
	s->base = mem_calloc((size_t)s->channels, sizeof *s->base);
	s->count = mem_calloc((size_t)info->classes + 1, sizeof *s->count);
	s->raw = mem_calloc((size_t)numbers_in(info), sizeof(float));
	s->values = mem_calloc((size_t)info->values + 1, sizeof *s->values);
	return s->sum && s->sum2 && s->base && s->count && s->raw && s->values ? TT_OK : TT_ENOMEM;
}

static void survey_release(struct survey *s)
{
	mem_free(s->sum);
	mem_free(s->sum2);
	mem_free(s->base);
	mem_free(s->count);
	mem_free(s->raw);
	mem_free(s->values);
}

static void add_bytes(struct survey *s, int channel, const uint8_t *p, int64_t n)
{
	uint64_t sum = 0, sum2 = 0;

	for (int64_t i = 0; i < n; i++) {
		sum += p[i];
		sum2 += (uint64_t)p[i] * p[i];
	}
	s->sum[channel] += (double)sum / 255;
	s->sum2[channel] += (double)sum2 / (255.0 * 255.0);
}

static void add_floats(struct survey *s, int channel, const float *p, int64_t n)
{
	if (!s->looked)
		s->base[channel] = (double)p[0];
	for (int64_t i = 0; i < n; i++) {
		const double d = (double)p[i] - s->base[channel];

		s->sum[channel] += d;
		s->sum2[channel] += d * d;
	}
}

static tt_status survey_add(struct survey *s, int64_t index)
{
	int64_t   plane = numbers_in(s->info) / s->channels;
	int32_t   label = -1;
	tt_status st = tt_source_read(s->source, index, s->raw, &label, s->values);

	if (st != TT_OK)
		return st;
	for (int c = 0; c < s->channels; c++)
		if (s->info->type == TT_SAMPLE_U8)
			add_bytes(s, c, (const uint8_t *)s->raw + c * plane, plane);
		else
			add_floats(s, c, (const float *)s->raw + c * plane, plane);
	if (label >= 0 && label < s->info->classes)
		s->count[label]++;
	s->looked++;
	return TT_OK;
}

/* Turn the sums into mean and standard deviation, in place. */
static void survey_finish(struct survey *s)
{
	double n = (double)s->looked * (double)(numbers_in(s->info) / s->channels);

	for (int c = 0; c < s->channels && n > 0; c++) {
		double mean = s->sum[c] / n;

		s->sum[c] = s->base[c] + mean;
		s->sum2[c] = sqrt(fmax(s->sum2[c] / n - mean * mean, 0));
	}
}

/* What does not vary has the std 0, by which nothing can be divided: a spec wants another one. */
static void print_list(const char *key, const double *v, int n, double for_0)
{
	printf("  %s: [", key);
	for (int i = 0; i < n; i++)
		printf("%s%.8g", i ? ", " : "", v[i] != 0 ? v[i] : for_0);
	printf("]\n");
}

static const char *class_name(const tt_source_info *info, int i, char buf[NUMBER_TEXT])
{
	if (info->class_names)
		return info->class_names[i];
	snprintf(buf, NUMBER_TEXT, "%d", i);
	return buf;
}

/* A row a class, with a bar as long as its share of the largest. */
static void print_classes(const struct survey *s)
{
	static const char bar[] = "########################################";
	struct table      t;
	int64_t           most = 1;
	char              number[NUMBER_TEXT], name[NAME_TEXT], n[NUMBER_TEXT];

	table_init(&t, "lrl");
	for (int i = 0; i < s->info->classes; i++)
		most = s->count[i] > most ? s->count[i] : most;
	for (int i = 0; i < s->info->classes && i < NAMES_MAX; i++)
		table_add(&t, "  %s\t%s\t%.*s",
		          text_name(class_name(s->info, i, number), name),
		          text_count(s->count[i], n), (int)(40 * s->count[i] / most), bar);
	printf("classes     %d\n", s->info->classes);
	table_print(&t, stdout);
	table_release(&t);
}

static const char *const cell_words[] = {
	[TT_CELLS_NUMERIC] = "numeric", [TT_CELLS_CATEGORY] = "category",
	[TT_CELLS_BOOLEAN] = "boolean", [TT_CELLS_DATE] = "date", [TT_CELLS_TEXT] = "text, left out",
	[TT_CELLS_ID] = "id", [TT_CELLS_WEIGHT] = "weight", [TT_CELLS_IGNORED] = "ignored",
	[TT_CELLS_TARGET] = "target",
};

static int is_plain(const tt_source *source)
{
	tt_table_column c = TT_SIZED(tt_table_column);

	for (int i = 0; tt_source_table_column(source, i, &c) == TT_OK; i++)
		if (c.kind != TT_CELLS_NUMERIC && c.kind != TT_CELLS_TARGET)
			return 0;
	return 1;
}

/* What each column is, where some are no numbers. */
static void print_columns(const tt_source *source)
{
	tt_table_column c = TT_SIZED(tt_table_column);
	struct table    t;

	if (is_plain(source))
		return;
	table_init(&t, "lll");
	for (int i = 0; tt_source_table_column(source, i, &c) == TT_OK; i++) {
		char values[48] = "", missing[48] = "";

		if (c.kind == TT_CELLS_CATEGORY)
			snprintf(values, sizeof values, " of %lld", (long long)c.values);
		if (c.missing)
			snprintf(missing, sizeof missing, "%lld missing", (long long)c.missing);
		table_add(&t, "  %s\t%s%s\t%s", c.name, cell_words[c.kind], values, missing);
	}
	printf("columns\n");
	table_print(&t, stdout);
	table_release(&t);
}

/* Of a part of them nothing else is said than that. */
static const char *drawn(const struct survey *s)
{
	return s->looked < s->info->count ? ", one from each of so many equal parts" : "";
}

static void print_survey(const struct survey *s, const char *uri)
{
	const tt_source_info *info = s->info;
	char                  n[NUMBER_TEXT];

	text_printf(stdout, "source      %s\n", uri);
	printf("samples     %s\n", text_count(info->count, n));
	if (info->left_out)
		text_printf(stdout, "left out    %s\n", info->left_out);
	printf("shape      ");
	for (int i = 0; i < info->ndim; i++)
		printf("%s%lld", i ? " x " : " ", (long long)info->shape[i]);
	printf("%s, %s\n", info->ndim == 3 ? " (channels x height x width)" : " features",
	       info->type == TT_SAMPLE_U8 ? "bytes" : "floats");
	print_columns(s->source);
	if (info->target == TT_TARGET_CLASS)
		print_classes(s);
	else
		printf("targets     %d numbers\n", info->values);
	printf("for a spec  (over %s samples%s)\ndata:\n", text_count(s->looked, n), drawn(s));
	print_list("mean", s->sum, s->channels, 0);
	print_list("std", s->sum2, s->channels, 1);
	printf("or          data.normalise: standard, which finds them in the training data\n");
}

static void json_columns(struct json *j, const tt_source *source)
{
	tt_table_column c = TT_SIZED(tt_table_column);

	if (!tt_source_describe(source)->table_columns)
		return;
	json_open(j, "columns", '[');
	for (int i = 0; tt_source_table_column(source, i, &c) == TT_OK; i++) {
		json_open(j, NULL, '{');
		json_text(j, "name", c.name);
		json_text(j, "kind", c.kind == TT_CELLS_TEXT ? "text" : cell_words[c.kind]);
		json_int(j, "missing", c.missing);
		if (c.kind == TT_CELLS_CATEGORY)
			json_int(j, "values", c.values);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static tt_status print_json(const struct survey *s, const char *uri)
{
	const tt_source_info *info = s->info;
	struct json           j = { 0 };
	char                  name[NUMBER_TEXT];

	json_open(&j, NULL, '{');
	json_text(&j, "source", uri);
	json_int(&j, "samples", info->count);
	if (info->left_out)
		json_text(&j, "left_out", info->left_out);
	json_open(&j, "shape", '[');
	for (int i = 0; i < info->ndim; i++)
		json_int(&j, NULL, info->shape[i]);
	json_close(&j, ']');
	json_text(&j, "type", info->type == TT_SAMPLE_U8 ? "u8" : "f32");
	json_columns(&j, s->source);
	json_int(&j, "values", info->values);
	json_open(&j, "classes", '{');
	for (int i = 0; i < info->classes; i++)
		json_int(&j, class_name(info, i, name), s->count[i]);
	json_close(&j, '}');
	json_int(&j, "looked_at", s->looked);
	json_text(&j, "selection", s->looked < info->count ? "one of each part" : "all");
	json_list(&j, "mean", s->sum, s->channels);
	json_list(&j, "std", s->sum2, s->channels);
	json_close(&j, '}');
	return json_print(&j);
}

static int64_t at_most(int64_t asked, int64_t otherwise, int64_t count)
{
	int64_t n = asked ? asked : otherwise;

	return n < count ? n : count;
}

static tt_status show_survey(const struct data_args *o, struct survey *s, const char *uri)
{
	int64_t   n = at_most(o->samples, STATISTICS_SAMPLES, s->info->count);
	tt_status st = TT_OK;

	for (int64_t i = 0; st == TT_OK && i < n; i++)
		st = survey_add(s, (int64_t)rng_spread(rng_key(0, RNG_LOOK), (uint64_t)n,
		                                       (uint64_t)s->info->count, (uint64_t)i));
	if (st != TT_OK)
		return st;
	survey_finish(s);
	if (o->common.json)
		return print_json(s, uri);
	print_survey(s, uri);
	return TT_OK;
}

static tt_status write_files(const struct data_args *o, const tt_source *source,
                             const char *uri)
{
	int64_t   count = tt_source_describe(source)->count, n;
	tt_status st;

	if (o->sheet) {
		if ((st = paths_spare(o->sheet, uri)) != TT_OK)
			return st;
		n = at_most(o->samples, SHEET_SAMPLES, count);
		if ((st = tt_source_sheet(source, n, SHEET_COLUMNS, o->sheet)) != TT_OK)
			return st;
		if (!o->common.quiet)
			text_printf(stderr, "%s: %lld of %lld samples drawn%s\n", o->sheet, (long long)n,
			        (long long)count, n < count ? ", one from each of so many equal parts" : "");
	}
	if (o->export) {
		n = at_most(o->samples, count, count);
		if ((st = tt_source_export(source, n, o->export)) != TT_OK)
			return st;
		if (!o->common.quiet)
			text_printf(stderr, "%s: %lld of %lld images written%s; read them as images:%s\n",
			        o->export, (long long)n, (long long)count,
			        n < count ? ", one from each of so many equal parts" : "", o->export);
	}
	return TT_OK;
}

/* ---- sequences: what there is, without numbers to sum ---- */

static int is_sequence(const tt_source_info *info)
{
	return (info->ndim > 0 && info->shape[0] < 0) || info->target == TT_TARGET_PLACES;
}

/* "i32 any x 3" */
static const char *column_shape(const tt_column *c, struct str *s)
{
	s->len = 0;
	str_addf(s, "%s", tt_type_name(c->type));
	for (int i = 0; i < c->ndim; i++)
		if (c->shape[i] < 0)
			str_addf(s, "%sany", i ? " x " : " ");
		else
			str_addf(s, "%s%lld", i ? " x " : " ", (long long)c->shape[i]);
	return s->failed ? "" : s->p;
}

static void print_vocabulary(const tt_schema *s)
{
	char name[NAME_TEXT];

	printf("classes     %d", s->classes);
	for (int i = 0; s->class_names && i < s->classes && i < NAMES_MAX; i++)
		text_printf(stdout, "%s%s", i % NAMES_BESIDE ? "  " : "\n  ",
		            text_name(s->class_names[i], name));
	printf("%s\n", s->class_names && s->classes > NAMES_MAX ? "  ..." : "");
}

static void print_sequences(const tt_source *source, const char *uri)
{
	const tt_source_info *info = tt_source_describe(source);
	const tt_schema      *s = tt_source_schema(source);
	struct str            shape = { 0 };
	char                  n[NUMBER_TEXT];

	printf("source      %s\nsamples     %s\n", uri, text_count(info->count, n));
	if (info->left_out)
		printf("left out    %s\n", info->left_out);
	for (int i = 0; i < s->columns; i++)
		printf("column      %s: %s%s\n", s->column[i]->name, column_shape(s->column[i], &shape),
		       s->target && strcmp(s->target, s->column[i]->name) == 0 ? " (target)" : "");
	if (s->classes)
		print_vocabulary(s);
	if (s->kind == TT_TARGET_PLACES && (info->ndim < 1 || info->shape[0] >= 0))
		printf("for a spec\nmodel: {loss: ctc, layers: [..., dense: {out: %d}]}\n", s->classes);
	else if (s->kind == TT_TARGET_PLACES)
		printf("for a spec\nmodel:\n  inputs: {%s: {shape: [-1], type: i32}}\n  layers: "
		       "[embedding: {rows: %d, dim: ...}, ..., dense: {out: %d}]\n", s->column[0]->name,
		       s->classes, s->classes);
	str_release(&shape);
}

static tt_status json_sequences(const tt_source *source, const char *uri)
{
	const tt_source_info *info = tt_source_describe(source);
	const tt_schema      *s = tt_source_schema(source);
	struct str            shape = { 0 };
	struct json           j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "source", uri);
	json_int(&j, "samples", info->count);
	if (info->left_out)
		json_text(&j, "left_out", info->left_out);
	json_open(&j, "columns", '{');
	for (int i = 0; i < s->columns; i++)
		json_text(&j, s->column[i]->name, column_shape(s->column[i], &shape));
	json_close(&j, '}');
	json_open(&j, "classes", '[');
	for (int i = 0; s->class_names && i < s->classes; i++)
		json_text(&j, NULL, s->class_names[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	str_release(&shape);
	return json_print(&j);
}

static tt_status show_sequences(const struct data_args *o, const tt_source *source, const char *uri)
{
	if (o->common.json)
		return json_sequences(source, uri);
	print_sequences(source, uri);
	return TT_OK;
}

static tt_status run_data(struct call *c)
{
	const struct data_args *o = c->opts;
	const char             *uri = c->args.v[0];
	struct survey           s = { 0 };
	tt_source              *source = NULL;
	tt_status               st = tt_source_open(&source, uri);

	if (st == TT_OK)
		st = write_files(o, source, uri);
	if (st == TT_OK && is_sequence(tt_source_describe(source))) {
		st = show_sequences(o, source, uri);
		tt_source_close(&source);
		return st;
	}
	if (st == TT_OK)
		st = survey_init(&s, source);
	if (st == TT_OK)
		st = show_survey(o, &s, uri);
	survey_release(&s);
	tt_source_close(&source);
	return st;
}

const struct verb verb_data = {
	.name = "data", .args = "SOURCE", .min_args = 1, .max_args = 1,
	.summary = "look into a source of samples",
	.text =
	"Prints how many samples a source has, their shape, how many there are of each class, and\n"
	"the mean and standard deviation per channel or feature, ready to paste into a spec.  On\n"
	"request it draws samples as an image, or writes all of them out as PNG files.\n"
	"`tutti help sources` lists what a SOURCE can be.\n",
	.examples = data_examples, .flags = data_flags, .opts_size = sizeof(struct data_args),
	.run = run_data,
};
