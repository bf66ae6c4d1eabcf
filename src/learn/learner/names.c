/* names.c -- in which order a model that knows its features by name reads those of a batch. */
#include <string.h>

#include "base/mem.h"
#include "learn/learner/intake.h"
#include "learn/nn/signature.h"

static const tt_column *known_input(const struct intake *k)
{
	const tt_schema *d = &k->model->signature->data.view;

	return d->column[schema_input(d, 0)];
}

void intake_forget_features(struct intake *k)
{
	mem_free(k->pick);
	mem_free(k->ordered);
	k->pick = NULL;
	k->ordered = NULL;
	k->ordered_bytes = 0;
	k->moved = 0;
}

tt_status intake_find_features(struct intake *k, const tt_column *x)
{
	const tt_column *want = known_input(k);
	const int64_t n = want->shape[0];
	tt_status st;

	k->moved = 0;
	if (!want->features || !x->features || x->ndim != 1 || x->shape[0] != n)
		return TT_OK;                   /* by their places, if the shape is right */
	if (!k->pick) {
		if (!(k->pick = mem_alloc((size_t)n * sizeof *k->pick)))
			return TT_ENOMEM;
		for (int64_t i = 0; i < n; i++)
			k->pick[i] = i;
	}
	st = signature_pick(want, x, k->pick, &k->moved);
	return st == TT_OK ? st : err_at(st, "column '%.60s'", x->name);
}

tt_status intake_order(struct intake *k, const tt_column *x, int64_t n, const void **out)
{
	const size_t each = tt_type_size(x->type), row = (size_t)x->shape[0] * each;
	const size_t bytes = (size_t)n * row;
	const char *from = x->data;
	char *to;

	*out = x->data;
	if (!k->moved)
		return TT_OK;
	if (bytes > k->ordered_bytes) {
		mem_free(k->ordered);
		k->ordered_bytes = 0;
		if (!(k->ordered = mem_alloc_aligned(bytes)))
			return TT_ENOMEM;
		k->ordered_bytes = bytes;
	}
	to = k->ordered;
	for (int64_t i = 0; i < n; i++, from += row)
		for (int64_t f = 0; f < x->shape[0]; f++, to += each)
			memcpy(to, from + (size_t)k->pick[f] * each, each);
	*out = k->ordered;
	return TT_OK;
}
