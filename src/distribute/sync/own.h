/* own.h -- what each rank has of its own, to rank 0 and back: a run that goes on from a checkpoint
 * must find all ranks where they were, not only what they have in common.
 *
 *   rank 0   | in common |  own 0  \
 *   rank 1   | in common |  own 1   --gather-->  all[ranks][bytes]  --deal-->  own 0, own 1, own 2
 *   rank 2   | in common |  own 2  /
 *
 * A strategy lists its parts (strategy.own), the same on all ranks; `live` are those in which ranks
 * may differ now.  The frame adds the sums behind the gradients. */
#ifndef SYNC_OWN_H
#define SYNC_OWN_H

#include <stddef.h>

#include "base/err.h"

struct sync;

enum own_kind {
	OWN_FLOATS,                         /* float                                             */
	OWN_NUMBERS,                        /* double: counts, from 0 to 2^53                    */
};

struct own_part {
	const char   *name;                 /* a literal: "params"                               */
	enum own_kind kind;
	size_t        count;                /* of its kind                                       */
	void         *data;                 /* in a meeting and out of it: this rank's           */
	int           live;
};

#define OWN_PARTS 10
struct own_list { int n; struct own_part part[OWN_PARTS]; };
/* Ignored where it is empty. */
void      own_add(struct own_list *l, struct own_part p);
/* The optimizer's state. */
void      own_add_slots(struct own_list *l, const struct sync *s, int live);

/* Parts of all ranks, in the order of ranks; owned. */
#define OWN_NAME 24
struct own_all {
	int ranks, n;
	struct own_of_all {
		char          name[OWN_NAME];
		enum own_kind kind;
		size_t        count;            /* of a rank                                         */
		void         *all;              /* [ranks][count]                                    */
	} part[OWN_PARTS];
};
void      own_release(struct own_all *a);
size_t    own_bytes(enum own_kind kind, size_t count);
/* Room for another part.  TT_EINVAL: there are OWN_PARTS. */
tt_status own_room(struct own_all *a, const char *name, enum own_kind kind, size_t count);

/* Collective, in a meeting.  Rank 0 gets the live parts, all others none. */
tt_status sync_gather_own(struct sync *s, struct own_all *out);
/* Collective, after open: each rank gets what rank 0 has for it in *a.  TT_ESHAPE: a part of this
 * name is of another size; TT_EFORMAT: it holds what no rank can have. */
tt_status sync_deal_own(struct sync *s, const struct own_all *a);

#endif
