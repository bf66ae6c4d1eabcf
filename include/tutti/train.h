/* train.h -- run a model over data until it is good enough.
 *
 * A trainer borrows its model and observer and owns the rest.  One trainer, one thread;
 * tt_trainer_stop may be called from anywhere, signal handlers included. */
#ifndef TUTTI_TRAIN_H
#define TUTTI_TRAIN_H

#include <tutti/data.h>
#include <tutti/group.h>
#include <tutti/model.h>
#include <tutti/observer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_trainer tt_trainer;

/* The older way to look: one function, called in the trainer's thread as an observer is, without
 * the metrics.  text: path of the checkpoint, the note, how it ended, or NULL; borrowed for the
 * call. */
typedef void tt_observer_fn(void *ctx, enum tt_event event, const tt_progress *p, const char *text);

typedef struct tt_trainer_opts {
	uint32_t        size;              /* of this struct                                         */
	const char     *run_dir;           /* run folder (none: nothing is written)                  */
	const char     *resume;           /* checkpoint to go on from (none); "auto": last of the run */
	tt_observer_fn *observe;           /* (none); see also tt_trainer_observe                    */
	void           *observe_ctx;
	const char     *kernel_cache;      /* file of measured kernel choices (none: measured anew)  */
	const char     *environment;       /* JSON text the face gathered for the run folder (none)  */
	int             workers;           /* threads that train together (distribute.workers)       */
	tt_group       *group;             /* this process is one rank of it; borrowed until the trainer
	                                    * is freed (none: it is alone, or with `workers`)         */
	const char     *trace;             /* file for chrome://tracing, written at the end by rank 0
	                                    * for all, who must ask for it, too (none)               */
	int           (*stop)(void *ctx);  /* asked while the trainer is made, which may measure for
	                                    * minutes: not 0 ends that with TT_ESTOPPED (never asked) */
	void           *stop_ctx;
	const tt_source *train, *valid;    /* instead of the spec's data.train and data.valid; borrowed
	                                    * until the trainer is freed (those of the spec)         */
} tt_trainer_opts;
#define TT_TRAINER_OPTS(...) (&(tt_trainer_opts){ .size = sizeof(tt_trainer_opts), __VA_ARGS__ })

/* Opens the sources, compiles the programs, reads the checkpoint to resume.  TT_ESTOPPED: o->stop
 * said so; nothing was written but the kernel cache.  With distribute.strategy: ensemble and two
 * workers or more, m becomes the net of all members here: tensors asked for before are gone. */
TT_API tt_status tt_trainer_new(tt_trainer **out, tt_model *m, const tt_trainer_opts *o);
/* Train to the end of the plan.  TT_ESTOPPED after tt_trainer_stop (a checkpoint was written),
 * TT_ENAN if the loss is not finite (the last good checkpoint stays), TT_EPEER if another worker
 * failed, is silent or gone (so does it then; any number of workers can resume it). */
TT_API tt_status tt_trainer_run(tt_trainer *t);
/* One optimizer step, going on to the next epoch by itself; *more is 0 after the last.  Several in
 * a row are faster with workers: only at the end are the last sums waited for. */
TT_API tt_status tt_trainer_step(tt_trainer *t, int *more);
TT_API tt_status tt_trainer_steps(tt_trainer *t, int64_t n, int *more);
TT_API void      tt_trainer_stop(tt_trainer *t);
TT_API const tt_progress *tt_trainer_progress(const tt_trainer *t);
TT_API tt_status tt_trainer_checkpoint(tt_trainer *t, const char *path);
TT_API void      tt_trainer_free(tt_trainer **t);

#ifdef __cplusplus
}
#endif
#endif
