/* registry.h -- the one list of strategies: a name here is a row, a file and a word of the spec. */
#ifndef SYNC_REGISTRY_H
#define SYNC_REGISTRY_H

#include "distribute/sync/strategy.h"

#define SYNC_STRATEGIES(X) X(allreduce) X(average) X(easgd) X(eamsgd) X(ensemble) X(hogwild)

#define SYNC_ROW(name) extern const struct strategy sync_##name;
SYNC_STRATEGIES(SYNC_ROW)
#undef SYNC_ROW

/* What those of groups are in a group of one. */
extern const struct strategy sync_single;

#endif
