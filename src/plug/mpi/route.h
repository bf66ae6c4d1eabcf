/* route.h -- which way a message goes: MPI's, or over TCP of our own.  Only this folder includes
 * it.
 *
 *   to another machine    TCP, unless MPI's wire is much faster
 *   to a neighbour        what is short by TCP: the kernel wakes who waits for it, where MPI would
 *                         have to be asked again and again; the rest by MPI's memory
 *
 * Both ends of a message know its length, so that they agree, and those of each way stay in order.
 * All goes by MPI where that was asked for, or where no connection comes about. */
#ifndef MPI_ROUTE_H
#define MPI_ROUTE_H

#include "distribute/comm/tcp/tcp.h"
#include "plug/mpi/world.h"

int       route_is_tcp(const struct world *f, int rank, size_t n);
/* Connections for an end; *out is NULL where they are of no use.  The first call tries and decides.
 * Collective. */
tt_status route_open(struct tcp **out, struct world *f, MPI_Comm mpi);

#endif
