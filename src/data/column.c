#include "data/column.h"

#include <stdio.h>

#include "base/sized.h"

static const struct { size_t size; const char *name; } types[] = {
	[TT_U8] = { 1, "u8" }, [TT_I32] = { 4, "i32" }, [TT_I64] = { 8, "i64" },
	[TT_F16] = { 2, "f16" }, [TT_F32] = { 4, "f32" },
};

static int is_type(enum tt_type t)
{
	return (size_t)t < sizeof types / sizeof *types;
}

size_t tt_type_size(enum tt_type type)
{
	return is_type(type) ? types[type].size : 0;
}

const char *tt_type_name(enum tt_type type)
{
	return is_type(type) ? types[type].name : "?";
}

int64_t column_row(const tt_column *c)
{
	int64_t n = 1;

	for (int i = column_ragged(c); i < c->ndim; i++)
		n *= c->shape[i];
	return n;
}

size_t column_bytes(const tt_column *c)
{
	return (size_t)column_row(c) * tt_type_size(c->type);
}

/* Dimensions above 0, but for the first of a ragged one, and fewer bytes than memory has. */
static int shape_good(const tt_column *c)
{
	int64_t bytes = (int64_t)tt_type_size(c->type);

	if (c->ndim < 0 || c->ndim > TT_COLUMN_DIMS)
		return 0;
	for (int i = 0; i < c->ndim; i++)
		if (i == 0 && c->shape[0] == -1)
			continue;
		else if (c->shape[i] < 1 || __builtin_mul_overflow(bytes, c->shape[i], &bytes))
			return 0;
	return 1;
}

static tt_status check(const tt_column *c)
{
	if (!c->name || !*c->name)
		return err_set(TT_EINVAL, "a column has no name");
	if (!is_type(c->type))
		return err_set(TT_EINVAL, "column '%.60s': there is no type %d", c->name, (int)c->type);
	if (!shape_good(c))
		return err_set(TT_EINVAL, "column '%.60s': a sample has 0 to %d dimensions, each above 0; "
		               "the first may be -1, which is ragged", c->name, TT_COLUMN_DIMS);
	if (c->features && (c->ndim != 1 || c->shape[0] < 0))
		return err_set(TT_EINVAL, "column '%.60s': only the numbers of a vector have names",
		               c->name);
	for (int64_t i = 0; c->features && i < c->shape[0]; i++)
		if (!c->features[i])
			return err_set(TT_EINVAL, "column '%.60s': feature %lld has no name", c->name,
			               (long long)i);
	return TT_OK;
}

tt_status column_take(const tt_column *in, tt_column *out)
{
	tt_column c;
	tt_status st;

	if ((st = sized_take(&c, sizeof c, in, offsetof(tt_column, features), "tt_column")) == TT_OK &&
	    (st = check(&c)) == TT_OK) {
		for (int i = c.ndim; i < TT_COLUMN_DIMS; i++)
			c.shape[i] = 0;         /* so that equal shapes are equal bytes */
		*out = c;
	}
	return st;
}

const char *column_text(const tt_column *c, char buf[COLUMN_TEXT])
{
	int n = snprintf(buf, COLUMN_TEXT, "%s", tt_type_name(c->type));

	for (int i = 0; i < c->ndim && i < TT_COLUMN_DIMS; i++) {
		const char *before = i ? ", " : " [";

		n += c->shape[i] < 0
		     ? snprintf(buf + n, COLUMN_TEXT - (size_t)n, "%sany", before)
		     : snprintf(buf + n, COLUMN_TEXT - (size_t)n, "%s%lld", before,
		                (long long)c->shape[i]);
	}
	if (c->ndim)
		snprintf(buf + n, COLUMN_TEXT - (size_t)n, "]");
	return buf;
}
