/* trace.h -- what a rank did when, as chrome://tracing and Perfetto show it.
 *
 * Spans go into memory that is allocated at once; what does not fit any more is counted.  Safe from
 * the two threads of a rank. */
#ifndef SYNC_TRACE_H
#define SYNC_TRACE_H

#include <stdint.h>

#include "base/err.h"
#include "distribute/comm/comm.h"

enum trace_lane { TRACE_COMPUTE, TRACE_WIRE, TRACE_WAIT, TRACE_LANES };

struct trace;
tt_status trace_new(struct trace **out, int rank);
void      trace_free(struct trace **t);                             /* NULL is fine */
/* `what` is borrowed for ever: a literal.  Seconds of thread_seconds.  t may be NULL: nothing. */
void      trace_span(struct trace *t, enum trace_lane lane, const char *what, int64_t number,
                     const double seconds[2]);
/* One file for all of these ranks. */
tt_status trace_write(struct trace *const *t, int n, const char *path);
/* One file, rank 0's, for all ranks of a group, by rank 0's clock.  Collective. */
tt_status trace_gather(const struct trace *t, struct comm *c, const char *path);

#endif
