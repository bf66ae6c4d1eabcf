/* runtime.h -- what a program that embeds tutti allows it: threads, memory, patience.
 *
 * One policy for the process.  Loading the library starts no thread and changes nothing that others
 * see; nor does it read the environment.  What calls change for a while (the number of OpenMP's
 * threads, the signals that reach the calling thread) is as before when they return. */
#ifndef TUTTI_RUNTIME_H
#define TUTTI_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_runtime {
	uint32_t size;                     /* of this struct                                         */
	int      threads;                  /* most threads that compute in one call (a core each);
	                                    * 1: no thread is ever started, calls work on their own   */
	/* All of tutti's own memory; both or none (the C library's).  alloc: aligned as malloc's, NULL
	 * if there is none.  free: of what alloc gave, from whichever thread. */
	void  *(*alloc)(void *ctx, size_t bytes);
	void   (*free)(void *ctx, void *p);
	/* Asked now and then by calls that take long, on the thread that computes: between steps of
	 * training, layers of a prediction, measured kernels.  Not 0 ends the call with TT_ESTOPPED. */
	int    (*interrupted)(void *ctx);
	void    *ctx;                      /* for all                                                */
	/* Told what takes long, such as "measuring kernels: conv3", again and again while it does, and
	 * NULL when it is over; on the thread that is at it, which waits.  (nobody is told)         */
	void   (*doing)(void *ctx, const char *what);
} tt_runtime;
#define TT_RUNTIME(...) (&(tt_runtime){ .size = sizeof(tt_runtime), __VA_ARGS__ })

/* Before other calls, and not while one is at work; NULL: back to the defaults.  TT_EINVAL: a
 * function is missing, or the allocator would change while memory of the old one is in use. */
TT_API tt_status tt_runtime_set(const tt_runtime *r);

#ifdef __cplusplus
}
#endif
#endif
