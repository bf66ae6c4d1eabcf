#include "learn/predict/feed.h"

#include "learn/predict/tokens.h"

tt_status feed_program(struct program_cache *net, const struct feed *f, struct program **out)
{
	return program_cache_get(net, (struct sizes){ .batch = f->n, .weighted = f->weight != NULL },
	                         out);
}

tt_status feed_run(struct program_cache *net, const struct feed *f, const struct program_run *run,
                   struct program **out)
{
	const void *const input[] = { f->x, f->target, f->weight, f->seed };    /* of nn_graph */
	const struct token_batch tokens = { .x = f->x, .n = f->n, .index = f->index };
	tt_status st = feed_program(net, f, out);
	int at = 0;

	if (st == TT_OK)
		st = tokens_check(program_cache_model(net), &tokens);
	if (st != TT_OK)
		return st;
	for (int i = 0; i < 4; i++)
		if (input[i])
			program_set_input(*out, at++, input[i]);
	return program_run(*out, run);
}
