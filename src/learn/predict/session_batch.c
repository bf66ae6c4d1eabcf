/* session_batch.c -- answers for batches whose columns are found by name. */
#include <string.h>

#include "data/convert.h"
#include "learn/predict/session_own.h"
#include "learn/spec/spec.h"

/* Input 0 as training saw it: in c->room, if it has to be changed. */
static tt_status normalise(tt_context *c, tt_column *x, int64_t n)
{
	const struct tt_model *m = c->session->model;
	const struct data_opts *d = &m->spec->data;
	tt_source_info info = { .size = sizeof info, .ndim = 1, .shape = { m->inputs },
	                        .type = x->type == TT_U8 ? TT_SAMPLE_U8 : TT_SAMPLE_F32 };
	tt_status st;

	if (m->input[0].desc.dtype != DTYPE_F32 || net_input_ragged(&m->input[0]) ||
	    (x->type != TT_U8 && !d->mean.n && !d->std.n))
		return TT_OK;
	if (x->ndim) {
		info.ndim = x->ndim;
		memcpy(info.shape, x->shape, sizeof info.shape);
	}
	if ((st = session_make_room(c, n)) != TT_OK)
		return st;
	if (x->type != TT_U8 && x->type != TT_F32)
		convert_to_f32(x->type, x->data, (size_t)(n * m->inputs), c->room);
	for (int64_t i = 0; i < n; i++) {
		float *to = c->room + i * m->inputs;
		const void *from = x->type == TT_U8 || x->type == TT_F32
			? (const char *)x->data + (size_t)i * column_bytes(x) : (const void *)to;

		loader_normalise(&info, d, from, to);
	}
	x->data = c->room;
	x->type = TT_F32;
	return TT_OK;
}

/* The net's inputs in its order, found by name. */
static tt_status find_inputs(const struct tt_model *m, const tt_batch *b, struct batch_room *room)
{
	const tt_schema *d = &m->signature->data.view;
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < m->n_inputs; i++) {
		const tt_column *want = d->column[schema_input(d, i)], *c;

		if (!(c = tt_batch_column(b, want->name)))
			return err_set(TT_EINVAL, "the batch has no column '%.60s', but '%.60s'", want->name,
			               b->columns ? b->column[0]->name : "none");
		room->column[i] = *c;
		room->pointer[i] = &room->column[i];
		st = signature_check_samples(m->signature, i, c);
	}
	return st;
}

/* Answers at each place, without those that fill up. */
static float *pack(const tt_context *c, const tt_batch *b, const struct program *p, float *out)
{
	const struct tt_model *m = c->session->model;
	const float *y = program_output(p, 0);
	const int64_t length = program_inputs_length(m, b);
	int at = 0;

	if (!m->per_place) {
		memcpy(out, y, (size_t)(b->n * m->outputs) * sizeof *out);
		return out + b->n * m->outputs;
	}
	while (at < m->n_inputs && !net_input_ragged(&m->input[at]))
		at++;
	for (int64_t i = 0; i < b->n; i++) {
		const int64_t each = length ? length : m->out_desc.dim[1];
		const int64_t *offsets = length ? b->column[at]->offsets : NULL;
		const int64_t n = (offsets ? offsets[i + 1] - offsets[i]
		                           : length ? b->column[at]->shape[0] : each) * m->outputs;

		memcpy(out, y + i * each * m->outputs, (size_t)n * sizeof *out);
		out += n;
	}
	return out;
}

static tt_status predict(tt_context *c, const tt_batch *in, float *out)
{
	tt_session *s = c->session;
	struct batch_room given, room, part;
	struct program *p;
	tt_batch b, chunk;
	tt_status st;

	if ((st = batch_take(in, &given, &b)) != TT_OK ||
	    (st = find_inputs(s->model, &b, &room)) != TT_OK)
		return st;
	b.column = room.pointer;
	b.columns = s->model->n_inputs;
	for (int64_t at = 0; st == TT_OK && at < b.n; at += chunk.n) {
		batch_slice(&b, at, at + session_chunk(b.n - at, s->batch).rows, &part, &chunk);
		if ((st = normalise(c, &part.column[0], chunk.n)) == TT_OK &&
		    (st = session_run_batch(c, &chunk, &p)) == TT_OK)
			out = pack(c, &chunk, p, out);
	}
	return st;
}

tt_status tt_session_predict(tt_session *s, const tt_batch *b, float *out)
{
	tt_context *c;
	tt_status st;

	if (!s || !b || !out)
		return err_null(__func__);
	if ((st = session_take(s, &c)) != TT_OK)
		return st;
	engine_enter(s->engine);
	st = predict(c, b, out);
	session_give(c);
	return st;
}
