/* sender.h -- the thread that talks to the server, so that nobody else has to wait.
 *
 *   begin --> numbers, in batches --> (closing) the rest --> files --> how it ended
 *
 * What fails for now is tried again, after twice as long each time; what fails for good is counted
 * and told. */
#ifndef TRACK_SENDER_H
#define TRACK_SENDER_H

#include <pthread.h>

#include <tutti/track.h>

#include "base/arena.h"
#include "learn/track/queue.h"
#include "sys/thread.h"

/* How patient it is, in seconds. */
struct track_pace { double gather, retry, retry_most, gone, never, stopped; int room; };
extern const struct track_pace track_pace_usual;

struct track_file { const char *path, *name; };

/* Above the line nothing changes once the thread runs; below it the lock is needed. */
struct track_sender {
	const struct tracker_ops *ops;
	struct track_link  *link;
	struct track_pace   pace;
	struct track_server server;
	struct track_run    run;
	const struct track_file *file;
	int                 files;
	const char         *memory;             /* the file that remembers the run */
	struct thread      *thread;
	struct track_metric batch[TRACK_BATCH]; /* the thread's own                */
	int                 batched;
	/* ---- */
	pthread_mutex_t     lock;
	pthread_cond_t      wake;
	struct track_queue  queue;
	int                 started, begun, closing, dead;
	int                 failing, file_next, idle;      /* idle: waits for something to do */
	enum track_end      how;
	int64_t             ended;              /* milliseconds; 0: it still trains  */
	double              give_up;            /* when closing: not a moment longer */
	double              answered;           /* when the server last did          */
	char                id[TRACK_ID];
	tt_tracker_end      end;
	char                news[512];          /* to be said; "": nothing           */
};

tt_status track_sender_start(struct track_sender *s);
void      track_sender_add(struct track_sender *s, const struct track_metric *m);
void      track_sender_ended(struct track_sender *s, enum track_end how);
/* What has not been said yet; 0 if there is nothing.  Before finish. */
int       track_sender_news(struct track_sender *s, char *out, size_t room);
void      track_sender_finish(struct track_sender *s);

#endif
