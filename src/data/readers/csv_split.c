/* Which rows of a table are for training, and which to test. */
#include "data/readers/csv_own.h"

#include "base/mem.h"
#include "base/rng.h"

_Static_assert((int)SPLIT_TRAIN == (int)TT_PART_TRAIN, "rows to train on have one number");

void csv_move_row(struct table *t, struct csv *c, size_t to, size_t from)
{
	if (to == from)
		return;
	if (t->numbers)
		memmove(t->number + to * t->numbers, t->number + from * t->numbers,
		        t->numbers * sizeof *t->number);
	if (t->codes)
		memmove(t->code + to * t->codes, t->code + from * t->codes, t->codes * sizeof *t->code);
	if (t->ids)
		memmove(c->id + to * t->ids, c->id + from * t->ids, t->ids * sizeof *c->id);
	if (t->cells)
		memmove(t->cell + to * t->cells, t->cell + from * t->cells, t->cells * sizeof *t->cell);
	t->text[to] = t->text[from];
	if (c->weight)
		c->weight[to] = c->weight[from];
}

/* A random permutation's first ones are the test rows. */
static void hold_out(struct table *t, const struct csv *c, double share)
{
	const struct rng_key key = rng_key(0, RNG_SHUFFLE);
	const uint64_t n = c->rows, test = (uint64_t)(share * (double)n);

	for (uint64_t i = 0; i < n; i++)
		t->part[i] = rng_permute(key, 0, n, i) < test ? SPLIT_TEST : SPLIT_TRAIN;
}

/* Rows with equal cells in the column that names groups. */
static tt_status find_groups(const struct table *t, const struct csv *c, struct words *w,
                             uint32_t *group)
{
	const struct csv_column *g = &t->column[t->group];
	tt_status st = TT_OK;

	for (size_t i = 0; st == TT_OK && i < c->rows; i++)
		st = words_add(w, c->id_texts.p + c->id[i * t->ids + g->place], &group[i]);
	return st;
}

/* The parts of data.split. */
static tt_status cut(struct table *t, struct csv *c, const struct split_opts *o)
{
	struct cut_samples s = { .n = (int64_t)c->rows, .class = c->label, .classes = c->classes };
	uint32_t *group = t->group < t->width ? mem_alloc((c->rows + 1) * sizeof *group) : NULL;
	struct words words = {0};
	tt_status st = group || t->group == t->width ? TT_OK : TT_ENOMEM;

	if (st == TT_OK && group)
		st = find_groups(t, c, &words, group);
	s.group = group;
	s.groups = (uint32_t)words.n;
	if (st == TT_OK)
		st = cut_samples(o, &s, t->part);
	mem_free(group);
	words_release(&words);
	return st;
}

/* The part that is asked for, as t->part has it. */
static int part_of(const struct table *t, const struct csv_opts *o)
{
	return t->known.cut.split ? (int)t->known.cut.part : o->split;
}

tt_status csv_split(struct table *t, struct csv *c, const struct csv_opts *o)
{
	const struct split_opts *split = t->known.cut.split;

	if (!split && !(o->holdout > 0) && o->split != SPLIT_TEST)
		return TT_OK;
	if (split && (o->holdout > 0 || o->split != SPLIT_TRAIN))
		return err_set(TT_EINVAL, "%s: give ?holdout= or data.split, not both", t->row.in->name);
	if (!(t->part = mem_alloc(c->rows + 1)))
		return TT_ENOMEM;
	if (split)
		return cut(t, c, split);
	hold_out(t, c, o->holdout);
	return TT_OK;
}

tt_status csv_keep(struct table *t, struct csv *c, const struct csv_opts *o)
{
	size_t kept = 0, bad = 0, kept_bad = 0;

	for (size_t i = 0; t->part && i < c->rows; i++) {
		const int is_bad = bad < c->bad_rows && c->bad[bad].index == (int64_t)i;

		bad += (size_t)is_bad;
		if (t->part[i] != part_of(t, o))
			continue;
		csv_move_row(t, c, kept, i);
		if (c->label)
			c->label[kept] = c->label[i];
		if (c->value)
			c->value[kept] = c->value[i];
		if (c->spelt)
			c->spelt[kept] = c->spelt[i];
		if (is_bad)
			c->bad[kept_bad++] = (struct bad_sample){ (int64_t)kept, c->bad[bad - 1].why };
		kept++;
	}
	if (!t->part)
		return TT_OK;
	if (kept == 0)
		return err_set(TT_EINVAL, "%s: no rows are left for split=%s; set holdout=",
		               t->row.in->name, split_words[o->split]);
	c->rows = kept;
	c->bad_rows = kept_bad;
	return TT_OK;
}
