/* far.h -- the way to ranks of other machines: MPI's, or streams of our own.  Only this folder
 * includes it. */
#ifndef PLUG_MPI_FAR_H
#define PLUG_MPI_FAR_H

#include "dist/comm/streams.h"
#include "plug/mpi/family.h"

/* Is this a rank that streams lead to?  All are if there is one machine only. */
int       far_is(const struct family *f, int rank);
/* Streams for an end; *out is NULL where MPI's way is taken.  The first call decides: MPI's if not
 * all machines can be reached, or if it is much faster (a wire that sockets do not know).
 * Collective. */
tt_status far_open(struct streams **out, struct family *f, MPI_Comm mpi);

#endif
