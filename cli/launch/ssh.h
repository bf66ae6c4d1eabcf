/* ssh.h -- the launcher that needs no MPI: a crew (launch/crew.h) on each host, by ssh, or directly
 * on this machine.
 *
 * The secret of the job and the place where all meet go through the crews' standard input; a host
 * that is to hear nothing more sees it end.  $TUTTI_SSH names another program: it is called with a
 * host and a line for that host's shell. */
#ifndef LAUNCH_SSH_H
#define LAUNCH_SSH_H

#include "launch/launch.h"
#include "launch/monitor.h"
#include "launch/process.h"

#define SSH_WORDS 24

/* How the crew of a host is started: `line` is the command line without what the launcher adds. */
tt_status ssh_command(const struct launch *l, int host, const struct argv *line,
                      struct argv *out);
/* Start all and wait; as mpirun_run. */
tt_status ssh_run(const struct launch *l, const struct argv *line, struct launch_news *news,
                  int *code);
/* For what only shows something: what is complained of is not shown. */
tt_status ssh_ask(const struct launch *l, const struct argv *line, int *code);

#endif
