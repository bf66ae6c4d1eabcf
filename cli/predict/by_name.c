#include "predict/by_name.h"

#include <string.h>

#include "base/mem.h"

static int is_input(const tt_schema *d, const tt_column *c)
{
	return (!d->target || strcmp(c->name, d->target) != 0) &&
	       (!d->weight || strcmp(c->name, d->weight) != 0);
}

static int is_ragged(const tt_column *c)
{
	return c->ndim > 0 && c->shape[0] < 0;
}

int by_name_per_place(const tt_signature *s)
{
	return s->data->kind == TT_TARGET_PLACES;
}

int by_name_wanted(const tt_signature *s)
{
	int inputs = 0, ragged = 0;

	for (int i = 0; i < s->data->columns; i++)
		if (is_input(s->data, s->data->column[i])) {
			inputs++;
			ragged |= is_ragged(s->data->column[i]);
		}
	return inputs != 1 || ragged || by_name_per_place(s);
}

static int64_t rows_of(const tt_column *c, int64_t i)
{
	return c->offsets ? c->offsets[i + 1] - c->offsets[i] : c->ndim ? c->shape[0] : 1;
}

/* As long as the first sequence that the net reads; else as its target says. */
int64_t by_name_answers(const struct by_name *q, int64_t i)
{
	const tt_schema *d = q->signature->data;
	const tt_column *c;

	if (!by_name_per_place(q->signature))
		return 1;
	for (int k = 0; k < d->columns; k++)
		if (is_input(d, d->column[k]) && is_ragged(d->column[k]) &&
		    (c = tt_batch_column(q->in, d->column[k]->name)))
			return rows_of(c, i);
	if (q->signature->output->shape[0] > 0)
		return q->signature->output->shape[0];
	for (int k = 0; k < d->columns; k++)
		if (d->target && strcmp(d->column[k]->name, d->target) == 0)
			return rows_of(d->column[k], i);
	return 1;
}

static void forget(struct by_name *q)
{
	tt_free(q->in);
	tt_free(q->own);
	mem_free(q->out);
	q->in = q->own = NULL;
	q->out = NULL;
	q->at = q->before = 0;
}

tt_status by_name_ask(struct by_name *q, int64_t first, int64_t n)
{
	const size_t width = (size_t)tt_session_outputs(q->session);
	size_t answers = 0;
	tt_status st;

	forget(q);
	if ((st = tt_source_batch(q->view, first, n, &q->in)) != TT_OK ||
	    (by_name_per_place(q->signature) &&
	     (st = tt_source_batch(q->source, first, n, &q->own)) != TT_OK))
		return st;
	for (int64_t i = 0; i < n; i++)
		answers += (size_t)by_name_answers(q, i);
	if (!(q->out = mem_calloc(answers * width + 1, sizeof *q->out)))
		return TT_ENOMEM;
	return tt_session_predict(q->session, q->in, q->out);
}

const float *by_name_answer(struct by_name *q, int64_t i, int64_t k)
{
	for (; q->at < i; q->at++)
		q->before += by_name_answers(q, q->at);
	return q->out + (q->before + k) * tt_session_outputs(q->session);
}

int32_t by_name_truth(const struct by_name *q, int64_t i, int64_t k)
{
	const tt_schema *d = tt_source_schema(q->source);
	const tt_column *c = d->kind == TT_TARGET_PLACES ? tt_batch_column(q->own, d->target) : NULL;

	if (!c || c->type != TT_I32 || k >= rows_of(c, i))
		return -1;
	return ((const int32_t *)c->data)[(c->offsets ? c->offsets[i] : i * rows_of(c, i)) + k];
}

static int likeliest(const float *p, int width)
{
	int best = 0;

	for (int j = 1; j < width; j++)
		if (p[j] > p[best])
			best = j;
	return best;
}

int64_t by_name_spelt(struct by_name *q, int64_t i, int32_t *label)
{
	const int blank = q->signature->blank, width = (int)tt_session_outputs(q->session);
	int before = blank;
	int64_t n = 0;

	for (int64_t k = 0; k < by_name_answers(q, i); k++) {
		const int is = likeliest(by_name_answer(q, i, k), width);

		if (is != blank && is != before)
			label[n++] = is;
		before = is;
	}
	return n;
}

void by_name_release(struct by_name *q)
{
	forget(q);
}
