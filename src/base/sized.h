/* sized.h -- structs that begin with `uint32_t size` and may come from an older or newer caller.
 *
 *   older caller:  | size | a | b |            fields it does not know are zero, their default
 *   this library:  | size | a | b | c |
 *   newer caller:  | size | a | b | c | d |    good as long as what we do not know is zero */
#ifndef BASE_SIZED_H
#define BASE_SIZED_H

#include <stddef.h>

#include "base/err.h"

/* Copy the caller's struct into *out of `size` bytes; out->size becomes `size`.  `least`: bytes
 * that even the oldest caller has: the offset of the first field that may be left out (never
 * sizeof, which grows).  TT_EINVAL names the struct: NULL, too small, or an unknown part that is
 * not zero.  *out is then as it was. */
tt_status sized_take(void *out, size_t size, const void *in, size_t least, const char *name);

/* The same of an options struct, which may be NULL or as short as its size: all defaults, zero. */
tt_status sized_options(void *out, size_t size, const void *in, const char *name);

/* Hand out our struct `in` of `size` bytes to a caller who has set out->size: as much of it as
 * there is room for; a longer tail is zeroed and out->size stays.  TT_EINVAL: NULL, or no size. */
tt_status sized_give(void *out, const void *in, size_t size, const char *name);

#endif
