/* launch.h -- workers as processes: started on hosts, started again when one is lost, or found to
 * be running under somebody else's launcher.
 *
 *   tutti train --hosts a:8,b:8   -->  mpirun -np 16 --host a:8,b:8 tutti train --run DIR ...
 *   srun, mpirun, PMIx            -->  tutti train ...                   launch_inside() is true
 *
 * Reads the environment: it belongs to a face. */
#ifndef KIT_LAUNCH_H
#define KIT_LAUNCH_H

#include <stdio.h>

#include "dist/comm/comm.h"
#include "kit/flags.h"

struct launch_host { const char *name; int slots, failures; };

struct launch {
	struct launch_host *host;        /* none: one process with its workers as threads  */
	int                 n_hosts, workers;
	const char         *run;         /* the run folder                                 */
	struct words        line;        /* the command line as it was typed               */
	int                 resume;      /* the first start goes on with a checkpoint      */
	int                 restarts;    /* times to start again after exit code EXIT_AGAIN */
};

/* Is this process one that a launcher has started as a worker among others? */
int       launch_inside(void);
/* Then: its end of the group.  Workers of one machine that may use the same cores share them. */
tt_status launch_join(struct comm **out, double timeout);

/* "a:8,b:8" into hosts; a host without a number has one slot. */
tt_status launch_hosts(struct arena *a, const char *text, struct launch *out);
/* Who would be where, and how it would be started. */
tt_status launch_show(const struct launch *l, struct arena *a, FILE *f);
/* Start and wait, as often as restarts allow; *code is the last exit code. */
tt_status launch_run(struct launch *l, struct arena *a, int *code);

#endif
