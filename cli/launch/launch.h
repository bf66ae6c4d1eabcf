/* launch.h -- workers as processes: started on hosts, and started again when one is lost.
 *
 *   tutti train --hosts a:8,b:8   -->  mpirun -np 16 --host a:8,b:8 tutti train --run DIR ...
 *                                 or:  ssh a tutti train --run DIR ... --rank 0 --local 8
 *                                      ssh b tutti train --run DIR ... --rank 8 --local 8
 *                                      and these join (launch/rank_env.h)
 *
 * Reads the environment: it belongs to a face. */
#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H

#include <stdio.h>

#include "base/err.h"
#include "kit/flags.h"

struct launch_host { const char *name; int slots, failures; };

/* auto: mpirun where it has something to offer (mpirun.h); else ssh. */
enum launcher { LAUNCHER_AUTO, LAUNCHER_MPIRUN, LAUNCHER_SSH };
extern const char *const launcher_words[];              /* "auto", "mpirun", "ssh", NULL */

struct launch {
	enum launcher        launcher;
	struct launch_host *host;        /* none: one process with its workers as threads  */
	int                 n_hosts, workers;
	int                 threads;     /* train.threads; 0: as many as there are cores   */
	double              timeout;     /* seconds a worker may be silent                 */
	const char         *run;         /* the run folder                                 */
	struct words        line;        /* the command line as it was typed               */
	int                 resume;      /* the first start goes on with a checkpoint      */
	int                 restarts;    /* times to start again after exit code EXIT_AGAIN */
};

/* "a:8,b:8" into hosts; a host without a number has one slot. */
tt_status launch_hosts(struct arena *a, const char *text, struct launch *out);
/* Compute threads of each worker, where `workers` of this process share the `asked` ones. */
void      launch_threads(int asked, int workers, int *most, int *least);
/* Who would be where, and how it would be started.  Asks the hosts, and says so if they do not
 * answer. */
tt_status launch_show(const struct launch *l, struct arena *a, FILE *f);
/* Start and wait, as often as restarts allow; *code is the last exit code. */
tt_status launch_run(struct launch *l, struct arena *a, int *code);

#endif
