/* trial.h -- one variant of a node where it will work: a small plan of this node alone, whose
 * inputs lie in the layouts that the real plan has given them, so that the copies a variant needs
 * count too. */
#ifndef EXEC_TRIAL_H
#define EXEC_TRIAL_H

#include "compute/exec/autotune.h"

struct trial;

/* Prepared, without memory. */
tt_status trial_new(struct trial **out, struct plan *p, const struct ir_node *n,
                    const struct choice *c);
void      trial_free(struct trial **t);
size_t    trial_bytes(const struct trial *t);   /* what it computes on */
/* Gives it memory with numbers that n can work on, does what is done once, and runs it. */
tt_status trial_begin(struct trial *t);
tt_status trial_run(struct trial *t);

#endif
