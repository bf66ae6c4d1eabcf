/* Any bytes as a table, with settings drawn from the first two bytes: refused, or all that was read
 * is in its bounds; and what was found in it fits the same table once more, and another one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/readers/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct csv *c, int later)
{
	for (size_t i = 0; i < c->rows * c->columns; i++)
		if (!isfinite(c->x[i]))
			abort();
	for (size_t i = 0; c->label && i < c->rows; i++)
		if (c->label[i] < -later || c->label[i] >= c->classes)
			abort();
	for (size_t i = 0; c->value && i < c->rows; i++)
		if (!isfinite(c->value[i]) && !later)
			abort();
	for (int k = 0; k < c->aparts; k++)
		for (size_t i = 0; c->apart[k].type == TT_I32 && i < c->rows; i++)
			if (((const int32_t *)c->apart[k].data)[i] < 0)
				abort();
	for (size_t i = 0; i < c->rows * c->ids; i++)
		if (c->id[i] >= c->id_texts.len)
			abort();
}

static const struct known_input inputs[] = { { "shop", TT_I32 }, { "a", TT_F32 } };

/* As a model that was trained on this table opens it, and one that has rows of its own. */
static void again(const struct csv *first, const struct bytes *in, struct csv_opts o)
{
	static const char other[] = "shop,a,b,kind\nx,1,2,cat\n?,,,dog\nyes,2026-01-01,7,eel\n";
	struct known_columns known = { .recipe = first->recipe };
	struct bytes rows = { (const uint8_t *)other, strlen(other), "other" };
	struct csv same = {0}, c = {0};

	o.known = &known;
	o.holdout = 0;
	o.split = SPLIT_TRAIN;
	memset(o.cells, 0, sizeof o.cells);
	if (csv_parse(&same, in, &o) == TT_OK) {
		check(&same, o.bad_rows == CSV_BAD_LATER);
		if (same.columns != first->columns || same.aparts != first->aparts)
			abort();
	}
	o.bad_rows = CSV_BAD_LATER;
	if (csv_parse(&c, &rows, &o) == TT_OK)
		check(&c, 1);
	csv_release(&same);
	csv_release(&c);
}

static void set_first(struct csv_opts *o, uint8_t b)
{
	static const char *const labels[] = { NULL, "none", "0", "kind" };
	static const char *const separators[] = { "auto", "comma", "semicolon", "|" };

	o->label = labels[b & 3];
	o->bad_rows = (b >> 2 & 3) == 3 ? CSV_BAD_LATER : (b >> 4 & 3) == 3 ? CSV_BAD_SKIP
	                                                                    : CSV_BAD_ERROR;
	o->task = (b >> 2 & 3) % 3;
	o->header = (b >> 4 & 3) % 3;
	o->separator = separators[b >> 6];
}

static void set_second(struct csv_opts *o, uint8_t b)
{
	static const struct known_columns known = { .inputs = inputs, .n_inputs = 2 };

	o->missing = b & 3;
	o->decimal = b >> 2 & 1;
	o->known = b >> 3 & 1 ? &known : NULL;
	o->cells[TT_CELLS_CATEGORY] = b >> 4 & 1 ? "1" : NULL;
	o->cells[TT_CELLS_DATE] = b >> 5 & 1 ? "2" : NULL;
	o->cells[TT_CELLS_ID] = b >> 6 & 1 ? "a" : NULL;
	o->holdout = b >> 7 ? 0.5 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_opts o = {0};
	struct csv c = {0};
	struct bytes in = { data, size, "fuzz" };

	if (size > 0)
		set_first(&o, data[0]);
	if (size > 1)
		set_second(&o, data[1]);
	if (size > 1) {
		in.p += 2;
		in.n -= 2;
	}
	if (csv_parse(&c, &in, &o) == TT_OK) {
		check(&c, o.bad_rows == CSV_BAD_LATER);
		if (c.recipe)
			again(&c, &in, o);
	}
	csv_release(&c);
	return 0;
}
