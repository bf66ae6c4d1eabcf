/* environment.h -- what launchers tell their processes: mpirun, srun, torchrun. */
#ifndef LAUNCH_ENVIRONMENT_H
#define LAUNCH_ENVIRONMENT_H

#include "base/err.h"

enum environment_way { ENVIRONMENT_ALONE, ENVIRONMENT_MPI, ENVIRONMENT_TCP };

struct environment {
	enum environment_way way;
	int  rank, size;                 /* as the launcher says, before anything is connected */
	int  first;                      /* this process is the first of its machine           */
	char rendezvous[320];            /* tcp://host:port                                    */
};

/* TT_EINVAL, TT_ESUPPORT: there is a launcher around us, but it has told us nothing of the others,
 * or we lack its library. */
tt_status environment_look(struct environment *out);

/* A variable's number. */
int         environment_number(const char *name, int otherwise);
/* The MPI library that is here; NULL: none. */
const char *environment_mpi(void);
/* "n[01-04,07],m3": the first host of a list as Slurm writes it. */
void        environment_first_host(const char *list, char out[256]);

#endif
