#include "learn/predict/feed.h"

tt_status feed_take(struct feed *f, struct program_inputs *k, struct target *t,
                    const struct batch *b)
{
	tt_status st = program_inputs_take(k, &b->data, b->index, &f->in);

	return st == TT_OK ? target_take(t, b, f->in.length, &f->target) : st;
}

tt_status feed_program(struct program_cache *net, const struct feed *f, struct program **out)
{
	return program_cache_get(net, (struct sizes){ .batch = f->in.samples, .length = f->in.length,
	                                              .weighted = f->target.weight != NULL }, out);
}

tt_status feed_run(struct program_cache *net, const struct feed *f, const struct program_run *run,
                   struct program **out)
{
	const void *const behind[] = { f->target.target, f->target.weight, f->seed }; /* of nn_graph */
	tt_status st = feed_program(net, f, out);
	int at = f->in.n + (f->carry ? f->carry->states.n : 0);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < f->in.n; i++)
		program_set_input(*out, i, f->in.v[i]);
	for (int i = 0; i < 3; i++)
		if (behind[i])
			program_set_input(*out, at++, behind[i]);
	if (f->carry)
		carry_give(f->carry, *out, f->stream);
	if ((st = program_run(*out, run)) == TT_OK && f->carry)
		carry_take(f->carry, *out, f->stream, f->in.samples);
	return st;
}
