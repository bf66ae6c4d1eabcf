/* A source that a function of the caller gives. */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "data/reader.h"

struct callback_source {
	struct reader   reader;
	tt_callback     c;
	int64_t        *shard;            /* owned */
	pthread_mutex_t lock;             /* one call at a time, unless c.threads; guards the rest */
	int64_t         first, n;         /* the last answer; n = 0: none */
	tt_column       answer[BATCH_COLUMNS];
};

static void callback_close(struct reader *r)
{
	struct callback_source *s = (struct callback_source *)r;

	if (s->c.close)
		s->c.close(s->c.ctx);
	pthread_mutex_destroy(&s->lock);
	mem_free(s->shard);
	reader_release(r);
	mem_free(s);
}

/* ---- reading ---- */

/* What a function can do wrong must not become a crash. */
static tt_status check_answer(const tt_column *c, int64_t n)
{
	if (!c->data)
		return err_set(TT_EINVAL, "the source's function gave no data for column '%.60s'", c->name);
	if (!column_ragged(c))
		return TT_OK;
	if (!c->offsets)
		return err_set(TT_EINVAL, "the source's function gave no offsets for column '%.60s'",
		               c->name);
	for (int64_t i = 0; i < n; i++)
		if (c->offsets[i] < 0 || c->offsets[i + 1] < c->offsets[i])
			return err_set(TT_EINVAL, "the source's function gave offsets for column '%.60s' that "
			               "do not grow", c->name);
	return TT_OK;
}

static void copy_ragged(const tt_column *c, int64_t n, struct cells *to)
{
	const size_t row = column_bytes(c);

	to->used = (size_t)(c->offsets[n] - c->offsets[0]) * row;
	if (to->used > to->room)
		return;
	memcpy(to->data, (const char *)c->data + (size_t)c->offsets[0] * row, to->used);
	for (int64_t i = 0; i < n; i++)
		to->rows[i] = c->offsets[i + 1] - c->offsets[i];
}

static tt_status copy_out(const struct callback_source *s, int64_t n, const tt_column *column,
                          struct cells *cells)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < s->reader.schema.view.columns; i++) {
		if (!cells[i].data || (st = check_answer(&column[i], n)) != TT_OK)
			continue;
		if (column_ragged(&column[i]))
			copy_ragged(&column[i], n, &cells[i]);
		else
			memcpy(cells[i].data, column[i].data, (size_t)n * column_bytes(&column[i]));
	}
	return st;
}

static tt_status ask(const struct callback_source *s, int64_t first, int64_t n, tt_column *column)
{
	const tt_schema *v = &s->reader.schema.view;
	tt_column shown[BATCH_COLUMNS], *pointer[BATCH_COLUMNS];
	tt_status st;

	for (int i = 0; i < v->columns; i++) {
		shown[i] = *v->column[i];
		pointer[i] = &shown[i];
	}
	st = s->c.read(s->c.ctx, first, n, pointer);
	for (int i = 0; i < v->columns; i++) {      /* what columns are like is not the function's */
		column[i] = *v->column[i];
		column[i].data = shown[i].data;
		column[i].offsets = shown[i].offsets;
	}
	return st == TT_OK ? st
		: err_set(st, "the source's function failed for samples %lld to %lld: %s",
		          (long long)first, (long long)(first + n - 1), tt_status_text(st));
}

/* Asked again for the same samples, it shows the answer once more: what only goes forward could
 * not give them twice. */
static tt_status read_alone(struct callback_source *s, int64_t first, int64_t n,
                            struct cells *cells)
{
	tt_status st = TT_OK;

	if (s->first != first || s->n != n) {
		s->n = 0;
		if ((st = ask(s, first, n, s->answer)) != TT_OK)
			return st;
		s->first = first;
		s->n = n;
	}
	return copy_out(s, n, s->answer, cells);
}

static tt_status callback_read(const struct reader *r, int64_t first, int64_t n,
                               struct cells *cells)
{
	/* Without const for the lock and what it guards. */
	struct callback_source *s = (struct callback_source *)(uintptr_t)r;
	tt_column column[BATCH_COLUMNS];
	tt_status st;

	if (s->c.threads)
		return (st = ask(s, first, n, column)) == TT_OK ? copy_out(s, n, column, cells) : st;
	pthread_mutex_lock(&s->lock);
	st = read_alone(s, first, n, cells);
	pthread_mutex_unlock(&s->lock);
	return st;
}

static const struct reader_ops callback_reader = {
	.help = "samples that a function gives", .close = callback_close, .read = callback_read,
};

/* ---- life ---- */

static tt_status check_callback(const tt_callback *c, int64_t count)
{
	if (!c->read)
		return err_set(TT_EINVAL, "tt_callback: read is NULL");
	if (count < 1)
		return err_set(TT_EINVAL, "a source of %lld samples: there must be at least one",
		               (long long)count);
	if (c->access != TT_ACCESS_INDEX && c->access != TT_ACCESS_FORWARD)
		return err_set(TT_EINVAL, "tt_callback: there is no access %d", (int)c->access);
	if (!c->shard || c->access == TT_ACCESS_INDEX)
		return TT_OK;
	for (int64_t i = 0; i < c->shards; i++)
		if (c->shard[i + 1] <= c->shard[i])
			return err_set(TT_EINVAL, "tt_callback: shard %lld begins at sample %lld and ends at "
			               "%lld", (long long)i, (long long)c->shard[i],
			               (long long)c->shard[i + 1]);
	if (c->shards < 1 || c->shard[0] != 0 || c->shard[c->shards] != count)
		return err_set(TT_EINVAL, "tt_callback: the shards do not go from 0 to %lld",
		               (long long)count);
	return TT_OK;
}

static tt_status take_abilities(struct callback_source *s)
{
	const size_t bytes = (size_t)(s->c.shards + 1) * sizeof *s->shard;

	s->reader.access = s->c.access;
	s->reader.ranges = 1;
	if (!s->c.shard || s->c.access == TT_ACCESS_INDEX)
		return TT_OK;
	if (!(s->shard = mem_alloc(bytes)))
		return TT_ENOMEM;
	memcpy(s->shard, s->c.shard, bytes);
	s->reader.shard = s->shard;
	s->reader.shards = s->c.shards;
	return TT_OK;
}

tt_status tt_source_from_callback(tt_source **out, const tt_schema *schema, int64_t count,
                                  const tt_callback *c)
{
	struct callback_source *s;
	tt_status st;

	if (!out)
		return err_null(__func__);
	if (!(s = mem_calloc(1, sizeof *s)))
		return TT_ENOMEM;
	st = sized_take(&s->c, sizeof s->c, c, offsetof(tt_callback, ctx), "tt_callback");
	pthread_mutex_init(&s->lock, NULL);
	s->reader.ops = &callback_reader;
	s->reader.count = count;
	if (st == TT_OK && (st = check_callback(&s->c, count)) == TT_OK &&
	    (st = schema_take(&s->reader.schema, schema)) == TT_OK &&
	    (st = take_abilities(s)) == TT_OK && (st = source_wrap(out, &s->reader)) == TT_OK)
		return TT_OK;
	s->c.close = NULL;              /* it is still the caller's */
	callback_close(&s->reader);
	return st;
}
