/* tcp_internal.h -- what tcp.c, which moves messages, and tcp_meet.c, which makes connections,
 * share.  Nobody else includes it. */
#ifndef TCP_TCP_INTERNAL_H
#define TCP_TCP_INTERNAL_H

#include <poll.h>

#include "distribute/comm/tcp/seal.h"
#include "distribute/comm/tcp/tcp.h"

#define TCP_BATCH 8             /* messages that one call may move */

/* In front of each message. */
struct head { uint64_t n; int32_t tag; uint32_t unused; };

/* One direction between this rank and another. */
struct stream {
	int         peer, outgoing;
	struct comm_request *first, *last; /* by handle         */
	size_t      done;                  /* bytes of the first and its head that have moved */
	size_t      due;                   /* bytes of all, and their heads                   */
	struct head head[TCP_BATCH];       /* as they come      */
};

/* The connection to a rank. */
struct link {
	int           fd;                  /* -1: there is none           */
	struct seal  *seal;                /* NULL: it is not encrypted   */
	struct stream out, in;
};

struct tcp {
	int             rank, size, purpose;
	int             lost, error;       /* a rank, and errno's number  */
	int             alarm, rang;
	int             listener;          /* until all have met          */
	struct endpoint mine;
	struct link    *link;              /* [size]                      */
	struct stream **active;            /* [2 size] those with messages */
	struct pollfd  *poll;              /* [2 size + 1]                */
	int             n_active;
};

#endif
