/* send.h -- the senders of a vector's buckets: one or two threads of a rank, each with an end of
 * the group of its own.  Private to bucket.c and send.c.
 *
 *   places of the list  0 1 2 3 4 5      sender 0 sends 0 2 4, sender 1 sends 1 3 5
 *
 * A sum begins and ends with moments in which the wire is not full: between hosts another is under
 * way meanwhile.  What each sender sends is a list of its own, the same on all ranks.
 *
 * Lock order: one mutex; it guards every field of struct buckets below "guarded".  The numbers of a
 * bucket belong to the trainer until `ready_lo` passes its lower end, then to its sender until that
 * has sent it, then to the trainer again.  While a new list is due, the order and its times belong
 * to sender 0; otherwise the order does not change and its times are the trainer's. */
#ifndef TRAVEL_SEND_H
#define TRAVEL_SEND_H

#include <pthread.h>

#include "distribute/sync/travel/cut.h"
#include "distribute/sync/travel/order.h"

#define SENDERS 2
#define DOING_MAX 192

struct thread;

struct sender {
	struct buckets   *buckets;
	struct travel_end end;
	struct thread    *thread;
	char              doing[DOING_MAX];
	int               sent;             /* guarded: of this round */
};

struct buckets {
	struct sync     *sync;
	struct cut       cut;
	struct order     order;
	struct sender    sender[SENDERS];
	int              senders;
	int              taken;             /* the trainer's: buckets handed out this round,   */
	int              noted;             /* buckets that have become ready in it            */
	double           began;             /* and when the first did                          */

	pthread_mutex_t  lock;
	pthread_cond_t   work, done;
	/* guarded */
	size_t           ready_lo;
	int64_t          step;
	int              stop;
	int              due;               /* this round begins with a new list */
	int              under_way;         /* senders that are at work         */
	double           since;             /* when the first of these began     */
	double           wire;              /* of this round: seconds, bytes     */
	uint64_t         bytes;
	tt_status        status;            /* sticky */
	char             text[ERR_MAX];
};

/* Collective: their ends of the group. */
tt_status senders_open(struct buckets *b);
/* With room for the largest bucket. */
tt_status senders_start(struct buckets *b);
void      senders_close(struct buckets *b);
/* Called with the lock held: is what it should send next ready? */
int       sender_may_send(const struct sender *s);

#endif
