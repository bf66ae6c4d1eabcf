/* trainer.h -- what the files of a trainer share.
 *
 *   trainer.c   made and freed            state.c   to a checkpoint and back
 *   run.c       steps in a row, the end   step.c    one step     pieces.c  of a share in pieces
 *   epoch.c     the end of an epoch       folder.c  the run folder and its observers (observe/)
 *   together.c  a rank among others       group.c   ranks that are threads of this process
 *   ensemble.c  nets that become one      combiner.c  the net behind them
 *
 * The place of a run is `at` and `epoch_sums` with the model, the optimizer's slots and `watch`:
 * that, and nothing else, is in a checkpoint, so that a resumed run cannot be told from one that
 * was never stopped. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include <stdatomic.h>

#include <tutti/train.h>

#include "sys/shm.h"
#include "base/str.h"
#include "data/loader.h"
#include "learn/nn/model.h"
#include "optim/optim.h"
#include "learn/predict/program_cache.h"
#include "learn/predict/evaluator.h"
#include "learn/predict/metrics.h"
#include "learn/predict/target.h"
#include "learn/train/ensemble.h"
#include "learn/train/local_workers.h"
#include "learn/observe/observer.h"
#include "learn/train/microbatch.h"
#include "learn/train/data_parallel.h"
#include "learn/train/monitor.h"

#define OBSERVERS_MAX 4

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

/* The step in progress. */
struct share {
	int64_t             pieces, piece;    /* how many; the one under way */
	struct batch        batch;            /* of that one                 */
	struct program     *program;
	int                 holds;            /* gradients of those before   */
	/* Of a rank among others: */
	int                 turned;           /* backward has begun          */
	tt_status           status;           /* of its sync_grad_ready           */
};

struct trace;

struct tt_trainer {
	tt_model                *model;       /* borrowed; of an ensemble: this rank's member, owned */
	struct ensemble         *ensemble;    /* NULL: all ranks have one model                      */
	const struct train_opts *opts;        /* of its spec */
	struct engine           *engine;
	tt_source               *train_source, *valid_source;    /* valid may be NULL */
	struct loader           *loader;
	struct target            target;
	struct program_cache         *programs;
	struct evaluator        *evaluator;   /* NULL: no validation */
	struct optim            *optim;
	float                   *grads;
	struct shm            shared;      /* where grads lie, or {0}                     */
	float                   *held;        /* those of pieces; NULL: a share is one piece */
	struct nn_group          among;       /* other ranks                                 */
	struct nn_factored      *factored;    /* weights whose gradients travel as factors   */
	int                      n_factored;

	struct place             at;
	struct metrics           epoch_sums;
	struct monitor             watch;
	tt_progress              progress;
	struct interval          interval;
	struct pace              pace;
	const struct batch      *batch;       /* of the step being told; else NULL */

	struct str               dir, last, best;                /* paths; dir empty: no folder */
	struct str               last_good;   /* newest checkpoint written or resumed, or empty */
	struct observer         *observer[OBSERVERS_MAX];
	int                      n_observers;
	tt_observer_fn          *observe;
	void                    *observe_ctx;

	int64_t                  resumed;     /* steps done before this process */
	struct str               note;        /* to be told at the start        */
	int                      started, ended;
	atomic_int               stop;        /* was asked for, here            */
	const tt_trainer_opts   *making;      /* until it is made, else NULL    */
	int                      stopping;    /* all ranks have agreed to it    */

	struct comm             *comm;        /* this rank's end; NULL: alone   */
	struct local_workers            *group;       /* rank 0: the other threads      */
	struct sync             *sync;        /* from the first step on         */
	struct share             share;
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
	return t->comm ? t->stopping : atomic_load(&t->stop);
}

/* What is validated and saved. */
static inline tt_model *trainer_whole(const struct tt_trainer *t)
{
	return t->ensemble ? t->ensemble->whole : t->model;
}

static inline int trainer_rank(const struct tt_trainer *t) { return t->comm ? t->comm->rank : 0; }
static inline int trainer_world(const struct tt_trainer *t) { return t->comm ? t->comm->size : 1; }

/* As many as in training, of all workers together. */
static inline int trainer_eval_batch(const struct tt_trainer *t)
{
	const int64_t pieces = microbatch_of(t, t->opts->batch);

	if (t->opts->eval_batch)
		return t->opts->eval_batch;
	return (int)((t->opts->batch + pieces - 1) / pieces);
}

/* trainer.c: a new one for the whole as it is now; none if there is nothing to validate on. */
tt_status trainer_evaluator(struct tt_trainer *t);

/* step.c: one batch through the net; *more is 0 if the epoch had none left. */
tt_status trainer_batch(struct tt_trainer *t, int *more);
void      trainer_add_metrics(const struct tt_trainer *t, struct metrics *m);     /* of the piece */
tt_status trainer_not_finite(const struct tt_trainer *t, const char *what, int64_t step);

/* epoch.c: validate, remember the best, write checkpoints, go to the next epoch. */
tt_status trainer_epoch_end(struct tt_trainer *t);
int       trainer_done(const struct tt_trainer *t);
/* Does each rank make a part of the products of factors, by the thread that talks? */
int       trainer_shares_products(const struct tt_trainer *t);

/* state.c */
tt_status checkpoint_save(struct tt_trainer *t, const char *path); /* and tell the observers */
tt_status checkpoint_load(struct tt_trainer *t, const char *path);
tt_status checkpoint_save_step(struct tt_trainer *t);          /* step-N; drops old ones */
tt_status checkpoint_share_place(struct tt_trainer *t);        /* all stand where rank 0 does */

/* folder.c */
tt_status run_dir_paths(struct tt_trainer *t, const char *dir);
tt_status run_dir_make(struct tt_trainer *t, const char *environment);
tt_status trainer_observers(struct tt_trainer *t);

/* run.c: tell all observers. */
tt_status trainer_tell(struct tt_trainer *t, enum tt_event e, struct observation *w);
tt_status trainer_note(struct tt_trainer *t, const char *text);

/* epoch.c: the running numbers in t->progress after a step. */
void trainer_measure(struct tt_trainer *t, int samples);

#endif
