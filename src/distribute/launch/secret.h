/* secret.h -- what the workers of a job know and nobody else, without which none is listened to.
 *
 * It comes from a file, an environment variable or a pipe, never from a command line: those are for
 * everybody to read.  Reads the environment: it belongs to a face. */
#ifndef LAUNCH_SECRET_H
#define LAUNCH_SECRET_H

#include <stddef.h>

#include "base/err.h"

#define SECRET_MAX 256
struct secret { unsigned char bytes[SECRET_MAX]; size_t n; };

/* From the file that is named, or by TUTTI_SECRET_FILE, or what TUTTI_SECRET says; else from this
 * user's own file (~/.config/tutti/secret), which is made when there is none.  TT_EINVAL: others
 * may read the file, or there is too little in it. */
tt_status secret_find(const char *file, struct secret *out);
/* A new one, as text. */
tt_status secret_make(struct secret *out);
/* Without the line's end; TT_EINVAL: too short or too long. */
tt_status secret_set(struct secret *out, const char *text, const char *where);

#endif
