#include "learn/predict/program_inputs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "data/convert.h"

/* ---- tokens ---- */

struct token {
	const struct net_input *in;
	const tt_column        *column;
	const int64_t          *index;
	int64_t                 samples, at;    /* its place among all numbers of the column */
	double                  value;
};

/* The sample that number `at` belongs to, and its place within. */
static int64_t sample_of(const struct token *t, int64_t *place)
{
	const tt_column *c = t->column;
	const int64_t each = column_row(c);
	int64_t i = 0;

	if (!column_ragged(c)) {
		*place = t->at % each;
		return t->at / each;
	}
	while (i + 1 < t->samples && c->offsets[i + 1] * each <= t->at)
		i++;
	*place = t->at - c->offsets[i] * each;
	return i;
}

static tt_status unknown(const struct tt_model *m, const struct token *t)
{
	const struct signature *s = m->signature;
	const char *const *names = t->column->features;
	char sample[40] = "", column[80], why[120] = "is no row";
	int64_t place, row = sample_of(t, &place);

	if (!names && s && schema_input(&s->data.view, 0) >= 0 && t->in == m->input)
		names = s->data.view.column[schema_input(&s->data.view, 0)]->features;
	if (names)
		snprintf(column, sizeof column, "column '%.60s'", names[place]);
	else if (column_ragged(t->column))
		snprintf(column, sizeof column, "place %lld of '%.40s'", (long long)place,
		         t->column->name);
	else
		snprintf(column, sizeof column, "column %lld", (long long)place);
	if (t->value != floor(t->value))
		snprintf(why, sizeof why, "is no whole number%s, so that it is no row",
		         s && (s->view.means || s->view.stds)
		         ? " (data.mean and data.std are not for tokens)" : "");
	if (t->index || t->samples > 1)
		snprintf(sample, sizeof sample, "sample %lld, ",
		         (long long)(t->index ? t->index[row] : row));
	return err_set(t->index ? TT_EFORMAT : TT_EINVAL, "%s%s: the token %.9g %s of embedding "
	               "'%.60s', which has the rows 0 to %lld", sample, column, t->value, why,
	               t->in->embedding, (long long)t->in->tokens - 1);
}

static double number_at(const tt_column *c, int64_t i)
{
	switch (c->type) {
	case TT_U8:  return ((const uint8_t *)c->data)[i];
	case TT_I32: return ((const int32_t *)c->data)[i];
	case TT_I64: return (double)((const int64_t *)c->data)[i];
	case TT_F32: return (double)((const float *)c->data)[i];
	default:     return NAN;
	}
}

static tt_status check_tokens(const struct tt_model *m, struct token t)
{
	const double rows = (double)t.in->tokens;
	const int64_t each = column_row(t.column), *offsets = t.column->offsets;
	const int64_t end = each * (offsets ? offsets[t.samples] : t.samples);

	for (t.at = offsets ? offsets[0] * each : 0; rows > 0 && t.at < end; t.at++) {
		t.value = number_at(t.column, t.at);
		if (!(t.value >= 0 && t.value < rows && t.value == floor(t.value)))
			return unknown(m, &t);
	}
	return TT_OK;
}

/* ---- conversion ---- */

static tt_status make_room(void **p, size_t *has, size_t want)
{
	if (want <= *has)
		return TT_OK;
	mem_free(*p);
	*has = 0;
	if (!(*p = mem_alloc_aligned(want)))
		return TT_ENOMEM;
	*has = want;
	return TT_OK;
}

/* n numbers from place `at` of the column on, as the net reads them. */
static tt_status convert(const struct net_input *in, const tt_column *c, int64_t at, size_t n,
                         void *to)
{
	const char *from = (const char *)c->data + (size_t)at * tt_type_size(c->type);

	if (in->desc.dtype == DTYPE_F32) {
		convert_to_f32(c->type, from, n, to);
		return TT_OK;
	}
	for (size_t i = 0; i < n; i++) {
		const double v = number_at(c, at + (int64_t)i);

		if (!(v >= INT32_MIN && v <= INT32_MAX) || v != floor(v))
			return err_set(TT_EINVAL, "column '%.60s' has the number %.9g, where the model reads "
			               "whole ones of 32 bits", c->name, v);
		((int32_t *)to)[i] = (int32_t)v;
	}
	return TT_OK;
}

static int as_it_lies(const struct net_input *in, const tt_column *c)
{
	return in->desc.dtype == DTYPE_F32 ? c->type == TT_F32 : c->type == TT_I32;
}

static tt_status take_fixed(struct program_inputs *k, int i, const tt_batch *b, const void **out)
{
	const struct net_input *in = &k->model->input[i];
	const tt_column *c = b->column[i];
	const size_t n = (size_t)(b->n * in->numbers);
	tt_status st;

	*out = c->data;
	if (as_it_lies(in, c))
		return TT_OK;
	if ((st = make_room(&k->value[i].p, &k->value[i].bytes, n * sizeof(float))) != TT_OK)
		return st;
	*out = k->value[i].p;
	return convert(in, c, 0, n, k->value[i].p);
}

/* ---- sequences ---- */

static int64_t places_of(const tt_column *c, int64_t sample)
{
	return c->offsets ? c->offsets[sample + 1] - c->offsets[sample] : c->shape[0];
}

/* 8, 12, 16, 24, 32, ... */
static int64_t round_up(int64_t length)
{
	int64_t step = 4;

	while (3 * step < length && 4 * step < length)
		step *= 2;
	return length <= 2 * step ? 2 * step : length <= 3 * step ? 3 * step : 4 * step;
}

int64_t program_inputs_length(const struct tt_model *m, const tt_batch *b)
{
	int64_t longest = 0;
	int any = 0;

	for (int i = 0; i < m->n_inputs; i++) {
		if (!net_input_ragged(&m->input[i]))
			continue;
		any = 1;
		for (int64_t k = 0; k < b->n; k++)
			if (places_of(b->column[i], k) > longest)
				longest = places_of(b->column[i], k);
	}
	return any ? round_up(longest) : 0;
}

static tt_status check_lengths(const struct net_input *in, const tt_batch *b, const tt_column *c,
                               const int64_t *index)
{
	for (int64_t s = 0; in->most && s < b->n; s++)
		if (places_of(c, s) > in->most)
			return err_set(index ? TT_EFORMAT : TT_EINVAL, "sample %lld: '%.60s' has %lld places, "
			               "and layer '%.60s' knows %lld: cut it, or train with a larger `max`",
			               (long long)(index ? index[s] : s), in->name,
			               (long long)places_of(c, s), in->limit, (long long)in->most);
	return TT_OK;
}

static tt_status fill_up(const struct program_inputs *k, int i, const tt_batch *b, int64_t length)
{
	const struct net_input *in = &k->model->input[i];
	const tt_column *c = b->column[i];
	const size_t row = (size_t)in->numbers * sizeof(float), each = (size_t)length * row;
	int32_t *lengths = k->lengths[i].p;
	tt_status st = TT_OK;

	for (int64_t s = 0; st == TT_OK && s < b->n; s++) {
		const int64_t places = places_of(c, s), at = c->offsets ? c->offsets[s] : s * places;
		char *to = (char *)k->value[i].p + (size_t)s * each;

		lengths[s] = (int32_t)places;
		st = convert(in, c, at * in->numbers, (size_t)(places * in->numbers), to);
		memset(to + (size_t)places * row, 0, (size_t)(length - places) * row);
	}
	return st;
}

static tt_status take_sequences(struct program_inputs *k, int i, const tt_batch *b, int64_t length)
{
	const size_t each = (size_t)(length * k->model->input[i].numbers) * sizeof(float);
	tt_status st;

	if ((st = make_room(&k->value[i].p, &k->value[i].bytes, (size_t)b->n * each)) != TT_OK ||
	    (st = make_room(&k->lengths[i].p, &k->lengths[i].bytes,
	                    (size_t)b->n * sizeof(int32_t))) != TT_OK)
		return st;
	return fill_up(k, i, b, length);
}

/* ---- all ---- */

static tt_status take(struct program_inputs *k, int i, const tt_batch *b, struct input_values *out)
{
	tt_status st;

	if (!net_input_ragged(&k->model->input[i]))
		return take_fixed(k, i, b, &out->v[out->n++]);
	if ((st = take_sequences(k, i, b, out->length)) != TT_OK)
		return st;
	out->v[out->n++] = k->value[i].p;
	out->v[out->n++] = k->lengths[i].p;
	return TT_OK;
}

tt_status program_inputs_take(struct program_inputs *k, const tt_batch *b, const int64_t *index,
                      struct input_values *out)
{
	const struct tt_model *m = k->model;
	const int64_t length = program_inputs_length(m, b);
	tt_status st = TT_OK;

	*out = (struct input_values){ .samples = b->n,
	                              .length = length < k->at_least ? k->at_least : length };
	for (int i = 0; st == TT_OK && i < m->n_inputs; i++) {
		st = check_tokens(m, (struct token){ &m->input[i], b->column[i], index, b->n, 0, 0 });
		if (st == TT_OK)
			st = check_lengths(&m->input[i], b, b->column[i], index);
		if (st == TT_OK)
			st = take(k, i, b, out);
	}
	return st;
}

void program_inputs_release(struct program_inputs *k)
{
	for (int i = 0; i < NET_INPUTS_MAX; i++) {
		mem_free(k->value[i].p);
		mem_free(k->lengths[i].p);
	}
	*k = (struct program_inputs){0};
}
