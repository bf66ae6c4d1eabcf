/* search.h -- run the trials of a study: as processes or as calls of a function, with a journal.
 *
 *   study (tune.h) --what next?--> search --> slot: a process; lines it prints: name=value
 *                  <--how good?---    |
 *                              DIR/journal.jsonl     all that was asked and told, a line each
 *                              DIR/lock              while a search has the study
 *                              DIR/trial-00007/      output.txt, errors.txt, what the trial keeps
 *
 * The journal is the truth: it is written before anything is started, and synced in groups.  After
 * a crash the same calls are made of the study again (resume), so that it stands where it stood;
 * trials that were running begin once more.  A trial is never told of twice for one step.
 *
 * A trial's process tells its metrics on stdout by lines `step=3 accuracy=0.91 loss=0.3` or
 * `{"step": 3, "accuracy": 0.91}`; without step or epoch they are counted.  All else that it prints
 * is kept and not read.  It is asked to end by SIGTERM, and ended by SIGKILL 10 s later.
 *
 * A search serves one thread; it forks, and waits for no child but its own. */
#ifndef TUTTI_SEARCH_H
#define TUTTI_SEARCH_H

#include <tutti/tune.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_search tt_search;
typedef struct tt_command tt_command;      /* words of a command line that is being written       */

/* A trial that is about to run; borrowed for the call. */
typedef struct tt_attempt {
	uint32_t             size;       /* of this struct                                        */
	const tt_suggestion *suggestion;
	const tt_study      *study;      /* knows the values: tt_study_value                      */
	const char          *dir;        /* the trial's folder; it is there                       */
	const char          *parent_dir; /* of the trial it begins from; NULL: from nothing       */
	int                  number;     /* of this attempt, from 1 on                            */
} tt_attempt;

enum tt_search_event {
	TT_SEARCH_BEGAN,                 /* an attempt at a trial                                 */
	TT_SEARCH_TOLD,                  /* a trial has reached a step                            */
	TT_SEARCH_ENDED,                 /* a trial has: completed, pruned, failed, or is paused  */
	TT_SEARCH_LOST,                  /* an attempt crashed, and there will be another; text: why */
	TT_SEARCH_NOTE,                  /* text: what people should know                         */
	TT_SEARCH_TICK                   /* nothing, for a moment                                 */
};

/* What there is to see; all of it borrowed for the call. */
typedef struct tt_search_news {
	uint32_t             size;       /* of this struct                                        */
	enum tt_search_event event;
	int64_t              trial;      /* -1 with NOTE, TICK                                    */
	const tt_study      *study;
	const char          *text;       /* or NULL                                               */
	int                  running, slots;
	int64_t              ended;      /* trials that completed, were pruned or failed          */
	double               seconds;    /* since this search was made, and of those before it    */
} tt_search_news;

typedef struct tt_search_opts {
	uint32_t            size;        /* of this struct                                        */
	const char         *dir;         /* the study's folder; made                              */
	const char         *about;       /* what the study is made of, in any words: a search that is
	                                  * resumed must be of the same (none)                    */
	int                 resume;      /* 1: go on with the journal in dir                      */
	const char *const  *objectives;  /* names, those of the study.  One named "seconds" that no
	                                  * trial tells is the time of the trial                  */
	int                 n_objectives;
	int                 slots;       /* trials at once (1)                                    */
	int                 tries;       /* attempts at a trial that crashes (3)                  */
	double              timeout;     /* seconds of an attempt (0: any)                        */
	const char         *launcher;    /* one of tt_search_launchers, or words of a program that
	                                  * runs the words behind them: "ssh host" (local)        */
	int                 threads;     /* cores of a slot, for launchers that ask (1)           */
	/* The words of a trial's command line, by tt_command_add: the trial is a process. */
	tt_status         (*command)(void *ctx, const tt_attempt *a, tt_command *out);
	/* Or the trial itself: set values [n_objectives].  It may tell of steps by tt_search_report,
	 * and returns when told not to go on.  Not TT_OK: the attempt crashed. */
	tt_status         (*objective)(void *ctx, tt_search *s, const tt_attempt *a, double *values);
	void              (*hear)(void *ctx, const tt_search_news *n);      /* (nobody hears)     */
	int               (*stop)(void *ctx);                   /* asked often: 1 ends it (never) */
	void               *ctx;
} tt_search_opts;
#define TT_SEARCH_OPTS(...) (&(tt_search_opts){ .size = sizeof(tt_search_opts), __VA_ARGS__ })

/* "local", "slurm" (srun), NULL. */
TT_API const char *const *tt_search_launchers(void);

/* Lock the folder, and bring the study, which must be new, to where the journal ends.  *out is
 * owned; the study is borrowed until it is freed, texts of o are copied.  TT_EBUSY: another
 * search has the folder; TT_EINVAL: there is a journal and no `resume`, or it is of another
 * study; TT_ENOENT: there is none to resume; TT_EFORMAT names the line that cannot be read:
 * only the last may be torn. */
TT_API tt_status tt_search_new(tt_search **out, tt_study *study, const tt_search_opts *o);
/* Run trials until the study is done.  TT_ESTOPPED: o->stop said so; the trials that ran are ended
 * and will run again.  TT_EINVAL: a command cannot be started.  TT_EIO: the journal cannot be
 * written, and o->stop said so, too: where there is one, it waits for room on the disk. */
TT_API tt_status tt_search_run(tt_search *s);
/* For objectives: the trial has reached a step. */
TT_API tt_status tt_search_report(tt_search *s, int64_t trial, int64_t step, const double *values,
                                  enum tt_verdict *out);
/* The folder of a trial, whether there or not; *out is owned: tt_free. */
TT_API tt_status tt_search_trial_dir(const tt_search *s, int64_t trial, char **out);
TT_API void      tt_search_free(tt_search **s);            /* NULL is fine; sets *s = NULL        */

/* One word more.  Without memory the trial is not started, and the search says so. */
TT_API void      tt_command_add(tt_command *c, const char *word);

#ifdef __cplusplus
}
#endif
#endif
