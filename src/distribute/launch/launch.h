/* launch.h -- the state of tutti/launch.h's launcher, for its parts.
 *
 *   tt_launch_run  -->  mpirun -np 16 --host a:8,b:8 COMMAND
 *                  or:  ssh a COMMAND --rendezvous - --rank 0 --world 16 --local 8
 *                       ssh b COMMAND --rendezvous - --rank 8 --world 16 --local 8
 *                       and these join (worker.c) */
#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H

#include <tutti/launch.h>

#include "base/arena.h"
#include "base/err.h"

struct launch_host { const char *name; int slots, failures; };

/* auto: mpirun where it has something to offer (mpirun.h); else ssh. */
enum launcher { LAUNCHER_AUTO, LAUNCHER_MPIRUN, LAUNCHER_SSH };

struct tt_launch {
	tt_launch_opts      o;           /* whose texts lie in the arena                       */
	struct arena        arena;
	enum launcher       launcher;
	struct launch_host *host;        /* none: one process with its workers as threads      */
	int                 n_hosts, workers;
	int                 starts;      /* so far                                             */
	double              timeout;
};

#endif
