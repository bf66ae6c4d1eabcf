/* trainer_own.h -- what a trainer is.  No function: who works on which part of it stands below,
 * lowest first, and each calls only those before it.
 *
 *   monitor, sources, local_workers, class_weights, stacking < ensemble    know no trainer
 *   tell        observers, and what an error says     progress   numbers and speed
 *   validation  how good is it?                       rest       of an epoch that is leased
 *   checkpoint  to a file and back
 *   step        a batch through the learner           join       ranks begin alike
 *   epoch       what happens between epochs           run        steps in a row, the end
 *   trainer     made and freed
 *
 * The place of a run is `at` and `epoch_sums` with the model, the optimizer's slots and `watch`:
 * that, and nothing else, is in a checkpoint, so that a resumed run cannot be told from one that
 * was never stopped. */
#ifndef TRAIN_TRAINER_OWN_H
#define TRAIN_TRAINER_OWN_H

#include <stdatomic.h>
#include <sys/types.h>

#include <tutti/train.h>

#include "base/str.h"
#include "data/loader.h"
#include "learn/nn/model.h"
#include "learn/learner/learner.h"
#include "learn/predict/evaluator.h"
#include "learn/score/metrics.h"
#include "learn/spec/spec.h"
#include "learn/observe/observers.h"
#include "learn/train/class_weights.h"
#include "learn/train/ensemble/ensemble.h"
#include "learn/train/local_workers.h"
#include "learn/train/monitor.h"

struct place {
	int64_t step;                /* optimizer steps done                               */
	int64_t epoch;               /* in progress, from 0                                */
	int64_t consumed;            /* samples of it that are done                        */
};

/* Sums since numbers were last written down. */
struct interval { int64_t samples; double loss, weight, correct, part[METRICS_PARTS]; };

/* Where the time goes: only training counts for the speed. */
struct pace {
	double start;                /* of this process' part of the run                   */
	double mark;                 /* end of the last step, or of what came between      */
	double seconds;              /* in the open window                                 */
	int64_t samples;             /* in the open window                                 */
	int64_t windows;             /* that were closed                                   */
	double valid_seconds;        /* of the last validation                             */
	int size[2], sizes;          /* batches met so far: whole ones and the rest        */
	int programs;                /* of the learner's, when a step was last measured    */
	double counted_seconds;      /* in steps of sizes that had been met before         */
	int64_t counted;             /* samples of those                                   */
};

struct run_lock;
struct trace;

/* Sources that this trainer does not close. */
enum { LENT_TRAIN = 1, LENT_VALID = 2 };

struct tt_trainer {
	pid_t                    process;     /* that made it; threads and files are there           */
	tt_model                *model;       /* borrowed; of an ensemble: this rank's member   */
	tt_model                *given;       /* of a peer: owned, else NULL                         */
	struct ensemble         *ensemble;    /* NULL: all ranks have one model                      */
	const struct train_opts *opts;        /* of its spec */
	struct engine           *engine;
	tt_source               *train_source, *valid_source;    /* valid may be NULL */
	tt_source               *train_base;  /* of which train_source is a view, or NULL */
	struct loader           *loader;
	struct learner          *learner;
	struct class_weights    *class_weights;   /* NULL: all weigh alike */
	struct evaluator        *evaluator;   /* NULL: no validation */

	struct place             at;
	struct lease_rest        rest;        /* of a pool, as it was saved or loaded last */
	struct metrics           epoch_sums;
	struct monitor           watch;
	struct monitor_seen      seen;        /* of the last epoch, the last validation */
	tt_progress              progress;
	const char              *loss_name[METRICS_PARTS];   /* what progress shows of them  */
	double                   loss_part[METRICS_PARTS];
	struct interval          interval;
	struct pace              pace;
	const struct batch      *batch;       /* of the step being told; else NULL */

	struct str               dir, last, best;                /* paths; dir empty: no folder */
	struct run_lock         *lock;        /* of the folder; NULL: none, or not yet */
	int                      dir_was_new; /* no run was there when we came         */
	struct str               last_good;   /* newest checkpoint written or resumed, or empty */
	struct observers         observers;
	struct { tt_status status; char text[ERR_MAX]; } trouble;   /* the first that one had */

	int64_t                  resumed;     /* steps done before this process */
	struct str               note;        /* to be told at the start        */
	int                      weightless;  /* a step that taught nothing was told            */
	int                      started, ended;
	atomic_int               stop;        /* was asked for, here            */
	const tt_trainer_opts   *making;      /* until it is made, else NULL    */
	int                      unsure;      /* the data may be no good yet: nothing is measured */
	int                      stopping;    /* all ranks have agreed to it    */

	struct comm             *comm;        /* this rank's end of the group   */
	struct comm             *self;        /* that, if it is alone: owned    */
	struct local_workers    *group;       /* rank 0: the other threads      */
	struct local_shared     *shared;      /* with all of them, or NULL: they wait for one another */
	struct trace            *trace;       /* NULL: none                     */
	struct str               trace_path;  /* of who writes it               */
	int                      saves;       /* somebody writes checkpoints    */
	int                      save_due;    /* at the next exchange           */
	int                      lent;        /* sources that are rank 0's or the caller's */
	int                      borrows;     /* it is a peer: what ranks share is rank 0's */
	int                      running;     /* inside step or run             */
	struct affinity_stay     stay;        /* as a thread among others       */
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

/* Of rank 0: another rank of this process. */
static inline struct tt_trainer *trainer_peer(const struct tt_trainer *t, int rank)
{
	return local_workers_peer(t->group, rank);
}

static inline int trainer_rank(const struct tt_trainer *t) { return t->comm->rank; }
static inline int trainer_world(const struct tt_trainer *t) { return t->comm->size; }

#endif
