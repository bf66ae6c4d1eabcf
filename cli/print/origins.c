#include "print/origins.h"

#include "kit/table.h"

/* What is said of a row: a word for programs, and a sentence for people. */
static const struct { const char *word, *text; } kinds[TT_ORIGIN_KINDS] = {
	[TT_ORIGIN_TAKEN] = { "taken", "taken" },
	[TT_ORIGIN_SKIPPED] = { "skipped", "drawn, as train.init.skip says" },
	[TT_ORIGIN_MISSING] = { "missing", "not there" },
	[TT_ORIGIN_UNLIKE] = { "unlike", "of another shape or kind" },
	[TT_ORIGIN_UNUSED] = { "unused", "not used" },
};

static const char *or_dash(const char *s)
{
	return s ? s : "-";
}

static void add_row(struct table *t, const tt_origin *r)
{
	const int narrow = r->their_type && (r->their_type[0] != 'F' || r->their_type[1] != '3');

	table_add(t, "%s\t%s\t%s\t%s\t%s%s%s", or_dash(r->name), or_dash(r->shape), or_dash(r->theirs),
	          or_dash(r->their_shape), kinds[r->kind].text, narrow ? ", from " : "",
	          narrow ? r->their_type : "");
}

void origins_print(const tt_origins *o, FILE *f)
{
	tt_origin r = TT_SIZED(tt_origin);
	struct table t;

	table_init(&t, "lllll");
	table_add(&t, "tensor\tshape\tthere\tshape\twhat became of it");
	for (int i = 0; i < tt_origins_count(o); i++)
		if (tt_origins_get(o, i, &r) == TT_OK)
			add_row(&t, &r);
	fprintf(f, "%s:\n", tt_origins_file(o));
	table_print(&t, f);
	table_release(&t);
}

static void member(struct json *j, const char *key, const char *value)
{
	if (value)
		json_text(j, key, value);
}

void origins_json(const tt_origins *o, struct json *j)
{
	tt_origin r = TT_SIZED(tt_origin);

	json_open(j, "init", '{');
	json_text(j, "from", tt_origins_file(o));
	json_open(j, "tensors", '[');
	for (int i = 0; i < tt_origins_count(o); i++) {
		if (tt_origins_get(o, i, &r) != TT_OK)
			continue;
		json_open(j, NULL, '{');
		json_text(j, "outcome", kinds[r.kind].word);
		member(j, "name", r.name);
		member(j, "shape", r.shape);
		member(j, "their_name", r.theirs);
		member(j, "their_shape", r.their_shape);
		member(j, "their_type", r.their_type);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}
