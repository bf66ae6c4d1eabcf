/* policy.h -- what the process that embeds the library allows: threads, and going on.
 *
 * The one state of this folder.  It is set before the library works, and read by whoever starts a
 * thread, splits a loop, or works for so long that somebody may lose patience. */
#ifndef SYS_POLICY_H
#define SYS_POLICY_H

#include "base/err.h"

#define THREADS_MAX 4096                /* that anybody may ask for */

struct policy {
	int   threads;                    /* that compute in one call; 0: as many as there are cores;
	                                   * 1: and no other thread is ever started               */
	int (*interrupted)(void *ctx);    /* not 0: give up; NULL: never.  Any thread may ask     */
	void *ctx;
	void (*doing)(void *ctx, const char *what);    /* told what takes long; NULL: nobody       */
};
void policy_set(const struct policy *p);
struct policy policy_get(void);

/* Compute threads for who asked for so many; 0: for all that the calling thread can have. */
int policy_threads(int asked);
/* Place `part` of `parts` that share so many, the first ones one more where it does not divide; at
 * least 1. */
int policy_share(int threads, int part, int parts);
/* May helper threads be started?  Who works well enough without asks first. */
int policy_may_start(void);

int policy_interrupted(void);
/* TT_ESTOPPED, with a text that says what was given up, if the process wants that. */
tt_status policy_check(const char *doing);
/* Says what takes long; NULL: it is over. */
void policy_tell(const char *doing);

#endif
