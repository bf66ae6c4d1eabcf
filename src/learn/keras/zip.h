/* zip.h -- a .keras file is a zip of a few members. */
#ifndef KERAS_ZIP_H
#define KERAS_ZIP_H

#include <stddef.h>

#include "base/err.h"

/* most: bytes; 0: what a file of this size may hold. */
struct zip_wanted { const char *name; size_t most; };
struct zip_member { const char *name; const void *bytes; size_t n; };

/* A member into memory: mem_free.  TT_EFORMAT: there is none of it, it has more bytes than wanted,
 * or the zip is damaged. */
tt_status zip_read(const char *path, const struct zip_wanted *w, char **bytes, size_t *n);
/* A whole file, members as they are, without compression. */
tt_status zip_write(const char *path, const struct zip_member *m, int n);

#endif
