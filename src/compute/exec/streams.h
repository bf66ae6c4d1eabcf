/* streams.h -- the steps of a run on the streams of their devices.
 *
 * Steps are launched in their order.  Who works where is known when the plan is made, and so is
 * which step must wait for which of another stream, or of a stream and the calling thread: those
 * that touch the same memory.  Waiting is the host's business, so that devices need not know each
 * other.  One thread at a time. */
#ifndef EXEC_STREAMS_H
#define EXEC_STREAMS_H

#include "compute/exec/plan.h"

struct streams;

/* Of a plan whose buffers have their places; borrowed.  reach[n]: the steps that streams_reach will
 * be asked for.  *out is NULL if all steps run on the calling thread. */
tt_status streams_open(struct streams **out, const struct plan *p, const int *reach, int n);
void      streams_close(struct streams **s);                    /* NULL is fine */

/* Does step run on the calling thread? */
int       streams_on_host(const struct streams *s, int step);
/* Wait for what it needs, then run step's kernel or launch it. */
tt_status streams_step(struct streams *s, int step, struct kernel *k, const struct run_context *rc);
/* Until that step, one of reach[], and all before it are done. */
tt_status streams_reach(struct streams *s, int step);
/* Until all are done, also after an error, which it gives. */
tt_status streams_finish(struct streams *s);

#endif
