/* rows.h -- the tables of samplers and schedulers. */
#ifndef TUNE_ROWS_H
#define TUNE_ROWS_H

#include <stddef.h>

#include "base/options.h"
#include "lab/tune/study.h"

/* Says what the next trial tries.  State is of the study's arena; all functions but ask may be
 * NULL. Whatever is drawn at random comes from study_rng(), or from (seed, the trial's number). */
struct sampler {
	const char          *name, *help;
	const struct option *options;          /* NULL: none                                        */
	size_t               size;             /* of the options struct                             */
	int                  single;           /* knows one objective only                          */
	int                  repeats;          /* lists may name a choice twice                     */
	int                  paces;            /* sets budgets itself: no scheduler beside it       */
	tt_status          (*open)(struct tt_study *s);
	/* Fill t->x (t->number is set, t->x all NAN); *what: NEW, WAIT or DONE. */
	tt_status          (*ask)(struct tt_study *s, struct trial *t, enum tt_ask *what);
	/* A paced trial may go on: set its budget and answer it, or NULL. */
	struct trial      *(*resume)(struct tt_study *s);
	enum tt_verdict    (*told)(struct tt_study *s, struct trial *t);       /* if it paces       */
	/* Once for each trial: it has ended, or paused for the first time. */
	tt_status          (*seen)(struct tt_study *s, struct trial *t);
};

/* Says how far a trial goes.  Looks at the loss of the first objective. */
struct scheduler {
	const char          *name, *help;
	const struct option *options;
	size_t               size;
	tt_status          (*open)(struct tt_study *s);
	/* Set budget (and place) of a new trial.  TT_ASK_WAIT: none is wanted now. */
	enum tt_ask        (*begin)(struct tt_study *s, struct trial *t);
	void               (*began)(struct tt_study *s, struct trial *t);      /* it does run       */
	struct trial      *(*resume)(struct tt_study *s);
	enum tt_verdict    (*told)(struct tt_study *s, struct trial *t);
	tt_status          (*ended)(struct tt_study *s, struct trial *t);
};

extern const struct sampler   *const samplers[];           /* to a NULL */
extern const struct scheduler *const schedulers[];

extern const struct sampler   sampler_random, sampler_grid, sampler_launch, sampler_sobol,
                              sampler_tpe, sampler_gp, sampler_cmaes, sampler_de, sampler_evolution,
                              sampler_pbt;
extern const struct scheduler scheduler_none, scheduler_median, scheduler_halving, scheduler_asha,
                              scheduler_hyperband;

#endif
