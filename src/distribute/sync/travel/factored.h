/* factored.h -- what the two ways of factors share: room for those of all ranks, and for making
 * products of them. */
#ifndef TRAVEL_FACTORED_H
#define TRAVEL_FACTORED_H

#include "distribute/sync/travel/cut.h"

tt_status factored_open(struct cut *c, struct bucket *u);
void      factored_close(struct cut *c, struct bucket *u);

#endif
