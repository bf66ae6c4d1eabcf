/* world.h -- what all ends of one process share.  Only this folder includes it. */
#ifndef MPI_WORLD_H
#define MPI_WORLD_H

#include <mpi.h>
#include <pthread.h>

#include "distribute/comm/cma.h"
#include "distribute/comm/comm.h"
#include "distribute/comm/launched.h"
#include "distribute/comm/roll.h"
#include "distribute/comm/tcp/tcp.h"

#define MPI_NAME_MAX 96

struct world {
	struct comm     place;                  /* who is where: rank, size, hosts ...           */
	int             refs, owns_mpi;
	int             serialized;             /* MPI wants one thread at a time: take mpi_lock */
	pthread_mutex_t mpi_lock;
	struct roll     roll;
	MPI_Comm        control;                /* the roll's, and guarded by its lock           */
	MPI_Request     listening;
	struct notice   heard;
	MPI_Request    *telling;                /* [3][size]                                     */
	const char    **names;
	char           *name_text;              /* [size][MPI_NAME_MAX]                          */
	int            *host_of;
	struct cma      cma;
	unsigned char   key[TCP_KEY];           /* of our own connections                        */
	enum comm_transport transport;          /* as asked for                                  */
	int             decided, tcp_near, tcp_far;     /* route.h                               */
};

/* Hold the MPI library, where it is not made for several threads. */
void world_enter(struct world *f);
void world_leave(struct world *f);

/* Who is where, and a first word between all pairs, so that later ones find their way even when
 * the receiver is busy.  Collective. */
tt_status world_meet(struct world *f);
void      world_stop_listening(struct world *f);

/* MPI's reason as an error. */
tt_status world_error(const char *what, int code);

#endif
