/* From cells of words to sequences of tokens: vocabularies, found in the rows to train on or a
 * model's. */
#include "data/readers/csv_own.h"

#include "base/mem.h"

/* The cell of a text column in a row. */
static const char *cell_of(const struct table *t, size_t column, size_t row)
{
	return t->cell_texts.p + t->cell[row * t->cells + t->column[column].place];
}

static struct text_piece piece_of(const struct table *t, size_t column, size_t row,
                                  const char *name)
{
	const char *cell = cell_of(t, column, row);

	return (struct text_piece){ cell, strlen(cell), 0, name };
}

static tt_status build(const struct table *t, const struct csv *c, size_t column,
                       const struct csv_opts *o, struct vocabulary *v)
{
	struct text_piece *text = mem_alloc((c->rows + 1) * sizeof *text);
	size_t n = 0;
	int kind;
	tt_status st = text ? tokens_wanted_kind(&o->wanted, &kind) : TT_ENOMEM;

	for (size_t i = 0; st == TT_OK && i < c->rows; i++)
		if (!t->part || t->part[i] == SPLIT_TRAIN)
			text[n++] = piece_of(t, column, i, t->row.in->name);
	if (st == TT_OK) {
		kind = kind == TOKENS_AUTO ? TOKENS_WORDS : kind;
		st = vocabulary_build(v, (enum token_kind)kind, text, n,
		                      tokens_wanted_most(&o->wanted, (enum token_kind)kind));
	}
	mem_free(text);
	return st;
}

tt_status csv_fit_text(const struct table *t, struct csv *c, size_t column,
                       const struct csv_opts *o, struct recipe_column *r)
{
	struct vocabulary v = {0};
	int given = 0;
	tt_status st = tokens_wanted_given(&o->wanted, NULL, &v, &given);

	if (st == TT_OK && !given)
		st = build(t, c, column, o, &v);
	if (st != TT_OK)
		return st;
	r->max_length = o->max_length;
	r->values = v.n;
	if (v.recipe)
		r->tokens = arena_strdup(&c->arena, v.recipe);
	else
		st = schema_copy_names(&c->arena, v.name, v.n, &r->value);
	if (v.recipe && !r->tokens)
		st = TT_ENOMEM;
	vocabulary_release(&v);
	return st;
}

/* ---- tokens of all rows ---- */

static tt_status encode_rows(const struct table *t, struct csv *c, size_t column,
                             const struct vocabulary *v, struct csv_apart *a)
{
	const struct csv_column *from = &t->column[column];
	const size_t most = from->known ? (size_t)from->known->max_length : (size_t)a->max_length;
	const char *name = arena_printf(&c->arena, "%s: column '%.60s'", t->row.in->name, a->name);
	struct encoding e = {0};
	tt_status st = name ? TT_OK : TT_ENOMEM;

	for (size_t i = 0; st == TT_OK && i < c->rows; i++) {
		const struct text_piece text = piece_of(t, column, i, name);
		const size_t before = e.n;

		st = vocabulary_encode(v, &text, &e);
		if (st == TT_OK && e.n - before > most)
			e.n = before + most;
		a->offsets[i + 1] = (int64_t)e.n;
	}
	if (st == TT_OK)
		t->column[column].unseen = e.unknown;
	if (st == TT_OK && (st = encoding_grow(&e, 1)) == TT_OK) {
		a->data = e.id;
		e.id = NULL;
	}
	encoding_release(&e);
	return st;
}

tt_status csv_encode_text(const struct table *t, struct csv *c, size_t column,
                          const struct recipe_column *r)
{
	struct csv_apart *a = &c->apart[c->aparts];
	struct vocabulary v = {0};
	tt_status st = vocabulary_take(&v, &(struct vocabulary_known){
		r->value, (int)(r->tokens ? 0 : r->values), r->tokens });

	if (st != TT_OK)
		return st;
	*a = (struct csv_apart){ .name = r->name, .type = TT_I32, .max_length = r->max_length };
	a->offsets = mem_calloc(c->rows + 1, sizeof *a->offsets);
	c->aparts++;                    /* released with the table from here on */
	st = a->offsets ? encode_rows(t, c, column, &v, a) : TT_ENOMEM;
	vocabulary_release(&v);
	return st;
}
