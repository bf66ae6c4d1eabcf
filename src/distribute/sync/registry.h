/* registry.h -- one row per rule: its file shows the world nothing else. */
#ifndef SYNC_REGISTRY_H
#define SYNC_REGISTRY_H

#include "distribute/sync/sync.h"

extern const struct sync_ops sync_allreduce, sync_average, sync_easgd, sync_eamsgd, sync_ensemble,
                             sync_single;

#endif
