/* supervisor.h -- the parent of a worker, which lives when the worker does not.
 *
 *   mpirun, srun
 *     guard            waits, passes signals on, says what has become of the worker
 *       worker         trains
 *
 * A launcher ends all workers within a second when one of its processes has died, long before they
 * could say which bucket they missed from whom.  What the launcher has started is the guard: it
 * names the dead at once, stays until the others have said theirs, and then exits with 75.  It
 * also ends a worker that somebody has stopped, or that waits for others who do not come: no
 * process stays behind, under any launcher. */
#ifndef LAUNCH_SUPERVISOR_H
#define LAUNCH_SUPERVISOR_H

#include <signal.h>

#include "base/err.h"

struct supervisor_opts {
	int    rank;
	double timeout;
	double every;                /* seconds between knocks, 0: there are none       */
	int    softly;               /* a launcher of ours sends the soft signals below */
};
/* Returns in the worker alone, which is a child process from here on; the guard never returns.  No
 * thread may have been started before.  *line: for supervisor_tell. */
tt_status supervisor_start(const struct supervisor_opts *o, int *line);
/* What asks workers to end under a launcher that would end them at once for SIGTERM and SIGINT. */
#define GUARD_SOFT_TERM SIGUSR1
#define GUARD_SOFT_INT  SIGUSR2
/* "... 3": what a guard says to a launcher that listens (launch/monitor.h). */
#define GUARD_KNOCK "tutti train: here is rank "
/* The worker: all others are here, so they miss me from now on; or, I have nothing left to do but
 * to part, which the MPI library does without a deadline. */
enum supervisor_word { GUARD_JOINED = 'j', GUARD_PARTING = 'p' };
void      supervisor_tell(int line, enum supervisor_word word);

#endif
