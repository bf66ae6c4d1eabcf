/* What a column looks like of which nobody says what it is. */
#include "data/readers/csv_own.h"

#include "base/mem.h"
#include "data/table/cell.h"

#define WORDS_FEW    50         /* as many different ones are categories in any table          */
#define WORDS_MANY   1000       /* as many are where each of them comes five times             */
#define WORDS_STOP   100000     /* so many are not counted any further                         */
#define ROWS_UNLIKE  10         /* in as many rows words that are all different are names      */

struct look {
	size_t       cells, numbers, booleans, dates;   /* that are not missing */
	size_t       blanks;        /* in all of them */
	struct words words;
	int          counts;        /* enum no/yes: different cells are counted  */
};

static tt_status look_at(struct look *l, const char *cell)
{
	uint32_t which;
	double v;
	int number;

	if (cell_missing(cell))
		return TT_OK;
	number = cell_number(TT_CELLS_NUMERIC, cell, &v);
	l->cells++;
	for (const char *blank = cell; (blank = strchr(blank, ' ')); blank++)
		l->blanks++;
	l->numbers += (size_t)number;
	l->counts |= !number;
	if (!l->counts || l->words.n == WORDS_STOP)
		return TT_OK;
	l->booleans += !number && cell_boolean(cell, &v);
	l->dates += (size_t)cell_date(cell, &v);
	return words_add(&l->words, cell, &which);
}

static enum tt_cells kind_of(const struct look *l, int named)
{
	const size_t n = l->cells, words = l->words.n;

	if (named && n > 1 && words == n)
		return TT_CELLS_ID;
	if (2 * l->numbers >= n)
		return TT_CELLS_NUMERIC;        /* those that are none are told by their places */
	if (l->booleans == n)
		return TT_CELLS_BOOLEAN;
	if (l->dates == n)
		return TT_CELLS_DATE;
	if (words == n && n >= ROWS_UNLIKE)
		return l->blanks > 2 * n ? TT_CELLS_TEXT : TT_CELLS_ID;
	return words <= WORDS_FEW || (words <= WORDS_MANY && words <= n / 5) ? TT_CELLS_CATEGORY
	                                                                    : TT_CELLS_TEXT;
}

static tt_status look_at_rows(struct table *t, struct look *look)
{
	tt_status st;

	csv_row_seek(&t->row, t->first);
	while ((st = csv_row_next(&t->row)) == TT_OK && t->row.cells > 0)
		for (size_t i = 0; st == TT_OK && i < t->width && i < t->row.cells; i++)
			if (t->column[i].told == CSV_LOOKS)
				st = look_at(&look[i], csv_row_cell(&t->row, i));
	return st;
}

tt_status csv_survey(struct table *t)
{
	struct look *look = mem_calloc(t->width, sizeof *look);
	tt_status st = TT_ENOMEM;

	for (size_t i = 0; look && i < t->width; i++)
		look[i].counts = csv_names_rows(t, i);
	if (look)
		st = look_at_rows(t, look);
	for (size_t i = 0; look && i < t->width; i++) {
		if (st == TT_OK && t->column[i].told == CSV_LOOKS)
			t->column[i].kind = kind_of(&look[i], csv_names_rows(t, i));
		words_release(&look[i].words);
	}
	mem_free(look);
	t->surveyed = 1;
	t->doubtful = 0;
	csv_place_columns(t);
	return st;
}
