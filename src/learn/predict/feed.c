#include "learn/predict/feed.h"

tt_status feed_run(struct program_cache *net, const struct feed *f, const struct program_run *run,
                   struct program **out)
{
	tt_status st = program_cache_get(net, f->n, out);

	if (st != TT_OK)
		return st;
	program_set_input(*out, INPUT_X, f->x);
	if (f->target)
		program_set_input(*out, INPUT_TARGET, f->target);
	if (f->seed)
		program_set_input(*out, INPUT_SEED, f->seed);
	return program_run(*out, run);
}
