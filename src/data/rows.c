/* rows.c -- some samples of a source as a batch, in one block:
 *
 *   batch, columns | offsets of the ragged ones, [n + 1] each | data of each column */
#include "base/hash.h"
#include "base/mem.h"
#include "data/batch.h"
#include "data/reader.h"

#define ALIGNMENT ((size_t)64)

struct block {
	tt_batch         batch;
	const tt_column *pointer[BATCH_COLUMNS];
	tt_column        column[BATCH_COLUMNS];
};

struct reading {
	const struct reader *r;
	int64_t              first, n;
	int64_t             *rows;                      /* [ragged columns][n]           */
	struct cells         cells[BATCH_COLUMNS];
	size_t               at[BATCH_COLUMNS], bytes;  /* of data in the block; its size */
};

static const tt_column *column_of(const struct reading *g, int i)
{
	return g->r->schema.view.column[i];
}

/* Of ragged columns: how many bytes, which a read without room says. */
static tt_status measure(struct reading *g)
{
	static char nothing;
	const int columns = g->r->schema.view.columns;
	int ragged = 0;

	for (int i = 0; i < columns; i++)
		ragged += column_ragged(column_of(g, i));
	if (!ragged)
		return TT_OK;
	if (!(g->rows = mem_calloc((size_t)g->n, (size_t)ragged * sizeof *g->rows)))
		return TT_ENOMEM;
	for (int i = columns; i-- > 0; )
		if (column_ragged(column_of(g, i)))
			g->cells[i] = (struct cells){ .data = &nothing, .rows = g->rows + --ragged * g->n };
	return g->r->ops->read(g->r, g->first, g->n, g->cells);
}

/* Room for n numbers of so many bytes; where it begins.  0: more than there can be. */
static int place(struct reading *g, size_t n, size_t bytes, size_t *at)
{
	size_t all;

	if (__builtin_mul_overflow(n, bytes, &all) || all > SIZE_MAX / 4 - g->bytes)
		return 0;
	*at = g->bytes;
	g->bytes += (all + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	return 1;
}

static tt_status lay_out(struct reading *g, size_t offsets[BATCH_COLUMNS])
{
	const int columns = g->r->schema.view.columns;
	size_t nowhere;
	int fits = place(g, 1, sizeof(struct block), &nowhere);

	for (int i = 0; i < columns && fits; i++) {
		const int ragged = column_ragged(column_of(g, i));

		fits = !ragged || place(g, (size_t)g->n + 1, sizeof(int64_t), &offsets[i]);
		fits = fits && place(g, ragged ? 1 : (size_t)g->n,
		                     ragged ? g->cells[i].used : column_bytes(column_of(g, i)), &g->at[i]);
	}
	return fits ? TT_OK : TT_ENOMEM;
}

static tt_status fill(struct reading *g, struct block *b, const size_t offsets[BATCH_COLUMNS])
{
	const int columns = g->r->schema.view.columns;
	tt_status st;

	for (int i = 0; i < columns; i++) {
		g->cells[i].data = (char *)b + g->at[i];
		g->cells[i].room = g->cells[i].used;
	}
	if ((st = g->r->ops->read(g->r, g->first, g->n, g->cells)) != TT_OK)
		return st;
	for (int i = 0; i < columns; i++) {
		if (column_ragged(column_of(g, i)) && g->cells[i].used != g->cells[i].room)
			return err_set(TT_EFORMAT, "column '%.60s' has another length when it is read again",
			               column_of(g, i)->name);
		b->column[i] = *column_of(g, i);
		b->column[i].data = g->cells[i].data;
		b->pointer[i] = &b->column[i];
		if (column_ragged(column_of(g, i))) {
			int64_t *o = (int64_t *)(void *)((char *)b + offsets[i]);

			for (int64_t k = 0; k < g->n; k++)
				o[k + 1] = o[k] + g->cells[i].rows[k];
			b->column[i].offsets = o;
		}
	}
	b->batch = (tt_batch){ .size = sizeof b->batch, .columns = columns, .column = b->pointer,
	                       .n = g->n };
	return TT_OK;
}

tt_status tt_source_batch(const tt_source *s, int64_t first, int64_t n, tt_batch **out)
{
	size_t offsets[BATCH_COLUMNS];
	struct reading g = { .first = first, .n = n };
	struct block *b = NULL;
	tt_status st;

	if (!s || !out)
		return err_null(__func__);
	g.r = source_reader(s);
	if (first < 0 || n < 1 || first > g.r->count || n > g.r->count - first)
		return err_set(TT_EINVAL, "samples %lld to %lld: the source has %lld", (long long)first,
		               (long long)((uint64_t)first + (uint64_t)n - 1), (long long)g.r->count);
	if ((st = measure(&g)) == TT_OK && (st = lay_out(&g, offsets)) == TT_OK) {
		st = (b = mem_calloc(1, g.bytes)) ? fill(&g, b, offsets) : TT_ENOMEM;
		if (st == TT_OK)
			*out = &b->batch;
		else
			mem_free(b);
	}
	mem_free(g.rows);
	return st;
}

tt_status source_hash(const tt_source *s, int64_t index, uint64_t *h)
{
	tt_batch *b;
	tt_status st = tt_source_batch(s, index, 1, &b);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < b->columns; i++) {
		const tt_column *c = b->column[i];

		*h = hash_bytes(*h, c->data, column_bytes(c) * (c->offsets ? (size_t)c->offsets[1] : 1));
	}
	mem_free(b);
	return TT_OK;
}
