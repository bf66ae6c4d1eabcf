/* run.h -- a run that is being made ready: its words, spec, folder, model and trainer. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include <tutti/store.h>
#include <tutti/track.h>
#include <tutti/train.h>

#include "base/arena.h"
#include "base/str.h"
#include "kit/flags.h"
#include "kit/specfile.h"
#include "launch/launch.h"
#include "print/progress.h"
#include "train/epochs.h"

struct train_args {
	struct common    common;
	struct flag_list set, keep;
	const char      *store;
	const char      *run, *runs, *resume, *kernel_cache, *trace, *track, *experiment;
	const char      *epochs, *threads, *seed, *tune_kernels;     /* they change `set` */
	const char      *strategy;
	struct launch_args launch;
	int              dry_run, launched, report;
	int64_t          folds;
};

/* What a spec says that people are told. */
struct facts {
	const char *name, *strategy;
	int         epochs, batch, micro_batch, threads, workers;
	double      timeout;
};

/* All that a run holds; released in one place. */
struct run {
	const struct train_args *args;
	const char      *spec;                 /* the file                  */
	const struct words *line;              /* the whole command line    */
	struct arena    *arena;
	struct specfile  file;
	struct facts     facts;                /* of it                     */
	tt_model        *model;
	tt_trainer      *trainer;
	tt_recorder     *recorder;             /* writes into a store; NULL: nobody does */
	tt_tracker      *tracker;              /* NULL: no server is told          */
	tt_origins      *origins;              /* of the model's numbers; NULL: drawn, or its own */
	tt_worker       *worker;               /* of a launcher; NULL: none */
	tt_group        *group;                /* then: where it trains     */
	int64_t          first_step;           /* steps done before         */
	struct progress  progress;
	struct epochs    epochs;
	struct str       environment;
	const char      *dir, *resume, *kernel_cache;
	int              made_new;             /* the folder is a new one of --runs    */
	int              made_runs;            /* which is new as well                 */
	int              made_dir;             /* the folder is ours, and empty so far */
};

/* The spec with all that the options change, and what it says. */
tt_status run_load_spec(struct run *r);
/* Under a launcher: meet the others. */
tt_status run_join(struct run *r);
/* Which folder, and what it goes on from; the workers that others start have none. */
tt_status run_choose_place(struct run *r);
/* All of these, model and trainer. */
tt_status run_prepare(struct run *r);
/* Only the first worker has a folder; the others know that there is one. */
int       run_is_first(const struct run *r);
void      run_release(struct run *r);

#endif
