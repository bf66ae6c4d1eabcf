#include "data/readers/csv.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/readers/memory_source.h"
#include "data/readers/mnist.h"
#include "data/readers/registry.h"

static const char *const header_words[] = { "auto", "no", "yes", NULL };
static const char *const task_words[] = { "auto", "classify", "regress", "spell", NULL };
static const char *const decimal_words[] = { "point", "comma", NULL };
static const char *const missing_words[] = { "error", "mean", "median", "zero", NULL };
static const char *const bad_words[] = { "error", "skip", "later", NULL };

#define CELLS(word, kind, text) { .name = word, .type = OPTION_TEXT, \
	.offset = offsetof(struct csv_opts, cells) + (kind) * sizeof(const char *), .help = text }

static const struct option settings[] = {
	OPT_TEXT(struct csv_opts, label, NULL,
	         "target column: its name, or its number from 0; none: no target; if not set the one "
	         "that a model knows by name, else the last"),
	OPT_TEXT(struct csv_opts, weight, NULL,
	         "column that says how much a row counts in loss, gradient and accuracy, from 0 on: "
	         "its name or number; none: no weights; if not set the one that a model knows by name"),
	OPT_ENUM(struct csv_opts, task, "auto", task_words,
	         "what the target is; auto: what a model's loss wants (cross_entropy: classes; mse, "
	         "mae, huber: numbers; bce: 0 and 1, shares, or two words; ctc: lists of labels, which "
	         "are the words of a cell, or else its characters: spell); for no model: text, or "
	         "whole numbers with at most 50 different values, are classes"),
	OPT_ENUM(struct csv_opts, header, "auto", header_words, "whether the first row holds names"),
	CELLS("numeric", TT_CELLS_NUMERIC, "columns that are numbers, by name or number: a,b,7; what "
	      "no setting and no model names is what it looks like"),
	CELLS("category", TT_CELLS_CATEGORY, "columns that are one of some words: a feature for each; "
	      "for a model with an i32 input of that name their number, from 1 on; 0: never seen"),
	CELLS("boolean", TT_CELLS_BOOLEAN, "columns that are yes or no: 1 or 0"),
	CELLS("date", TT_CELLS_DATE, "columns such as 2026-01-31 12:30: days since 1970"),
	CELLS("text", TT_CELLS_TEXT, "columns of other words: no features, but for a model with an "
	      "input of that name, {shape: [-1], type: i32}, their tokens"),
	CELLS("id", TT_CELLS_ID, "columns that name rows: no features; predict repeats them"),
	CELLS("ignore", TT_CELLS_IGNORED, "columns that are left out"),
	OPT_ENUM(struct csv_opts, missing, "error", missing_words,
	         "cells that are empty, ?, NA, NaN or null: an error; or the column's mean or median, "
	         "or 0, in the rows to train on, with a feature that says so"),
	{ .name = "tokens", .type = OPTION_TEXT, .offset = offsetof(struct csv_opts, wanted.tokens),
	  .def = "auto", .help = "of text columns, what a token is: " TOKENS_WHAT "; auto: what the "
	  "vocabulary holds, else words" },
	{ .name = "vocab", .type = OPTION_TEXT, .offset = offsetof(struct csv_opts, wanted.vocab),
	  .help = "the same, file of tokens, one in each line; if not set the vocabulary that a model "
	  "knows, else that of the rows to train on" },
	{ .name = "vocab_size", .type = OPTION_INT, .def = "0", .min = 0, .max = VOCABULARY_MAX,
	  .offset = offsetof(struct csv_opts, wanted.vocab_size), .help =
	  "of a vocabulary made here: at most so many tokens, the most frequent ones, with <unk> for "
	  "all others; 0: all characters, " TOKENS_WORDS_MOST " words, 8000 byte pairs" },
	OPT_INT(struct csv_opts, max_length, "256", 1, 1 << 20,
	        "tokens of a text column's cell; what is longer is cut"),
	OPT_TEXT(struct csv_opts, separator, "auto",
	         "between cells: a byte, or comma, semicolon, tab, pipe, space, colon; auto: the most "
	         "frequent one of , ; tab | in the first line"),
	OPT_ENUM(struct csv_opts, decimal, "point", decimal_words,
	         "what 1.5 is written with; comma: 1.234,5, between separators that are none"),
	OPT_ENUM(struct csv_opts, bad_rows, "error", bad_words,
	         "rows with a cell that is wrong: an error; skip: left out, and counted; later: an "
	         "error for who reads this row (as predict does, which needs no target)"),
	OPT_DOUBLE(struct csv_opts, holdout, "0", 0, 0.9,
	           "share of the rows, drawn at random, that forms the test split"),
	OPT_ENUM(struct csv_opts, split, "train", split_words, "which rows, if holdout is set"),
	OPT_END
};

/* ---- the reader -------------------------------------------------------------- */

static tt_status describe_spelt(const struct csv *c, struct schema *s, const char *target)
{
	tt_status st = schema_add(s, TT_COLUMN(.name = target, .type = TT_I32, .ndim = 1,
	                                       .shape = { -1 }));

	return st != TT_OK ? st : schema_set_target(s, &(struct schema_target){
		target, TT_TARGET_PLACES, c->classes, c->class_names });
}

/* Features, target, weight, in this order.  A header without a name for the target is possible,
 * and one that calls it like another column. */
static tt_status describe(const struct csv *c, struct schema *s)
{
	const char *target = c->target && *c->target && strcmp(c->target, "x") ? c->target
	                   : c->label || c->spelt ? "label" : "value";
	const char *weight = c->weigher && *c->weigher && strcmp(c->weigher, "x") &&
	                     strcmp(c->weigher, target) ? c->weigher
	                   : strcmp(target, "weight") ? "weight" : "weights";
	tt_status st = TT_OK;

	if (c->columns)
		st = schema_add(s, TT_COLUMN(.name = "x", .type = TT_F32, .ndim = 1,
		                             .shape = { (int64_t)c->columns }, .features = c->feature));
	for (int i = 0; st == TT_OK && i < c->aparts; i++)
		st = schema_add(s, TT_COLUMN(.name = c->apart[i].name, .type = c->apart[i].type,
		                             .ndim = c->apart[i].offsets != NULL, .shape = { -1 }));
	s->view.kind = TT_TARGET_NONE;
	if (st == TT_OK && c->spelt)
		st = describe_spelt(c, s, target);
	if (st == TT_OK && (c->label || c->value))
		st = schema_add(s, TT_COLUMN(.name = target, .type = c->label ? TT_I32 : TT_F32));
	if (st == TT_OK && (c->label || c->value))
		st = schema_set_target(s, &(struct schema_target){
			target, c->label ? TT_TARGET_CLASS : TT_TARGET_VALUES, c->classes, c->class_names });
	if (st == TT_OK && c->weight)
		st = schema_add(s, TT_COLUMN(.name = weight, .type = TT_F32));
	if (st == TT_OK && c->weight)
		st = schema_set_weight(s, weight);
	return st == TT_OK ? schema_set_recipe(s, c->recipe) : st;
}

static void give(struct memory_source *s, int *column, void *block)
{
	if (block)
		s->data[*column] = s->owned[*column] = block;
	*column += block != NULL;
}

/* Those of rows that were left out are left behind. */
static tt_status hand_over_spelt(struct csv *c, struct memory_source *s, int column)
{
	int64_t *offsets = mem_calloc(c->rows + 1, sizeof *offsets);
	size_t to = 0;

	if (!offsets)
		return TT_ENOMEM;
	for (size_t i = 0; i < c->rows; i++) {
		memmove(c->spelling + to, c->spelling + c->spelt[i].at,
		        c->spelt[i].n * sizeof *c->spelling);
		offsets[i] = (int64_t)to;
		to += c->spelt[i].n;
	}
	offsets[c->rows] = (int64_t)to;
	s->data[column] = s->owned[column] = c->spelling;
	s->offsets[column] = offsets;
	s->owned[MEMORY_BLOCKS - 2] = offsets;
	c->spelling = NULL;
	return TT_OK;
}

/* The table's memory goes over to the source. */
static tt_status hand_over(struct csv *c, struct memory_source *s)
{
	int column = 0;

	give(s, &column, c->x);
	for (int i = 0; i < c->aparts; i++) {
		s->offsets[column] = s->owned[BATCH_COLUMNS + column] = c->apart[i].offsets;
		give(s, &column, c->apart[i].data);
	}
	if (c->spelt && hand_over_spelt(c, s, column++) != TT_OK)
		return TT_ENOMEM;
	give(s, &column, c->label ? (void *)c->label : c->value);
	give(s, &column, c->weight);
	c->x = c->value = c->weight = NULL;
	c->label = NULL;
	c->aparts = 0;
	return TT_OK;
}

/* Names of rows: their texts stay where they are. */
static tt_status hand_over_ids(struct csv *c, struct memory_source *s)
{
	const char **id;

	if (!c->ids || !(id = arena_alloc(&s->arena, (c->rows * c->ids + 1) * sizeof *id)))
		return c->ids ? TT_ENOMEM : TT_OK;
	for (size_t i = 0; i < c->rows * c->ids; i++)
		id[i] = c->id_texts.p + c->id[i];
	s->id = id;
	s->owned[MEMORY_BLOCKS - 1] = c->id_texts.p;
	c->id_texts = (struct str){0};
	s->reader.ids = (int)c->ids;
	return schema_copy_names(&s->arena, c->id_name, (int64_t)c->ids, &s->reader.id_names);
}

static tt_status hand_over_table(const struct csv *c, struct memory_source *s)
{
	tt_table_column *table = arena_alloc(&s->arena, (c->width + 1) * sizeof *table);

	if (!table || (c->unseen && !(s->reader.unseen = arena_strdup(&s->arena, c->unseen))))
		return TT_ENOMEM;
	for (size_t i = 0; i < c->width; i++) {
		table[i] = c->table[i];
		if (!(table[i].name = arena_strdup(&s->arena, c->table[i].name)))
			return TT_ENOMEM;
	}
	s->reader.table = table;
	s->reader.table_columns = (int)c->width;
	return TT_OK;
}

/* What is told of rows goes over, too. */
static tt_status hand_over_bad(const struct csv *c, struct memory_source *s)
{
	struct bad_sample *bad = arena_alloc(&s->arena, (c->bad_rows + 1) * sizeof *bad);

	if (!bad)
		return TT_ENOMEM;
	s->bad = bad;
	for (; s->bads < (int64_t)c->bad_rows; s->bads++, bad++) {
		*bad = c->bad[s->bads];
		if (!(bad->why = arena_strdup(&s->arena, bad->why)))
			return TT_ENOMEM;
	}
	if (!c->skipped)
		return TT_OK;
	s->reader.left_out = arena_printf(&s->arena, "%zu row%s with wrong cells, the first: %s",
	                                  c->skipped, c->skipped == 1 ? "" : "s", c->first_skipped);
	return s->reader.left_out ? TT_OK : TT_ENOMEM;
}

static tt_status open_table(struct csv *c, struct reader **out)
{
	struct memory_source *s;
	struct schema schema = {0};
	tt_status st = describe(c, &schema);

	if (st != TT_OK) {
		schema_release(&schema);
		return st;
	}
	if ((st = memory_source_new(&s, &csv_reader, &schema, (int64_t)c->rows)) != TT_OK)
		return st;
	if ((st = hand_over(c, s)) != TT_OK || (st = hand_over_bad(c, s)) != TT_OK ||
	    (st = hand_over_ids(c, s)) != TT_OK || (st = hand_over_table(c, s)) != TT_OK) {
		memory_source_close(&s->reader);
		return st;
	}
	*out = &s->reader;
	return TT_OK;
}

#define UNPACKED_MAX ((size_t)4 << 30)  /* bytes of a table that was packed */

/* The text of a table, unpacked if it is gzip; *text is the caller's. */
static tt_status read_text(struct bytes *in, char **text)
{
	char *raw = NULL;
	uint8_t *flat = NULL;
	tt_status st = file_read_all(in->name, 0, &raw, &in->n);

	if (st != TT_OK)
		return st;
	in->p = (const uint8_t *)raw;
	if (in->n > 2 && in->p[0] == 0x1f && in->p[1] == 0x8b) {
		st = gzip_inflate(in, UNPACKED_MAX, &flat, &in->n);
		mem_free(raw);
		if (st != TT_OK)
			return st;
		raw = (char *)flat;
		in->p = flat;
	}
	*text = raw;
	return TT_OK;
}

static tt_status csv_open_for(struct reader **out, const char *path, const struct node *args,
                              const struct known_columns *known)
{
	struct csv_opts o = { .known = known };
	struct csv c = {0};
	struct arena a = {0};
	struct bytes in = { .name = path };
	char *text = NULL;
	tt_status st = reader_settings(settings, &a, args, &o);

	if (st == TT_OK)
		st = read_text(&in, &text);
	if (st == TT_OK)
		st = csv_parse(&c, &in, &o);
	mem_free(text);
	if (st == TT_OK && (st = open_table(&c, out)) != TT_OK)
		st = err_at(st, "%s", path);
	csv_release(&c);
	arena_release(&a);
	return st;
}

static tt_status csv_open(struct reader **out, const char *path, const struct node *args)
{
	return csv_open_for(out, path, args, NULL);
}

const struct reader_ops csv_reader = {
	.scheme = "csv", .settings = settings,
	.help = "csv:FILE -- a table, gzipped or not, one column of it the class or value to predict; "
	        "words become features, ids are left out",
	.open = csv_open, .open_for = csv_open_for, .close = memory_source_close,
	.read = memory_source_read, .peek = memory_source_peek,
	.id = memory_source_id,
};
