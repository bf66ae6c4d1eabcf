/* tcp.h -- messages between processes over TCP connections of our own.
 *
 *   rank a: out[b] ------------> in[a] :rank b      one connection per direction that is used,
 *           in[b]  <------------ out[a]             opened by whoever sends first
 *
 * For a transport whose library must be asked again and again whether something has come
 * (plug/mpi): here the kernel wakes who waits, and a byte costs half as much.  Ranks are told where
 * the others listen by cards, which the transport hands round.  A connection begins with a
 * secret that stands on the card of the rank it goes to; whoever does not know it is turned away.
 *
 * Messages of a pair arrive in the order in which they were sent, whatever their tags, and receives
 * must be started in that order.  Used by one thread.  Allocates at listen only. */
#ifndef COMM_TCP_H
#define COMM_TCP_H

#include "distribute/comm/comm.h"

#define STREAMS_CARD 192                  /* bytes */

struct tcp;

/* Listen on a port of this machine; card: what the others must know. */
tt_status tcp_listen(struct tcp **out, int rank, int size,
                         unsigned char card[STREAMS_CARD]);
/* cards[size][STREAMS_CARD], by rank; copied. */
void      tcp_meet(struct tcp *s, const unsigned char *cards);
void      tcp_close(struct tcp **s);                            /* NULL is fine */

/* Start what r says.  The first send to a rank connects: TT_EIO if that cannot be done.  A little
 * that is sent leaves when somebody waits. */
tt_status tcp_send(struct tcp *s, struct comm_request *r);
tt_status tcp_recv(struct tcp *s, struct comm_request *r);
/* Move messages until r is over.  TT_ETIMEDOUT: it is not at `until` (of thread_seconds), and may
 * be waited for again.  TT_EIO: a connection was lost, tcp_lost says to whom. */
tt_status tcp_wait(struct tcp *s, struct comm_request *r, double until);
/* Move what can be moved at once; 0: there is nothing under way. */
int       tcp_move(struct tcp *s);
/* Forget a request.  One that has begun to move takes its connection with it. */
void      tcp_cancel(struct tcp *s, struct comm_request *r);
int       tcp_lost(const struct tcp *s);                        /* a rank; -1: none */

#endif
