/* thread.h -- work side by side.
 *
 * Two tools, two jobs.  thread_for: a loop split over the compute threads of the calling thread
 * (OpenMP: the pool that oneDNN uses too).  thread_start: a helper thread that lives long (the
 * loader's).  How many threads there may be is policy.h's affair. */
#ifndef SYS_THREAD_H
#define SYS_THREAD_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Compute threads used by loops and kernels started from this thread.  The
 * setting belongs to the calling thread, so ranks as threads can differ; before it is set it is
 * what the policy allows. */
void thread_set_count(int n);
int  thread_count(void);
/* Between the two the libraries behind kernels use so many as well; after leave what the caller
 * had set for loops of its own holds again.  TT_ESUPPORT: it has several, and they
 * are lost. */
struct thread_guard { int before; };
tt_status thread_enter(struct thread_guard *g);
void      thread_leave(const struct thread_guard *g);
/* Do others want the cores?  For who computes long between the two; enter does it, too. */
void thread_look(void);
int  thread_cores(void);                      /* that this process may use: affinity, quota */
/* The calling thread's compute threads are made in this process; in which they were (0: none yet);
 * and was it forked since, so that they are not in it? */
void thread_pool_is_here(void);
int  thread_pool_process(void);
int  thread_pool_is_lost(void);

/* Call f(ctx, lo, hi) on a static split of [0, n): the same split for the same n
 * and thread count.  Runs inline if n <= grain or there is one thread. */
void thread_for(int64_t n, int64_t grain, void (*f)(void *ctx, int64_t lo, int64_t hi), void *ctx);
/* The same with threads that end with the call, so that nothing stays behind: for large loops of
 * who was not asked to compute. */
void thread_for_once(int64_t n, int64_t grain, void (*f)(void *ctx, int64_t lo, int64_t hi),
                     void *ctx);

double thread_seconds(void);                  /* monotonic clock */
/* Seconds for which the calling thread has been ready and had no core; 0: the kernel is silent. */
int    thread_waited(double *seconds);
/* Since *mark, which it moves; 0 at first (*mark 0), and where the kernel is silent. */
double thread_waited_since(double *mark);
/* For how long the most hindered of the calling thread's compute threads had no core, since this
 * was last asked.  It costs a loop over them. */
double thread_hindered(void);

/* From block to restore no handler runs on the calling thread; before may be NULL.  Faults of the
 * thread itself (SIGSEGV and the like) are not blocked. */
void thread_block_signals(sigset_t *before);
void thread_restore_signals(const sigset_t *before);

/* A helper thread (pthread) with a name that ps and gdb show; signals pass it by.  TT_ESUPPORT if
 * the policy allows none. */
struct thread;
tt_status thread_start(struct thread **out, const char *name, void (*f)(void *ctx), void *ctx);
void      thread_join(struct thread **t);     /* NULL is fine; at once if it was lost by a fork */
/* The calling thread works in short bursts that others wait for: when it wakes it should have the
 * core at once, not when a computing thread's slice is over.  Best effort. */
void      thread_prefer_soon(void);

#endif
