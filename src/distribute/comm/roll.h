/* roll.h -- what ranks tell one another beside their work: who gives up and why, who is alive and
 * for whom it waits.  For transports whose ranks are processes.
 *
 * Nobody keeps a clock for others.  Who has waited too long calls the roll: all who wait, too,
 * answer, and whom the chain of "waits for" ends at is to blame.  Each wait looks for notices. */
#ifndef COMM_ROLL_H
#define COMM_ROLL_H

#include <pthread.h>

#include "distribute/comm/comm.h"

enum notice_kind { NOTICE_FAULT = 1, NOTICE_ALIVE, NOTICE_LEAVING };
struct notice {
	int32_t kind, from, awaits;             /* awaits: whom the sender waits for; -1: nobody */
	struct comm_fault fault;
};

/* How notices travel.  The roll's lock is held. */
struct roll_ops {
	/* Start to send *n to all others; it stays where it is until the roll is released. */
	void (*tell)(void *ctx, const struct notice *n);
	/* Has everybody who is there taken it? */
	int  (*told)(void *ctx, const struct notice *n);
	/* A notice that has come; 0: there is none. */
	int  (*hear)(void *ctx, struct notice *out);
	/* A rank whose process is known to be no more; -1. */
	int  (*find_dead)(void *ctx);
};

struct roll {
	const struct roll_ops *ops;
	void            *ctx;
	int              rank, size, hosts;
	const int       *host_of;               /* [size]; borrowed                              */
	pthread_mutex_t  lock;                  /* guards all below but broken                   */
	struct notice    said[3];               /* alive, fault, leaving: each is said once      */
	int              called, told, left;    /* they have been said                           */
	int             *awaits;                /* [size] of those who are alive; -2: not heard  */
	unsigned char   *gone;                  /* [size] has said that it leaves                */
	struct comm_fault fault;
	_Atomic int      broken;                /* fault may be read                             */
};

tt_status roll_init(struct roll *r, const struct comm *place, const struct roll_ops *ops,
                    void *ctx);
void roll_release(struct roll *r);

/* Look for notices; answer a roll call with `awaits`.  Cheap; called by every wait. */
void roll_listen(struct roll *r, int awaits);
/* Until somebody says what has happened, or `until`; 1: somebody has. */
int  roll_listen_until(struct roll *r, int awaits, double until);
void roll_tell_fault(struct roll *r, const struct comm_fault *why);
/* The fault that somebody told, into c, as an error. */
tt_status roll_fault(struct roll *r, struct comm *c);
/* Call the roll, wait a moment for answers, follow the chain of waiting ranks from `peer` on. */
int  roll_call(struct roll *r, int peer, double timeout);
/* Say that this rank leaves, and wait until all others do, or one is dead and never will.
 * TT_ETIMEDOUT: not all have. */
tt_status roll_leave(struct roll *r, double timeout);

/* A rank c has waited for does not do its part, as the last error says: it has died, or gave up and
 * says so in a moment.  Or it is our own link that is cut: whether others answer tells, once all of
 * them have come to wait for us. */
tt_status roll_lost(struct roll *r, struct comm *c, int peer);
/* Rank `dead` has died while c waited: tell all. */
tt_status roll_died(struct comm *c, int dead);

#endif
