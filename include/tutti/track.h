/* track.h -- a run that is told to a tracking server (MLflow's REST API) while it trains.
 *
 *   trainer --event--> tracker --queue--> a thread of its own --> the server
 *
 * Training never waits for the server: numbers are queued, and where the server is gone longer than
 * the queue is long the oldest are dropped and counted.  The run folder has them all. */
#ifndef TUTTI_TRACK_H
#define TUTTI_TRACK_H

#include <stdint.h>

#include <tutti/model.h>
#include <tutti/observer.h>
#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_tracker tt_tracker;

/* Texts are copied. */
typedef struct tt_tracker_opts {
	uint32_t    size;              /* of this struct                                          */
	const char *uri;               /* "http://HOST:5000", "https://HOST"; without a password  */
	const char *run_dir;           /* whose files are sent at the end; it remembers the run   */
	const char *experiment;        /* (the spec's name) made if it is not there               */
	const char *owner;             /* (none) who trains                                       */
	const char *token;             /* (none) sent as a bearer token; or else                  */
	const char *user, *password;   /* (none)                                                  */
	const char *ca_file;           /* (the system's) certificates that are trusted by https   */
	/* (none) Told of the first failure, and when the server answers again; called from the thread
	 * that trains or closes. */
	void      (*say)(void *ctx, const char *text);
	void       *ctx;
} tt_tracker_opts;
#define TT_TRACKER_OPTS(...) (&(tt_tracker_opts){ .size = sizeof(tt_tracker_opts), __VA_ARGS__ })

/* What became of it. */
typedef struct tt_tracker_end {
	uint32_t size;                 /* of this struct                                          */
	int64_t  sent, unsent;         /* numbers                                                 */
	int      files, files_unsent;
	int      told;                 /* 1: the server knows how the run ended                   */
	char     run[64];              /* its id on the server; "": it never had one              */
	char     why[256];             /* of what was not sent                                    */
} tt_tracker_end;

/* Asks the server nothing yet.  The settings of the resolved spec become the run's parameters.  If
 * the run folder was tracked by this server before, the same run goes on.  TT_ESUPPORT: nobody
 * serves such a URI, or the policy allows no thread. */
TT_API tt_status tt_tracker_open(tt_tracker **out, const tt_spec *spec, const tt_tracker_opts *o);
/* The observer that tells it all: hand it to tt_trainer_observe; it never ends a run. */
TT_API tt_status tt_tracker_observer(tt_tracker *t, tt_observer *out);
/* After the trainer: send what is left while the server answers, say how the run ended.  A server
 * that is gone is given 10 seconds, one that never answered 3, and after a stop all ends after 5.
 * end may be NULL. */
TT_API tt_status tt_tracker_close(tt_tracker **t, tt_tracker_end *end);

#ifdef __cplusplus
}
#endif
#endif
