/* trainer.h -- what the files of a trainer share.
 *
 *   trainer.c   made and freed            checkpoint.c  to a checkpoint and back
 *   run.c       steps in a row, the end   step.c        a batch for the learner
 *   epoch.c     the end of an epoch       run_dir (observe/)  the run folder
 *   local_workers.c  ranks that are threads of this process
 *   ensemble.c  nets that become one      stacking.c    the net behind them
 *
 * The place of a run is `at` and `epoch_sums` with the model, the optimizer's slots and `watch`:
 * that, and nothing else, is in a checkpoint, so that a resumed run cannot be told from one that
 * was never stopped. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include <stdatomic.h>
#include <sys/types.h>

#include <tutti/train.h>

#include "base/str.h"
#include "data/loader.h"
#include "learn/nn/model.h"
#include "learn/learner/learner.h"
#include "learn/predict/evaluator.h"
#include "learn/predict/metrics.h"
#include "learn/spec/spec.h"
#include "learn/train/ensemble.h"
#include "learn/train/local_workers.h"
#include "learn/observe/observers.h"
#include "learn/train/monitor.h"

struct place {
	int64_t step;                /* optimizer steps done                               */
	int64_t epoch;               /* in progress, from 0                                */
	int64_t consumed;            /* samples of it that are done                        */
};

/* Sums since numbers were last written down. */
struct interval { double loss; int64_t samples, correct; };

/* Where the time goes: only training counts for the speed. */
struct pace {
	double start;                /* of this process' part of the run                   */
	double mark;                 /* end of the last step, or of what came between      */
	double seconds;              /* in the open window                                 */
	int64_t samples;             /* in the open window                                 */
	int64_t windows;             /* that were closed                                   */
	double valid_seconds;        /* of the last validation                             */
};

struct trace;

struct tt_trainer {
	pid_t                    process;     /* that made it; threads and files are there           */
	tt_model                *model;       /* borrowed; of an ensemble: this rank's member, owned */
	struct ensemble         *ensemble;    /* NULL: all ranks have one model                      */
	const struct train_opts *opts;        /* of its spec */
	struct engine           *engine;
	tt_source               *train_source, *valid_source;    /* valid may be NULL */
	struct loader           *loader;
	struct learner          *learner;
	struct evaluator        *evaluator;   /* NULL: no validation */

	struct place             at;
	struct metrics           epoch_sums;
	struct monitor             watch;
	tt_progress              progress;
	struct interval          interval;
	struct pace              pace;
	const struct batch      *batch;       /* of the step being told; else NULL */

	struct str               dir, last, best;                /* paths; dir empty: no folder */
	struct str               last_good;   /* newest checkpoint written or resumed, or empty */
	struct observers         observers;

	int64_t                  resumed;     /* steps done before this process */
	struct str               note;        /* to be told at the start        */
	int                      started, ended;
	atomic_int               stop;        /* was asked for, here            */
	const tt_trainer_opts   *making;      /* until it is made, else NULL    */
	int                      stopping;    /* all ranks have agreed to it    */

	struct comm             *comm;        /* this rank's end of the group   */
	struct comm             *self;        /* that, if it is alone: owned    */
	struct local_workers    *group;       /* rank 0: the other threads      */
	struct local_shared     *shared;      /* with all of them, or NULL: they wait for one another */
	struct trace            *trace;       /* NULL: none                     */
	struct str               trace_path;  /* of who writes it               */
	int                      saves;       /* somebody writes checkpoints    */
	int                      save_due;    /* at the next exchange           */
	int                      borrows;     /* its sources are rank 0's       */
	int                      running;     /* inside step or run             */
	struct affinity_stay        stay;        /* as a thread among others       */
};

/* Alone, a wish to stop is enough; together it counts when all know it. */
static inline int trainer_stopping(const struct tt_trainer *t)
{
	return t->comm->size > 1 ? t->stopping : atomic_load(&t->stop);
}

/* What is validated and saved. */
static inline tt_model *trainer_whole(const struct tt_trainer *t)
{
	return t->ensemble ? t->ensemble->whole : t->model;
}

static inline int trainer_rank(const struct tt_trainer *t) { return t->comm->rank; }
static inline int trainer_world(const struct tt_trainer *t) { return t->comm->size; }

/* As many as in training are computed at once, of all workers together. */
int trainer_eval_batch(const struct tt_trainer *t);

/* trainer.c: a new one for the whole as it is now; none if there is nothing to validate on. */
tt_status trainer_evaluator(struct tt_trainer *t);

/* step.c: one batch through the net; *more is 0 if the epoch had none left. */
tt_status trainer_batch(struct tt_trainer *t, int *more);
/* Numbers of all ranks, if they have been exchanged. */
void      trainer_take(struct tt_trainer *t, const struct learner_result *r);
/* To the text of TT_ENAN: the last good checkpoint, and what may help.  Others as they are. */
tt_status trainer_not_finite(const struct tt_trainer *t, tt_status st);

/* epoch.c: validate, remember the best, write checkpoints, go to the next epoch. */
tt_status trainer_epoch_end(struct tt_trainer *t);
int       trainer_done(const struct tt_trainer *t);
/* join.c: collective, before the first step: are we the same, and from where do we start? */
tt_status trainer_join(struct tt_trainer *t);
/* Around checkpoints and validation: learner_consolidate. */
tt_status trainer_consolidate(struct tt_trainer *t);
/* An error ends the training of all. */
void      trainer_give_up(struct tt_trainer *t);
tt_status trainer_write_trace(struct tt_trainer *t);

/* checkpoint.c */
tt_status checkpoint_save(struct tt_trainer *t, const char *path); /* and tell the observers */
tt_status checkpoint_load(struct tt_trainer *t, const char *path);
tt_status checkpoint_save_step(struct tt_trainer *t);          /* step-N; drops old ones */
tt_status checkpoint_share_place(struct tt_trainer *t);        /* all stand where rank 0 does */

/* run.c: tell all observers. */
tt_status trainer_tell(struct tt_trainer *t, enum tt_event e, struct observation *w);
tt_status trainer_note(struct tt_trainer *t, const char *text);

/* epoch.c: the running numbers in t->progress after a step. */
void trainer_measure(struct tt_trainer *t, int samples);
void trainer_measure_wire(struct tt_trainer *t);

#endif
