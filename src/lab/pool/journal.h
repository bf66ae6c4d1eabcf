/* journal.h -- all that a search has asked, told and seen, a line of JSON each.
 *
 *   {"event": "study", "version": 1, "about": "..."}
 *   {"event": "ask", "what": "new", "trial": 0, "parent": -1, "budget": 3,
 *    "values": {"lr": "0.01"}}
 *   {"event": "start", "trial": 0, "attempt": 1, "pid": 4711, "born": 99, "at": 0}
 *   {"event": "tell", "trial": 0, "step": 1, "values": [0.87], "verdict": "go on"}
 *   {"event": "lost", "trial": 0, "attempt": 1, "why": "exit code 1"}
 *   {"event": "end", "trial": 0, "state": "completed", "seconds": 1.2}
 *
 * Appended before what it says takes effect outside.  A line that was torn by a crash is the last
 * one, and is cut off. */
#ifndef POOL_JOURNAL_H
#define POOL_JOURNAL_H

#include <stdint.h>

#include "base/file.h"
#include "base/node/node.h"

#define JOURNAL_VERSION 1

struct journal {
	struct file_log *file;
	struct str       path, line;
	uint64_t         size;          /* of all whole lines                  */
	int              lock;          /* its descriptor; -1                  */
	double           synced;        /* when; and is there more since then? */
	int              dirty;
	/* The disk is full: the first time, and again and again.  0: give up. */
	int            (*full)(void *ctx, int first, const char *why);
	void            *ctx;
};

/* Who reads: one event, whose line is for messages.  Not TT_OK ends it. */
typedef tt_status journal_fn(void *ctx, const struct node *event, int line);

enum journal_way { JOURNAL_NEW, JOURNAL_RESUME };
/* Lock dir, which is there, and open; RESUME reads all events first. */
tt_status journal_open(struct journal *j, const char *dir, enum journal_way way, journal_fn *f,
                       void *ctx);
/* j->line is one whole event, without the end of line: append it.  While the disk is full it
 * waits, and says so: TT_EIO if `full` (none) gives up. */
tt_status journal_append(struct journal *j);
/* Sync, if `seconds` have gone by since the last time. */
tt_status journal_sync(struct journal *j, double seconds);
void      journal_close(struct journal *j);

#endif
