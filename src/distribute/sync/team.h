/* team.h -- workers that are threads of one process and share memory instead of a communicator.
 *
 * Within a step nobody waits for anybody.  At a quiet point all have come, and what they do there
 * they all do, in the same order:
 *
 *   worker 0   step  step  step  come(END) ......... |  sums, averages  |  step
 *   worker 1   step   step    step   step  come(END) |  sums, averages  | step
 *
 * Who comes because it was asked to stop (PAUSE) finds others that came because their epoch is over
 * (END): all learn what it has become, the same for all.
 *
 * Nobody waits for ever: who is silent for too long, or has failed, ends the waiting of all.  Every
 * function is safe from all workers' threads.  Nothing is allocated after the workers' open. */
#ifndef SYNC_TEAM_H
#define SYNC_TEAM_H

#include <stddef.h>

#include "base/err.h"

struct team;
tt_status team_new(struct team **out, int workers, double timeout);
void      team_free(struct team **t);                          /* NULL is fine */
int       team_size(const struct team *t);

/* Memory of all workers, zeroed and aligned: who asks first makes it, and the others get the same.
 * The team's. */
tt_status team_memory(struct team *t, size_t bytes, void **out);
/* Room for sums of n numbers. */
tt_status team_room(struct team *t, size_t n);

/* A sign of life, and news of the others: TT_EPEER if one has failed. */
tt_status team_tick(struct team *t);
/* The others' waits end with TT_EPEER and this text. */
void      team_fail(struct team *t, const char *why);

enum team_wish { TEAM_END, TEAM_PAUSE };
/* Wait until all have come.  *out: TEAM_END if that is what all wanted. */
tt_status team_come(struct team *t, enum team_wish wish, enum team_wish *out);

/* At a quiet point: x[n] becomes the average over the workers, weighted, of which the weights'
 * sum is not 0.  Sums are made in double, in the order in which workers come. */
tt_status team_average(struct team *t, float *x, size_t n, double weight);

#endif
