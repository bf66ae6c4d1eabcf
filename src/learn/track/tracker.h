/* tracker.h -- the port behind which a tracking server hides: a run, its numbers, files and end.
 *
 * Calls block, from one thread.  TT_EPEER and TT_ETIMEDOUT mean: try again, with the same
 * arguments; TT_ESTOPPED: `stop` wanted it; all else is final.  A call that is made again does
 * nothing twice. */
#ifndef TRACK_TRACKER_H
#define TRACK_TRACKER_H

#include <stdint.h>

#include "base/err.h"

#define TRACK_ID 64                     /* letters of a run's id, NUL included */
#define TRACK_BATCH 1000                /* numbers in one call                 */

struct track_link;
struct track_pair   { const char *key, *value; };
struct track_metric { const char *key; double value; int64_t step, ms; };
enum track_end { TRACK_FINISHED, TRACK_FAILED, TRACK_KILLED };

/* Borrowed until close. */
struct track_server {
	const char *uri, *token, *user, *password, *ca_file;       /* NULL: none */
	int       (*stop)(void *ctx);       /* not 0: give up at once            */
	void       *ctx;
};

struct track_run {
	const char *experiment, *name, *owner;      /* owner: may be NULL                   */
	const char *key;                            /* no other run has it                  */
	const struct track_pair *param;
	int         params;
	int64_t     start;                          /* milliseconds since 1970, as all times */
};

struct tracker_ops {
	const char *const *schemes;                 /* "http", ..., NULL */
	tt_status (*open)(struct track_link **out, const struct track_server *s);   /* asks nobody */
	void      (*close)(struct track_link **l);
	/* Go on with the run `id`, or make one: id is "" or one that is gone. */
	tt_status (*begin)(struct track_link *l, const struct track_run *run, char id[TRACK_ID]);
	tt_status (*log)(struct track_link *l, const struct track_metric *m, int n);
	tt_status (*keep)(struct track_link *l, const char *path, const char *name);
	tt_status (*end)(struct track_link *l, enum track_end how, int64_t ms);
};

/* Who serves such a URI; TT_ESUPPORT. */
tt_status tracker_find(const char *uri, const struct tracker_ops **out);

#endif
