/* run.h -- run folders: what a training leaves behind, and where.
 *
 *   RUNS/NAME-20260101-120000/
 *     spec.yaml  environment.json  log.txt  metrics.csv  curves.svg  events.out.tfevents...
 *     run.id                       what a store of runs knows it by
 *     track.json                   which run of a tracking server this is
 *     lock                         while a trainer has it: a second one gets TT_EBUSY
 *     checkpoints/last.safetensors  best.safetensors  step-00001234.safetensors ...
 *
 * A trainer fills the folder it is given (tt_trainer_opts.run_dir); these calls make one, find one
 * and name what is in it.  Paths are owned by the caller: tt_free.  Safe from any thread. */
#ifndef TUTTI_RUN_H
#define TUTTI_RUN_H

#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tt_run_file { TT_RUN_SPEC, TT_RUN_ENVIRONMENT, TT_RUN_LOG, TT_RUN_METRICS, TT_RUN_CURVES,
                   TT_RUN_LAST, TT_RUN_BEST, TT_RUN_ID, TT_RUN_TRACK };

/* The path of one of its files, whether there or not. */
TT_API tt_status tt_run_path(const char *run, enum tt_run_file file, char **out);

/* Make a new folder RUNS/NAME-YYYYMMDD-HHMMSS[-N]; two made at once never share one. */
TT_API tt_status tt_run_new(const char *runs, const char *name, char **out);
/* The folder of that name whose last checkpoint is the newest.  TT_ENOENT: there is none. */
TT_API tt_status tt_run_newest(const char *runs, const char *name, char **out);
/* A checkpoint from what was named: a file as it stands; of a run folder its best or last one.
 * TT_ENOENT: a folder without either. */
TT_API tt_status tt_run_checkpoint(const char *name, char **out);

/* Call f for each run folder in RUNS, in order of names; what it returns other than TT_OK ends it
 * and comes back.  The path is borrowed for the call. */
typedef tt_status tt_run_fn(void *ctx, const char *run);
TT_API tt_status tt_run_each(const char *runs, tt_run_fn *f, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
