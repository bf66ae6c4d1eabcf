/* mpirun.h -- the launcher that belongs to the MPI library we are built with.  It has deadlines for
 * nothing, so whatever it waits for has one here. */
#ifndef LAUNCH_MPIRUN_H
#define LAUNCH_MPIRUN_H

#include "distribute/launch/launch.h"
#include "distribute/launch/monitor.h"
#include "distribute/launch/child.h"

/* Is it the better way to start?  Somebody has named it ($TUTTI_MPIRUN); or it is here, with the
 * MPI library of this build, and so is what it alone can use: an RDMA device, or a batch system
 * that starts processes on the hosts.  Else it only opens ports to everybody. */
int       mpirun_is_best(void);
/* Line 0: "mpirun -np 16 --host a:8,b:8 COMMAND", with the hosts that have not failed too often;
 * or COMMAND as it is, where no hosts are named.  There is no other: an empty one. */
tt_status mpirun_line(const tt_launch *l, const struct argv *command, int i, struct argv *out);

/* Run the line; pass signals on to it, and on what it says on stderr; end it if workers do not come
 * up, or a host falls silent, or it is still there long after a worker has given up or we were
 * asked to end.  *code is its exit code, or TT_EXIT_AGAIN if it had to be ended. */
tt_status mpirun_run(const tt_launch *l, const struct argv *command, struct launch_news *news,
                     int *code);
/* Run what only shows something on stdout; *code is 0 if it did so in time.  What it complains of
 * is not heard. */
tt_status mpirun_ask(const tt_launch *l, const struct argv *command, int *code);

#endif
