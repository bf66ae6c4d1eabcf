/* A source over columns of the caller. */
#include <math.h>

#include "base/mem.h"
#include "data/convert.h"
#include "data/readers/memory_source.h"

static const struct reader_ops memory_reader = {
	.help = "columns in memory", .close = memory_source_close, .read = memory_source_read,
	.peek = memory_source_peek,
};

static tt_status check_classes(const tt_schema *s, const tt_column *c, int64_t count)
{
	const size_t each = column_bytes(c);
	int32_t label;
	tt_status st = TT_OK;

	for (int64_t i = 0; st == TT_OK && i < count; i++)
		st = convert_labels(&(struct labels){ c->type, (const char *)c->data + (size_t)i * each, i,
		                                      s->classes, TT_EFORMAT }, 1, &label);
	return st == TT_OK ? st : err_at(st, "column '%s'", c->name);
}

static tt_status check_weights(const tt_column *c, int64_t count)
{
	const float *w = c->data;

	for (int64_t i = 0; i < count; i++)
		if (!(w[i] >= 0) || isinf(w[i]))
			return err_set(TT_EFORMAT, "column '%s': sample %lld weighs %g: weights are finite and "
			               "not negative", c->name, (long long)i, (double)w[i]);
	return TT_OK;
}

/* The columns with their data, which the copied schema does not keep. */
static tt_status take_data(struct memory_source *r, const tt_schema *from, struct batch_room *room)
{
	const tt_schema *own = &r->reader.schema.view;
	const int target = schema_target(own), weight = schema_weight(own);
	tt_batch b;
	tt_status st = batch_take(TT_BATCH(.columns = own->columns, .column = from->column,
	                                   .n = r->reader.count), room, &b);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < b.columns; i++) {
		r->data[i] = b.column[i]->data;
		r->offsets[i] = b.column[i]->offsets;
	}
	if (target >= 0 && own->kind == TT_TARGET_CLASS)
		st = check_classes(own, b.column[target], b.n);
	if (st == TT_OK && weight >= 0)
		st = check_weights(b.column[weight], b.n);
	return st;
}

tt_status tt_source_from_memory(tt_source **out, const tt_schema *schema, int64_t count)
{
	struct batch_room *room;
	struct memory_source *r = NULL;
	struct schema s = {0};
	tt_status st;

	if (!out)
		return err_null(__func__);
	if (!(room = mem_alloc(sizeof *room)))
		return TT_ENOMEM;
	st = schema_take(&s, schema);
	if (st == TT_OK && (st = memory_source_new(&r, &memory_reader, &s, count)) == TT_OK &&
	    (st = take_data(r, schema, room)) == TT_OK)
		st = source_wrap(out, &r->reader);
	if (st != TT_OK && r)
		memory_source_close(&r->reader);
	mem_free(room);
	return st;
}
