#include "distribute/sync/registry.h"

#include "distribute/sync/sync.h"

#define ROW(name) &sync_##name,
const struct strategy *const sync_strategies[] = { SYNC_STRATEGIES(ROW) NULL };

#define WORD(name) #name,
const char *const sync_words[] = { SYNC_STRATEGIES(WORD) NULL };

const struct strategy *sync_pick(const struct distribute_opts *o, int world)
{
	const struct strategy *row = sync_strategies[o->strategy];

	return world == 1 && row->collective ? &sync_single : row;
}
