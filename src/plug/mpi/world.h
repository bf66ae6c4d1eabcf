/* world.h -- what all ends of one process share.  Only this folder includes it. */
#ifndef MPI_WORLD_H
#define MPI_WORLD_H

#include <mpi.h>
#include <pthread.h>
#include <stdatomic.h>

#include "distribute/comm/comm.h"

#define MPI_NAME_MAX 96

enum notice_kind { NOTICE_FAULT = 1, NOTICE_ALIVE };

/* What ranks tell one another beside their work, on a communicator of its own. */
struct notice {
	int32_t kind, from, awaits;             /* awaits: whom the sender waits for; -1: nobody */
	struct comm_fault fault;
};

struct world {
	int             rank, size, refs, owns_mpi;
	int             serialized;             /* MPI wants one thread at a time: take mpi_lock */
	pthread_mutex_t mpi_lock;
	pthread_mutex_t control_lock;           /* guards all below, save broken and refs        */
	MPI_Comm        control;
	MPI_Request     listening;
	struct notice   heard, said[2];         /* said: alive, fault; each is said once         */
	MPI_Request    *telling;                /* [2][size]                                     */
	int             called, told;           /* said[0], said[1] have been sent               */
	int            *awaits;                 /* [size] of those who are alive; -2: not heard  */
	struct comm_fault fault;
	_Atomic int     broken;                 /* fault may be read                             */
	const char    **names;
	char           *name_text;              /* [size][MPI_NAME_MAX]                          */
	int            *host_of, host, hosts, local, locals;
	pid_t          *neighbour;              /* [size] of ranks on this machine; 0: elsewhere */
	int             near;                   /* neighbours can read one another's memory      */
	enum comm_transport transport;          /* as asked for                                  */
	int             decided, tcp_near, tcp_far;     /* ways.h                        */
};

/* peek.c: can the ranks of each machine read one another's memory?  Sets near; collective. */
tt_status cma_try(struct world *f);
/* n bytes of a neighbour's memory; TT_EIO: it is no more, or was no memory. */
tt_status cma_read(const struct world *f, int rank, void *to, const void *from, size_t n);

/* Hold the MPI library, where it is not made for several threads. */
void world_enter(struct world *f);
void world_leave(struct world *f);

/* Who is where, and a first word between all pairs, so that later ones find their way even when
 * the receiver is busy.  Collective. */
tt_status world_meet(struct world *f);

/* Look for notices; answer a roll call with `awaits`.  Cheap; called by every wait. */
void world_listen(struct world *f, int awaits);
/* A rank of this machine whose process is no more; -1: none. */
int  world_find_dead(const struct world *f);
void world_tell_fault(struct world *f, const struct comm_fault *why);
/* Call the roll, wait a moment for answers, follow the chain of waiting ranks from `peer` on. */
int  world_roll_call(struct world *f, int peer, double timeout);
void world_stop_listening(struct world *f);

/* MPI's reason as an error. */
tt_status world_error(const char *what, int code);

#endif
