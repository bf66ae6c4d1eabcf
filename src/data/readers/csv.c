#include "data/readers/csv.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/readers/memory_source.h"
#include "data/readers/mnist.h"
#include "data/readers/registry.h"

static const char *const header_words[] = { "auto", "no", "yes", NULL };
static const char *const task_words[] = { "auto", "classify", "regress", NULL };
static const char *const separator_words[] = { "auto", "comma", "semicolon", "tab", NULL };

static const char *const bad_words[] = { "error", "skip", "later", NULL };

static const struct option settings[] = {
	OPT_TEXT(struct csv_opts, label, NULL,
	         "target column: its name, or its number from 0; none: no target; if not set the one "
	         "that a model knows by name, else the last"),
	OPT_TEXT(struct csv_opts, weight, NULL,
	         "column that says how much a row counts in loss, gradient and accuracy, from 0 on: "
	         "its name or number; none: no weights; if not set the one that a model knows by name"),
	OPT_ENUM(struct csv_opts, task, "auto", task_words,
	         "what the target is; auto: what a model's loss wants (cross_entropy: classes; mse, "
	         "mae, huber: numbers; bce: 0 and 1, shares, or two words); for no model: text, or "
	         "whole numbers with at most 50 different values, are classes"),
	OPT_ENUM(struct csv_opts, header, "auto", header_words, "whether the first row holds names"),
	OPT_ENUM(struct csv_opts, separator, "auto", separator_words,
	         "between cells; auto: the most frequent one of the first line"),
	OPT_ENUM(struct csv_opts, bad_rows, "error", bad_words,
	         "rows with a cell that is wrong: an error; skip: left out, and counted; later: an "
	         "error for who reads this row (as predict does, which needs no target)"),
	OPT_DOUBLE(struct csv_opts, holdout, "0", 0, 0.9,
	           "share of the rows, drawn at random, that forms the test split"),
	OPT_ENUM(struct csv_opts, split, "train", split_words, "which rows, if holdout is set"),
	OPT_END
};

/* ---- the reader -------------------------------------------------------------- */

/* Keep the rows of one split: a random permutation's first ones are the test rows. */
static tt_status keep_split(struct csv *c, const struct csv_opts *o, const char *path)
{
	struct rng_key key = rng_key(0, RNG_SHUFFLE);
	uint64_t n = c->rows, test = (uint64_t)(o->holdout * (double)n);
	size_t kept = 0, bad = 0, kept_bad = 0;

	for (size_t i = 0; i < n; i++) {
		const int is_bad = bad < c->bad_rows && c->bad[bad].index == (int64_t)i;

		bad += (size_t)is_bad;
		if ((rng_permute(key, 0, n, i) < test) != (o->split == SPLIT_TEST))
			continue;
		memmove(c->x + kept * c->columns, c->x + i * c->columns, c->columns * sizeof *c->x);
		if (c->label)
			c->label[kept] = c->label[i];
		if (c->value)
			c->value[kept] = c->value[i];
		if (c->weight)
			c->weight[kept] = c->weight[i];
		if (is_bad)
			c->bad[kept_bad++] = (struct bad_sample){ (int64_t)kept, c->bad[bad - 1].why };
		kept++;
	}
	if (kept == 0)
		return err_set(TT_EINVAL, "%s: no rows are left for split=%s; set holdout=", path,
		               split_words[o->split]);
	c->rows = kept;
	c->bad_rows = kept_bad;
	return TT_OK;
}

/* Features, target, weight, in this order.  A header without a name for the target is possible,
 * and one that calls it like another column. */
static tt_status describe(const struct csv *c, struct schema *s)
{
	const char *target = c->target && *c->target && strcmp(c->target, "x") ? c->target
	                   : c->label ? "label" : "value";
	const char *weight = c->weigher && *c->weigher && strcmp(c->weigher, "x") &&
	                     strcmp(c->weigher, target) ? c->weigher
	                   : strcmp(target, "weight") ? "weight" : "weights";
	tt_status st = schema_add(s, TT_COLUMN(.name = "x", .type = TT_F32, .ndim = 1,
	                                       .shape = { (int64_t)c->columns },
	                                       .features = c->feature));

	s->view.kind = TT_TARGET_NONE;
	if (st == TT_OK && (c->label || c->value))
		st = schema_add(s, TT_COLUMN(.name = target, .type = c->label ? TT_I32 : TT_F32));
	if (st == TT_OK && (c->label || c->value))
		st = schema_set_target(s, &(struct schema_target){
			target, c->label ? TT_TARGET_CLASS : TT_TARGET_VALUES, c->classes, c->class_names });
	if (st == TT_OK && c->weight)
		st = schema_add(s, TT_COLUMN(.name = weight, .type = TT_F32));
	return st == TT_OK && c->weight ? schema_set_weight(s, weight) : st;
}

/* The table's memory goes over to the source. */
static void hand_over(struct csv *c, struct memory_source *s)
{
	void *const block[] = { c->x, c->label ? (void *)c->label : c->value, c->weight };
	int column = 0;

	for (int i = 0; i < 3; i++)
		if (block[i])
			s->data[column++] = s->owned[i] = block[i];
	c->x = c->value = c->weight = NULL;
	c->label = NULL;
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
	hand_over(c, s);
	if ((st = hand_over_bad(c, s)) != TT_OK) {
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
	if (st == TT_OK && (o.holdout > 0 || o.split == SPLIT_TEST))
		st = keep_split(&c, &o, path);
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
	.help = "csv:FILE -- a table of numbers, gzipped or not, one column of it the class or value "
	        "to predict",
	.open = csv_open, .open_for = csv_open_for, .close = memory_source_close,
	.read = memory_source_read, .peek = memory_source_peek,
};
