/* The public source in front of a reader: checks what callers pass, and shows those who know one
 * input and one target their part. */
#include "data/reader.h"

#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "data/convert.h"

struct tt_source { struct reader *reader; };

void reader_release(struct reader *r)
{
	schema_release(&r->schema);
}

/* ---- the short description ---- */

static void describe_input(const tt_schema *s, tt_source_info *info)
{
	const tt_column *c = s->column[schema_input(s, 0)];

	info->ndim = c->ndim ? c->ndim : 1;           /* a scalar is a vector of one */
	info->shape[0] = 1;
	for (int i = 0; i < c->ndim; i++)
		info->shape[i] = c->shape[i];
	info->type = c->type == TT_U8 ? TT_SAMPLE_U8 : TT_SAMPLE_F32;
}

static void describe_target(const tt_schema *s, tt_source_info *info)
{
	int at = schema_target(s);

	info->target = TT_TARGET_VALUES;
	if (at >= 0 && (s->kind == TT_TARGET_CLASS || s->kind == TT_TARGET_PLACES))
		info->target = s->kind;
	info->classes = s->classes;
	info->class_names = s->class_names;
	if (at >= 0 && info->target == TT_TARGET_VALUES)
		info->values = (int)column_row(s->column[at]);
}

tt_status source_wrap(tt_source **out, struct reader *r)
{
	tt_source *s = mem_calloc(1, sizeof *s);

	if (!s)
		return TT_ENOMEM;
	r->info = (tt_source_info){ .size = sizeof r->info, .count = r->count,
	                            .left_out = r->left_out, .unseen = r->unseen,
	                            .table_columns = r->table_columns, .ids = r->ids,
	                            .id_names = r->id_names };
	describe_input(&r->schema.view, &r->info);
	describe_target(&r->schema.view, &r->info);
	s->reader = r;
	*out = s;
	return TT_OK;
}

void tt_source_close(tt_source **s)
{
	if (!s || !*s)
		return;
	(*s)->reader->ops->close((*s)->reader);
	mem_free(*s);
	*s = NULL;
}

const tt_source_info *tt_source_describe(const tt_source *s)
{
	return s ? &s->reader->info : NULL;
}

const tt_schema *tt_source_schema(const tt_source *s)
{
	return s ? &s->reader->schema.view : NULL;
}

tt_status tt_source_table_column(const tt_source *s, int i, tt_table_column *out)
{
	if (!s || !out)
		return err_null(__func__);
	if (i < 0 || i >= s->reader->table_columns)
		return err_set(TT_EINVAL, "there is no column %d: the table has %d", i,
		               s->reader->table_columns);
	return sized_give(out, &s->reader->table[i], sizeof *out, "tt_table_column");
}

const char *tt_source_id(const tt_source *s, int k, int64_t index)
{
	const struct reader *r = s ? s->reader : NULL;

	return r && k >= 0 && k < r->ids && index >= 0 && index < r->count ? reader_id(r, k, index)
	                                                                   : NULL;
}

/* ---- one sample ---- */

/* One sample's columns as the reader stores them; x and target of any type but for those that need
 * no change. */
struct sample { const struct reader *r; int64_t index; struct cells cell[BATCH_COLUMNS]; };

static tt_status read_x(struct sample *s, void *x)
{
	const int at = schema_input(&s->r->schema.view, 0);
	const tt_column *c = s->r->schema.view.column[at];
	void *raw = x;
	tt_status st;

	if (column_ragged(c))
		return err_set(TT_ESUPPORT, "column '%.60s' is ragged: read it in a batch", c->name);
	if (c->type != TT_U8 && c->type != TT_F32 && !(raw = mem_alloc(column_bytes(c))))
		return TT_ENOMEM;
	s->cell[at].data = raw;
	st = s->r->ops->read(s->r, s->index, 1, s->cell);
	s->cell[at].data = NULL;
	if (raw != x) {
		if (st == TT_OK)
			convert_to_f32(c->type, raw, (size_t)column_row(c), x);
		mem_free(raw);
	}
	return st;
}

static tt_status read_label(struct sample *s, int at, int32_t *label)
{
	const tt_schema *v = &s->r->schema.view;
	const int32_t none = -1;
	int64_t raw = 0;
	tt_status st;

	s->cell[at].data = &raw;
	st = s->r->ops->read(s->r, s->index, 1, s->cell);
	s->cell[at].data = NULL;
	if (st == TT_OK && v->column[at]->type == TT_I32 && memcmp(&raw, &none, sizeof none) == 0)
		return err_set(TT_ENOENT, "sample %lld has no target", (long long)s->index);
	return st != TT_OK ? st
		: convert_labels(&(struct labels){ v->column[at]->type, &raw, s->index, v->classes,
		                                    TT_EFORMAT }, 1, label);
}

static tt_status read_values(struct sample *s, int at, float *values)
{
	const tt_column *c = s->r->schema.view.column[at];
	void *raw;
	tt_status st;

	if (column_ragged(c))
		return err_set(TT_ESUPPORT, "column '%.60s' is ragged: read it in a batch", c->name);
	if (!(raw = mem_alloc(column_bytes(c))))
		return TT_ENOMEM;
	s->cell[at].data = raw;
	if ((st = s->r->ops->read(s->r, s->index, 1, s->cell)) == TT_OK)
		convert_to_f32(c->type, raw, (size_t)column_row(c), values);
	s->cell[at].data = NULL;
	mem_free(raw);
	return st;
}

tt_status tt_source_read(const tt_source *s, int64_t index, void *x, int32_t *label, float *values)
{
	struct sample one = { .r = s ? s->reader : NULL, .index = index };
	const tt_schema *v = tt_source_schema(s);
	int target, class;
	tt_status st = TT_OK;

	if (!s)
		return err_null(__func__);
	target = schema_target(v);
	class = v->kind == TT_TARGET_CLASS;
	if (index < 0 || index >= s->reader->count)
		return err_set(TT_EINVAL, "there is no sample %lld: the source has %lld",
		               (long long)index, (long long)s->reader->count);
	if (x)
		st = read_x(&one, x);
	if (st == TT_OK && label && target >= 0 && class)
		st = read_label(&one, target, label);
	if (st == TT_OK && values && target >= 0 && !class)
		st = read_values(&one, target, values);
	return st;
}

/* ---- inside ---- */

const struct reader *source_reader(const tt_source *s)
{
	return s->reader;
}

size_t source_elements(const tt_source_info *info)
{
	size_t n = 1;

	for (int i = 0; i < info->ndim; i++)
		n *= info->shape[i] < 0 ? 0 : (size_t)info->shape[i];
	return n;
}

size_t source_bytes(const tt_source_info *info)
{
	return source_elements(info) * (info->type == TT_SAMPLE_U8 ? 1 : sizeof(float));
}
