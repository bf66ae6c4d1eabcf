/* tuning_cache.h -- which implementation was fastest, remembered in a file.
 *
 *   tutti-kernels 1
 *   <machine> <TAB> <node> <TAB> device/variant <TAB> microseconds
 *
 * A text file of lines, appended whole, so that several processes may share it; rows of other
 * machines are kept.  Measuring happens in program_new only.  Single-threaded. */
#ifndef EXEC_TUNING_CACHE_H
#define EXEC_TUNING_CACHE_H

#include "base/err.h"

struct kernel_cache;

/* path NULL: kept in memory only.  A missing file is an empty cache; a damaged line is skipped.
 * machine: what choices depend on (CPU, libraries); no tab or newline in it. */
tt_status   kernel_cache_open(struct kernel_cache **out, const char *path, const char *machine);
void        kernel_cache_close(struct kernel_cache **c);          /* saves what can be saved */
const char *kernel_cache_get(const struct kernel_cache *c, const char *key);       /* or NULL */
tt_status   kernel_cache_put(struct kernel_cache *c, const char *key, const char *choice,
                             double us);
/* For as long as c is open; what the file holds is not overruled. */
tt_status   kernel_cache_note(struct kernel_cache *c, const char *key, const char *choice);
/* Add the rows of a file's text, which is taken to pieces. */
tt_status   kernel_cache_parse(struct kernel_cache *c, char *text);
/* Append the new rows to the file. */
tt_status   kernel_cache_save(struct kernel_cache *c);

#endif
