/* rank_env.h -- this process as one of the workers that a launcher has started: mpirun, srun, or
 * tutti itself through one of these (launch/launch.h).
 *
 * Reads the launcher's variables: it belongs to a face. */
#ifndef LAUNCH_RANK_ENV_H
#define LAUNCH_RANK_ENV_H

#include <stdio.h>

#include <tutti/model.h>

#include "distribute/comm/comm.h"

/* Is there a launcher around us?  TT_EINVAL: there is, but it has told us nothing of the others. */
tt_status rank_env_look(int *inside);
/* What the launcher calls this process; before MPI knows. */
int       rank_env_rank(void);
/* This process's end of the group, with its guard (launch/supervisor.h).  Workers of one machine
 * that may use the same cores share them.  *line: to the guard. */
tt_status rank_env_group(struct comm **out, int *line, const tt_spec *s);
/* All is done, and ends will be closed: the others have so long to do the same. */
void      rank_env_parting(int line);
/* Which worker is on which host, with how many threads (train.threads asks for `threads`) on which
 * cores.  Collective; rank 0 prints. */
tt_status rank_env_show(struct comm *c, int threads, FILE *f);

#endif
