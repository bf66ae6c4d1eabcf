#include "data/view.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "data/convert.h"

struct view {
	struct reader        reader;
	const struct reader *inner;
	struct view_plan     plan;          /* its schema is the reader's           */
	void                *whole;         /* room for one such sample; guarded by the lock      */
	pthread_mutex_t      lock;
};

static void view_close(struct reader *r)
{
	struct view *v = (struct view *)r;

	pthread_mutex_destroy(&v->lock);
	mem_free(v->whole);
	reader_release(r);
	mem_free(v);
}

/* ---- changes ---- */

static void pick(const struct view *v, int i, const void *whole, void *to)
{
	const tt_column *c = v->reader.schema.view.column[i];
	const size_t each = tt_type_size(c->type);

	for (int64_t k = 0; k < c->shape[0]; k++)
		if (v->plan.pick[i][k] < 0)
			memset((char *)to + (size_t)k * each, 0, each);
		else
			memcpy((char *)to + (size_t)k * each,
			       (const char *)whole + (size_t)v->plan.pick[i][k] * each, each);
}

/* A sample that has more than what is picked, in memory of the source or in ours. */
static tt_status pick_one(struct view *v, int i, int64_t index, void *to)
{
	const int from = v->plan.from[i];
	const void *whole = reader_peek(v->inner, from, index);
	struct cells cells[BATCH_COLUMNS] = {{0}};
	tt_status st;

	if (whole) {
		pick(v, i, whole, to);
		return TT_OK;
	}
	pthread_mutex_lock(&v->lock);
	cells[from].data = v->whole;
	if ((st = v->inner->ops->read(v->inner, index, 1, cells)) == TT_OK)
		pick(v, i, v->whole, to);
	pthread_mutex_unlock(&v->lock);
	return st;
}

static tt_status rename_classes(const struct view *v, int64_t first, int64_t n, void *labels)
{
	const tt_schema *s = &v->inner->schema.view;
	const enum tt_type type = s->column[schema_target(s)]->type;
	const size_t each = tt_type_size(type);
	tt_status st = TT_OK;

	for (int64_t k = 0; st == TT_OK && k < n; k++) {
		char *at = (char *)labels + (size_t)k * each;
		int32_t label;

		st = convert_labels(&(struct labels){ type, at, first + k, s->classes,
		                    TT_EFORMAT }, 1, &label);
		if (st != TT_OK)
			break;
		label = v->plan.class[label];
		if (type == TT_U8)
			*(uint8_t *)at = (uint8_t)label;
		else if (type == TT_I32)
			memcpy(at, &label, sizeof label);
		else
			memcpy(at, &(int64_t){ label }, sizeof(int64_t));
	}
	return st;
}

/* ---- reading ---- */

static tt_status view_read(const struct reader *r, int64_t first, int64_t n, struct cells *cells)
{
	/* Without const for the lock and the room that it guards. */
	struct view *v = (struct view *)(uintptr_t)r;
	const tt_schema *s = &r->schema.view;
	const int target = schema_target(s);
	struct cells inner[BATCH_COLUMNS] = {{0}};
	tt_status st;

	for (int i = 0; i < s->columns; i++)
		if (!v->plan.pick[i])
			inner[v->plan.from[i]] = cells[i];
	if ((st = v->inner->ops->read(v->inner, first, n, inner)) != TT_OK)
		return st;
	for (int i = 0; st == TT_OK && i < s->columns; i++) {
		if (!v->plan.pick[i])
			cells[i].used = inner[v->plan.from[i]].used;
		for (int64_t k = 0; st == TT_OK && v->plan.pick[i] && cells[i].data && k < n; k++)
			st = pick_one(v, i, first + k,
			              (char *)cells[i].data + (size_t)k * column_bytes(s->column[i]));
	}
	if (st == TT_OK && v->plan.class && target >= 0 && cells[target].data)
		st = rename_classes(v, first, n, cells[target].data);
	return st;
}

static const void *view_peek(const struct reader *r, int column, int64_t index)
{
	const struct view *v = (const struct view *)r;

	if (v->plan.pick[column] || (v->plan.class && column == schema_target(&r->schema.view)))
		return NULL;
	return reader_peek(v->inner, v->plan.from[column], index);
}

static const char *view_id(const struct reader *r, int k, int64_t index)
{
	return reader_id(((const struct view *)r)->inner, k, index);
}

static const struct reader_ops view_reader = {
	.help = "another source's samples", .close = view_close, .read = view_read, .peek = view_peek,
	.id = view_id,
};

/* ---- life ---- */

static tt_status make_room(struct view *v)
{
	size_t most = 1;

	for (int i = 0; i < v->reader.schema.view.columns; i++) {
		const tt_column *c = v->inner->schema.view.column[v->plan.from[i]];

		if (v->plan.pick[i] && column_bytes(c) > most)
			most = column_bytes(c);
	}
	return (v->whole = mem_alloc(most)) ? TT_OK : TT_ENOMEM;
}

tt_status source_view(tt_source **out, const tt_source *s, struct view_plan *p)
{
	struct view *v = mem_calloc(1, sizeof *v);
	tt_status st;

	if (!v) {
		schema_release(&p->schema);
		return TT_ENOMEM;
	}
	pthread_mutex_init(&v->lock, NULL);
	v->inner = source_reader(s);
	v->plan = *p;
	v->reader = *v->inner;
	v->reader.schema = (struct schema){0};
	v->reader.ops = &view_reader;
	schema_move(&v->reader.schema, &p->schema);
	v->plan.schema = (struct schema){0};
	if ((st = make_room(v)) == TT_OK && (st = source_wrap(out, &v->reader)) == TT_OK)
		return TT_OK;
	view_close(&v->reader);
	return st;
}
