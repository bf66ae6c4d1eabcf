/* run_dir.h -- the run folder: the one place that knows its names (drawn in tutti/run.h). */
#ifndef OBSERVE_RUN_DIR_H
#define OBSERVE_RUN_DIR_H

#include <stdint.h>

#include <tutti/run.h>

#include "base/str.h"

/* The path of a file of the folder, in the place of what *out holds. */
tt_status run_dir_path(struct str *out, const char *dir, enum tt_run_file file);
/* Of a numbered checkpoint, "checkpoints/step-00001234.safetensors". */
tt_status run_dir_step_path(struct str *out, const char *dir, int64_t step);

/* Make the folder, if it is not there yet, and drop what writers that were killed have left. */
tt_status run_dir_make(const char *dir);
tt_status run_dir_write(const char *dir, enum tt_run_file file, const char *text);
/* Remove numbered checkpoints, lowest first, until `keep` are left; one that cannot be removed is
 * only one too many. */
tt_status run_dir_keep_steps(const char *dir, int keep);

#endif
