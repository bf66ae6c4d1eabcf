/* state.h -- what a search is, for the files that make it up; of src/lab/pool alone. */
#ifndef POOL_STATE_H
#define POOL_STATE_H

#include <tutti/search.h>

#include "base/arena.h"
#include "lab/pool/job.h"
#include "lab/pool/journal.h"
#include "lab/pool/lines.h"

struct known {                          /* of a trial, beside what the study knows        */
	int64_t step;                   /* the last one told; 0: none                     */
	int64_t at;                     /* where the output of its last attempt begins    */
	int     attempts, crashes;
	double  seconds;                /* of all its attempts that are over              */
	pid_t   pid;                    /* of its last attempt, and its birth             */
	long long born;
	int     waits;                  /* to run (again): it is in the queue             */
};

struct slot {
	int             used;
	struct job      job;
	struct lines    lines;
	int64_t         trial;
	enum tt_verdict verdict;        /* other than GO_ON: it is being ended            */
	int             late;           /* it was ended for its timeout                   */
	tt_status       st;             /* of what its lines led to                       */
	tt_search      *search;
};

struct tt_search {
	tt_search_opts  o;
	struct arena    arena;
	tt_study       *study;
	const char    **name;           /* [n_objectives]                                 */
	struct journal  journal;
	struct known   *known;          /* [n_known]                                      */
	int64_t         n_known, cap_known;
	int64_t        *queue;          /* [queued] trials that run before others         */
	int64_t         queued, cap_queue;
	struct slot    *slot;           /* [o.slots]                                      */
	int             running, done, waits;   /* waits: nothing to ask before news       */
	int64_t         ended;
	double          made, before;   /* when; and seconds of searches before this one  */
	int             version;        /* of the journal that is read; 0: none yet       */
};

/* ---- known.c ---- */

/* Twice the room for members of a size, zeroed; 0: no memory. */
int       search_grow(void **p, int64_t *cap, size_t size);
/* Of a trial that the study has; NULL: no memory. */
struct known *search_known(tt_search *s, int64_t trial);
void      search_hear(tt_search *s, enum tt_search_event event, int64_t trial, const char *text);

/* ---- trials.c ---- */

tt_status search_enqueue(tt_search *s, int64_t trial);
tt_status search_make_dir(const tt_search *s, int64_t trial, char **out);
/* What runs next: what waits, or what the study says, which is journalled.  TT_ASK_WAIT or DONE:
 * nothing. */
tt_status search_next(tt_search *s, tt_suggestion *out);
/* The suggestion of a trial that has been asked already. */
tt_status search_again(tt_search *s, int64_t trial, tt_suggestion *out);

/* ---- late.c ---- */

/* Tell what the trial's last attempt has printed beyond the last step told. */
tt_status search_read_late(tt_search *s, int64_t trial, enum tt_verdict *verdict);

/* ---- events.c: told to the journal, then to the study ---- */

tt_status event_study(tt_search *s);
tt_status event_ask(tt_search *s, const tt_suggestion *g);
tt_status event_start(tt_search *s, int64_t trial);
tt_status event_tell(tt_search *s, int64_t trial, const struct lines_report *r,
                     enum tt_verdict *out);
tt_status event_lost(tt_search *s, int64_t trial, const char *why);
tt_status event_end(tt_search *s, int64_t trial, enum tt_trial_state state, const double *values);

/* ---- replay.c ---- */

tt_status replay_event(void *search, const struct node *event, int line);

/* Words of the journal, by their numbers. */
extern const char *const ask_words[], *const verdict_words[], *const state_words[];

/* ---- drive.c, calls.c: run until the study is done ---- */

tt_status drive_processes(tt_search *s);
tt_status drive_calls(tt_search *s);
/* An attempt has crashed: another one, or none. */
tt_status drive_crashed(tt_search *s, int64_t trial, const char *why);

#endif
