/* launched.h -- ranks that are processes which a launcher has started and introduced (MPI).
 *
 * Whether this process is one, the launcher's variables say (OMPI_COMM_WORLD_SIZE, PMIX_RANK,
 * PMI_RANK); the library does not read them, faces do. */
#ifndef COMM_LAUNCHED_H
#define COMM_LAUNCHED_H

#include "distribute/comm/comm.h"

/* How messages between machines travel, and short ones inside of one: by the library that the ranks
 * were started with, or over TCP connections of our own (tcp.h), which cost less of the
 * processor. */
enum comm_transport { TRANSPORT_AUTO, TRANSPORT_LIBRARY, TRANSPORT_SOCKETS };
extern const char *const comm_transport_words[];               /* "auto", "mpi", "sockets", NULL */

/* What a plug of kind PLUG_TRANSPORT gives (sys/plug.h).
 * open: this process's end of the world.  Starts the library if nobody has, and then ends it at the
 * last close: once per process.  After a fault the library is not ended, for that would wait for
 * the dead: the process should exit soon, and with an error.  TT_ESUPPORT: the library cannot be
 * used from threads.  transport: how messages reach ranks of other machines. */
struct comm_launched_ops {
	tt_status (*open)(struct comm **out, double timeout, enum comm_transport transport);
};

/* By the plug of this name; TT_ESUPPORT says why it is missing. */
tt_status comm_open_launched(struct comm **out, const char *name, double timeout,
                             enum comm_transport transport);

#endif
