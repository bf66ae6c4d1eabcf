/* parts.h -- what the files of this folder share.  Nobody else includes it. */
#ifndef COMM_PARTS_H
#define COMM_PARTS_H

#include "dist/comm/comm.h"

/* Tags above the callers'.  Collectives run in the same order everywhere and messages keep theirs, so
 * that one tag would do; several make a mixed-up order fail early. */
enum { COMM_TAG_EXCHANGE = COMM_TAG_MAX + 1, COMM_TAG_REDUCE, COMM_TAG_GATHER, COMM_TAG_BROADCAST,
       COMM_TAG_BARRIER, COMM_TAG_AGREE, COMM_TAG_FOLD };

struct comm_part { int peer, tag; void *p; size_t n; };          /* a message: with whom, what */

tt_status comm_part_send(struct comm *c, struct comm_part p);
tt_status comm_part_recv(struct comm *c, struct comm_part p);
tt_status comm_part_exchange(struct comm *c, struct comm_part out, struct comm_part in);

#endif
