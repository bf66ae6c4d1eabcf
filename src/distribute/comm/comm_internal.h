/* comm_internal.h -- what collectives see of a communicator beyond its port.  Nobody else includes
 * it. */
#ifndef COMM_COMM_INTERNAL_H
#define COMM_COMM_INTERNAL_H

#include "distribute/comm/comm.h"

/* Tags above the callers'.  Collectives run in the same order everywhere and messages keep
 * theirs, so that one tag would do; several make a mixed-up order fail early. */
enum { COMM_TAG_EXCHANGE = COMM_TAG_MAX + 1, COMM_TAG_REDUCE, COMM_TAG_GATHER, COMM_TAG_BROADCAST,
       COMM_TAG_BARRIER, COMM_TAG_AGREE, COMM_TAG_SPLIT };

/* A rank kept `peer` or, along a chain, another waiting for too long: tell all, and say so. */
tt_status comm_name_silent(struct comm *c, int peer);

struct comm_part { int peer, tag; void *p; size_t n; };          /* a message: with whom, what */

tt_status comm_part_send(struct comm *c, struct comm_part p);
tt_status comm_part_recv(struct comm *c, struct comm_part p);
tt_status comm_part_exchange(struct comm *c, struct comm_part out, struct comm_part in);

/* n bytes of another rank's memory, on this host and where c->near; counts as sent. */
tt_status comm_peek(struct comm *c, int rank, void *to, const void *from, size_t n);
/* The same without a copy, where they lie in shared memory (sys/shm.h); else NULL. */
const void *comm_view(struct comm *c, int rank, const void *from, size_t n);

#endif
