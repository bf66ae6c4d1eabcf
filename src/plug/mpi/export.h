/* export.h -- ranks that are processes, on one machine or many, through an MPI library.
 *
 * For programs started by mpirun, srun or another launcher.  Whether that is so, the launcher's
 * variables say (OMPI_COMM_WORLD_SIZE, PMIX_RANK, PMI_RANK); a library does not read them, faces
 * do. */
#ifndef PLUG_MPI_EXPORT_H
#define PLUG_MPI_EXPORT_H

#include "distribute/comm/comm.h"

/* This process's end of the world.  Starts MPI if nobody has, and then ends it at the last close:
 * once per process.  After a fault MPI is not ended, for that would wait for the dead: the process
 * should exit soon, and with an error.  TT_ESUPPORT: the library cannot be used from threads.
 * transport: how messages reach ranks of other machines. */
tt_status   mpi_comm_open(struct comm **out, double timeout, enum comm_transport transport);

const char *mpi_version(void);          /* of the library built with */

#endif
