/* Which rows of a table are for training, and which to test. */
#include "data/readers/csv_own.h"

#include "base/mem.h"
#include "base/rng.h"

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
	t->text[to] = t->text[from];
	if (c->weight)
		c->weight[to] = c->weight[from];
}

/* A random permutation's first ones are the test rows. */
tt_status csv_split(struct table *t, struct csv *c, const struct csv_opts *o)
{
	const struct rng_key key = rng_key(0, RNG_SHUFFLE);
	const uint64_t n = c->rows, test = (uint64_t)(o->holdout * (double)n);

	if (!(o->holdout > 0) && o->split != SPLIT_TEST)
		return TT_OK;
	if (!(t->part = mem_alloc(n + 1)))
		return TT_ENOMEM;
	for (uint64_t i = 0; i < n; i++)
		t->part[i] = rng_permute(key, 0, n, i) < test ? SPLIT_TEST : SPLIT_TRAIN;
	return TT_OK;
}

tt_status csv_keep(struct table *t, struct csv *c, const struct csv_opts *o)
{
	size_t kept = 0, bad = 0, kept_bad = 0;

	for (size_t i = 0; t->part && i < c->rows; i++) {
		const int is_bad = bad < c->bad_rows && c->bad[bad].index == (int64_t)i;

		bad += (size_t)is_bad;
		if (t->part[i] != o->split)
			continue;
		csv_move_row(t, c, kept, i);
		if (c->label)
			c->label[kept] = c->label[i];
		if (c->value)
			c->value[kept] = c->value[i];
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
