/* thread.h -- work side by side.
 *
 * Two tools, two jobs.  thread_for: a loop split over the compute threads of the
 * calling thread (OpenMP: the pool that oneDNN uses too).  struct queue: a bounded
 * queue between long-lived helper threads (the loader's). */
#ifndef SYS_THREAD_H
#define SYS_THREAD_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Compute threads used by loops and kernels started from this thread.  The
 * setting belongs to the calling thread, so ranks as threads can differ. */
void thread_set_count(int n);
int  thread_count(void);
int  thread_cores(void);                      /* cores this process may use */

/* Call f(ctx, lo, hi) on a static split of [0, n): the same split for the same n
 * and thread count.  Runs inline if n <= grain or there is one thread. */
void thread_for(int64_t n, int64_t grain, void (*f)(void *ctx, int64_t lo, int64_t hi), void *ctx);

double thread_seconds(void);                  /* monotonic clock */

/* From block to restore no handler runs on the calling thread; before may be NULL.  Faults of the
 * thread itself (SIGSEGV and the like) are not blocked. */
void thread_block_signals(sigset_t *before);
void thread_restore_signals(const sigset_t *before);

/* A helper thread (pthread) with a name that ps and gdb show; signals pass it by. */
struct thread;
tt_status thread_start(struct thread **out, const char *name, void (*f)(void *ctx), void *ctx);
void      thread_join(struct thread **t);     /* NULL is fine */
/* The calling thread works in short bursts that others wait for: when it wakes it should have the
 * core at once, not when a computing thread's slice is over.  Best effort. */
void      thread_prefer_soon(void);

/* Bounded queue of pointers.  put blocks while full, get while empty; both give 0
 * after queue_close (get only once drained).  Thread-safe. */
struct queue;
tt_status queue_new(struct queue **out, size_t capacity);
int       queue_put(struct queue *q, void *item);
int       queue_get(struct queue *q, void **item);
void      queue_close(struct queue *q);
void      queue_free(struct queue **q);

#endif
