/* tcp.h -- messages between processes over TCP connections of our own.
 *
 *   rank 0 <--- rank 1      one connection for each pair, opened when all meet by the higher of the
 *      ^          ^         two, and used in both directions
 *      '-- rank 2 '
 *
 * The kernel wakes who waits.  Ranks are told by endpoints where the others listen, which whoever
 * starts them hands round.  A connection begins with a proof, by both ends, that they know the
 * group's key (greet.h).  Who does not is turned away, and has had no effect: few are listened to
 * at once, for little time, and of a crowd from one address only that address suffers.  When all
 * have met nobody listens any more.
 *
 * Messages of a pair arrive in the order in which they were sent, whatever their tags, and receives
 * must be started in that order.  Used by one thread.  Allocates at listen and meet only. */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include "distribute/comm/comm.h"
#include "distribute/comm/tcp/endpoint.h"

#define TCP_KEY 32                /* bytes */

struct tcp;

struct tcp_place {
	int rank, size;
	int purpose;                    /* ends of other purposes are never connected to */
	enum endpoint_scope scope;
	uint16_t port;                  /* 0: any                                        */
	int listener;                   /* listens already, and is taken; 0: none does    */
};
/* Listen; *mine: what the others must know. */
tt_status tcp_listen(struct tcp **out, const struct tcp_place *place, struct endpoint *mine);
void      tcp_close(struct tcp **s);                            /* NULL is fine */

enum tcp_shape { TCP_MESH, TCP_STAR };  /* each with each, or with rank 0 alone */
struct tcp_meeting {
	const struct endpoint *at;      /* [size], or rank 0's alone in a star */
	const unsigned char *key;       /* [TCP_KEY]                           */
	const unsigned char *sealed;    /* [size]: encrypt what goes to this rank; NULL: nothing   */
	enum tcp_shape shape;
	double until;                   /* of thread_seconds                   */
	int  (*stop)(void *ctx);        /* NULL; or asked now and then: it is no use any more     */
	void (*waits)(void *ctx, int n, const char *ranks);     /* NULL; or told once, after a second,
	                                 * for how many we wait, and for whom: "1, 3"              */
	void  *ctx;
};
/* Connect all, and stop listening.  Collective.  TT_ETIMEDOUT: the text names who did not come, and
 * the others can be talked to; TT_EINVAL: a rank was refused by one that belongs to the group;
 * TT_ESTOPPED: by stop. */
tt_status tcp_meet(struct tcp *s, const struct tcp_meeting *m);

/* Start what r says.  TT_EIO: there is no connection.  A little that is sent leaves when somebody
 * waits. */
tt_status tcp_send(struct tcp *s, struct comm_request *r);
tt_status tcp_recv(struct tcp *s, struct comm_request *r);
/* Move messages until r is over.  TT_ETIMEDOUT: it is not at `until` (of thread_seconds), or the
 * alarm has rung; it may be waited for again.  TT_EIO: a connection was lost, tcp_lost says to
 * whom. */
tt_status tcp_wait(struct tcp *s, struct comm_request *r, double until);
/* A descriptor that ends waits when something can be read from it. */
void      tcp_set_alarm(struct tcp *s, int fd);
/* Move what can be moved at once, as tcp_wait does.  tcp_move: 0: there is nothing under way. */
tt_status tcp_turn(struct tcp *s);
int       tcp_move(struct tcp *s);
/* Forget a request.  One that has begun to move takes its connection with it. */
void      tcp_cancel(struct tcp *s, struct comm_request *r);
/* Forget all requests with a rank, and the connection to it. */
void      tcp_drop(struct tcp *s, int peer);
int       tcp_lost(const struct tcp *s);                        /* a rank; -1: none             */
int       tcp_error(const struct tcp *s);   /* errno's number for why; 0: the rank closed it      */
int       tcp_fd(const struct tcp *s, int peer);                /* -1: there is no connection   */

#endif
