#include "data/readers/memory_source.h"

#include <string.h>

#include "base/mem.h"

tt_status memory_source_new(struct memory_source **out, const struct reader_ops *ops,
                            struct schema *schema, int64_t count)
{
	struct memory_source *s = mem_calloc(1, sizeof *s);

	if (!s) {
		schema_release(schema);
		return TT_ENOMEM;
	}
	s->reader.ops = ops;
	s->reader.count = count;
	s->reader.measured = 1;
	schema_move(&s->reader.schema, schema);
	*out = s;
	return TT_OK;
}

void memory_source_close(struct reader *r)
{
	struct memory_source *s = (struct memory_source *)r;

	if (!s)
		return;
	for (int i = 0; i < MEMORY_BLOCKS; i++)
		mem_free(s->owned[i]);
	arena_release(&s->arena);
	reader_release(r);
	mem_free(s);
}

/* The first bad one of n; NULL: none. */
static const struct bad_sample *find_bad(const struct memory_source *s, int64_t first, int64_t n)
{
	int64_t lo = 0, hi = s->bads;

	while (lo < hi) {
		const int64_t mid = (lo + hi) / 2;

		if (s->bad[mid].index < first)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->bads && s->bad[lo].index - first < n ? &s->bad[lo] : NULL;
}

const void *memory_source_peek(const struct reader *r, int column, int64_t index)
{
	const struct memory_source *s = (const struct memory_source *)r;

	if (find_bad(s, index, 1) || column_ragged(r->schema.view.column[column]))
		return NULL;
	return (const char *)s->data[column] +
	       (size_t)index * column_bytes(r->schema.view.column[column]);
}

const char *memory_source_id(const struct reader *r, int k, int64_t index)
{
	const struct memory_source *s = (const struct memory_source *)r;

	return s->id ? s->id[index * r->ids + k] : NULL;
}

static void read_ragged(const tt_column *c, int64_t n, struct cells *to)
{
	const size_t row = column_bytes(c);
	const int64_t *at = c->offsets;

	to->used = (size_t)(at[n] - at[0]) * row;
	if (to->used > to->room)
		return;
	if (to->used)
		memcpy(to->data, (const char *)c->data + (size_t)at[0] * row, to->used);
	for (int64_t i = 0; i < n; i++)
		to->rows[i] = at[i + 1] - at[i];
}

tt_status memory_source_read(const struct reader *r, int64_t first, int64_t n, struct cells *cells)
{
	const struct memory_source *s = (const struct memory_source *)r;
	const tt_schema *v = &r->schema.view;
	const struct bad_sample *bad = find_bad(s, first, n);

	if (bad)
		return err_set(TT_EFORMAT, "%s", bad->why);
	for (int i = 0; i < v->columns; i++) {
		tt_column c = *v->column[i];

		if (!cells[i].data)
			continue;
		c.data = s->data[i];
		c.offsets = s->offsets[i] ? s->offsets[i] + first : NULL;
		if (column_ragged(&c))
			read_ragged(&c, n, &cells[i]);
		else
			memcpy(cells[i].data, memory_source_peek(r, i, first), (size_t)n * column_bytes(&c));
	}
	return TT_OK;
}
