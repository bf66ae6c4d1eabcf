/* rest.h -- what is left of an epoch whose batches are leased to whoever asks. */
#ifndef TRAIN_REST_H
#define TRAIN_REST_H

#include "base/str.h"

struct tt_trainer;

/* Collective, when all workers stand still: the trainer's place and rest are those of all. */
tt_status rest_collect(struct tt_trainer *t);
/* As a text, "NEXT OPEN OPEN ..."; empty where the place says it all. */
tt_status rest_write(const struct tt_trainer *t, struct str *out);
/* Back, of the epoch that the trainer stands in.  TT_EFORMAT: no such leases are in it. */
tt_status rest_read(struct tt_trainer *t, const char *text, const char *path);
/* Before the first step: the pool begins with it. */
void      rest_begin(struct tt_trainer *t);
void      rest_release(struct tt_trainer *t);

#endif
