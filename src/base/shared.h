/* shared.h -- a block of memory that other processes of this machine can read where it lies.
 *
 * Whoever may read a process by the kernel (ptrace's rules) may map its shared blocks, and then
 * reads without the kernel and without a copy.  Nobody is asked: a block is found by its address in
 * the other process. */
#ifndef BASE_SHARED_H
#define BASE_SHARED_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct shared { void *p; size_t size; int fd; };       /* {0}: none                        */
tt_status shared_alloc(struct shared *s, size_t size); /* zeroed, whole pages              */
void      shared_free(struct shared *s);               /* who has mapped it may read on    */

/* What lies around `at` in another process: its addresses [lo, hi), and where they are here; NULL:
 * not in a block of this kind, or not to be mapped.  Valid until shared_unmap, as long as that
 * block is meant: addresses of blocks that are freed may be given again. */
struct shared_view { const char *lo, *hi, *here; };
void shared_map(pid_t pid, const void *at, struct shared_view *out);
void shared_unmap(struct shared_view *v);

#endif
