/* state.c -- what a net hands from one piece of a sequence to the next. */
#include "learn/nn/build.h"

struct carried {
	const char         *name;
	enum nn_state_form  form;
	struct ir_value    *in, *out;
	struct carried     *next;         /* the one that was asked for after it */
};

int build_has_states(const struct builder *b)
{
	return b->shape.purpose == NN_STEP || b->shape.carry;
}

tt_status build_state(struct builder *b, struct layer *l, const struct want_state *w,
                      struct ir_value **in)
{
	const struct tensor_desc d = tensor_desc_make(DTYPE_F32, w->ndim, w->dim);
	struct carried *c = arena_alloc(&b->arena, sizeof *c), **end = &b->carried;
	tt_status st;

	if (!c || !w->what)
		return TT_ENOMEM;
	*c = (struct carried){ .form = w->form };
	if (!(c->name = arena_printf(&b->arena, "%s.%s", l->name, w->what)))
		return TT_ENOMEM;
	if ((st = tensor_check(&d)) != TT_OK)
		return err_at(layer_failed(l), "%s", c->name);
	if (!(c->in = ir_input(b->g, c->name, &d)))
		return layer_failed(l);
	while (*end)
		end = &(*end)->next;
	*end = c;
	*in = c->in;
	return TT_OK;
}

void build_state_out(struct builder *b, const struct ir_value *in, struct ir_value *out)
{
	for (struct carried *c = b->carried; c; c = c->next)
		if (c->in == in)
			c->out = out;
}

static tt_status note(struct nn_states *s, const struct builder *b)
{
	int n = 0;

	for (const struct carried *c = b->carried; c; c = c->next)
		n++;
	s->places = b->most_places;
	if (!(s->v = arena_alloc(&s->arena, ((size_t)n + 1) * sizeof *s->v)))
		return TT_ENOMEM;
	for (const struct carried *c = b->carried; c; c = c->next) {
		struct nn_state *to = &s->v[s->n++];

		*to = (struct nn_state){ arena_strdup(&s->arena, c->name), c->form, c->in->desc,
		                         c->in->index, c->out->output - 1 };
		if (!to->name)
			return TT_ENOMEM;
	}
	return TT_OK;
}

tt_status build_add_states(struct builder *b)
{
	for (const struct carried *c = b->carried; c; c = c->next) {
		if (!c->out)
			return err_set(TT_EINTERNAL, "nothing follows the state %s", c->name);
		ir_output(b->g, c->out);
	}
	return b->states ? note(b->states, b) : TT_OK;
}

void nn_states_release(struct nn_states *s)
{
	arena_release(&s->arena);
	*s = (struct nn_states){0};
}
