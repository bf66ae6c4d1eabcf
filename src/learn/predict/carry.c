#include "learn/predict/carry.h"

#include <string.h>

#include "base/mem.h"

#define TWO 2                   /* samples: a norm over a batch of one would be refused */

static size_t numbers_of(const struct nn_state *s)
{
	return (size_t)(tensor_count(&s->desc) / s->desc.dim[0]);
}

static float *row_at(const struct carry *c, int state, int64_t row)
{
	return c->v[state] + (size_t)row * numbers_of(&c->states.v[state]);
}

static tt_status find_states(struct carry *c, const struct carry_want *w)
{
	const struct nn_shape s = { .batch = TWO, .length = NN_LENGTH, .purpose = w->purpose,
	                            .carry = 1 };
	tt_status st = nn_states(w->model, &s, &c->states);

	if (st == TT_OK && !c->states.n)
		return err_set(TT_ESHAPE, "data.carry: the net has no layer whose state could be carried: "
		               "rnn, lstm or gru");
	return st;
}

tt_status carry_init(struct carry *c, const struct carry_want *w)
{
	tt_status st;

	*c = (struct carry){ .rows = w->rows };
	if ((st = find_states(c, w)) != TT_OK)
		return st;
	if (!(c->v = mem_calloc((size_t)c->states.n, sizeof *c->v)))
		return TT_ENOMEM;
	for (int i = 0; i < c->states.n; i++) {
		const size_t each = numbers_of(&c->states.v[i]);

		c->numbers += (int64_t)each;
		if (!(c->v[i] = mem_alloc_aligned((size_t)c->rows * each * sizeof **c->v)))
			return TT_ENOMEM;
	}
	carry_clear(c);
	return TT_OK;
}

void carry_release(struct carry *c)
{
	for (int i = 0; c->v && i < c->states.n; i++)
		mem_free(c->v[i]);
	mem_free(c->v);
	nn_states_release(&c->states);
	*c = (struct carry){ .rows = 0 };
}

void carry_clear(struct carry *c)
{
	for (int i = 0; i < c->states.n; i++)
		memset(c->v[i], 0, (size_t)c->rows * numbers_of(&c->states.v[i]) * sizeof **c->v);
}

void carry_give(const struct carry *c, struct program *p, int64_t row)
{
	for (int i = 0; i < c->states.n; i++)
		program_set_input(p, c->states.v[i].input, row_at(c, i, row));
}

void carry_take(struct carry *c, const struct program *p, int64_t row, int64_t n)
{
	for (int i = 0; i < c->states.n; i++)
		memcpy(row_at(c, i, row), program_output(p, c->states.v[i].output),
		       (size_t)n * numbers_of(&c->states.v[i]) * sizeof **c->v);
}

void carry_pack(const struct carry *c, int64_t row, float *to)
{
	for (int i = 0; i < c->states.n; i++) {
		memcpy(to, row_at(c, i, row), numbers_of(&c->states.v[i]) * sizeof *to);
		to += numbers_of(&c->states.v[i]);
	}
}

void carry_unpack(struct carry *c, int64_t row, const float *from)
{
	for (int i = 0; i < c->states.n; i++) {
		memcpy(row_at(c, i, row), from, numbers_of(&c->states.v[i]) * sizeof *from);
		from += numbers_of(&c->states.v[i]);
	}
}
