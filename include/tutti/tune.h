/* tune.h -- which trial is worth running next: spaces of parameters, samplers, schedulers.
 *
 *   tt_space_new(&space);
 *   tt_space_add(space, "train.optimizer.lr", "log:1e-4..1e-1");
 *   tt_space_add(space, "model.dropout", "0.2,0.5");
 *   const char *metric = "valid.accuracy";
 *   enum tt_direction up = TT_MAXIMIZE;
 *   tt_study_new(&study, space, TT_STUDY_OPTS(.sampler = "sobol", .scheduler = "asha",
 *                .objectives = &metric, .directions = &up, .n_objectives = 1));
 *   while (tt_study_ask(study, &s) == TT_OK && s.what != TT_ASK_DONE)
 *       run trial s.trial with its values up to step s.budget: for each step it reports
 *               tt_study_tell(study, s.trial, step, values, 1, &verdict);
 *       and when it has ended of itself
 *               tt_study_end(study, s.trial, TT_TRIAL_COMPLETED, NULL, 0);
 *
 * A study only decides: it starts no process, reads no clock and writes no file.  So it is
 * replayed: a study made with the same space and options and given the same calls in the same order
 * answers the same, bit for bit.  Whoever keeps a journal of the calls can go on after a crash.
 *
 * After TT_ENOMEM from ask, tell or end a study is only good for being looked at and freed.
 *
 * A study, and a space while it is filled, serve one thread at a time.  Texts that a call is
 * given are borrowed for the call; texts and arrays that it answers belong to the study and
 * live as long. */
#ifndef TUTTI_TUNE_H
#define TUTTI_TUNE_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the space ---- */

typedef struct tt_space tt_space;

enum tt_param_kind {
	TT_PARAM_DOUBLE,          /* 0.1..0.9, log:1e-4..1e-1          any number from .. to          */
	TT_PARAM_INT,           /* int:1..8, log:int:1..1024          any whole number, ends included */
	TT_PARAM_DISCRETE,        /* 0.2,0.5   0..1:0.25   int:8..64:8  a list of numbers             */
	TT_PARAM_CATEGORICAL      /* relu,tanh                          a list of words without order */
};

typedef struct tt_param {
	uint32_t           size;       /* of this struct: TT_SIZED(tt_param)                          */
	enum tt_param_kind kind;
	const char        *name;
	int                log;        /* 1: DOUBLE, INT by their logarithm                           */
	double             min, max;   /* ends; of a list of numbers its least and greatest, of words
	                                * 0 and count - 1                                             */
	int                count;      /* DISCRETE, CATEGORICAL: how many; else 0                     */
	const char *const *choices;   /* as they were written (of A..B:STEP, shortest), count of them */
	const char        *parent;     /* of a conditional parameter: whose value decides; else NULL  */
} tt_param;

TT_API tt_status tt_space_new(tt_space **out);             /* empty; the caller's to free         */
TT_API void      tt_space_free(tt_space **s);              /* NULL is fine; sets *s = NULL        */
/* One parameter more.  range is
 *
 *     A..B            numbers          log:A..B        by their logarithm, A > 0
 *     int:A..B        whole numbers    log:int:A..B    (or int:log:)
 *     A..B:STEP       a list           int:A..B:STEP
 *     1,2,4           a list of numbers; samplers know their order
 *     a,b,c           words; commas within [] {} () and quotes do not cut
 *     cat:1,2,4       words that look like numbers
 *
 * and may end with a condition on a parameter that was added before, of whatever kind has single
 * values:  " if model.kind == cnn",  " if depth in 2,3",  " if model.kind != mlp".  A
 * parameter whose condition does not hold, or whose parent has no value itself, has no value
 * in the trial. TT_EINVAL, and the text says what is wrong with which parameter: no name or a
 * name twice, an empty range, log of zero or less, numbers that are not finite, a step that is
 * none, no such parent or value of it.  The space is then as it was. */
TT_API tt_status tt_space_add(tt_space *s, const char *name, const char *range);
TT_API int       tt_space_count(const tt_space *s);        /* parameters; 0 of NULL               */
TT_API tt_status tt_space_get(const tt_space *s, int i, tt_param *out);  /* texts: the space's    */

/* ---- the study ---- */

typedef struct tt_study tt_study;

enum tt_direction { TT_MINIMIZE, TT_MAXIMIZE };

typedef struct tt_study_opts {
	uint32_t            size;        /* of this struct                                            */
	const char         *sampler;     /* of tt_catalog_get(TT_SAMPLERS, ...) ("random")            */
	const char         *sampler_options;    /* YAML map of its options: "{popsize: 20}" (none)    */
	const char         *scheduler;   /* of tt_catalog_get(TT_SCHEDULERS, ...) ("none")            */
	const char         *scheduler_options;
	const char *const  *objectives;  /* names of metrics, at least one; several: the Pareto front.
	                                  * Schedulers look at the first                              */
	const enum tt_direction *directions;    /* of each (all are minimised)                        */
	int                 n_objectives;
	int64_t             trials;      /* that are made at most (0: as many as the sampler has)     */
	uint64_t            seed;
} tt_study_opts;
#define TT_STUDY_OPTS(...) (&(tt_study_opts){ .size = sizeof(tt_study_opts), __VA_ARGS__ })

/* *out is the caller's to free.  The space is copied.  TT_EINVAL: no objective or one without
 * a name, a name that no row has (the nearest is named), a sampler that cannot do with this
 * space or with several objectives, a choice twice (`launch` may), a sampler with budgets of
 * its own beside a scheduler.  TT_ESPEC: options that cannot be read. */
TT_API tt_status tt_study_new(tt_study **out, const tt_space *space, const tt_study_opts *o);
TT_API void      tt_study_free(tt_study **s);              /* NULL is fine; sets *s = NULL        */

enum tt_ask {
	TT_ASK_NEW,       /* begin trial `trial` (from checkpoint of `parent`, if that is not -1)     */
	TT_ASK_RESUME,    /* go on with trial `trial` from its own checkpoint, up to `budget`; without
	                   * checkpoints: from the beginning                                          */
	TT_ASK_WAIT,      /* nothing before some running trial is told of or ended                    */
	TT_ASK_DONE       /* nothing any more, and nothing runs                                       */
};

typedef struct tt_suggestion {
	uint32_t        size;            /* of this struct: TT_SIZED(tt_suggestion)                   */
	enum tt_ask     what;
	int64_t         trial;           /* number, from 0 on; -1 with WAIT, DONE                     */
	int64_t         parent;          /* trial whose checkpoint NEW begins from; -1: from nothing  */
	int64_t         budget;          /* step up to which it shall go; 0: as far as it does        */
	int             n;               /* values: of the parameters that are there (tt_study_value) */
} tt_suggestion;

/* The next thing to do, for whoever has a slot free; it counts as running from here on. */
TT_API tt_status tt_study_ask(tt_study *s, tt_suggestion *out);

enum tt_verdict {
	TT_GO_ON,
	TT_PAUSE,         /* keep a checkpoint, stop, give the slot back: it may be asked for again,
	                   * or be a parent.  No tt_study_end                                         */
	TT_STOP,          /* not worth going on.  The study has ended it as PRUNED: no tt_study_end   */
	TT_COMPLETE       /* it has got all it will get.  The study has ended it as COMPLETED: no
	                   * tt_study_end                                                             */
};

/* The running trial has reached a step (epochs, updates: what the trial counts, from 1 on) with
 * values [n_objectives] of the metrics.  A step told again, by a trial that was run again, counts
 * once, with what was told last.  A value that is not finite is the worst there is.
 * TT_EINVAL: a trial that is not running, a step below 1, another number of values. */
TT_API tt_status tt_study_tell(tt_study *s, int64_t trial, int64_t step, const double *values,
                               int n, enum tt_verdict *out);

enum tt_trial_state {
	TT_TRIAL_RUNNING, TT_TRIAL_PAUSED, TT_TRIAL_COMPLETED, TT_TRIAL_PRUNED, TT_TRIAL_FAILED
};

/* The trial has ended of itself: COMPLETED, PRUNED by the caller, or FAILED.  values
 * [n_objectives]: its result; NULL, n = 0: what was told last (COMPLETED without any: it
 * counts as FAILED).  A trial that is paused at its budget may be ended as well: it is not
 * asked for again. */
TT_API tt_status tt_study_end(tt_study *s, int64_t trial, enum tt_trial_state state,
                              const double *values, int n);

/* ---- what is known ---- */

typedef struct tt_trial {
	uint32_t            size;        /* of this struct: TT_SIZED(tt_trial)                        */
	int64_t             trial, parent;
	enum tt_trial_state state;
	int64_t             step;        /* the last one told; 0: none                                */
	int64_t             budget;      /* of the last suggestion                                    */
	int                 n;           /* values                                                    */
	const double       *results;     /* [n_objectives], ended or told last; NULL: none yet        */
} tt_trial;

TT_API int64_t   tt_study_count(const tt_study *s);        /* trials so far; 0 of NULL            */
TT_API tt_status tt_study_trial(const tt_study *s, int64_t trial, tt_trial *out);
/* A parameter's value in a trial. */
typedef struct tt_value {
	uint32_t            size;        /* of this struct: TT_SIZED(tt_value)                        */
	const char         *name;
	const char         *text;        /* as it is given to a program: shortest that reads back     */
	enum tt_param_kind  kind;
	double              number;      /* DOUBLE, INT, DISCRETE; CATEGORICAL: which choice, from 0  */
} tt_value;

/* The i-th of the parameters that are there, in the order of the space.  TT_EINVAL: there is
 * none. */
TT_API tt_status tt_study_value(const tt_study *s, int64_t trial, int i, tt_value *out);

/* The best completed trial by the first objective, of equals the first; while none is complete the
 * best of those that got furthest.  A result that is not finite is never it.  TT_ENOENT: none. */
TT_API tt_status tt_study_best(const tt_study *s, int64_t *trial);
/* Completed trials that no other beats in one objective without being worse in another, by their
 * number: at most max to `trials`; answers how many there are. */
TT_API int64_t   tt_study_front(const tt_study *s, int64_t *trials, int64_t max);
/* How much of the first objective each parameter alone explains: share [n], as many as the space
 * has, each 0 .. 1: the part of the variance of the trials' ranks that lies between bins of the
 * parameter's values, less what chance would explain (epsilon squared; Kelley 1935).  Shares of
 * parameters that work together only are small, and they need not add up to 1. */
TT_API tt_status tt_study_importance(tt_study *s, double *share, int n);

#ifdef __cplusplus
}
#endif
#endif
