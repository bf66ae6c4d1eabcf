/* shm.h -- a block of memory that other processes of this machine can read where it lies.
 *
 * Whoever may read a process by the kernel (ptrace's rules) may map its shared blocks, and then
 * reads without the kernel and without a copy.  Nobody is asked: a block is found by its address in
 * the other process. */
#ifndef SYS_SHM_H
#define SYS_SHM_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct shm { void *p; size_t size; int fd; };       /* {0}: none                        */
tt_status shm_alloc(struct shm *s, size_t size); /* zeroed, whole pages              */
void      shm_free(struct shm *s);               /* who has mapped it may read on    */

/* What lies around `at` in another process: its addresses [lo, hi), and where they are here; NULL:
 * not in a block of this kind, or not to be mapped.  Valid until shm_unmap, as long as that
 * block is meant: addresses of blocks that are freed may be given again. */
struct shm_view { const char *lo, *hi, *here; };
void shm_map(pid_t pid, const void *at, struct shm_view *out);
void shm_unmap(struct shm_view *v);

#endif
