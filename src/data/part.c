#include "data/part.h"

#include "base/mem.h"

struct part {
	struct reader        reader;
	const struct reader *inner;
	tt_source           *whole;     /* owned                  */
	int64_t             *index;     /* owned, [count] in whole */
};

static void part_close(struct reader *r)
{
	struct part *p = (struct part *)r;

	tt_source_close(&p->whole);
	mem_free(p->index);
	reader_release(r);
	mem_free(p);
}

/* The samples that follow are read one by one: neighbours here are none there. */
static tt_status part_read(const struct reader *r, int64_t first, int64_t n, struct cells *cells)
{
	const struct part *p = (const struct part *)r;
	const tt_schema *s = &r->schema.view;
	struct cells one[BATCH_COLUMNS] = {{0}};
	tt_status st = TT_OK;

	for (int i = 0; i < s->columns; i++) {
		one[i] = cells[i];
		cells[i].used = 0;
	}
	for (int64_t k = 0; st == TT_OK && k < n; k++) {
		st = p->inner->ops->read(p->inner, p->index[first + k], 1, one);
		for (int i = 0; st == TT_OK && i < s->columns; i++) {
			const int ragged = column_ragged(s->column[i]);
			const size_t bytes = ragged ? one[i].used : column_bytes(s->column[i]);
			const size_t step = ragged && bytes > one[i].room ? one[i].room : bytes;

			if (!one[i].data)
				continue;
			cells[i].used += ragged ? bytes : 0;
			one[i].data = (char *)one[i].data + step;
			one[i].room -= ragged ? step : 0;
			one[i].rows += ragged;
		}
	}
	return st;
}

static const void *part_peek(const struct reader *r, int column, int64_t index)
{
	const struct part *p = (const struct part *)r;

	return reader_peek(p->inner, column, p->index[index]);
}

static const char *part_id(const struct reader *r, int k, int64_t index)
{
	const struct part *p = (const struct part *)r;

	return reader_id(p->inner, k, p->index[index]);
}

static const struct reader_ops part_reader = {
	.help = "some of another source's samples", .close = part_close, .read = part_read,
	.peek = part_peek, .id = part_id,
};

static tt_status read_classes(const tt_source *s, int32_t *class)
{
	tt_status st = TT_OK;

	for (int64_t i = 0; st == TT_OK && i < tt_source_describe(s)->count; i++) {
		class[i] = -1;
		if ((st = tt_source_read(s, i, NULL, &class[i], NULL)) == TT_ENOENT)
			st = TT_OK;
	}
	return st;
}

/* Which of them, and how many. */
static tt_status choose(struct part *p, const struct cut *c)
{
	const int64_t n = p->inner->count;
	const int classes = p->inner->schema.view.kind == TT_TARGET_CLASS;
	struct cut_samples s = { .n = n, .classes = p->inner->schema.view.classes };
	int32_t *class = classes && c->split->stratify ? mem_alloc((size_t)(n + 1) * sizeof *class)
	                                               : NULL;
	uint8_t *part = mem_calloc((size_t)n + 1, 1);
	tt_status st = part && (p->index = mem_alloc((size_t)(n + 1) * sizeof *p->index)) ? TT_OK
	                                                                                 : TT_ENOMEM;

	if (st == TT_OK && classes && c->split->stratify)
		st = class ? read_classes(p->whole, class) : TT_ENOMEM;
	s.class = class;
	if (st == TT_OK)
		st = cut_samples(c->split, &s, part);
	p->reader.count = 0;
	for (int64_t i = 0; st == TT_OK && i < n; i++)
		if (part[i] == c->part)
			p->index[p->reader.count++] = i;
	mem_free(class);
	mem_free(part);
	return st;
}

tt_status source_part(tt_source **out, tt_source *whole, const struct cut *c)
{
	struct part *p;
	tt_status st;

	if (source_reader(whole)->access == TT_ACCESS_FORWARD)
		return err_set(TT_ESUPPORT, "data.split needs a source that can give any sample; this one "
		               "only goes forward");
	if (c->split->group && *c->split->group)
		return err_set(TT_ESUPPORT, "data.split.group is for tables (csv:), this source has no "
		               "column '%.60s'", c->split->group);
	if (!(p = mem_calloc(1, sizeof *p)))
		return TT_ENOMEM;
	p->whole = whole;
	p->inner = source_reader(whole);
	p->reader = *p->inner;
	p->reader.ops = &part_reader;
	p->reader.ranges = p->reader.follows = 0;
	p->reader.shards = 0;
	p->reader.schema = (struct schema){0};
	if ((st = schema_take(&p->reader.schema, &p->inner->schema.view)) == TT_OK &&
	    (st = choose(p, c)) == TT_OK && (st = source_wrap(out, &p->reader)) == TT_OK)
		return TT_OK;
	p->whole = NULL;
	part_close(&p->reader);
	return st;
}
