/* ssh.h -- the launcher that needs no MPI: a crew (launch/crew.h) on each host, by ssh, or directly
 * on this machine.
 *
 * The secret of the job and the place where all meet go through the crews' standard input; a host
 * that is to hear nothing more sees it end.  $TUTTI_SSH names another program: it is called with a
 * host and a line for that host's shell. */
#ifndef LAUNCH_SSH_H
#define LAUNCH_SSH_H

#include "distribute/launch/launch.h"
#include "distribute/launch/monitor.h"
#include "distribute/launch/child.h"

/* How the crew of host i is started; an empty line: there is no such host. */
tt_status ssh_line(const tt_launch *l, const struct argv *command, int i, struct argv *out);
/* Start all and wait; as mpirun_run. */
tt_status ssh_run(const tt_launch *l, const struct argv *command, struct launch_news *news,
                  int *code);
/* For what only shows something: what is complained of is not shown. */
tt_status ssh_ask(const tt_launch *l, const struct argv *command, int *code);

#endif
