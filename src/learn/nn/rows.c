/* rows.c -- has an embedding a row for each thing that the data's columns are numbered by?  Asked
 * when a net meets its data: else a training ends where the first number without a row stands. */
#include <string.h>

#include "data/table/recipe.h"
#include "learn/nn/model.h"

/* Numbers that a column may hold: of categories one more than there are, 0 is none of them. */
static int64_t numbers_of(const struct recipe_column *c)
{
	return c->kind == TT_CELLS_CATEGORY ? c->values + 1 : c->kind == TT_CELLS_TEXT ? c->values : 0;
}

static tt_status check(const struct net_input *in, const char *column, int64_t numbers,
                       const char *what)
{
	if (!in->tokens || numbers <= in->tokens)
		return TT_OK;
	return err_set(TT_ESHAPE, "column '%.60s' is numbered 0 to %lld (%s), and embedding '%.60s', "
	               "which reads it, has the rows 0 to %lld: give it rows: %lld, or more", column,
	               (long long)numbers - 1, what, in->embedding, (long long)in->tokens - 1,
	               (long long)numbers);
}

static const char *column_of(const struct signature *s, int input)
{
	return s->data.view.column[schema_input(&s->data.view, input)]->name;
}

static tt_status check_table(const struct tt_model *m, const struct signature *s,
                             const struct recipe *r)
{
	tt_status st = TT_OK;

	for (int i = 0; i < m->n_inputs; i++)
		for (int64_t k = 0; st == TT_OK && k < r->columns; k++)
			if (r->column[k].apart && strcmp(r->column[k].name, column_of(s, i)) == 0)
				st = check(&m->input[i], column_of(s, i), numbers_of(&r->column[k]),
				           r->column[k].kind == TT_CELLS_TEXT ? "its tokens"
				           : "its categories from 1 on; 0 is one that training has not seen");
	return st;
}

tt_status signature_check_rows(const struct signature *s, const struct tt_model *m)
{
	const tt_schema *d = &s->data.view;
	struct arena a = {0};
	struct recipe r;
	tt_status st;

	if (!d->recipe)
		return TT_OK;
	if ((st = recipe_read(&r, &a, d->recipe, "data")) == TT_OK && r.columns)
		st = check_table(m, s, &r);
	else if (st == TT_OK && d->kind == TT_TARGET_PLACES)       /* a text: its next token */
		st = check(&m->input[0], column_of(s, 0), d->classes, "its tokens");
	arena_release(&a);
	return st;
}
