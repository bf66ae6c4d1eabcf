/* run_lock.h -- one run folder, one run: who trains in it holds its lock.
 *
 *   RUN/lock     pid, host and a count that its holder raises every few seconds (its beat)
 *
 * The file is locked by flock, which ends with its holder, however that ends.  Some file systems
 * have no flock: there RUN/lock.1, lock.2 ... take its place.  Who can make the next number holds
 * the lock, once the one before has been given back, its process is gone, or, on another machine,
 * its beat has stopped.  And where flock is a matter of each machine alone, the beat tells that the
 * holder lives on another.
 *
 * One per run: its first worker's.  A fork has a copy that does not count. */
#ifndef OBSERVE_RUN_LOCK_H
#define OBSERVE_RUN_LOCK_H

#include "base/err.h"

struct run_lock;

enum run_lock_way { RUN_LOCK_FLOCK, RUN_LOCK_NUMBERS };
struct run_lock_how {
	enum run_lock_way way;
	double beat, patience;              /* seconds between beats; and without one, until a holder
	                                     * on another machine is given up                       */
	int  (*stop)(void *ctx);            /* not 0: do not wait any longer; NULL: never           */
	void  *ctx;
};
extern const struct run_lock_how run_lock_usual;

/* TT_EBUSY names the holder.  The folder is there. */
tt_status run_lock_take(struct run_lock **out, const char *dir, const struct run_lock_how *how);
/* Before anything is written: is it still ours?  TT_EBUSY: this process slept for so long, or the
 * file system lets two have it. */
tt_status run_lock_check(const struct run_lock *l);         /* NULL is fine */
void      run_lock_give(struct run_lock **l);               /* NULL is fine */

#endif
