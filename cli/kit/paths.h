/* paths.h -- where things lie when the user does not say. */
#ifndef KIT_PATHS_H
#define KIT_PATHS_H

#include "base/arena.h"
#include "base/err.h"

/* A new folder RUNS/NAME-YYYYMMDD-HHMMSS[-N], made; *out lies in the arena. */
tt_status paths_new_run(struct arena *a, const char *runs, const char *name, const char **out);

/* The newest such folder that has a checkpoint; TT_ENOENT if there is none. */
tt_status paths_newest_run(struct arena *a, const char *runs, const char *name, const char **out);

/* A run's last checkpoint, or its log, whether there or not. */
tt_status paths_last(struct arena *a, const char *run, const char **out);
tt_status paths_log(struct arena *a, const char *run, const char **out);

/* The kernel cache: `given`, else ${XDG_CACHE_HOME:-~/.cache}/tutti/kernels.txt with its folder
 * made.  *out is NULL where there is no home to write in: then nothing is remembered. */
tt_status paths_kernel_cache(struct arena *a, const char *given, const char **out);

/* The store of runs: `given`, else $TUTTI_STORE, else runs/tutti.db. */
const char *paths_store(const char *given);
/* Where a run is recorded: `given` or $TUTTI_STORE, of which "none" gives NULL; else tutti.db
 * beside
 * the run folder. */
const char *paths_store_given(const char *given);       /* NULL: nobody has said */
tt_status   paths_store_of(struct arena *a, const char *given, const char *run, const char **out);
/* The folder that this one lies in: of "runs/a" it is "runs", of "a" it is ".".  NULL: no
 * memory. */
const char *paths_above(struct arena *a, const char *path);

/* A checkpoint from what was named: a file as it stands; of a run folder its best or last one; of
 * models:NAME@ALIAS what the store of runs says. */
tt_status paths_checkpoint(struct arena *a, const char *name, const char **out);
/* Runs of a cross-validation: of a folder with fold-0, fold-1 ... these, *n of them; else 0. */
tt_status paths_folds(struct arena *a, const char *name, const char ***out, int *n);
int       paths_is_checkpoint(const char *name);        /* by its looks; else it is a spec */

/* What is written must not take the place of what is read: a file, "-" for stdin, or a source with
 * its place and options.  NULL for `out`: nothing is written. */
tt_status paths_spare(const char *out, const char *in);

/* err is what a source that was not found came to.  Relative paths begin where the command is
 * started; where the source's would be found from a folder above the file `beside`, err's text says
 * so.  Passes err on. */
tt_status paths_hint(tt_status err, const char *uri, const char *beside);

#endif
