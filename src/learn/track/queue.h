/* queue.h -- numbers on their way: a ring that never grows and never makes anybody wait.
 *
 * Full, it forgets the oldest and counts them.  Knows no locks: its owner has one. */
#ifndef TRACK_QUEUE_H
#define TRACK_QUEUE_H

#include "learn/track/tracker.h"

#define TRACK_NAMES 128

struct track_point { double value; int64_t step, ms; int name; };
struct track_queue {
	struct track_point *point;
	int                 room, first, n;
	int64_t             lost;
	char                name[TRACK_NAMES][64];
	int                 names;
};

tt_status track_queue_init(struct track_queue *q, int room);
void      track_queue_add(struct track_queue *q, const struct track_metric *m);
/* Move at most max of the oldest to out; returns how many.  Keys are the queue's. */
int       track_queue_take(struct track_queue *q, struct track_metric *out, int max);
void      track_queue_release(struct track_queue *q);

#endif
