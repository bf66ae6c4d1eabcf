#include "data/batch.h"

#include <math.h>
#include <string.h>

#include "base/sized.h"

int batch_find(const tt_batch *b, const char *name)
{
	for (int i = 0; i < b->columns; i++)
		if (strcmp(b->column[i]->name, name) == 0)
			return i;
	return -1;
}

const tt_column *tt_batch_column(const tt_batch *b, const char *name)
{
	int i = b && name ? batch_find(b, name) : -1;

	return i < 0 ? NULL : b->column[i];
}

static tt_status check_offsets(const tt_column *c, int64_t n)
{
	if (!c->offsets)
		return err_set(TT_EINVAL, "column '%.60s' is ragged and has no offsets", c->name);
	if (c->offsets[0] < 0)
		return err_set(TT_EINVAL, "column '%.60s': the first offset is %lld", c->name,
		               (long long)c->offsets[0]);
	for (int64_t i = 0; i < n; i++)
		if (c->offsets[i + 1] < c->offsets[i])
			return err_set(TT_EINVAL, "column '%.60s': offset %lld is %lld, the one before %lld",
			               c->name, (long long)(i + 1), (long long)c->offsets[i + 1],
			               (long long)c->offsets[i]);
	return TT_OK;
}

static tt_status check_data(const tt_column *c, int64_t n)
{
	tt_status st = column_ragged(c) ? check_offsets(c, n) : TT_OK;
	int64_t rows = st == TT_OK && column_ragged(c) ? c->offsets[n] - c->offsets[0] : n;

	if (st == TT_OK && !c->data && rows > 0)
		return err_set(TT_EINVAL, "column '%.60s' has no data", c->name);
	return st;
}

static tt_status check_weights(const tt_batch *b)
{
	for (int64_t i = 0; b->weight && i < b->n; i++)
		if (!(b->weight[i] >= 0) || isinf(b->weight[i]))
			return err_set(TT_EINVAL, "sample %lld weighs %g: weights are finite and not negative",
			               (long long)i, (double)b->weight[i]);
	return TT_OK;
}

static tt_status take_columns(tt_batch *b, struct batch_room *room)
{
	const tt_column *const *in = b->column;
	const int n = b->columns;
	tt_status st;

	b->column = room->pointer;
	for (int i = 0; i < n; i++) {
		if ((st = column_take(in[i], &room->column[i])) != TT_OK ||
		    (st = check_data(&room->column[i], b->n)) != TT_OK)
			return st;
		b->columns = i;                 /* those taken so far */
		if (batch_find(b, room->column[i].name) >= 0)
			return err_set(TT_EINVAL, "two columns are called '%.60s'", room->column[i].name);
		room->pointer[i] = &room->column[i];
	}
	b->columns = n;
	return TT_OK;
}

tt_status batch_take(const tt_batch *in, struct batch_room *room, tt_batch *out)
{
	tt_batch b;
	tt_status st;

	if ((st = sized_take(&b, sizeof b, in, offsetof(tt_batch, weight), "tt_batch")) != TT_OK)
		return st;
	if (b.n < 1)
		return err_set(TT_EINVAL, "a batch of %lld samples: there must be at least one",
		               (long long)b.n);
	if (b.columns < 1 || b.columns > BATCH_COLUMNS || !b.column)
		return err_set(TT_EINVAL, "a batch of %d columns: 1 to %d are possible", b.columns,
		               BATCH_COLUMNS);
	if ((st = take_columns(&b, room)) != TT_OK || (st = check_weights(&b)) != TT_OK)
		return st;
	*out = b;
	return TT_OK;
}

tt_status tt_batch_check(const tt_batch *b)
{
	struct batch_room room;
	tt_batch whole;

	return batch_take(b, &room, &whole);
}

void batch_slice(const tt_batch *b, int64_t first, int64_t end, struct batch_room *room,
                 tt_batch *out)
{
	*out = *b;
	out->n = end - first;
	out->column = room->pointer;
	out->weight = b->weight ? b->weight + first : NULL;
	for (int i = 0; i < b->columns; i++) {
		tt_column *c = &room->column[i];

		*c = *b->column[i];
		room->pointer[i] = c;
		if (c->offsets)
			c->offsets += first;
		else
			c->data = (const char *)c->data + (size_t)first * column_bytes(c);
	}
}
