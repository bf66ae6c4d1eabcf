/* batch.h -- a batch inside the house: the public one, whole, and where its samples come from.
 *
 *   tt_batch (caller's, or the loader's)  --batch_find--> column  --> input of a program
 *
 * Nothing here allocates. */
#ifndef DATA_BATCH_H
#define DATA_BATCH_H

#include "data/column.h"

#define BATCH_COLUMNS 64      /* of one batch, at most */

/* A caller's batch, perhaps of an older or newer caller, into *out with whole columns in room
 * [BATCH_COLUMNS].  TT_EINVAL names the column and what is wrong with it. */
struct batch_room { tt_column column[BATCH_COLUMNS]; const tt_column *pointer[BATCH_COLUMNS]; };
tt_status batch_take(const tt_batch *in, struct batch_room *room, tt_batch *out);

/* Samples first to end - 1 of a batch; *out points into it and room. */
void      batch_slice(const tt_batch *b, int64_t first, int64_t end, struct batch_room *room,
                      tt_batch *out);

/* The place of the column of that name, or -1. */
int       batch_find(const tt_batch *b, const char *name);

#endif
