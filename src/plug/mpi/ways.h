/* ways.h -- which way a message goes: MPI's, or by streams of our own.  Only this folder includes
 * it.
 *
 *   to another machine    streams, unless MPI's wire is much faster
 *   to a neighbour        what is short by streams: the kernel wakes who waits for it, where MPI
 *                         would have to be asked again and again; the rest by MPI's memory
 *
 * Both ends of a message know its length, so that they agree, and those of each way stay in order.
 * All goes by MPI where that was asked for, or where no connection comes about. */
#ifndef PLUG_MPI_WAYS_H
#define PLUG_MPI_WAYS_H

#include "dist/comm/streams.h"
#include "plug/mpi/family.h"

int       way_is_stream(const struct family *f, int rank, size_t n);
/* Streams for an end; *out is NULL where they are of no use.  The first call tries and decides.
 * Collective. */
tt_status ways_open(struct streams **out, struct family *f, MPI_Comm mpi);

#endif
